//! Pipelines, routes and messages as written → the set that is journaled.

use std::ops::Range;

use toml::Spanned;

use super::Source;
use super::conditions;
use super::file::{Names, PipelineTable, ProcessFile, StepTable};
use super::providers::{Providers, check_name};
use crate::config::ConfigError;
use crate::limits::{PIPELINE_STEPS_MAX, PIPELINES_MAX};
use crate::types::effect::{EffectKind, Milestone};
use crate::types::pipeline::{Message, PaymentMode, Pipeline, PipelineSet, Route, Step, StepKind};

/// Effects that the providers of a payment step must serve.
const PAYMENT: &[EffectKind] = &[
    EffectKind::PaymentAuthorise,
    EffectKind::PaymentQuery,
    EffectKind::PaymentCapture,
    EffectKind::PaymentVoid,
    EffectKind::PaymentRefund,
];

/// Compiles names of providers to their places in the set.
pub(super) struct Compiler<'a> {
    pub source: &'a Source<'a>,
    pub providers: &'a Providers,
    pub set: PipelineSet,
}

impl Compiler<'_> {
    /// The places of `names`, each of which must serve all of `effects`.
    pub fn places(
        &mut self,
        names: &Names,
        effects: &[EffectKind],
        what: &str,
    ) -> Result<Vec<u8>, ConfigError> {
        let mut places = Vec::with_capacity(names.len());
        for name in names {
            let Some(known) = self.providers.get(name.get_ref()) else {
                let there: Vec<&str> = self.providers.keys().map(String::as_str).collect();
                let message = format!(
                    "{what}: there is no provider `{}`; [providers] has {}",
                    name.get_ref(),
                    if there.is_empty() {
                        "none".to_owned()
                    } else {
                        there.join(", ")
                    }
                );
                return Err(self.source.at(name.span(), message));
            };
            if let Some(lacks) = effects.iter().find(|kind| !known.effects.contains(kind)) {
                let message = format!(
                    "{what}: provider `{}` (kind `{}`) cannot do `{}`",
                    name.get_ref(),
                    known.options.kind,
                    lacks.name()
                );
                return Err(self.source.at(name.span(), message));
            }
            let place = self.place(name.get_ref());
            if places.contains(&place) {
                let message = format!("{what}: `{}` is named twice", name.get_ref());
                return Err(self.source.at(name.span(), message));
            }
            places.push(place);
        }
        Ok(places)
    }

    /// A provider's place in the set; the table's bound keeps it below 64.
    fn place(&mut self, name: &str) -> u8 {
        let known = self.set.providers.iter().position(|one| one == name);
        let place = known.unwrap_or_else(|| {
            self.set.providers.push(name.to_owned());
            self.set.providers.len() - 1
        });
        u8::try_from(place).unwrap_or(u8::MAX)
    }

    /// Adds a pipeline, or replaces the one of its name among the first `replaceable`.
    pub fn pipeline(
        &mut self,
        table: &PipelineTable,
        replaceable: usize,
    ) -> Result<(), ConfigError> {
        check_name(self.source, "pipeline", &table.name)?;
        let name = table.name.get_ref();
        let payment = match &table.payment {
            None => PaymentMode::Gateway,
            Some(mode) => match mode.get_ref().as_str() {
                "gateway" => PaymentMode::Gateway,
                "channel_settled" => PaymentMode::ChannelSettled,
                "cash_on_delivery" => PaymentMode::CashOnDelivery,
                other => {
                    let message = format!(
                        "pipeline `{name}`: `payment` is `gateway`, `channel_settled` or \
                         `cash_on_delivery`, not `{other}`"
                    );
                    return Err(self.source.at(mode.span(), message));
                }
            },
        };
        let payment = match &table.method {
            None => payment,
            Some(method) => match (payment, method.get_ref().as_str()) {
                (PaymentMode::Gateway, "two_step") => payment,
                (PaymentMode::Gateway, "one_step") => PaymentMode::OneStep,
                (PaymentMode::Gateway, other) => {
                    let message = format!(
                        "pipeline `{name}`: `method` is `two_step` (authorise, capture later) or \
                         `one_step` (wallets, codes, transfers: taken at once), not `{other}`"
                    );
                    return Err(self.source.at(method.span(), message));
                }
                _ => {
                    let message = format!(
                        "pipeline `{name}`: `method` is said although no processor takes the money"
                    );
                    return Err(self.source.at(method.span(), message));
                }
            },
        };
        let mut pipeline = Pipeline {
            name: name.clone(),
            payment,
            steps: Vec::with_capacity(table.steps.len()),
        };
        for step in &table.steps {
            let compiled = self.step(name, step)?;
            pipeline.steps.push(compiled);
        }
        self.check_steps(&pipeline, table)?;
        let same = self.set.pipelines.iter().position(|one| one.name == *name);
        match same {
            Some(place) if place < replaceable => {
                if let Some(slot) = self.set.pipelines.get_mut(place) {
                    *slot = pipeline;
                }
            }
            Some(_) => {
                let message = format!("pipeline `{name}` stands twice in this file");
                return Err(self.source.at(table.name.span(), message));
            }
            None if self.set.pipelines.len() == PIPELINES_MAX => {
                let message = format!("more than {PIPELINES_MAX} pipelines");
                return Err(self.source.at(table.name.span(), message));
            }
            None => self.set.pipelines.push(pipeline),
        }
        Ok(())
    }

    fn step(&mut self, pipeline: &str, spanned: &Spanned<StepTable>) -> Result<Step, ConfigError> {
        let table = spanned.get_ref();
        let (kind, effects): (_, &[EffectKind]) = match table.kind.get_ref().as_str() {
            "fraud" => (StepKind::Fraud, &[EffectKind::FraudScore]),
            "payment" => (StepKind::Payment, PAYMENT),
            "fulfilment" => (
                StepKind::Fulfilment,
                &[EffectKind::Label, EffectKind::LabelCancel],
            ),
            "webhook" if table.compensated => (
                StepKind::Webhook,
                &[EffectKind::Webhook, EffectKind::WebhookUndo],
            ),
            "webhook" => (StepKind::Webhook, &[EffectKind::Webhook]),
            other => {
                let message = format!(
                    "pipeline `{pipeline}`: there is no step `{other}`; there are fraud, payment, \
                     fulfilment, webhook"
                );
                return Err(self.source.at(table.kind.span(), message));
            }
        };
        let name = table.name.as_ref().unwrap_or(&table.kind);
        check_name(self.source, "step", name)?;
        let what = format!("pipeline `{pipeline}`, step `{}`", name.get_ref());
        let warehouse = [EffectKind::WarehouseOrder, EffectKind::WarehouseRecall];
        let step = Step {
            name: name.get_ref().clone(),
            kind,
            when: conditions::compile(self.source, &table.when, &what)?,
            providers: self.places(&table.providers, effects, &what)?,
            warehouses: self.places(&table.warehouses, &warehouse, &what)?,
            compensated: table.compensated,
        };
        self.check_step(table, &step, &what, spanned.span())?;
        Ok(step)
    }

    fn check_step(
        &self,
        table: &StepTable,
        step: &Step,
        what: &str,
        span: Range<usize>,
    ) -> Result<(), ConfigError> {
        let refuse =
            |problem: &str| Err(self.source.at(span.clone(), format!("{what}: {problem}")));
        if !step.warehouses.is_empty() && step.kind != StepKind::Fulfilment {
            return refuse("only a fulfilment step has `warehouses`");
        }
        if step.compensated && step.kind != StepKind::Webhook {
            return refuse("only a webhook step is `compensated`; the others undo what they did");
        }
        if step.providers.is_empty() && step.warehouses.is_empty() {
            return refuse("no provider serves it: name one in `providers`");
        }
        if step.kind == StepKind::Payment
            && step.providers.len() < 2
            && table.backup.unwrap_or(true)
        {
            return refuse(
                "it has no backup: name a second provider, or say `backup = false` and orders \
                 wait in review while the only one is down",
            );
        }
        Ok(())
    }

    /// What must hold between the steps of a pipeline.
    fn check_steps(&self, pipeline: &Pipeline, table: &PipelineTable) -> Result<(), ConfigError> {
        let name = &pipeline.name;
        let refuse = |place: usize, problem: String| {
            let step = table.steps.get(place).map(Spanned::span);
            let span = step.unwrap_or_else(|| table.name.span());
            Err(self
                .source
                .at(span, format!("pipeline `{name}`: {problem}")))
        };
        if pipeline.steps.is_empty() {
            return refuse(usize::MAX, "it has no steps".to_owned());
        }
        if pipeline.steps.len() > PIPELINE_STEPS_MAX {
            let problem = format!("more than {PIPELINE_STEPS_MAX} steps");
            return refuse(PIPELINE_STEPS_MAX, problem);
        }
        let steps = || pipeline.steps.iter().enumerate();
        for (place, step) in steps() {
            if steps().any(|(other, one)| other < place && one.name == step.name) {
                return refuse(place, format!("two steps are called `{}`", step.name));
            }
        }
        let of = |kind| steps().filter(move |(_, step)| step.kind == kind);
        for kind in [StepKind::Payment, StepKind::Fulfilment] {
            let mut always = of(kind).filter(|(_, step)| conditions::is_always(&step.when));
            if let Some((place, _)) = always.nth(1) {
                return refuse(place, "an order would be paid or sent twice".to_owned());
            }
        }
        let payment = of(StepKind::Payment).next();
        match (pipeline.payment, payment) {
            (PaymentMode::Gateway | PaymentMode::OneStep, None) => {
                let problem = "it has no payment step: add one, or say who takes the money with \
                               `payment = \"channel_settled\"` or `\"cash_on_delivery\"`";
                return refuse(usize::MAX, problem.to_owned());
            }
            (PaymentMode::ChannelSettled | PaymentMode::CashOnDelivery, Some((place, _))) => {
                let problem = "it has a payment step, although `payment` says that the money does \
                               not come through a processor";
                return refuse(place, problem.to_owned());
            }
            _ => {}
        }
        let last_payment = of(StepKind::Payment).next_back().map(|(place, _)| place);
        let first_sent = of(StepKind::Fulfilment).next().map(|(place, _)| place);
        if let (Some(paid), Some(sent)) = (last_payment, first_sent)
            && sent < paid
        {
            return refuse(sent, "it would be sent before it is paid".to_owned());
        }
        Ok(())
    }

    /// Adds the routes of the file; `defaults` follow them.
    pub fn routes(&mut self, file: &ProcessFile, defaults: Vec<Route>) -> Result<(), ConfigError> {
        for spanned in &file.routes {
            let table = spanned.get_ref();
            let name = table.pipeline.get_ref();
            let found = self.set.pipelines.iter().position(|one| one.name == *name);
            let Some(pipeline) = found.and_then(|place| u8::try_from(place).ok()) else {
                let there: Vec<&str> = self.set.pipelines.iter().map(|p| p.name.as_str()).collect();
                let message = format!(
                    "there is no pipeline `{name}`; there are {}",
                    there.join(", ")
                );
                return Err(self.source.at(table.pipeline.span(), message));
            };
            let what = format!("route to `{name}`");
            let when = conditions::compile(self.source, &table.when, &what)?;
            if (when.score_min, when.score_max) != (0, 100) {
                let message = format!(
                    "{what}: it is never taken, because an order has no score yet when its \
                     pipeline is chosen; put the score into a step's condition"
                );
                return Err(self.source.at(spanned.span(), message));
            }
            let covered = self.set.routes.iter();
            if let Some(by) = covered
                .enumerate()
                .find(|(_, r)| conditions::covers(&r.when, &when))
            {
                let message = format!(
                    "{what}: it is never taken, because route {} before it takes every such order",
                    by.0 + 1
                );
                return Err(self.source.at(spanned.span(), message));
            }
            self.set.routes.push(Route { when, pipeline });
        }
        for route in defaults {
            let taken = self.set.routes.iter();
            if !taken
                .into_iter()
                .any(|r| conditions::covers(&r.when, &route.when))
            {
                self.set.routes.push(route);
            }
        }
        Ok(())
    }

    /// A pipeline of the file that no order would ever take.
    pub fn check_reached(&self, file: &ProcessFile) -> Result<(), ConfigError> {
        for spanned in &file.pipelines {
            let name = &spanned.get_ref().name;
            let place = self
                .set
                .pipelines
                .iter()
                .position(|p| p.name == *name.get_ref());
            let routed = self
                .set
                .routes
                .iter()
                .map(|route| usize::from(route.pipeline));
            let built_in = super::defaults::NAMES.contains(&name.get_ref().as_str());
            if place != Some(0) && !built_in && !routed.into_iter().any(|r| Some(r) == place) {
                let message = format!(
                    "pipeline `{}` is never taken: no route leads to it, and it is not the first",
                    name.get_ref()
                );
                return Err(self.source.at(name.span(), message));
            }
        }
        Ok(())
    }

    /// Adds `[messages]`, `crm` and `alerts`.
    pub fn messages(&mut self, file: &ProcessFile) -> Result<(), ConfigError> {
        for (milestone, names) in &file.messages {
            let Some(number) = Milestone::from_name(milestone.get_ref()) else {
                let there: Vec<&str> = Milestone::ALL.iter().map(|one| one.name()).collect();
                let message = format!(
                    "there is no milestone `{}`; there are {}",
                    milestone.get_ref(),
                    there.join(", ")
                );
                return Err(self.source.at(milestone.span(), message));
            };
            let what = format!("message `{}`", milestone.get_ref());
            for provider in self.places(names, &[EffectKind::Notify], &what)? {
                self.set.messages.push(Message {
                    milestone: number as u8,
                    provider,
                });
            }
        }
        self.set.messages.sort_by_key(|message| message.milestone);
        let crm = [EffectKind::CrmUpdate, EffectKind::CrmCorrect];
        self.set.crm_providers = self.places(&file.crm, &crm, "crm")?;
        self.set.alert_providers = self.places(&file.alerts, &[EffectKind::Alert], "alerts")?;
        Ok(())
    }
}
