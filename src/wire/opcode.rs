//! What a frame asks for, and who may ask.

use crate::limits::{FRAME_ITEMS_MAX, QUERY_ITEMS_MAX};
use crate::types::Role;

/// Set in the opcode of a reply.
pub const REPLY_BIT: u8 = 0x80;

/// Opcode of an error frame.
pub const ERROR: u8 = 0xFF;

/// Opcode of a stock event, pushed by the server with the request id of the subscription.
pub const STOCK_EVENT: u8 = 0xC3;

macro_rules! opcodes {
    ($(
        $(#[$doc:meta])+
        $variant:ident = $number:literal, $name:literal, $role:ident, $items:expr;
    )+) => {
        /// What a request frame asks for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Opcode {
            $($(#[$doc])+ $variant = $number,)+
        }

        impl Opcode {
            /// Every opcode, in order of its number.
            pub const ALL: &'static [Opcode] = &[$(Self::$variant),+];

            /// The opcode with this number, if there is one.
            #[must_use]
            pub const fn from_u8(value: u8) -> Option<Self> {
                match value {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The lower-case name used in documents, metrics and logs.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The least role that may send it.
            #[must_use]
            pub const fn role_min(self) -> Role {
                match self { $(Self::$variant => Role::$role,)+ }
            }

            /// Most items of one frame.
            #[must_use]
            pub const fn items_max(self) -> usize {
                match self { $(Self::$variant => $items,)+ }
            }
        }
    };
}

opcodes! {
    /// Names the token, the tenant and the client; first frame of every connection.
    Hello = 0x01, "hello", ReadOnly, 1;
    /// Echoes up to 64 bytes.
    Ping = 0x02, "ping", ReadOnly, 1;
    /// Counters of the shard.
    Statistics = 0x03, "statistics", ReadOnly, 1;
    /// Handles of SKUs by name, defining what is new.
    DefineSku = 0x10, "define_sku", Operator, FRAME_ITEMS_MAX;
    /// Handles of SKUs by name.
    ResolveSku = 0x11, "resolve_sku", ReadOnly, FRAME_ITEMS_MAX;
    /// Handles of locations by name, defining what is new.
    DefineLocation = 0x12, "define_location", Operator, FRAME_ITEMS_MAX;
    /// Handles of locations by name.
    ResolveLocation = 0x13, "resolve_location", ReadOnly, FRAME_ITEMS_MAX;
    /// Stock arrived.
    Receive = 0x20, "receive", Operator, FRAME_ITEMS_MAX;
    /// Correct on hand by a difference.
    Adjust = 0x21, "adjust", Operator, 1;
    /// Set on hand, if it is what is expected.
    Set = 0x22, "set", Operator, 1;
    /// Move available units to another location.
    Transfer = 0x23, "transfer", Operator, 1;
    /// Move units between the buckets of one cell.
    Move = 0x24, "move", Operator, 1;
    /// Take orders.
    Reserve = 0x30, "reserve", Connector, FRAME_ITEMS_MAX;
    /// Confirm holds in full.
    Confirm = 0x31, "confirm", Connector, FRAME_ITEMS_MAX;
    /// Confirm some lines of a hold and release the rest.
    ConfirmLines = 0x32, "confirm_lines", Connector, 1;
    /// Give holds back.
    Release = 0x33, "release", Connector, FRAME_ITEMS_MAX;
    /// Let holds end later.
    Extend = 0x34, "extend", Connector, FRAME_ITEMS_MAX;
    /// Cancel orders that have not shipped.
    Cancel = 0x35, "cancel", Connector, FRAME_ITEMS_MAX;
    /// Units of an order leave for good.
    Ship = 0x36, "ship", Operator, 1;
    /// Shipped units come back.
    Return = 0x37, "return", Operator, 1;
    /// Quantities of SKUs at their locations.
    QueryStock = 0x40, "query_stock", ReadOnly, QUERY_ITEMS_MAX;
    /// Orders with their lines.
    QueryOrder = 0x41, "query_order", ReadOnly, QUERY_ITEMS_MAX;
    /// Stock events for some or all SKUs from now on.
    SubscribeStock = 0x42, "subscribe_stock", ReadOnly, QUERY_ITEMS_MAX;
    /// A page of the tenant's SKUs.
    ListSkus = 0x44, "list_skus", ReadOnly, 1;
    /// A page of the tenant's locations.
    ListLocations = 0x45, "list_locations", ReadOnly, 1;
}

impl Opcode {
    /// The opcode of the reply.
    #[must_use]
    pub const fn reply(self) -> u8 {
        self as u8 | REPLY_BIT
    }

    /// The request that a reply opcode answers; `None` for error frames and stock events.
    #[must_use]
    pub const fn from_reply(value: u8) -> Option<Self> {
        if value & REPLY_BIT == 0 {
            return None;
        }
        Self::from_u8(value & !REPLY_BIT)
    }

    /// True where one frame may carry several items.
    #[must_use]
    pub const fn is_batched(self) -> bool {
        self.items_max() > 1
    }

    /// Fewest items of one frame: a subscription without any is one for all SKUs.
    #[must_use]
    pub const fn items_min(self) -> usize {
        match self {
            Self::SubscribeStock => 0,
            _ => 1,
        }
    }
}
