//! Hello, ping and statistics.

use crate::types::Role;
use crate::wire::item::Item;
use crate::wire::reader::{Reader, cut, put_padded, short_length, short_text};

/// Most bytes that a ping echoes.
pub const PING_BYTES_MAX: usize = 64;

/// First frame of a connection: 4 bytes of lengths, then the three texts without padding between
/// them, padded together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hello<'a> {
    /// Proves who asks; at most `TOKEN_BYTES_MAX` bytes.
    pub token: &'a str,
    /// The tenant that this connection works for; at most `NAME_BYTES_MAX` bytes.
    pub tenant: &'a str,
    /// What the client calls itself, for logs; may be empty.
    pub client: &'a str,
}

/// The token is not printed.
impl std::fmt::Debug for Hello<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hello")
            .field("tenant", &self.tenant)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

impl<'a> Item<'a> for Hello<'a> {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let token_bytes = usize::from(reader.u16()?);
        let tenant_bytes = usize::from(reader.u8()?);
        let client_bytes = usize::from(reader.u8()?);
        let mut texts = Reader::new(reader.padded(token_bytes + tenant_bytes + client_bytes)?);
        Some(Self {
            token: texts.text(token_bytes)?,
            tenant: texts.text(tenant_bytes)?,
            client: texts.text(client_bytes)?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        let token = cut(self.token, usize::from(u16::MAX)).as_bytes();
        let tenant = short_text(self.tenant).as_bytes();
        let client = short_text(self.client).as_bytes();
        let token_bytes = u16::try_from(token.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&token_bytes.to_le_bytes());
        out.extend_from_slice(&[short_length(tenant), short_length(client)]);
        put_padded(out, &[token, tenant, client].concat());
    }
}

/// A ping: the whole body is echoed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping<'a> {
    /// At most [`PING_BYTES_MAX`] bytes, any value.
    pub echo: &'a [u8],
}

impl<'a> Item<'a> for Ping<'a> {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let length = reader.remaining();
        if length > PING_BYTES_MAX {
            return None;
        }
        reader.slice(length).map(|echo| Self { echo })
    }

    fn put(&self, out: &mut Vec<u8>) {
        let echo = self.echo.get(..PING_BYTES_MAX).unwrap_or(self.echo);
        out.extend_from_slice(echo);
    }
}

/// Asks for the shard's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Also hash the whole state: reads all of it, so only an admin may ask.
    pub digest: bool,
}

impl Statistics {
    /// The least role that may ask for this.
    #[must_use]
    pub const fn role_min(self) -> Role {
        if self.digest {
            Role::Admin
        } else {
            Role::ReadOnly
        }
    }
}

impl<'a> Item<'a> for Statistics {
    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let flags = reader.u8()?;
        reader.zeros::<3>()?;
        (flags <= 1).then_some(Self { digest: flags == 1 })
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[u8::from(self.digest), 0, 0, 0]);
    }
}
