//! The list of providers.

use super::core::{Options, Provider};
use super::stripe::Stripe;

/// All providers of the sandbox, each a file of its own.
#[must_use]
pub fn all(options: &Options) -> Vec<Box<dyn Provider>> {
    let most = options.most_effects.saturating_mul(2);
    vec![Box::new(Stripe::new(most))]
}
