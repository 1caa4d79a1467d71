//! The open sessions of a shard, by slot.

use crate::engine::command::Context;
use crate::types::{ActorId, Role, SessionId, TenantId};

/// What a session may do, and in whose name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SessionState {
    pub context: Context,
    pub role: Role,
}

impl SessionState {
    pub fn new(tenant: TenantId, actor: ActorId, role: Role) -> Self {
        Self {
            context: Context { tenant, actor },
            role,
        }
    }
}

/// Indexed by the low half of the session id; the whole id is compared, so that a slot's earlier
/// session is never mistaken for its present one.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    slots: Vec<Option<(SessionId, SessionState)>>,
}

impl Sessions {
    pub fn get(&self, session: SessionId) -> Option<SessionState> {
        match self.slots.get(session.slot()) {
            Some(Some((id, state))) if *id == session => Some(*state),
            _ => None,
        }
    }

    pub fn insert(&mut self, session: SessionId, state: SessionState) {
        let slot = session.slot();
        if slot >= self.slots.len() {
            self.slots.resize(slot + 1, None);
        }
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some((session, state));
        }
    }

    pub fn remove(&mut self, session: SessionId) {
        if self.get(session).is_some()
            && let Some(place) = self.slots.get_mut(session.slot())
        {
            *place = None;
        }
    }
}
