//! SMTP: e-mail to customers through any mail server.
//!
//! A connection a message. What is known depends on how far the dialogue came: before the message
//! itself was sent nothing has happened; a reply to it decides (4xx later, 5xx never); without a
//! reply it may have been taken, see `after_timeout` in [`super`]. The message's id is the same in
//! all attempts, so that servers and readers that drop duplicates can.

use super::templates::{Channel, Templates};
use super::{AfterTimeout, email};
use crate::adapters::call::Call;
use crate::adapters::options::{OptionsError, ProviderOptions, Secret};
use crate::adapters::outcome::Outcome;
use crate::adapters::provider::Provider;
use crate::adapters::registry::Kind;
use crate::types::effect::EffectKind;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, MailBodyParameter, MailParameter};
use lettre::{Address, Message};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// See [`Smtp`].
pub const KIND: Kind = Kind {
    name: "smtp",
    effects: &[EffectKind::Notify],
    timeout_ms: 15_000,
    secrets: &["password"],
    settings: &[
        "host",
        "port",
        "tls",
        "user",
        "from",
        "from_name",
        "shop_name",
        "templates",
        "after_timeout",
    ],
    build: |options| Ok(Arc::new(Smtp::new(options)?)),
};

/// Status of an attempt that ended without a reply code.
const NO_REPLY: u16 = 0;

/// How the connection is encrypted.
#[derive(Clone)]
enum Tls {
    /// From the first byte (port 465).
    Wrapped(TlsParameters),
    /// Upgraded before anything is said (port 587).
    Upgraded(TlsParameters),
    /// Not at all: to this machine only.
    None,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wrapped(_) => "tls",
            Self::Upgraded(_) => "starttls",
            Self::None => "none",
        })
    }
}

/// Sends plain text mail.
#[derive(Debug)]
pub struct Smtp {
    host: String,
    port: u16,
    tls: Tls,
    credentials: Option<(String, Secret)>,
    from: Mailbox,
    timeout: Duration,
    after_timeout: AfterTimeout,
    templates: Templates,
}

impl Smtp {
    /// Settings `host`, `tls` (`starttls`, the default; `tls`; `none` for a server on this
    /// machine), `port` (default 587, 465 or 25 by `tls`), `from`, `from_name`, `user`, and those
    /// of every message; secret `password` where `user` is set.
    ///
    /// # Errors
    /// One of them is missing or cannot be used.
    pub fn new(options: &ProviderOptions) -> Result<Self, OptionsError> {
        // A second installation in one process is refused, and the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let host = options.setting("host")?.to_owned();
        let (tls, port) = encryption(options, &host)?;
        let port = match options.setting_or("port", "") {
            "" => port,
            text => text.parse().map_err(|_| {
                options.invalid("setting `port`", format!("is `{text}`, no port number"))
            })?,
        };
        let from = options.setting("from")?;
        let address: Address = from.parse().map_err(|_| {
            options.invalid("setting `from`", format!("is `{from}`, no e-mail address"))
        })?;
        let name = options.setting_or("from_name", "");
        let credentials = match options.setting_or("user", "") {
            "" => None,
            user => Some((user.to_owned(), options.secret("password")?)),
        };
        Ok(Self {
            host,
            port,
            tls,
            credentials,
            from: Mailbox::new((!name.is_empty()).then(|| name.to_owned()), address),
            timeout: Duration::from_millis(options.timeout_ms),
            after_timeout: AfterTimeout::from_options(options)?,
            templates: Templates::load(options, Channel::Email)?,
        })
    }

    async fn notify(&self, call: &Call) -> Result<Outcome, Outcome> {
        let to = email(call)?;
        let to: Address = to.parse().map_err(|_| {
            Outcome::refused("no_recipient", "the order's e-mail address is not one")
        })?;
        let message = self.message(call, &to)?;
        self.after_timeout.check(call)?;
        let opened = tokio::time::timeout(self.timeout, self.open(&to)).await;
        let mut connection = match opened {
            Ok(opened) => opened?,
            Err(_) => return Err(Outcome::retry("connect", "no answer before the message")),
        };
        let sent = tokio::time::timeout(self.timeout, connection.message(&message)).await;
        let outcome = match sent {
            Ok(Ok(reply)) => {
                let code: u16 = reply.code().into();
                Outcome::done(message_id(call, &self.from.email)).status(code)
            }
            Ok(Err(error)) if error.status().is_some() => replied(&error),
            Ok(Err(_)) => Outcome::unknown("connection_lost", "no reply to the message"),
            Err(_) => Outcome::unknown("timeout", "no reply to the message in time"),
        };
        // The message's fate is known; whether the server hears a goodbye changes nothing.
        let _ = tokio::time::timeout(Duration::from_millis(200), connection.quit()).await;
        Ok(outcome)
    }

    /// A connection on which only the message itself is left to be sent.
    async fn open(&self, to: &Address) -> Result<AsyncSmtpConnection, Outcome> {
        let hello = ClientId::Domain(self.from.email.domain().to_owned());
        let wrapped = match &self.tls {
            Tls::Wrapped(parameters) => Some(parameters.clone()),
            Tls::Upgraded(_) | Tls::None => None,
        };
        let server = (self.host.as_str(), self.port);
        let timeout = Some(self.timeout);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, timeout, &hello, wrapped, None)
                .await
                .map_err(|error| before(&error))?;
        if let Tls::Upgraded(parameters) = &self.tls {
            let upgraded = connection.starttls(parameters.clone(), &hello).await;
            upgraded.map_err(|error| before(&error))?;
        }
        if let Some((user, password)) = &self.credentials {
            let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            let checked = connection.auth(&mechanisms, &credentials).await;
            checked.map_err(|error| before(&error))?;
        }
        let mut parameters = Vec::new();
        let eight_bit = lettre::transport::smtp::extension::Extension::EightBitMime;
        if connection.server_info().supports_feature(eight_bit) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let sender = Mail::new(Some(self.from.email.clone()), parameters);
        let recipient = Rcpt::new(to.clone(), Vec::new());
        let step = connection.command(sender).await;
        step.map_err(|error| before(&error))?;
        let step = connection.command(recipient).await;
        step.map_err(|error| before(&error))?;
        let step = connection.command(Data).await;
        step.map_err(|error| before(&error))?;
        Ok(connection)
    }

    fn message(&self, call: &Call, to: &Address) -> Result<Vec<u8>, Outcome> {
        let (subject, text) = self.templates.render_email(call)?;
        let built = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.clone()))
            .subject(subject)
            .message_id(Some(message_id(call, &self.from.email)))
            .singlepart(SinglePart::plain(text));
        let message = built.map_err(|error| Outcome::refused("message", error.to_string()))?;
        Ok(message.formatted())
    }
}

impl Provider for Smtp {
    fn kinds(&self) -> &'static [EffectKind] {
        KIND.effects
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        async move {
            let outcome = self.notify(call).await.unwrap_or_else(|outcome| outcome);
            self.after_timeout.resolve(outcome).bounded()
        }
        .boxed()
    }
}

fn encryption(options: &ProviderOptions, host: &str) -> Result<(Tls, u16), OptionsError> {
    let parameters = || {
        TlsParameters::new_rustls(host.to_owned())
            .map_err(|error| options.invalid("TLS", format!("cannot be set up: {error}")))
    };
    match options.setting_or("tls", "starttls") {
        "starttls" => Ok((Tls::Upgraded(parameters()?), 587)),
        "tls" => Ok((Tls::Wrapped(parameters()?), 465)),
        "none" if on_this_machine(host) => Ok((Tls::None, 25)),
        "none" => Err(options.invalid(
            "setting `tls`",
            format!("is `none`, which only a server on this machine may have, not `{host}`"),
        )),
        other => {
            let problem = format!("is `{other}`; it can be `starttls`, `tls` or `none`");
            Err(options.invalid("setting `tls`", problem))
        }
    }
}

fn on_this_machine(host: &str) -> bool {
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

fn message_id(call: &Call, from: &Address) -> String {
    format!("<{}@{}>", call.key, from.domain())
}

/// What a failure before the message itself means: nothing was sent.
fn before(error: &lettre::transport::smtp::Error) -> Outcome {
    if error.status().is_some() {
        return replied(error);
    }
    let code = if error.is_timeout() {
        "timeout"
    } else {
        "connect"
    };
    Outcome::retry(code, error.to_string()).status(NO_REPLY)
}

/// What a reply that is no consent means: 4xx later, 5xx never.
fn replied(error: &lettre::transport::smtp::Error) -> Outcome {
    let reply: u16 = error.status().map_or(NO_REPLY, Into::into);
    let code = format!("smtp_{reply}");
    let outcome = if error.is_permanent() {
        Outcome::refused(code, error.to_string())
    } else {
        Outcome::retry(code, error.to_string())
    };
    outcome.status(reply)
}

#[cfg(test)]
mod tests;
