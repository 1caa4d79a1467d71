//! Reports that wait for their order.

use super::{Parked, ProcessTable, reference_hash};
use crate::limits;
use crate::types::OrderKey;
use crate::types::effect::ProviderId;

impl ProcessTable {
    /// Parks a report; those whose time is over, or for which there is no room, are dropped.
    pub fn park(&mut self, parked: Parked, now_ms: u64) {
        while let Some((arrival, oldest)) = self.parked.first_key_value() {
            if self.parked.len() < limits::REPORTS_PARKED_MAX && oldest.until_ms > now_ms {
                break;
            }
            self.unpark(*arrival);
        }
        let key = parked_key(parked.provider, parked.order, &parked.reference);
        self.arrivals += 1;
        self.parked_by.insert((key, self.arrivals));
        self.parked_events.insert(parked.event, self.arrivals);
        self.parked.insert(self.arrivals, parked);
    }

    pub fn unpark(&mut self, arrival: u64) {
        if let Some(parked) = self.parked.remove(&arrival) {
            let key = parked_key(parked.provider, parked.order, &parked.reference);
            self.parked_by.remove(&(key, arrival));
            self.parked_events.remove(&parked.event);
        }
    }
}

/// What a parked report is found by.
pub(super) fn parked_key(provider: ProviderId, order: OrderKey, reference: &str) -> u128 {
    if order.0 != 0 {
        return order.0;
    }
    let (provider, hash) = reference_hash(provider, reference);
    u128::from(provider) << 64 | u128::from(hash)
}
