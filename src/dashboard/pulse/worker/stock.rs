//! What the engines are asked: the stock of what sells, and of what is short.

use super::super::sale::{Questions, by_shard};
use super::super::shard::READER;
use super::super::tenant::Tenant;
use super::Worker;
use crate::shard::local::{Level, Levels, Local, LocalAnswer, LocalQuery, LocalRequest};
use crate::types::{SkuId, TenantId};

impl Worker {
    /// Asks every shard for the stock of what sells.
    pub(super) fn ask(&mut self, mut questions: Questions) {
        for shard in &mut self.shards {
            if shard.asking.is_some() {
                continue;
            }
            let skus: Vec<(TenantId, SkuId)> = questions.remove(&shard.number).unwrap_or_default();
            let asked = skus.clone();
            let (number, sender) = (shard.number, self.answers.0.clone());
            let local = Local {
                tenant: String::new(),
                actor: READER.to_owned(),
                request: LocalRequest::Query(LocalQuery::Levels { skus }),
                answer: Some(Box::new(move |answer| {
                    let levels = match answer {
                        LocalAnswer::Levels(levels) => Some(levels),
                        _ => None,
                    };
                    // An error means that nobody waits any more.
                    let _ = sender.send((number, levels));
                })),
            };
            shard.asking = shard.queue.push(local).is_ok().then_some(asked);
        }
    }

    pub(super) fn answered(&mut self, number: u16, levels: Option<&Levels>) {
        let Some(shard) = self.shards.iter_mut().find(|one| one.number == number) else {
            return;
        };
        let asked = shard.asking.take().unwrap_or_default();
        let Some(levels) = levels else {
            return;
        };
        for tenant in &mut self.tenants {
            let Some(own) = tenant.numbers.get(&number).copied() else {
                continue;
            };
            for level in levels.skus.iter().filter(|level| level.tenant == own) {
                tenant.sale.level(number, level, levels.sequence);
            }
            // Asked for and not told: a record that names no tenant was about another one's SKU.
            for (_, sku) in asked.iter().filter(|(tenant, _)| *tenant == own) {
                let told = |level: &Level| level.tenant == own && level.sku == *sku;
                if !levels.skus.iter().any(told) {
                    tenant.sale.not_ours((number, *sku));
                }
            }
        }
        shard.open_holds = levels.open_holds;
        // Only where the journal is not read past it already: then it is compared on the way.
        if levels.sequence >= shard.tail.place().sequence {
            shard.counted = Some((levels.accepted, levels.sequence));
            shard.check_count(shard.tail.place().sequence);
        }
    }
}

/// Adds the SKUs that sell, or are short, to what the engines are asked.
pub(super) fn ask_about(tenant: &mut Tenant, second: u64, questions: &mut Questions) {
    let skus = tenant.sale.choose(second);
    let numbers = &tenant.numbers;
    let asked = by_shard(|shard| numbers.get(&shard).copied(), &skus);
    for (shard, skus) in asked {
        questions.entry(shard).or_default().extend(skus);
    }
}
