//! What an operation wants recorded, before the sequencer gives it time, index and chain.

use pmh_audit::{ActorBody, DetailBody, Kind, OrgRef, References, registry};

/// Randomness of one attempt, fixed before a transaction body may run twice.
#[derive(Clone)]
pub struct Attempt {
    pub(crate) event_id: [u8; 16],
    pub(crate) salts: [[u8; 32]; 4],
    /// Becomes the person's key if this is the first entry about them.
    pub(crate) new_key_id: [u8; 16],
    pub(crate) new_key: [u8; 32],
}

impl Attempt {
    /// Draws 208 bytes. The event id is the gateway's own, never the caller's:
    /// otherwise a second disclosure could hide behind the first entry.
    pub fn draw(random: &mut impl FnMut(&mut [u8])) -> Self {
        let mut attempt =
            Self { event_id: [0; 16], salts: [[0; 32]; 4], new_key_id: [0; 16], new_key: [0; 32] };
        random(&mut attempt.event_id);
        attempt.salts.iter_mut().for_each(|salt| random(salt));
        random(&mut attempt.new_key_id);
        random(&mut attempt.new_key);
        attempt
    }

    /// Salt of the detail part; a bulk chunk derives its rows' salts from it.
    pub fn detail_salt(&self) -> &[u8; 32] {
        let [_, _, _, detail] = &self.salts;
        detail
    }
}

impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Attempt(..)")
    }
}

/// Whom an entry is about.
#[derive(Clone, PartialEq, Eq)]
pub struct EntrySubject {
    /// Internal reference: finds the chain, is never in the entry.
    pub reference: [u8; 32],
    /// The pairwise `sub` that the requester knows; committed in the subject part.
    pub sub: String,
}

impl std::fmt::Debug for EntrySubject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EntrySubject(..)")
    }
}

/// The plain fields and bodies of an entry.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What happened.
    pub kind: Kind,
    /// By which method.
    pub method: registry::Method,
    /// For which purpose.
    pub purpose: registry::Purpose,
    /// With which outcome: an eligibility outcome, or the number of a reason.
    pub outcome: u16,
    /// Which classes of record.
    pub categories: registry::Categories,
    /// Whose data; `None` for nobody's or several holders.
    pub holder: Option<OrgRef>,
    /// Who asked.
    pub requester: Option<OrgRef>,
    /// Links to other entries.
    pub references: References,
    /// About whom.
    pub subject: Option<EntrySubject>,
    /// Who acted, from which terminal.
    pub actor: ActorBody,
    /// What was asked and answered.
    pub detail: DetailBody,
}
