//! The list of providers.

use super::core::{Options, Provider};
use super::easypost::EasyPost;
use super::hubspot::HubSpot;
use super::salesforce::Salesforce;
use super::sendgrid::SendGrid;
use super::shipstation::ShipStation;
use super::slack::Slack;
use super::smtp::Smtp;
use super::stripe::Stripe;
use super::twilio::Twilio;
use super::whatsapp::WhatsApp;

/// All providers of the sandbox, each a file of its own.
#[must_use]
pub fn all(options: &Options) -> Vec<Box<dyn Provider>> {
    let most = options.most_effects.saturating_mul(2);
    vec![
        Box::new(Stripe::new(most)),
        Box::<ShipStation>::default(),
        Box::<EasyPost>::default(),
        Box::<HubSpot>::default(),
        Box::<Salesforce>::default(),
        Box::<SendGrid>::default(),
        Box::<Smtp>::default(),
        Box::<Twilio>::default(),
        Box::<WhatsApp>::default(),
        Box::<Slack>::default(),
    ]
}
