//! Who may connect: the token file and the check of a presented token.
//!
//! ```text
//! # name      role       tenant  sha256 of the token, in hex   [expires=TIME]
//! shop-eu     connector  acme    9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//! warehouse   operator   *       60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
//! ```
//!
//! One line a token; `#` starts a comment, tenant `*` is any tenant. With `expires=` and a time
//! (RFC 3339, such as `2027-01-31T12:00:00Z`) it is refused from then on. The file holds hashes only: a
//! token has 256 random bits, so an unsalted hash reveals nothing about it. The name is the actor
//! written into every journal record that the token's sessions cause.

use std::fmt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::clock;
use crate::limits::{ACTORS_MAX, NAME_BYTES_MAX, TOKEN_BYTES_MAX};
use crate::types::Role;

/// What every token starts with, so that scanners for leaked secrets can recognise one.
pub const TOKEN_PREFIX: &str = "oh_";

/// Random bytes of a token.
const TOKEN_RANDOM_BYTES: usize = 32;

/// One line of the token file: who, what for, and the hash of the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The actor's name in the journal, 1 to 64 bytes without white space; unique in the file.
    pub name: String,
    /// What sessions with this token may do.
    pub role: Role,
    /// The only tenant it may name at hello; `None` is any.
    pub tenant: Option<String>,
    /// When it ends, in milliseconds since the Unix epoch; `None`: when its line is taken out.
    pub expires_ms: Option<u64>,
    sha256: [u8; 32],
}

impl fmt::Debug for Token {
    /// Leaves the hash out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("name", &self.name)
            .field("role", &self.role)
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

impl Token {
    /// Draws a new secret and returns it with the entry to keep. The secret is not kept anywhere.
    ///
    /// # Errors
    /// A bad name or tenant, or no randomness from the operating system.
    pub fn draw(name: &str, role: Role, tenant: &str) -> Result<(String, Self), TokenError> {
        let name = checked_name("name", name)?;
        let tenant = checked_tenant(tenant)?;
        let mut random = [0_u8; TOKEN_RANDOM_BYTES];
        getrandom::fill(&mut random).map_err(TokenError::Random)?;
        let secret = format!("{TOKEN_PREFIX}{}", hex::encode(random));
        let sha256 = digest_of(&secret);
        Ok((
            secret,
            Self {
                name,
                role,
                tenant,
                expires_ms: None,
                sha256,
            },
        ))
    }

    /// What it allows a session of `tenant`.
    ///
    /// # Errors
    /// [`AuthError::ForbiddenTenant`], or [`AuthError::Expired`].
    pub fn grant(&self, tenant: &str) -> Result<Grant, AuthError> {
        self.lives_at(clock::now_ms())?;
        match &self.tenant {
            Some(only) if only != tenant => Err(AuthError::ForbiddenTenant),
            _ => Ok(Grant {
                name: self.name.clone(),
                role: self.role,
            }),
        }
    }

    fn lives_at(&self, now_ms: u64) -> Result<(), AuthError> {
        match self.expires_ms {
            Some(end) if end <= now_ms => Err(AuthError::Expired),
            _ => Ok(()),
        }
    }

    /// The same, until this time: RFC 3339 with a time zone.
    ///
    /// # Errors
    /// [`TokenError::Expiry`] for any other text.
    pub fn until(self, expires: &str) -> Result<Self, TokenError> {
        let expires_ms = Some(parse_expiry(expires)?);
        Ok(Self { expires_ms, ..self })
    }

    /// When it ends, as the file has it.
    #[must_use]
    pub fn expires(&self) -> Option<String> {
        let ms = i64::try_from(self.expires_ms?).ok()?;
        Some(jiff::Timestamp::from_millisecond(ms).ok()?.to_string())
    }

    /// The line of this token in a token file, without line break.
    #[must_use]
    pub fn to_line(&self) -> String {
        let tenant = self.tenant.as_deref().unwrap_or("*");
        let expires = self.expires().map(|time| format!(" {EXPIRES}{time}"));
        format!(
            "{} {} {tenant} {}{}",
            self.name,
            self.role.name(),
            hex::encode(self.sha256),
            expires.unwrap_or_default()
        )
    }

    fn parse(line: &str) -> Result<Self, TokenError> {
        let mut fields = line.split_whitespace();
        let (Some(name), Some(role), Some(tenant), Some(hash), expires, None) = (
            fields.next(),
            fields.next(),
            fields.next(),
            fields.next(),
            fields.next(),
            fields.next(),
        ) else {
            return Err(TokenError::Fields {
                found: line.split_whitespace().count(),
            });
        };
        let mut sha256 = [0_u8; 32];
        hex::decode_to_slice(hash, &mut sha256).map_err(|_| TokenError::Hash)?;
        Ok(Self {
            name: checked_name("name", name)?,
            role: parse_role(role)?,
            tenant: checked_tenant(tenant)?,
            expires_ms: expires.map(expiry).transpose()?,
            sha256,
        })
    }
}

/// What the word of a line that says when a token ends begins with.
const EXPIRES: &str = "expires=";

fn expiry(word: &str) -> Result<u64, TokenError> {
    let time = word.strip_prefix(EXPIRES);
    let found = || TokenError::Expiry { found: word.into() };
    parse_expiry(time.ok_or_else(found)?)
}

fn parse_expiry(text: &str) -> Result<u64, TokenError> {
    let time: Option<jiff::Timestamp> = text.parse().ok();
    let ms = time.and_then(|time| u64::try_from(time.as_millisecond()).ok());
    ms.ok_or_else(|| TokenError::Expiry { found: text.into() })
}

/// A role by the name used in the token file.
///
/// # Errors
/// [`TokenError::Role`] for any other word.
pub fn parse_role(name: &str) -> Result<Role, TokenError> {
    Role::from_name(name).ok_or_else(|| TokenError::Role { found: name.into() })
}

/// What a token allows its session, decided at hello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The actor's name in the journal.
    pub name: String,
    /// What the session may do.
    pub role: Role,
}

/// Why a presented token was refused. Says nothing about what would have been accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No token of the file has this secret.
    #[error("the token is missing or not in the server's token file")]
    Unauthenticated,
    /// The token was in the file and has ended.
    #[error("the token has expired")]
    Expired,
    /// The token is known, but for another tenant.
    #[error("the token does not belong to this tenant")]
    ForbiddenTenant,
}

/// All tokens of one file, checked as a whole.
#[derive(Clone, Debug, Default)]
pub struct TokenFile {
    tokens: Vec<Token>,
}

impl TokenFile {
    /// Reads and checks a token file.
    ///
    /// # Errors
    /// Names the file, and for a bad line its number.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let text = std::fs::read_to_string(path).map_err(|source| TokenError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    /// Checks the text of a token file; `path` is only named in errors.
    ///
    /// # Errors
    /// As [`TokenFile::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, TokenError> {
        let mut file = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            Token::parse(line)
                .and_then(|token| file.add(token))
                .map_err(|source| TokenError::Line {
                    path: path.to_owned(),
                    line: number,
                    source: Box::new(source),
                })?;
        }
        Ok(file)
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// Its name or its secret is in the file already, or the file is full.
    pub fn add(&mut self, token: Token) -> Result<(), TokenError> {
        if self.tokens.iter().any(|other| other.name == token.name) {
            return Err(TokenError::DuplicateName { name: token.name });
        }
        if let Some(other) = self
            .tokens
            .iter()
            .find(|other| other.sha256 == token.sha256)
        {
            let name = other.name.clone();
            return Err(TokenError::DuplicateHash { name });
        }
        if self.tokens.len() + 1 >= ACTORS_MAX {
            return Err(TokenError::TooMany);
        }
        self.tokens.push(token);
        Ok(())
    }

    /// The entries in order of the file.
    #[must_use]
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Decides who presents this token, and whether it may act for `tenant`.
    ///
    /// Takes the same time whichever entry matches: the hash of what was presented is compared
    /// with every entry in constant time.
    ///
    /// # Errors
    /// [`AuthError`], with the two cases that a client is told.
    pub fn authenticate(&self, presented: &str, tenant: &str) -> Result<Grant, AuthError> {
        self.entry(presented)?.grant(tenant)
    }

    /// The entry of a presented token, whatever tenant it is for.
    ///
    /// Takes the same time whichever entry matches, as [`TokenFile::authenticate`] does.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`], or [`AuthError::Expired`].
    pub fn entry(&self, presented: &str) -> Result<&Token, AuthError> {
        self.entry_at(presented, clock::now_ms())
    }

    fn entry_at(&self, presented: &str, now_ms: u64) -> Result<&Token, AuthError> {
        if presented.len() > TOKEN_BYTES_MAX {
            return Err(AuthError::Unauthenticated);
        }
        let digest = digest_of(presented);
        let mut found = Choice::from(0);
        let mut at = 0_u64;
        for (index, token) in (0_u64..).zip(&self.tokens) {
            let same = token.sha256.ct_eq(&digest);
            at.conditional_assign(&index, same);
            found |= same;
        }
        let token = usize::try_from(at).ok().and_then(|at| self.tokens.get(at));
        let token = token.filter(|_| bool::from(found));
        let token = token.ok_or(AuthError::Unauthenticated)?;
        token.lives_at(now_ms).map(|()| token)
    }
}

fn digest_of(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

fn checked_name(what: &'static str, name: &str) -> Result<String, TokenError> {
    let bad = name.is_empty()
        || name.len() > NAME_BYTES_MAX
        || name
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '#' || c == '*');
    if bad {
        return Err(TokenError::Name {
            what,
            found: name.escape_debug().take(NAME_BYTES_MAX).collect(),
        });
    }
    Ok(name.to_owned())
}

fn checked_tenant(tenant: &str) -> Result<Option<String>, TokenError> {
    if tenant == "*" {
        return Ok(None);
    }
    checked_name("tenant", tenant).map(Some)
}

/// Why a token file cannot be used. The person who wrote the file mends it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The file cannot be read.
    #[error("cannot read the token file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// One line is wrong.
    #[error("{} line {line}: {source}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong with it.
        source: Box<TokenError>,
    },
    /// Not four words.
    #[error("expected `name role tenant sha256 [expires=TIME]`, found {found} words")]
    Fields {
        /// Words on the line.
        found: usize,
    },
    /// Not a role.
    #[error("no role `{found}`: use read-only, connector, operator or admin")]
    Role {
        /// The word found.
        found: String,
    },
    /// Not a time.
    #[error("`{found}` is not when a token ends: write expires=2027-01-31T12:00:00Z")]
    Expiry {
        /// The word found.
        found: String,
    },
    /// Not 64 hex digits.
    #[error("the last word must be the SHA-256 of the token as 64 hex digits")]
    Hash,
    /// A name that cannot be used.
    #[error(
        "`{found}` cannot be a {what}: use 1 to 64 bytes without spaces, control characters, \
         `#` or `*`"
    )]
    Name {
        /// Name or tenant.
        what: &'static str,
        /// The word found.
        found: String,
    },
    /// Two lines with one name.
    #[error("the name `{name}` is in the file already; remove the old line or choose another name")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// Two lines with one secret.
    #[error("this hash is in the file already, under the name `{name}`")]
    DuplicateHash {
        /// The name of the earlier line.
        name: String,
    },
    /// More entries than actors a shard can name.
    #[error("the file has more tokens than a server can tell apart ({ACTORS_MAX})")]
    TooMany,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes: {0}")]
    Random(getrandom::Error),
}

#[cfg(test)]
mod tests;
