//! Which marketplaces there are.

use crate::types::numbered;

numbered! {
    /// What kind of marketplace a channel is: it decides formats, signatures and API calls.
    pub enum ChannelKind {
        /// Shopify.
        Shopify = 1 "shopify",
        /// A WooCommerce shop.
        WooCommerce = 2 "woocommerce",
        /// Shopee.
        Shopee = 3 "shopee",
        /// TikTok Shop.
        TikTok = 4 "tiktok",
        /// Orders in WhatsApp messages, catalogue at Meta.
        WhatsApp = 5 "whatsapp",
    }
}
