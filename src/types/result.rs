//! Result codes: one stable number a reason, shared by wire, journal, command line and documents.

/// Who acts on a code, and whether the same request may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodeClass {
    /// The request did what it asked for.
    Success,
    /// A business answer. It is final for this key and version (sticky where stated).
    Rejection,
    /// The request was malformed or not allowed; nothing changed. Mend it before sending again.
    Invalid,
    /// Nothing changed; the same request, with the same key, may be sent again later.
    Transient,
    /// The connection is closed after this answer.
    Protocol,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal, $name:literal, $class:ident;)+) => {
        /// The outcome of one order, one command or one frame. See `docs/ERRORS.md`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum ResultCode {
            $($(#[doc = $doc])+ $variant = $number,)+
        }

        impl ResultCode {
            /// Every code, in order of its number.
            pub const ALL: &'static [ResultCode] = &[$(Self::$variant),+];

            /// The code with this number, if there is one.
            #[must_use]
            pub const fn from_u16(value: u16) -> Option<Self> {
                match value {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The upper-case name used in output and documents.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Who acts on it.
            #[must_use]
            pub const fn class(self) -> CodeClass {
                match self { $(Self::$variant => CodeClass::$class,)+ }
            }

            /// What it means, in one sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii_start(),)+ }
            }
        }
    };
}

codes! {
    /// Done (or done before: see the replayed flag).
    Ok = 0, "OK", Success;

    /// At least one line is not covered by available stock; the short lines and what is left follow.
    InsufficientStock = 10, "INSUFFICIENT_STOCK", Rejection;
    /// A SKU of the order is defined but not on sale.
    NotOnSale = 11, "NOT_ON_SALE", Rejection;
    /// As many units of a SKU as may wait for stock are waiting; the SKUs and their room follow.
    BackorderCap = 12, "BACKORDER_CAP", Rejection;
    /// The channel's quota or cap is used up, and what is left is guaranteed to other channels; the
    /// short lines and what the channel may still take follow.
    QuotaExhausted = 13, "QUOTA_EXHAUSTED", Rejection;

    /// The key was used before with another meaning; nothing changed.
    IdempotencyConflict = 20, "IDEMPOTENCY_CONFLICT", Rejection;
    /// The version is lower than the latest one of this order.
    StaleVersion = 21, "STALE_VERSION", Rejection;
    /// The version skips one: send latest + 1.
    VersionGap = 22, "VERSION_GAP", Invalid;
    /// The order can not be replaced: it has ended, the warehouse has it, or it costs more than was
    /// captured.
    NotReplaceable = 23, "NOT_REPLACEABLE", Rejection;

    /// No order with this key.
    UnknownOrder = 30, "UNKNOWN_ORDER", Invalid;
    /// The hold had ended by time when the command arrived.
    Expired = 31, "EXPIRED", Rejection;
    /// The order holds nothing that this command could act on.
    NotHeld = 32, "NOT_HELD", Rejection;
    /// The order was confirmed before, by another command key.
    AlreadyConfirmed = 33, "ALREADY_CONFIRMED", Rejection;
    /// The hold was resolved before; the reply says how. Nothing changed.
    AlreadyResolved = 34, "ALREADY_RESOLVED", Rejection;
    /// Units of the order have shipped, so it cannot be cancelled.
    AlreadyShipped = 35, "ALREADY_SHIPPED", Rejection;
    /// The order was placed: its process confirms or extends it, not the client.
    ManagedByProcess = 36, "MANAGED_BY_PROCESS", Rejection;
    /// The hold was extended too often, or would end too late.
    ExtendCap = 37, "EXTEND_CAP", Rejection;
    /// More units than the order has committed at that location.
    ExceedsCommitted = 38, "EXCEEDS_COMMITTED", Rejection;
    /// More units than were shipped and not yet returned.
    ExceedsShipped = 39, "EXCEEDS_SHIPPED", Rejection;
    /// More units than the order holds.
    ExceedsHeld = 40, "EXCEEDS_HELD", Rejection;

    /// The order is not at a point of its process where this can be decided.
    NotInState = 41, "NOT_IN_STATE", Rejection;
    /// The order has no dead letter with this number.
    UnknownEffect = 42, "UNKNOWN_EFFECT", Rejection;
    /// More money than was captured and not yet given back.
    ExceedsCaptured = 43, "EXCEEDS_CAPTURED", Rejection;

    /// The movement would make on hand (or a bucket) negative.
    Underflow = 50, "UNDERFLOW", Rejection;
    /// The expected old value is not the present one; the reply carries the present one.
    Stale = 51, "STALE", Rejection;
    /// The movement would exceed the largest quantity of a stock cell.
    Overflow = 52, "OVERFLOW", Rejection;

    /// The SKU handle or name is not defined for this tenant.
    UnknownSku = 60, "UNKNOWN_SKU", Invalid;
    /// The location handle or name is not defined for this tenant.
    UnknownLocation = 61, "UNKNOWN_LOCATION", Invalid;
    /// No provider of this name is used by any pipeline.
    UnknownProvider = 62, "UNKNOWN_PROVIDER", Invalid;
    /// No sales channel of this number is defined for this tenant.
    UnknownChannel = 63, "UNKNOWN_CHANNEL", Invalid;
    /// No event of a channel with this id waits, or it belongs to another tenant.
    UnknownEvent = 64, "UNKNOWN_EVENT", Invalid;
    /// No campaign of this number is known for this tenant.
    UnknownCampaign = 65, "UNKNOWN_CAMPAIGN", Invalid;

    /// A quantity is zero or above the largest one.
    InvalidQuantity = 70, "INVALID_QUANTITY", Invalid;
    /// More lines than an order may have.
    TooManyLines = 71, "TOO_MANY_LINES", Invalid;
    /// No line at all.
    NoLines = 72, "NO_LINES", Invalid;
    /// The time to live is zero or above the largest one.
    InvalidTtl = 73, "INVALID_TTL", Invalid;
    /// The details are longer than allowed.
    DetailsTooLong = 74, "DETAILS_TOO_LONG", Invalid;
    /// The details are not a well-formed details message.
    DetailsMalformed = 75, "DETAILS_MALFORMED", Invalid;
    /// The details or the reason contain what looks like a payment card number.
    CardNumber = 76, "CARD_NUMBER", Invalid;
    /// The version is zero.
    InvalidVersion = 77, "INVALID_VERSION", Invalid;
    /// The currency is not a three-digit ISO 4217 number.
    InvalidCurrency = 78, "INVALID_CURRENCY", Invalid;
    /// The total is above the largest one.
    InvalidTotal = 79, "INVALID_TOTAL", Invalid;
    /// A name is empty, too long, or has control characters.
    InvalidName = 80, "INVALID_NAME", Invalid;
    /// A key is zero.
    InvalidKey = 81, "INVALID_KEY", Invalid;
    /// A flag, bucket, disposition or other enumerated field has an undefined value.
    InvalidField = 82, "INVALID_FIELD", Invalid;

    /// The order table of the shard is full.
    OrderTableFull = 90, "ORDER_TABLE_FULL", Transient;
    /// The server is busy; wait for the hinted time and send the same request again.
    Overloaded = 91, "OVERLOADED", Transient;
    /// The SKU table of the shard is full.
    SkuTableFull = 92, "SKU_TABLE_FULL", Rejection;
    /// The location table of the shard is full.
    LocationTableFull = 93, "LOCATION_TABLE_FULL", Rejection;
    /// The tenant table of the shard is full.
    TenantTableFull = 94, "TENANT_TABLE_FULL", Rejection;
    /// The actor table of the shard is full.
    ActorTableFull = 95, "ACTOR_TABLE_FULL", Rejection;
    /// The server is shutting down; connect again and send the same request.
    ShuttingDown = 96, "SHUTTING_DOWN", Transient;
    /// The shard has no room for another channel, rule, campaign or published quantity.
    ChannelTableFull = 97, "CHANNEL_TABLE_FULL", Rejection;

    /// The frame does not start with the protocol's magic number.
    BadMagic = 100, "BAD_MAGIC", Protocol;
    /// The protocol version is not supported.
    UnsupportedVersion = 101, "UNSUPPORTED_VERSION", Protocol;
    /// The frame's checksum does not match its bytes.
    BadChecksum = 102, "BAD_CHECKSUM", Protocol;
    /// The frame announces more bytes than allowed.
    FrameTooLarge = 103, "FRAME_TOO_LARGE", Protocol;
    /// The frame announces fewer bytes than its header.
    FrameTooShort = 104, "FRAME_TOO_SHORT", Protocol;
    /// The opcode is not defined.
    UnknownOpcode = 105, "UNKNOWN_OPCODE", Invalid;
    /// The body does not have the layout of its opcode.
    MalformedBody = 106, "MALFORMED_BODY", Invalid;
    /// The first frame of a connection must be hello.
    HelloRequired = 107, "HELLO_REQUIRED", Protocol;
    /// Hello was sent twice on one connection.
    HelloRepeated = 108, "HELLO_REPEATED", Invalid;
    /// More items than a frame may have.
    TooManyItems = 109, "TOO_MANY_ITEMS", Invalid;

    /// The token is missing or wrong.
    Unauthenticated = 120, "UNAUTHENTICATED", Protocol;
    /// The token's role does not allow this.
    ForbiddenRole = 121, "FORBIDDEN_ROLE", Invalid;
    /// The token does not belong to this tenant.
    ForbiddenTenant = 122, "FORBIDDEN_TENANT", Protocol;
}

impl std::fmt::Display for ResultCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
