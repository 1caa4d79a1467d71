//! What a channel says of an order before the order itself has arrived.

use super::desk::Desk;
use super::review::Operation;
use crate::engine::command::{Command, CommandOutcome};
use crate::engine::define::answer;
use crate::engine::record::OrderRef;
use crate::types::process::OperatorAction;
use crate::types::{CommandKey, OrderKey, ResultCode, TenantId};

impl Desk<'_> {
    /// A channel cancelled an order that may not have arrived yet.
    pub fn cancel_ahead(
        &mut self,
        tenant: TenantId,
        (key, order): (CommandKey, OrderKey),
        reason: &str,
    ) -> CommandOutcome {
        if key.0 == 0 || order.0 == 0 {
            return answer(ResultCode::InvalidKey);
        }
        let operation = Operation {
            key,
            order,
            action: OperatorAction::Cancel,
            effect: 0,
            amount: 0,
            reason,
        };
        let fingerprint = operation.fingerprint();
        let slot = self
            .engine
            .find_order(&self.engine.probe(tenant, order))
            .order;
        if let Some(stored) = self.engine.stored_result(tenant, key, fingerprint, true) {
            return self.engine.with_order(slot, stored);
        }
        let reference = OrderRef {
            order,
            key,
            fingerprint,
            tenant,
        };
        let Some(slot) = slot else {
            return answer(ResultCode::UnknownOrder);
        };
        if self.process(slot).is_some() {
            let outcome = self.decide(slot, reference, &operation);
            return self.engine.with_order(Some(slot), outcome);
        }
        let command = Command::Cancel { key, order };
        let ours = (self.actor, &mut *self.out);
        self.engine.order_command(slot, &command, reference, ours)
    }
}
