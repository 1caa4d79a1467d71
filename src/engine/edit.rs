//! The next version of an order as a command with a key of its own: whoever repeats it gets its
//! first outcome, and makes no further version.

use super::Engine;
use super::command::{CommandOutcome, Context, OrderRequest};
use super::define::answer;
use super::record::{OrderRef, Record};
use crate::types::record::RecordBuffer;
use crate::types::{CodeClass, CommandKey, ResultCode};

impl Engine {
    /// As [`Engine::reserve`], under a command key. `fingerprint` is the meaning of what the client
    /// asked for, from which the caller has made `request` by what the order is now: a repeat finds
    /// another order, but asks for the same.
    ///
    /// What is done and what is refused for a business reason stays the answer for that key; what
    /// is malformed, or may be sent again later, does not.
    pub fn edit(
        &mut self,
        context: Context,
        (key, fingerprint): (CommandKey, u64),
        request: &OrderRequest<'_>,
        out: &mut RecordBuffer,
    ) -> CommandOutcome {
        if key.0 == 0 || request.key.0 == 0 {
            return answer(ResultCode::InvalidKey);
        }
        let probe = self.probe(context.tenant, request.key);
        let before = self.find_order(&probe).order;
        if let Some(stored) = self.stored_result(context.tenant, key, fingerprint, true) {
            return self.with_order(before, stored);
        }
        let mut notes = Vec::new();
        let placed = self.reserve_probed(context, request, &probe, out, &mut notes);
        let mut outcome = CommandOutcome {
            replayed: placed.replayed,
            sequence: placed.sequence,
            state: placed.state,
            ..answer(placed.code)
        };
        let (tenant, code) = (context.tenant, placed.code);
        let record = match code.class() {
            CodeClass::Success => Record::CommandDone {
                order: OrderRef {
                    order: request.key,
                    key,
                    fingerprint,
                    tenant,
                },
            },
            CodeClass::Rejection => Record::CommandRefused {
                tenant,
                key,
                fingerprint,
                code,
                of_order: true,
            },
            _ => return outcome,
        };
        outcome.sequence = self.commit(&record, context.actor, out);
        let after = self.find_order(&probe).order;
        self.with_order(after, outcome)
    }
}
