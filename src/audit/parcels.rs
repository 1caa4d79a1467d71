//! The parcels of one order at the providers: none is out for an order that ended without its units.

use super::fold::{Effect, Process};
use crate::types::OrderState;
use crate::types::effect::EffectKind;
use std::collections::BTreeSet;

/// Kinds of the ledger's effects that are about parcels.
pub const KINDS: [&str; 4] = ["label", "label_void", "shipment", "ship"];

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Parcels {
    /// Provider and object of each label that was bought.
    labels: BTreeSet<(String, String)>,
    voided: BTreeSet<(String, String)>,
    /// Parcels that left a warehouse.
    shipped: u64,
}

impl Parcels {
    /// Takes note of one effect of [`KINDS`].
    pub fn add(&mut self, kind: &str, object: (String, String)) {
        match kind {
            "label" => {
                self.labels.insert(object);
            }
            "label_void" => {
                self.voided.insert(object);
            }
            _ => self.shipped += 1,
        }
    }

    /// Takes in those of the same order under another name.
    pub fn join(&mut self, other: Self) {
        self.labels.extend(other.labels);
        self.voided.extend(other.voided);
        self.shipped += other.shipped;
    }

    /// Labels that were bought and not cancelled.
    pub fn standing(&self) -> usize {
        self.labels.difference(&self.voided).count()
    }

    /// What is out though the order ended without its units: one entry a check, `None` where
    /// nothing is. What is still on its way is not compared.
    pub fn of_ended(&self, process: &Process) -> [Option<String>; 2] {
        let state = process.state;
        if !state.is_terminal() || state == OrderState::Completed {
            return [None, None];
        }
        let settled = |forward: EffectKind, back: EffectKind| {
            // A dead letter may have happened, and so may what nobody has answered yet.
            let unsure = |it: &Effect| {
                [forward, back].contains(&it.kind) && it.is_open()
                    || it.kind == back && it.is_dead()
            };
            !process.effects.values().any(unsure)
        };
        let standing = self.standing();
        let label = settled(EffectKind::Label, EffectKind::LabelCancel) && standing > 0;
        let warehouse = (EffectKind::WarehouseOrder, EffectKind::WarehouseRecall);
        let left = settled(warehouse.0, warehouse.1) && self.shipped > 0;
        let name = state.name();
        [
            label.then(|| format!("the order is {name}; labels of it that stand: {standing}")),
            left.then(|| {
                format!(
                    "the order is {name}; parcels of it that left: {}",
                    self.shipped
                )
            }),
        ]
    }
}
