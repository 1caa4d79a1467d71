//! The list of providers.

use super::authorize_net::AuthorizeNet;
use super::channels::{
    meta::Meta, shopee::Shopee, shopify::Shopify, tiktok::TikTok, woocommerce::WooCommerce,
};
use super::core::{Options, Provider};
use super::easypost::EasyPost;
use super::hubspot::HubSpot;
use super::salesforce::Salesforce;
use super::sendgrid::SendGrid;
use super::shipstation::ShipStation;
use super::sift::Sift;
use super::signifyd::Signifyd;
use super::slack::Slack;
use super::smtp::Smtp;
use super::stripe::Stripe;
use super::twilio::Twilio;
use super::webhook_step::WebhookStep;
use super::whatsapp::WhatsApp;
use super::wms::Wms;

/// All providers of the sandbox, each a file of its own.
#[must_use]
pub fn all(options: &Options) -> Vec<Box<dyn Provider>> {
    let most = options.most_effects.saturating_mul(2);
    vec![
        Box::new(Stripe::new(most)),
        Box::<AuthorizeNet>::default(),
        Box::<Sift>::default(),
        Box::<Signifyd>::default(),
        Box::<ShipStation>::default(),
        Box::<EasyPost>::default(),
        Box::<Wms>::default(),
        Box::<HubSpot>::default(),
        Box::<Salesforce>::default(),
        Box::<SendGrid>::default(),
        Box::<Smtp>::default(),
        Box::<Twilio>::default(),
        Box::<WhatsApp>::default(),
        Box::<Slack>::default(),
        Box::<WebhookStep>::default(),
        Box::new(Shopify::new(options.seed)),
        Box::new(WooCommerce::new(options.seed)),
        Box::new(Shopee::new(options.seed)),
        Box::new(TikTok::new(options.seed)),
        Box::new(Meta::new(options.seed)),
    ]
}
