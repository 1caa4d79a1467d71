//! Access tokens that run out: which one holds, and its renewal with a refresh token.
//!
//! ```text
//!  call ─▶ token() ─▶ runs out soon? ─▶ renewal, one at a time ─▶ file, synced ─▶ in use
//!  call ─▶ refused ─▶ renewed() ──────────┘
//! ```
//!
//! A refresh token may hold for one use only, so its successor is on disk before it is used, and a
//! renewal runs to its end on a thread of its own even where the call that wanted it is given up.

use super::ApiError;
use crate::clock;
use crate::metrics;
use crate::types::secret::Secret;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::watch;

/// A token is renewed so long before it runs out, in milliseconds, or when a fifth of its time is
/// left, whichever is later.
const RENEW_BEFORE_MS: u64 = 10 * 60 * 1_000;

/// How long nothing is asked for after a renewal was refused, and after one failed otherwise, in
/// milliseconds.
const REFUSED_WAIT_MS: u64 = 5 * 60 * 1_000;
const FAILED_WAIT_MS: u64 = 5_000;

/// Version of the file.
const FILE_VERSION: u32 = 1;

/// What a marketplace gives for a refresh token.
#[derive(Clone, Debug)]
pub struct Renewed {
    /// For calls.
    pub access: Secret,
    /// For the next renewal.
    pub refresh: Secret,
    /// How long the access token holds, in milliseconds; 0 where it does not say.
    pub lifetime_ms: u64,
}

/// Asks a marketplace for a new pair.
pub type Renewer =
    Arc<dyn Fn(Secret) -> BoxFuture<'static, Result<Renewed, ApiError>> + Send + Sync>;

/// The token of a call.
#[derive(Clone, Debug)]
pub struct Token {
    /// What the call shows.
    pub access: Secret,
    generation: u64,
}

/// The pair in use, as the file has it too.
#[derive(Clone, Debug, Default)]
struct Pair {
    access: Secret,
    refresh: Secret,
    /// When the access token runs out, in milliseconds since 1970; 0: not known.
    expires_ms: u64,
    /// When it is to be renewed; 0: when it is refused.
    renew_ms: u64,
}

/// The file of a channel's tokens.
#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    /// Hash of the channel and of the refresh token that the configuration began with.
    configured: String,
    access_token: String,
    refresh_token: String,
    expires_ms: u64,
    renew_ms: u64,
}

struct Kept {
    pair: Pair,
    generation: u64,
    /// A renewal is running, or has ended and was not joined yet.
    thread: Option<JoinHandle<()>>,
    running: bool,
    /// Why the last renewal brought nothing, and when the next one may be tried.
    failed: Option<(ApiError, u64)>,
}

impl Kept {
    fn token(&self) -> Token {
        Token {
            access: self.pair.access.clone(),
            generation: self.generation,
        }
    }
}

/// The access token of one channel. Its `Debug` shows no token.
pub struct Tokens {
    channel: String,
    kept: Mutex<Kept>,
    /// Counts renewals that ended.
    ended: watch::Sender<u64>,
    renewer: Option<Renewer>,
    file: PathBuf,
    configured: String,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Tokens");
        shown
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// A token that is never renewed.
    #[must_use]
    pub fn fixed(access: Secret) -> Arc<Self> {
        let pair = Pair {
            access,
            ..Pair::default()
        };
        Arc::new(Self::with(
            String::new(),
            pair,
            None,
            PathBuf::new(),
            String::new(),
        ))
    }

    /// The tokens of a channel: those of its file in `folder`, unless the configuration has another
    /// refresh token than the one that the file's came from; then those of the configuration.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn open(
        folder: &Path,
        channel: &str,
        [access, refresh]: [Secret; 2],
        renewer: Renewer,
    ) -> io::Result<Arc<Self>> {
        let configured = hash(channel, &refresh);
        let file = folder.join(format!("{channel}.json"));
        let stored = read(&file)?.filter(|stored| stored.configured == configured);
        let pair = match stored {
            Some(stored) => Pair {
                access: Secret::new(stored.access_token),
                refresh: Secret::new(stored.refresh_token),
                expires_ms: stored.expires_ms,
                renew_ms: stored.renew_ms,
            },
            None => Pair {
                access,
                refresh,
                ..Pair::default()
            },
        };
        show_unauthorised(channel, false);
        let channel = channel.to_owned();
        Ok(Arc::new(Self::with(
            channel,
            pair,
            Some(renewer),
            file,
            configured,
        )))
    }

    fn with(
        channel: String,
        pair: Pair,
        renewer: Option<Renewer>,
        file: PathBuf,
        configured: String,
    ) -> Self {
        Self {
            channel,
            kept: Mutex::new(Kept {
                pair,
                generation: 0,
                thread: None,
                running: false,
                failed: None,
            }),
            ended: watch::Sender::new(0),
            renewer,
            file,
            configured,
        }
    }

    /// One call; one more where its access token had run out.
    ///
    /// # Errors
    /// Those of the call, where another token would not help.
    pub async fn call<T, C>(self: &Arc<Self>, attempt: impl Fn(Token) -> C) -> Result<T, ApiError>
    where
        C: Future<Output = Result<T, ApiError>>,
    {
        let token = self.token().await?;
        let again = match attempt(token.clone()).await {
            Err(ApiError::Expired { .. }) => self.renewed(&token).await?,
            answered => return answered,
        };
        attempt(again).await.map_err(ApiError::final_word)
    }

    /// The token to call with; renewed first where it runs out soon.
    ///
    /// # Errors
    /// It ran out and cannot be renewed.
    pub async fn token(self: &Arc<Self>) -> Result<Token, ApiError> {
        let now_ms = clock::now_ms();
        let (token, expires_ms, renew_ms) = {
            let kept = self.kept.lock();
            (kept.token(), kept.pair.expires_ms, kept.pair.renew_ms)
        };
        if renew_ms == 0 || now_ms < renew_ms {
            return Ok(token);
        }
        if now_ms < expires_ms {
            // It still holds: the call need not wait, nor suffer if the renewal fails.
            let mut kept = self.kept.lock();
            let waits = kept
                .failed
                .as_ref()
                .is_some_and(|(_, until)| now_ms < *until);
            if !kept.running && !waits {
                self.begin(&mut kept)?;
            }
            return Ok(token);
        }
        self.renewed(&token).await
    }

    /// The token after the one that a marketplace refused.
    ///
    /// # Errors
    /// There is no refresh token, or the marketplace gives nothing for it.
    pub async fn renewed(self: &Arc<Self>, refused: &Token) -> Result<Token, ApiError> {
        let mut ended = self.ended.subscribe();
        {
            let mut kept = self.kept.lock();
            if kept.generation != refused.generation {
                return Ok(kept.token());
            }
            if let Some((error, until_ms)) = &kept.failed
                && clock::now_ms() < *until_ms
            {
                return Err(error.clone());
            }
            if !kept.running {
                self.begin(&mut kept)?;
            }
        }
        // The sender lives as long as this does, and the renewal's own call has a time limit.
        let _ = ended.changed().await;
        let kept = self.kept.lock();
        match &kept.failed {
            _ if kept.generation != refused.generation => Ok(kept.token()),
            Some((error, _)) => Err(error.clone()),
            None => Err(ApiError::retry(
                "renewal",
                "the renewal ended without a result",
            )),
        }
    }

    /// Waits for a renewal that is running, so that its tokens are not lost with the process.
    pub fn finish(&self) {
        let thread = self.kept.lock().thread.take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(
                channel = self.channel,
                "a renewal of the channel's tokens panicked"
            );
        }
    }

    fn begin(self: &Arc<Self>, kept: &mut Kept) -> Result<(), ApiError> {
        let Some(renewer) = self.renewer.clone() else {
            let text = "the access token is not accepted any more, and the channels file has no \
                        `refresh_token` to renew it with";
            return Err(ApiError::unauthorised(text));
        };
        let tokens = Arc::clone(self);
        let refresh = kept.pair.refresh.clone();
        let work = move || {
            crate::affinity::yield_to_engines();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let result = match runtime {
                Ok(runtime) => runtime.block_on(renewer(refresh)),
                Err(error) => Err(ApiError::retry("runtime", &error.to_string())),
            };
            tokens.settle(result);
        };
        let thread = std::thread::Builder::new().name("onhand-tokens".to_owned());
        match thread.spawn(work) {
            Ok(thread) => {
                kept.running = true;
                kept.thread = Some(thread);
                Ok(())
            }
            Err(error) => Err(ApiError::retry("thread", &error.to_string())),
        }
    }

    fn settle(&self, result: Result<Renewed, ApiError>) {
        let now_ms = clock::now_ms();
        let outcome = match result {
            Ok(renewed) => {
                let margin_ms = RENEW_BEFORE_MS.min(renewed.lifetime_ms / 5);
                let known = renewed.lifetime_ms > 0;
                let pair = Pair {
                    expires_ms: if known {
                        now_ms + renewed.lifetime_ms
                    } else {
                        0
                    },
                    renew_ms: if known {
                        now_ms + renewed.lifetime_ms - margin_ms
                    } else {
                        0
                    },
                    access: renewed.access,
                    refresh: renewed.refresh,
                };
                // On disk first: the marketplace may take the old refresh token no more.
                let saved = self.save(&pair);
                let outcome = self.say_renewed(saved);
                let mut kept = self.kept.lock();
                kept.pair = pair;
                kept.generation += 1;
                kept.failed = None;
                kept.running = false;
                outcome
            }
            Err(error) => {
                let refused = matches!(
                    error,
                    ApiError::Rejected { .. }
                        | ApiError::Unauthorised { .. }
                        | ApiError::Expired { .. }
                );
                let wait_ms = if refused {
                    REFUSED_WAIT_MS
                } else {
                    FAILED_WAIT_MS
                };
                let error = self.say_failed(&error, refused);
                let mut kept = self.kept.lock();
                kept.failed = Some((error, now_ms + wait_ms));
                kept.running = false;
                if refused { "refused" } else { "failed" }
            }
        };
        ::metrics::counter!(
            metrics::CHANNEL_TOKEN_RENEWALS,
            "channel" => self.channel.clone(),
            "result" => outcome
        )
        .increment(1);
        self.ended.send_modify(|ended| *ended += 1);
    }

    fn say_renewed(&self, saved: io::Result<()>) -> &'static str {
        show_unauthorised(&self.channel, false);
        let (channel, file) = (self.channel.as_str(), self.file.display());
        match saved {
            Ok(()) => {
                tracing::info!(channel, "the channel's access token was renewed");
                "renewed"
            }
            Err(error) => {
                tracing::error!(
                    channel,
                    %file,
                    %error,
                    "the channel's renewed tokens cannot be written: they hold until this process \
                     ends; make room or mend the rights of the file, or authorise the app again \
                     after a restart"
                );
                "unsaved"
            }
        }
    }

    /// Says that nothing was renewed; returns the error that calls get.
    fn say_failed(&self, error: &ApiError, refused: bool) -> ApiError {
        let channel = self.channel.as_str();
        if !refused {
            tracing::warn!(channel, %error, "the channel's access token could not be renewed yet");
            return error.clone();
        }
        show_unauthorised(channel, true);
        tracing::error!(
            channel,
            %error,
            "the marketplace does not renew the channel's access token: authorise the app again in \
             the shop, put both new tokens where the channels file names them, and restart; until \
             then nothing is fetched from it or written to it"
        );
        ApiError::unauthorised(&format!("the refresh token is refused: {error}"))
    }

    fn save(&self, pair: &Pair) -> io::Result<()> {
        let stored = Stored {
            version: FILE_VERSION,
            configured: self.configured.clone(),
            access_token: pair.access.reveal().to_owned(),
            refresh_token: pair.refresh.reveal().to_owned(),
            expires_ms: pair.expires_ms,
            renew_ms: pair.renew_ms,
        };
        let text = serde_json::to_vec(&stored).map_err(io::Error::other)?;
        let folder = self.file.parent().unwrap_or(Path::new("."));
        if !folder.exists() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
            if let Some(above) = folder.parent() {
                File::open(above)?.sync_all()?;
            }
        }
        let temporary = self.file.with_extension("new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&temporary)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(&temporary, &self.file)?;
        File::open(folder)?.sync_all()
    }
}

fn show_unauthorised(channel: &str, is: bool) {
    let number = if is { 1.0 } else { 0.0 };
    ::metrics::gauge!(metrics::CHANNEL_UNAUTHORISED, "channel" => channel.to_owned()).set(number);
}

/// What the configuration said: another refresh token means that the app was authorised again.
fn hash(channel: &str, refresh: &Secret) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("onhand channel tokens v1");
    hasher.update(channel.as_bytes());
    hasher.update(&[0]);
    hasher.update(refresh.reveal().as_bytes());
    hasher.finalize().to_hex().to_string()
}

fn read(file: &Path) -> io::Result<Option<Stored>> {
    let text = match std::fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(told(file, &error.to_string())),
    };
    // The reader's own words would show a part of what it could not read.
    let stored: Option<Stored> = serde_json::from_slice(&text).ok();
    if let Some(stored) = stored.filter(|stored| stored.version == FILE_VERSION) {
        return Ok(Some(stored));
    }
    let why = "holds no tokens of this version; remove it to begin with those that the channels \
               file names";
    Err(told(file, why))
}

fn told(file: &Path, why: &str) -> io::Error {
    io::Error::other(format!("{} {why}", file.display()))
}
