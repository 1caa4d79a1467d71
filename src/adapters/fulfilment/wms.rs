//! A warehouse that nobody calls: it reports shipments by callback only.

use crate::adapters::call::Call;
use crate::adapters::outcome::Outcome;
use crate::adapters::provider::Provider;
use crate::adapters::registry::Kind;
use crate::types::effect::EffectKind;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// See the module.
pub const KIND: Kind = Kind {
    name: "wms",
    effects: &[],
    timeout_ms: 1_000,
    secrets: &[],
    settings: &[],
    build: |_| Ok(Arc::new(Reporter)),
};

struct Reporter;

impl Provider for Reporter {
    fn kinds(&self) -> &'static [EffectKind] {
        KIND.effects
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        let message = format!(
            "{} is not served: this provider only reports",
            call.kind.name()
        );
        async move { Outcome::refused("kind", message) }.boxed()
    }
}
