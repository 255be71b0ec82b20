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
    /// Draws 192 bytes at once: each call of the source is a call of the system. The event id is the gateway's own, never the caller's:
    /// otherwise a second disclosure could hide behind the first entry.
    pub fn draw(random: &mut impl FnMut(&mut [u8])) -> Self {
        let mut drawn = [0; 192];
        random(&mut drawn);
        let mut drawn = drawn.into_iter();
        Self {
            event_id: take(&mut drawn),
            salts: [take(&mut drawn), take(&mut drawn), take(&mut drawn), take(&mut drawn)],
            new_key_id: take(&mut drawn),
            new_key: take(&mut drawn),
        }
    }

    /// Salt of the detail part; a bulk chunk derives its rows' salts from it.
    pub fn detail_salt(&self) -> &[u8; 32] {
        let [_, _, _, detail] = &self.salts;
        detail
    }
}

/// The next `N` bytes; there are as many as the fields need (16 + 4 × 32 + 16 + 32).
fn take<const N: usize>(drawn: &mut impl Iterator<Item = u8>) -> [u8; N] {
    std::array::from_fn(|_| drawn.next().unwrap_or_default())
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
    /// Further references of the same person whose chains take the entry too: a look at one's own accesses closes
    /// every chain that it lists. Chains that do not exist are not begun.
    pub also: Vec<[u8; 32]>,
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
