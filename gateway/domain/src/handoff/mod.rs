//! Handoff (里帰り出産): a mother gives birth in her hometown and neither
//! municipality loses her.
//!
//! Two sides, two logs. **Home** keeps the legal duty and the cost; **stay** is
//! the hometown. Each side is a fold of its own log's entries: [`Home`] of
//! [`HomeEntry`], [`Stay`] of [`StayEntry`]. Deciding never changes a state: it
//! gives the act that the caller appends, and the appended entry is applied.
//! So a crash loses nothing, and what a message changes is written before it
//! is believed.
//!
//! ```text
//! home log                                     stay log
//! 0 offer            ─ offer ──────────────▶   received
//!                      ◀────────────── accept ─ accept     (cites the offer)
//! accepted           (cites the accept)
//! care approved      ─ care ───────────────▶   approved    (a facility relies on it)
//! confirm = fence    ─ confirm ────────────▶   confirmed   (may act from here)
//!                      ◀────────────── return ─ return     (cites a confirm)
//! reported             ◀────────────── report ─ report     (cites a confirm)
//! acknowledged       ─ acknowledged ───────▶   acknowledged
//! returned           ─ received ───────────▶   over
//! closed             ─ over ───────────────▶
//! ```
//!
//! What crosses the link is an entry's receipt, never an order. It is believed
//! after [`Proven::check`], and it changes something only if it cites the entry
//! it answers. Lost, doubled, late and reordered receipts therefore change
//! nothing, and sending every entry again is always safe.
//!
//! A duty passes at home's confirm entry and comes back by the calendar, at
//! home's next ending entry, or when the stay side gives it back
//! ([`Home::holder`]): never by what the other side believes. What a guest
//! reads is one function, [`guest_reads`]. What the rules rest on is [`RULES`].
//!
//! Both sides read civil days in Tokyo from their own clock; a skew between two
//! gateways moves the first and last instant of a stay by as much, never the
//! holder, which home alone decides.

mod birth;
mod care;
mod category;
mod children;
mod consent;
mod duty;
mod home;
mod name;
mod offer;
mod officers;
mod proof;
mod refusal;
mod report;
mod request;
mod rule;
mod stay;
mod view;

pub use birth::{Attendant, AttendantKind, BirthError, BirthItem, BirthPlace, Newborn, PlaceKind};
pub use care::{Care, CareAnswer, CareApproval, CareError, CareKind};
pub use category::Category;
pub use children::{BirthOrder, Child, ChildEvent, Children, Loss, Notice, NoticeId};
pub use consent::{Bases, Consent, ConsentError, ConsentOrigin, Giver, Ground, Law, Statutory};
pub use duty::{Answers, DeclineReason, Duty, DutyAnswer, Holder};
pub use home::{Home, HomeAct, HomeEntry, Restriction, Standing, State, Write, holder};
pub use name::{CodeDigest, EntryRef, Fence, HandoffId, LeafHash, OneTimeCode, Side};
pub use offer::{Offer, OfferError, Terms, answer_by};
pub use officers::{NotTwo, Officer, TwoOfficers};
pub use proof::{
    FromLog, HomeSays, PeerLog, Proven, RequestRefused, Statement, StaySays, Unproven, VerifiedAccept,
};
pub use refusal::{Decision, Refusal};
pub use report::{Alarm, Assessment, Cost, GivenDose, KnownReport, News, Report, ReportError};
pub use request::{Asking, Claimed, Request, RequestAct, RequestEntry};
pub use rule::{GRACE_DAYS, RULES, Rule};
pub use stay::{Binding, Stay, StayAct, StayEntry, StayState};
pub use view::{Ask, Disclosure, Person, ReadRefusal, guest_reads};
