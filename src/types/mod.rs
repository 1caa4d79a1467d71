//! Words that every module shares: identifiers, states, result codes, the record frame.
//!
//! Nothing here does I/O or knows another module. Numbers given here (states, codes, roles) are
//! part of the wire and journal contracts: they are never reused for another meaning.

pub mod card;
mod channel;
pub mod channel_event;
pub mod channel_stock;
pub mod details;
pub mod effect;
pub mod money;
mod numbered;
pub mod pipeline;
pub mod process;
pub mod record;
mod result;
pub mod secret;

pub use channel::ChannelKind;
pub use details::OrderDetails;
pub(crate) use numbered::numbered;
pub use result::{CodeClass, ResultCode};

/// A tenant (merchant or cell) within its shard: dense, from 0, in order of definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TenantId(pub u16);

/// An actor (token name) within its shard: dense, from 0; 0 is the engine itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ActorId(pub u16);

impl ActorId {
    /// The engine itself: timers and start-up.
    pub const SYSTEM: ActorId = ActorId(0);
}

/// A SKU handle: dense within its shard, from 0, in order of definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SkuId(pub u32);

/// A location handle: dense within its shard, from 0, in order of definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LocationId(pub u16);

impl LocationId {
    /// "Any location": the engine chooses.
    pub const ANY: LocationId = LocationId(u16::MAX);
}

/// One session of an engine thread: slot (low 32 bits) and generation, so that a late delivery to a
/// session that is gone never reaches its successor in the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SessionId(pub u64);

impl SessionId {
    /// The place of the session in its engine thread's table.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // the low 32 bits are meant
    pub const fn slot(self) -> usize {
        (self.0 as u32) as usize
    }
}

/// A sales channel number, chosen by the merchant; 0 is the merchant's own shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ChannelId(pub u16);

/// The key of one order: 128 bits that the client derives from channel and external order id
/// (formula in `docs/PROTOCOL.md`). Zero is invalid. Unique within a tenant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct OrderKey(pub u128);

/// The key of one state-changing command other than an order: 128 random bits. Zero is invalid.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CommandKey(pub u128);

macro_rules! hex_key {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            /// 32 lower-case hex digits of the big-endian value.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({:032x})"), self.0)
            }
        }
        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            /// Parses up to 32 hex digits.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                u128::from_str_radix(text, 16).map($name)
            }
        }
    };
}
hex_key!(OrderKey);
hex_key!(CommandKey);

/// Where an order is. Terminal states are [`OrderState::is_terminal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum OrderState {
    /// A hold: units are reserved until the client confirms, releases, or the hold expires.
    Held = 1,
    /// A placed order in its first step; its timer ends it where no adapter serves the step.
    FraudCheck = 2,
    /// Paid (or confirmed by the client); units are committed until they ship.
    Confirmed = 3,
    /// Every unit that was not cancelled has shipped.
    Shipped = 4,
    /// A processor is asked for the money.
    Payment = 5,
    /// A person has to decide.
    Review = 6,
    /// Label and warehouse accepted it.
    Fulfilling = 7,
    /// The carrier delivered; the return window runs.
    Delivered = 8,
    /// What was done is being undone.
    Cancelling = 9,
    /// Waits for stock.
    Backordered = 10,
    /// Runs a step of the merchant's own.
    Webhook = 11,
    /// Refused at intake; holds nothing. Terminal.
    Rejected = 128,
    /// The hold ended by time. Terminal.
    Expired = 129,
    /// Released by the client, or cancelled. Terminal.
    Cancelled = 130,
    /// Declined for risk or payment. Terminal.
    Declined = 131,
    /// Delivered, and the return window is over. Terminal.
    Completed = 132,
}

impl OrderState {
    /// The state with this number, if there is one.
    #[must_use]
    pub const fn from_u8(value: u8) -> Option<Self> {
        Some(match value {
            1 => Self::Held,
            2 => Self::FraudCheck,
            3 => Self::Confirmed,
            4 => Self::Shipped,
            5 => Self::Payment,
            6 => Self::Review,
            7 => Self::Fulfilling,
            8 => Self::Delivered,
            9 => Self::Cancelling,
            10 => Self::Backordered,
            11 => Self::Webhook,
            128 => Self::Rejected,
            129 => Self::Expired,
            130 => Self::Cancelled,
            131 => Self::Declined,
            132 => Self::Completed,
            _ => return None,
        })
    }

    /// True where units are reserved and unpaid, so that a timer may end the order.
    #[must_use]
    pub const fn is_live_hold(self) -> bool {
        matches!(self, Self::Held | Self::FraudCheck)
    }

    /// True for states that no command leaves.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        self as u8 >= 128
    }

    /// The upper-case name used in output and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "HELD",
            Self::FraudCheck => "FRAUD_CHECK",
            Self::Confirmed => "CONFIRMED",
            Self::Shipped => "SHIPPED",
            Self::Rejected => "REJECTED",
            Self::Expired => "EXPIRED",
            Self::Cancelled => "CANCELLED",
            Self::Payment => "PAYMENT",
            Self::Review => "REVIEW",
            Self::Fulfilling => "FULFILLING",
            Self::Delivered => "DELIVERED",
            Self::Cancelling => "CANCELLING",
            Self::Backordered => "BACKORDERED",
            Self::Webhook => "WEBHOOK",
            Self::Declined => "DECLINED",
            Self::Completed => "COMPLETED",
        }
    }
}

/// Where `move` takes units from or to, within one stock cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum StockBucket {
    /// Sellable stock.
    Available = 0,
    /// Safety stock, kept back on purpose.
    Safety = 1,
    /// Damaged units.
    Damaged = 2,
    /// Units waiting for quality control.
    QualityControl = 3,
}

impl StockBucket {
    /// The bucket with this number, if there is one.
    #[must_use]
    pub const fn from_u8(value: u8) -> Option<Self> {
        Some(match value {
            0 => Self::Available,
            1 => Self::Safety,
            2 => Self::Damaged,
            3 => Self::QualityControl,
            _ => return None,
        })
    }

    /// Lower-case name used in output, flags and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Safety => "safety",
            Self::Damaged => "damaged",
            Self::QualityControl => "quality_control",
        }
    }
}

/// What happens to returned units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Disposition {
    /// Back to sellable stock.
    Restock = 0,
    /// On hand but damaged.
    Damaged = 1,
    /// On hand, waiting for quality control.
    QualityControl = 2,
}

impl Disposition {
    /// The disposition with this number, if there is one.
    #[must_use]
    pub const fn from_u8(value: u8) -> Option<Self> {
        Some(match value {
            0 => Self::Restock,
            1 => Self::Damaged,
            2 => Self::QualityControl,
            _ => return None,
        })
    }
}

/// How a hold was resolved; a hold is resolved exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Resolution {
    /// Not yet.
    Open = 0,
    /// Confirmed (in whole or in part).
    Confirmed = 1,
    /// Released or cancelled by a command.
    Released = 2,
    /// Ended by time.
    Expired = 3,
}

impl Resolution {
    /// The resolution with this number, if there is one.
    #[must_use]
    pub const fn from_u8(value: u8) -> Option<Self> {
        Some(match value {
            0 => Self::Open,
            1 => Self::Confirmed,
            2 => Self::Released,
            3 => Self::Expired,
            _ => return None,
        })
    }
}

/// What a session may do. Each role includes the ones before it, except that a connector sends
/// orders and an operator moves stock; see `docs/OPERATIONS.md` for the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Role {
    /// Queries, subscriptions, statistics.
    ReadOnly = 0,
    /// Read-only plus orders (reserve, confirm, release, extend, cancel).
    Connector = 1,
    /// Connector plus stock movements, shipments, returns and definitions.
    Operator = 2,
    /// Everything.
    Admin = 3,
}

impl Role {
    /// The lower-case name used in the token file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::Connector => "connector",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::ReadOnly, Self::Connector, Self::Operator, Self::Admin]
            .into_iter()
            .find(|role| role.name() == name)
    }
}

/// How an order is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OrderMode {
    /// The client confirms or releases within the time to live.
    Hold = 0,
    /// The order enters its pipeline at once.
    Place = 1,
    /// As [`OrderMode::Place`], of an order that a channel has sold already: while pipelines are
    /// in force it is never refused for stock.
    Fact = 2,
    /// As [`OrderMode::Place`], of an order whose buyer has yet to say where it is to go: it waits
    /// in REVIEW until a next version says so.
    Incomplete = 3,
}

/// What to do with lines that cannot be covered in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Policy {
    /// Every line in full, or the order is refused.
    AllOrNothing = 0,
    /// Take what there is of each line; refused only if that is nothing at all.
    Partial = 1,
    /// Every line in full, or the whole order waits for stock in its turn: placed orders only,
    /// while pipelines are in force.
    Backorder = 2,
}
