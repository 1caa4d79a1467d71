//! Marketplaces: they sell on their own, tell the merchant by webhook, and take stock from him.
//!
//! ```text
//!  POST /_sandbox/shopify/run ─▶ market: shows stock, sells it ─▶ webhook ─▶ TARGET/webhooks/shopify/SHOP
//!                                  ▲
//!  Onhand ─▶ the marketplace's API ┘ (absolute quantities; stale, throttled and bad writes refused)
//! ```
//!
//! A market sells what it shows, also while a lower figure is on its way to it: so overselling by a
//! slow or wrong publisher happens here as it does at the real marketplace, and is counted.
//! What all have in common is in [`market`]; a file each has the marketplace's shapes, signatures and
//! refusals. Their controls (`POST /_sandbox/NAME/ACTION`) are the same for all:
//!
//! | action | body | what happens |
//! |---|---|---|
//! | `items` | `{"items":[{"sku","stock","price_minor"}]}` | products exist, with ids that the answer names |
//! | `sell` | `{"orders":1,"sku":null,"quantity":1,"paid":true}` | buyers order at once, as far as stock is shown |
//! | `run` | `{"rate":50,"seconds":10,"quantity":1,"sku":null}` | buyers order by themselves, evenly, in the background |
//! | `cancel` | `{"order":"…"}` | a buyer cancels |
//! | `change` | `{"order":"…","quantity":3}` | the first line's quantity changes; of TikTok Shop articles are cancelled |
//! | `send` | `{"order":"…","topic":"…"}` | the order's webhook is sent once more |
//! | `refuse` | `{"sku":"…","refuse":true}` | stock writes of this item are refused from now on |
//! | `orders` | `{"behind":0,"most":10000}` | the orders behind this place, and the `next` one |
//! | `tokens` | `{"expire":true,"lifetime_s":60,"refuse":false}` | of Shopee and TikTok: it runs out, none is renewed |
//! | `truth` | | what is shown, sold, cancelled and written, by SKU |

mod control;
pub mod market;
pub mod meta;
pub mod shopee;
pub mod shopify;
pub mod tiktok;
mod tokens;
pub mod woocommerce;
