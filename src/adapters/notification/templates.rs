//! The words of messages: one template a milestone and channel, in the Jinja language.
//!
//! Each has a default here. A provider's setting `templates` names a directory whose files replace
//! them one by one: `email/confirmed.txt` (first line: the subject; then an empty line and the
//! text), `sms/confirmed.txt`, `whatsapp/confirmed.txt` (one parameter of the approved WhatsApp
//! template a line). They are read and tried out once, at start.
//!
//! A template knows `number` (of the order), `name` (of the customer, may be empty), `shop`,
//! `total` and `amount` (such as `44.70 EUR`; `amount` is what this message is about: of a refund
//! the part that goes back), `tracking` and `carrier` of the parcel (may be empty), `link` to the
//! order's page (empty without `public_url`), and `items`, each with `sku` and `quantity`. Nothing
//! else can get into a message: no address, no payment token, no secret.

mod words;

use words::{email_text, sms_text, whatsapp_text};

use crate::adapters::call::Call;
use crate::adapters::options::{OptionsError, ProviderOptions};
use crate::adapters::outcome::Outcome;
use crate::types::effect::Milestone;
use crate::types::money;
use minijinja::{Environment, UndefinedBehavior, context};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Longest rendered message, in bytes.
const MESSAGE_BYTES_MAX: usize = 16 << 10;

/// Work that one rendering may cost, so that an override cannot loop for ever.
const FUEL: u64 = 50_000;

/// What kind of message a provider sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Subject and text.
    Email,
    /// Short text.
    Sms,
    /// Parameters of a template that WhatsApp has approved.
    WhatsApp,
}

impl Channel {
    /// Its folder of overrides.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::WhatsApp => "whatsapp",
        }
    }

    /// The default template of a milestone.
    #[must_use]
    pub const fn default_text(self, milestone: Milestone) -> &'static str {
        match self {
            Self::Email => email_text(milestone),
            Self::Sms => sms_text(milestone),
            Self::WhatsApp => whatsapp_text(milestone),
        }
    }
}

/// The templates of one provider.
#[derive(Debug)]
pub struct Templates {
    channel: Channel,
    shop: String,
    texts: BTreeMap<Milestone, String>,
    environment: Environment<'static>,
}

impl Templates {
    /// The defaults, with the overrides of the directory that the setting `templates` names; `shop`
    /// is the setting `shop_name`.
    ///
    /// # Errors
    /// A file cannot be read, or does not render: names the file, the line and the reason.
    pub fn load(options: &ProviderOptions, channel: Channel) -> Result<Self, OptionsError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        let mut templates = Self {
            channel,
            shop: options.setting_or("shop_name", "our shop").to_owned(),
            texts: BTreeMap::new(),
            environment,
        };
        let folder = options.setting_or("templates", "");
        for &milestone in Milestone::ALL {
            let mut text = channel.default_text(milestone).to_owned();
            let file = Path::new(folder)
                .join(channel.name())
                .join(format!("{}.txt", milestone.name()));
            if !folder.is_empty() && file.exists() {
                let name = format!("template {}", file.display());
                text = std::fs::read_to_string(&file).map_err(|error| {
                    options.invalid(name.clone(), format!("cannot be read: {error}"))
                })?;
                templates
                    .render_text(&text, &Facts::sample())
                    .map_err(|error| {
                        options.invalid(name.clone(), format!("does not render: {error}"))
                    })?;
            }
            templates.texts.insert(milestone, text);
        }
        Ok(templates)
    }

    /// The message of a call.
    ///
    /// # Errors
    /// The call has no milestone, or its template does not render: refused.
    pub fn render(&self, call: &Call) -> Result<String, Outcome> {
        let Some(text) = call
            .milestone
            .and_then(|milestone| self.texts.get(&milestone))
        else {
            return Err(Outcome::refused(
                "no_milestone",
                "the message has no milestone",
            ));
        };
        self.render_text(text, &Facts::of(call, &self.shop))
            .map_err(|error| {
                let name = call.milestone.map_or("", Milestone::name);
                let message = format!("{}/{name}.txt: {error}", self.channel.name());
                Outcome::refused("template", message)
            })
    }

    /// Subject and text of a call's e-mail. The subject is one line without control characters.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn render_email(&self, call: &Call) -> Result<(String, String), Outcome> {
        let message = self.render(call)?;
        let (subject, body) = message.split_once('\n').unwrap_or((&message, ""));
        let subject: String = subject.trim().chars().filter(|c| !c.is_control()).collect();
        Ok((subject, body.trim_start_matches(['\r', '\n']).to_owned()))
    }

    fn render_text(&self, text: &str, facts: &Facts<'_>) -> Result<String, String> {
        let items: Vec<_> = facts
            .items
            .iter()
            .map(|&(sku, quantity)| context! { sku, quantity })
            .collect();
        let values = context! {
            number => facts.number, name => facts.name, shop => facts.shop,
            total => &*facts.total, amount => &*facts.amount, tracking => facts.tracking,
            carrier => facts.carrier, link => facts.link, items,
        };
        let rendered = self.environment.render_str(text, values);
        let mut rendered = rendered.map_err(|error| match error.line() {
            Some(line) => format!("line {line}: {error}"),
            None => error.to_string(),
        })?;
        rendered.truncate(rendered.floor_char_boundary(MESSAGE_BYTES_MAX));
        Ok(rendered)
    }
}

struct Facts<'a> {
    number: &'a str,
    name: &'a str,
    shop: &'a str,
    total: String,
    amount: String,
    tracking: &'a str,
    carrier: &'a str,
    link: &'a str,
    items: Vec<(&'a str, u32)>,
}

impl<'a> Facts<'a> {
    fn of(call: &'a Call, shop: &'a str) -> Self {
        let facts = &call.facts;
        let parcel = matches!(
            call.milestone,
            Some(Milestone::Shipped | Milestone::Delivered)
        );
        // Carrier and tracking number, in this order; the carrier's name may have a space.
        let reference = if parcel { call.reference.as_str() } else { "" };
        let (carrier, tracking) = reference.rsplit_once(' ').unwrap_or(("", reference));
        Self {
            number: &facts.number,
            name: &facts.details.contact_name,
            shop,
            total: amount_text(facts.total, facts.currency),
            amount: amount_text(call.amount, facts.currency),
            tracking,
            carrier,
            link: &facts.link,
            items: facts
                .lines
                .iter()
                .map(|line| (line.sku.as_str(), line.quantity))
                .collect(),
        }
    }

    fn sample() -> Self {
        Self {
            number: "0-1042",
            name: "Ana",
            shop: "our shop",
            total: "44.70 EUR".into(),
            amount: "44.70 EUR".into(),
            tracking: "1Z0000000000000000",
            carrier: "UPS",
            link: "https://orders.example/track/3q2-7w",
            items: vec![("MUG-RED", 2)],
        }
    }
}

/// An amount for people: `44.70 EUR`; minor units and number where the currency is not known.
#[must_use]
pub fn amount_text(minor: u64, currency: u16) -> String {
    match (money::decimal(minor, currency), money::alpha(currency)) {
        (Some(decimal), Some(alpha)) => format!("{decimal} {alpha}"),
        _ if currency == 0 => minor.to_string(),
        _ => format!("{minor} minor units of currency {currency}"),
    }
}

/// The text of a team alert, in Slack's markup: how many orders, why, the first of them, and what
/// to do. It names no customer.
#[must_use]
pub fn alert(call: &Call) -> String {
    let orders = if call.amount > 1 {
        "orders need"
    } else {
        "order needs"
    };
    let count = call.amount.max(1);
    let mut text = String::new();
    let reason = escape(&call.step);
    let _ = writeln!(text, "*{count} {orders} a decision: {reason}*");
    let facts = &call.facts;
    let first = if count > 1 { "First: order" } else { "Order" };
    let _ = write!(
        text,
        "{first} {} ({}), {}",
        escape(&facts.number),
        facts.order,
        amount_text(facts.total, facts.currency)
    );
    if !facts.tenant.is_empty() {
        let _ = write!(text, ", tenant {}", escape(&facts.tenant));
    }
    let _ = write!(text, "\nSee `onhand review list`.");
    text
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::notification::tests::call;
    use crate::types::effect::EffectKind;
    use std::sync::Arc;

    const CHANNELS: [Channel; 3] = [Channel::Email, Channel::Sms, Channel::WhatsApp];

    #[test]
    fn every_milestone_has_words_on_every_channel_and_names_the_order() {
        for channel in CHANNELS {
            let templates = Templates::load(&ProviderOptions::default(), channel).unwrap();
            for &milestone in Milestone::ALL {
                let text = templates
                    .render(&call(EffectKind::Notify, Some(milestone)))
                    .unwrap();
                assert!(text.contains("0-1042"), "{channel:?} {milestone:?}: {text}");
            }
        }
    }

    #[test]
    fn a_delayed_order_is_said_to_be_processed_and_confirmed_within_five_minutes() {
        let delayed = call(EffectKind::Notify, Some(Milestone::Delayed));
        for channel in [Channel::Email, Channel::Sms] {
            let templates = Templates::load(&ProviderOptions::default(), channel).unwrap();
            let text = templates.render(&delayed).unwrap().to_lowercase();
            assert!(text.contains("processed"), "{text}");
            assert!(
                text.contains("confirmation follows within 5 minutes"),
                "{text}"
            );
        }
    }

    #[test]
    fn no_message_holds_a_payment_token_or_an_address() {
        for channel in CHANNELS {
            let templates = Templates::load(&ProviderOptions::default(), channel).unwrap();
            for &milestone in Milestone::ALL {
                let mut call = call(EffectKind::Notify, Some(milestone));
                let details = &mut Arc::make_mut(&mut call.facts).details;
                details.payment_token = "pm_canary".into();
                let text = templates.render(&call).unwrap();
                assert!(
                    !text.contains("pm_canary") && !text.contains("Calle Sol"),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn an_email_starts_with_its_subject_and_cannot_get_a_second_header() {
        let templates = Templates::load(&ProviderOptions::default(), Channel::Email).unwrap();
        let mut call = call(EffectKind::Notify, Some(Milestone::Confirmed));
        Arc::make_mut(&mut call.facts).number = "0-1\rBcc: x@example.com".into();
        let (subject, body) = templates.render_email(&call).unwrap();
        assert_eq!(subject, "Your order 0-1Bcc: x@example.com is confirmed");
        assert!(body.starts_with("Hello Ana Ruiz"), "{body}");
        assert!(body.contains("2 x MUG-RED"), "{body}");
    }

    #[test]
    fn a_directory_overrides_single_templates_and_a_broken_one_names_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sms/confirmed.txt");
        std::fs::create_dir(folder.path().join("sms")).unwrap();
        std::fs::write(&file, "Bueno: {{ number }}").unwrap();
        let mut options = ProviderOptions::default();
        let path = folder.path().display().to_string();
        options.settings.insert("templates".into(), path);
        let templates = Templates::load(&options, Channel::Sms).unwrap();
        let confirmed = call(EffectKind::Notify, Some(Milestone::Confirmed));
        assert_eq!(templates.render(&confirmed).unwrap(), "Bueno: 0-1042");
        let shipped = call(EffectKind::Notify, Some(Milestone::Shipped));
        assert!(templates.render(&shipped).unwrap().contains("on its way"));

        for broken in [
            "one\n{{ numbr }}",
            "one\n{% if %}",
            "{% for i in range(99999) %}{{ i }}{% endfor %}",
        ] {
            std::fs::write(&file, broken).unwrap();
            let error = Templates::load(&options, Channel::Sms)
                .unwrap_err()
                .to_string();
            assert!(error.contains("sms/confirmed.txt"), "{error}");
            assert!(
                !broken.starts_with("one") || error.contains("line 2"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_parcel_is_named_with_its_carrier_and_a_refund_with_its_part() {
        for channel in [Channel::Email, Channel::Sms] {
            let templates = Templates::load(&ProviderOptions::default(), channel).unwrap();
            let mut shipped = call(EffectKind::Notify, Some(Milestone::Shipped));
            shipped.reference = "DHL Express JD014600003".into();
            let text = templates.render(&shipped).unwrap();
            assert!(text.contains("Tracking: DHL Express JD014600003"), "{text}");
            shipped.reference = "JD014600003".into();
            let text = templates.render(&shipped).unwrap();
            assert!(text.contains("Tracking: JD014600003"), "{text}");
            let mut refunded = call(EffectKind::Notify, Some(Milestone::Refunded));
            refunded.amount = 345;
            let text = templates.render(&refunded).unwrap();
            assert!(
                text.contains("3.45 EUR") && !text.contains("44.70"),
                "{text}"
            );
        }
    }

    #[test]
    fn the_page_of_the_order_is_linked_where_there_is_one() {
        let link = "https://orders.example/track/3q2-7w";
        let linked = [Milestone::Delayed, Milestone::Confirmed, Milestone::Shipped];
        for channel in [Channel::Email, Channel::Sms] {
            let templates = Templates::load(&ProviderOptions::default(), channel).unwrap();
            for milestone in linked {
                let mut call = call(EffectKind::Notify, Some(milestone));
                let text = templates.render(&call).unwrap();
                assert!(!text.contains("http"), "{text}");
                Arc::make_mut(&mut call.facts).link = link.into();
                let text = templates.render(&call).unwrap();
                assert!(text.contains(link), "{channel:?} {milestone:?}: {text}");
            }
        }
    }

    #[test]
    fn an_amount_is_written_as_its_currency_is() {
        assert_eq!(amount_text(4470, 978), "44.70 EUR");
        assert_eq!(amount_text(500, 392), "500 JPY");
        assert_eq!(amount_text(7, 0), "7");
    }
}
