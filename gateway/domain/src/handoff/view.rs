//! What the guest reads: one function.

use jiff::Timestamp;

use super::{BirthOrder, Category, Duty, EntryRef, Ground, HandoffId, Holder, Home, State, VerifiedAccept};

/// Whose record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Person {
    /// The mother.
    Mother,
    /// One of her children.
    Child(BirthOrder),
}

/// What the stay side asks to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ask {
    /// Of which handoff.
    pub handoff: HandoffId,
    /// Whose record.
    pub person: Person,
    /// Which part of it.
    pub category: Category,
    /// In the course of which duty; needed where a law stands for consent.
    pub duty: Option<Duty>,
}

/// Permission to read one category of one person's record at one instant.
/// Reading demands it, and [`guest_reads`] alone gives it:
///
/// ```compile_fail
/// # use pmh_domain::handoff::{Ask, Disclosure, EntryRef, Ground};
/// fn forge(ask: Ask, cites: EntryRef, ground: Ground) -> Disclosure {
///     Disclosure { ask, cites, ground }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disclosure {
    ask: Ask,
    cites: EntryRef,
    ground: Ground,
}

/// Why the guest reads nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ReadRefusal {
    /// No such handoff, or one that the guest must not know of: the same.
    #[error("there is no such handoff")]
    Unknown,
    /// It is not active: not yet, or no more.
    #[error("the handoff is not active")]
    NotActive(State),
    /// The accept is not the one that home entered.
    #[error("no verified accept stands behind the handoff")]
    NoAccept,
    /// Nothing allows it: no consent, no stated basis, or nobody to whom the
    /// category belongs. A lost child looks like one that was never there.
    #[error("nothing allows this category of this person")]
    NotAllowed,
}

/// Whether the guest may read, and on what ground: category × person × period
/// × state. `None` where there is no handoff. The caller asks again for each
/// page of a stream, so a view closes by itself (P11). Errors: see
/// [`ReadRefusal`].
pub fn guest_reads(
    handoff: Option<(&Home, &VerifiedAccept)>,
    ask: Ask,
    now: Timestamp,
) -> Result<Disclosure, ReadRefusal> {
    let known = handoff.filter(|(home, _)| home.id() == ask.handoff && !home.is_hidden());
    let (home, proof) = known.ok_or(ReadRefusal::Unknown)?;
    let state = home.state(now);
    if state != State::Active {
        return Err(ReadRefusal::NotActive(state));
    }
    if !home.is_accepted_by(proof) {
        return Err(ReadRefusal::NoAccept);
    }
    if !belongs(home, ask) || (ask.category == Category::Place && home.hides_place()) {
        return Err(ReadRefusal::NotAllowed);
    }
    let holds = |duty| home.holder(duty, now) == Some(Holder::Stay);
    let ground = home.bases().ground(ask.category, ask.duty, holds).ok_or(ReadRefusal::NotAllowed)?;
    Ok(Disclosure { ask, cites: proof.accept(), ground })
}

fn belongs(home: &Home, ask: Ask) -> bool {
    match ask.person {
        Person::Mother => !ask.category.is_of_child(),
        Person::Child(order) => {
            ask.category.is_of_child() && home.children().living().any(|known| known == order)
        }
    }
}

impl Disclosure {
    /// What was asked.
    pub fn ask(&self) -> Ask {
        self.ask
    }

    /// The accept's entry, which the disclosure's entry cites.
    pub fn cites(&self) -> EntryRef {
        self.cites
    }

    /// On what ground; it is entered.
    pub fn ground(&self) -> Ground {
        self.ground
    }
}
