//! Answers to hello and statistics.

use crate::types::{Role, TenantId};
use crate::wire::frame;
use crate::wire::item::{Item, Items};
use crate::wire::opcode::Opcode;
use crate::wire::reader::{Reader, put_padded, short_length, short_text};

/// Bytes of a hello reply.
pub const HELLO_REPLY_BYTES: usize = 44;

/// Bytes of a state digest.
pub const DIGEST_BYTES: usize = 32;

/// The session is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloReply {
    /// Number of the session; appears in the server's log.
    pub session_id: u64,
    /// Wall clock of the server, in milliseconds since the Unix epoch.
    pub server_time_ms: u64,
    /// Counts the starts of this data directory.
    pub epoch: u32,
    /// Largest frame in bytes.
    pub frame_bytes_max: u32,
    /// Most orders or order commands in a frame.
    pub items_max: u16,
    /// Most SKUs or orders in a query.
    pub query_items_max: u16,
    /// Most lines of an order.
    pub lines_max: u16,
    /// Handle of the tenant.
    pub tenant: TenantId,
    /// Which shard owns the tenant.
    pub shard: u16,
    /// What this session may do.
    pub role: Role,
    /// Protocol version that the server speaks on this connection.
    pub protocol_version: u8,
}

impl HelloReply {
    /// The reply of this build's limits and protocol version; fill in the rest.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // asserted below
    pub const fn new(session_id: u64, tenant: TenantId, shard: u16, role: Role) -> Self {
        Self {
            session_id,
            server_time_ms: 0,
            epoch: 0,
            frame_bytes_max: crate::limits::FRAME_BYTES_MAX as u32,
            items_max: crate::limits::FRAME_ITEMS_MAX as u16,
            query_items_max: crate::limits::QUERY_ITEMS_MAX as u16,
            lines_max: crate::limits::ORDER_LINES_MAX as u16,
            tenant,
            shard,
            role,
            protocol_version: frame::VERSION,
        }
    }
}

const _: () = {
    assert!(crate::limits::FRAME_BYTES_MAX <= u32::MAX as usize);
    assert!(crate::limits::QUERY_ITEMS_MAX <= u16::MAX as usize);
};

impl<'a> Item<'a> for HelloReply {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let mut fields = reader.fixed::<HELLO_REPLY_BYTES>()?;
        let reply = Self {
            session_id: fields.u64()?,
            server_time_ms: fields.u64()?,
            epoch: fields.u32()?,
            frame_bytes_max: fields.u32()?,
            items_max: fields.u16()?,
            query_items_max: fields.u16()?,
            lines_max: fields.u16()?,
            tenant: TenantId(fields.u16()?),
            shard: fields.u16()?,
            role: take_role(&mut fields)?,
            protocol_version: fields.u8()?,
        };
        fields.zeros::<8>()?;
        Some(reply)
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.session_id.to_le_bytes());
        out.extend_from_slice(&self.server_time_ms.to_le_bytes());
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&self.frame_bytes_max.to_le_bytes());
        out.extend_from_slice(&self.items_max.to_le_bytes());
        out.extend_from_slice(&self.query_items_max.to_le_bytes());
        out.extend_from_slice(&self.lines_max.to_le_bytes());
        out.extend_from_slice(&self.tenant.0.to_le_bytes());
        out.extend_from_slice(&self.shard.to_le_bytes());
        out.extend_from_slice(&[self.role as u8, self.protocol_version]);
        out.extend_from_slice(&[0; 8]);
    }
}

fn take_role(reader: &mut Reader<'_>) -> Option<Role> {
    Some(match reader.u8()? {
        0 => Role::ReadOnly,
        1 => Role::Connector,
        2 => Role::Operator,
        3 => Role::Admin,
        _ => return None,
    })
}

/// One counter: value u64, name length u8, 3 zeros, the name padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    /// The counter.
    pub value: u64,
    /// What it counts, as in `docs/METRICS.md`.
    pub name: &'a str,
}

impl<'a> Item<'a> for Value<'a> {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let value = reader.u64()?;
        let length = reader.u8()?;
        reader.zeros::<3>()?;
        let name = reader.padded_text(usize::from(length))?;
        Some(Self { value, name })
    }

    fn put(&self, out: &mut Vec<u8>) {
        let name = short_text(self.name).as_bytes();
        out.extend_from_slice(&self.value.to_le_bytes());
        out.extend_from_slice(&[short_length(name), 0, 0, 0]);
        put_padded(out, name);
    }
}

/// Counters of the shard: digest (32 bytes, all zero unless asked for), then the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatisticsReply<'a> {
    /// Hash of the whole state, where asked for: equal states have equal digests.
    pub digest: Option<[u8; DIGEST_BYTES]>,
    /// The counters.
    pub values: Items<'a, Value<'a>>,
}

impl<'a> StatisticsReply<'a> {
    pub(super) fn decode(body: &'a [u8], count: u16) -> Result<Self, usize> {
        let mut reader = Reader::new(body);
        let digest = reader.array::<DIGEST_BYTES>().ok_or(0_usize)?;
        let values = Items::decode(reader.rest(), count).map_err(|offset| offset + DIGEST_BYTES)?;
        Ok(Self {
            digest: (digest != [0; DIGEST_BYTES]).then_some(digest),
            values,
        })
    }
}

/// Writes a statistics reply value by value.
#[derive(Debug)]
#[must_use = "a reply is only valid once it is finished"]
pub struct StatisticsWriter {
    start: frame::FrameStart,
    count: u16,
}

impl StatisticsWriter {
    /// Starts the reply at the end of `out`.
    pub fn begin(out: &mut Vec<u8>, digest: Option<[u8; DIGEST_BYTES]>) -> Self {
        let start = frame::begin(out);
        out.extend_from_slice(&digest.unwrap_or([0; DIGEST_BYTES]));
        Self { start, count: 0 }
    }

    /// Appends one counter; past 1,000 they are left out, which keeps the frame within bounds.
    pub fn value(&mut self, out: &mut Vec<u8>, name: &str, value: u64) {
        if self.count < 1_000 {
            Value { value, name }.put(out);
            self.count += 1;
        }
    }

    /// Completes the frame.
    pub fn finish(self, out: &mut [u8], request_id: u64) {
        let opcode = Opcode::Statistics.reply();
        self.start.finish(out, opcode, request_id, self.count);
    }
}
