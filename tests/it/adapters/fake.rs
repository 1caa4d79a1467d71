//! A provider in the test's hands.

use futures_util::future::{BoxFuture, FutureExt};
use onhand::adapters::call::Call;
use onhand::adapters::options::ProviderOptions;
use onhand::adapters::outcome::Outcome;
use onhand::adapters::provider::Provider;
use onhand::adapters::runtime::Configured;
use onhand::clock;
use onhand::types::effect::EffectKind;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;

pub struct Fake {
    pub options: ProviderOptions,
    kinds: &'static [EffectKind],
    takes_ms: u64,
    /// Calls return while it is true.
    answers: watch::Sender<bool>,
    calls: Mutex<Vec<(u64, Call)>>,
    out: AtomicUsize,
    out_most: AtomicUsize,
}

impl Fake {
    /// A provider that answers after `takes_ms`.
    pub fn new(name: &str, kinds: &'static [EffectKind], takes_ms: u64) -> Self {
        let options = ProviderOptions {
            name: name.to_owned(),
            timeout_ms: 60_000,
            concurrency: 16,
            ..ProviderOptions::default()
        };
        Self {
            options,
            kinds,
            takes_ms,
            answers: watch::Sender::new(true),
            calls: Mutex::default(),
            out: AtomicUsize::new(0),
            out_most: AtomicUsize::new(0),
        }
    }

    pub fn concurrency(mut self, most: usize) -> Self {
        self.options.concurrency = most;
        self
    }

    pub fn rate(mut self, per_second: u32) -> Self {
        self.options.rate_per_second = per_second;
        self
    }

    pub fn timeout_ms(mut self, timeout_ms: u64) -> Self {
        self.options.timeout_ms = timeout_ms;
        self
    }

    /// Takes calls and never answers, until [`Fake::answer`].
    pub fn dead(self) -> Self {
        let _ = self.answers.send_replace(false);
        self
    }

    pub fn arc(self) -> Arc<Self> {
        Arc::new(self)
    }

    /// As lanes are started with it.
    pub fn configured(self: &Arc<Self>) -> Configured {
        let provider = Arc::clone(self);
        let build = move |_: &ProviderOptions| Ok(Arc::clone(&provider) as _);
        Configured::with(self.options.clone(), None, Arc::new(build))
    }

    pub fn answer(&self) {
        let _ = self.answers.send_replace(true);
    }

    fn took(&self, call: &Call) {
        let mut calls = self.calls.lock().unwrap();
        calls.push((clock::monotonic_ns(), call.clone()));
    }

    /// When each call came, in nanoseconds, and the call.
    pub fn calls(&self) -> Vec<(u64, Call)> {
        self.calls.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    /// Most calls that were out at once.
    pub fn most_out(&self) -> usize {
        self.out_most.load(Ordering::SeqCst)
    }
}

impl Provider for Fake {
    fn kinds(&self) -> &'static [EffectKind] {
        self.kinds
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome> {
        async move {
            self.took(call);
            let out = self.out.fetch_add(1, Ordering::SeqCst) + 1;
            self.out_most.fetch_max(out, Ordering::SeqCst);
            if self.takes_ms > 0 {
                tokio::time::sleep(Duration::from_millis(self.takes_ms)).await;
            }
            let mut answers = self.answers.subscribe();
            let _ = answers.wait_for(|answers| *answers).await;
            self.out.fetch_sub(1, Ordering::SeqCst);
            Outcome::done(format!("ref-{}", call.number))
        }
        .boxed()
    }
}
