//! Checkups as a clinic, a citizen or the home municipality reads them.

use std::{collections::BTreeMap, sync::Arc};

use jiff::civil::Date;
use pmh_audit::{Kind, OrgRef};
use pmh_auth::{
    names::{Purpose, Role},
    policy::Permit,
};
use pmh_domain::{
    checkup::{
        alert::{Differing, Repeated, differing, repeated},
        growth::{Child, Placed, placed},
        kind::{CheckupKind, Subject},
        record::Checkup,
        version::{SourceVersion, Standing},
        visibility::Viewer,
    },
    resident::ResidentLink,
};
use pmh_proto::common::Reason;
use pmh_store::{
    Concluding, Conclusion, Draft, PersonLink, Reply,
    checkup::{CheckupsOf, KeptCheckup, PersonCheckups},
};
use sha2::{Digest as _, Sha256};

use super::Kept;
use crate::{
    ops::{
        Call, Gateway,
        call::Named,
        refusals::{refused, settled},
        unavailable,
        verify::purpose_number,
    },
    rpc::status::Refusal,
};

/// Which part of a person's checkups.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Empty: all.
    pub kinds: Vec<CheckupKind>,
    /// First day.
    pub from: Option<Date>,
    /// Last day.
    pub to: Option<Date>,
    /// Records at most.
    pub limit: usize,
    /// Where the page before ended.
    pub after: Option<Place>,
}

/// A record's place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Day of the checkup.
    pub day: Date,
    /// Its id.
    pub checkup_id: [u8; 16],
}

/// A record as one reader sees it.
pub struct Seen {
    /// Its id.
    pub checkup_id: [u8; 16],
    /// Who sent it, `<kind>:<code>`; empty if that is withheld.
    pub sender: String,
    /// What this reader may see of it.
    pub checkup: Checkup,
    /// Whether the reader sent it, and so knows its keys.
    pub is_own: bool,
    /// There were earlier versions.
    pub amended: bool,
    /// A later version is quarantined.
    pub disputed: bool,
    /// Every version held.
    pub versions: Vec<(SourceVersion, Standing)>,
    /// Where the child stands.
    pub growth: Vec<Placed>,
    /// Tests positive twice running, up to this visit.
    pub repeated: Vec<Repeated>,
    /// Tests that this visit tells differently.
    pub differing: Vec<Differing>,
    size: usize,
}

/// A page, before it is recorded.
pub struct CheckupPage {
    /// By day.
    pub checkups: Vec<Seen>,
    /// Where it ended; `None`: this was the last.
    pub next: Option<Place>,
}

/// A page of a person's checkups.
pub async fn list_checkups(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    resident_key: Option<String>,
    wanted: Wanted,
    render: impl Fn(&CheckupPage) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let reading = Reading::of(gateway, call, permit, resident_key)?;
    let choose = move |seen| {
        let page = page(seen, &wanted);
        Some((render(&page), holder(&page.checkups)))
    };
    reading.run(gateway, choose).await
}

/// One of a person's checkups.
pub async fn get_checkup(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    resident_key: Option<String>,
    checkup_id: [u8; 16],
    render: impl Fn(&Seen) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let reading = Reading::of(gateway, call, permit, resident_key)?;
    let choose = move |seen: Vec<Seen>| {
        let one = seen.into_iter().find(|seen| seen.checkup_id == checkup_id)?;
        Some((render(&one), holder(std::slice::from_ref(&one))))
    };
    reading.run(gateway, choose).await
}

/// Who reads whose checkups.
struct Reading {
    call: Call,
    of: CheckupsOf,
    who: Who,
    /// The token's person.
    named: Option<Named>,
    purpose: pmh_audit::registry::Purpose,
}

/// In which role somebody reads.
#[derive(Clone)]
enum Who {
    /// By its own key of the resident; `<kind>:<code>`.
    Home(String),
    /// At a counter; the holder of the card may act for the person.
    Clinic { is_guardian: bool },
    /// The person, or who acts for the person.
    Citizen { is_guardian: bool, is_app: bool },
}

impl Reading {
    fn of(
        gateway: &Gateway,
        call: &Call,
        permit: &Permit,
        resident_key: Option<String>,
    ) -> Result<Self, Refusal> {
        gateway.witnesses.permit_disclosure(call.now.as_microsecond())?;
        let named = permit.subject().and_then(|_| call.named(gateway));
        let is_guardian = permit.subject().is_some_and(|subject| subject.actor().is_some());
        let (of, who) = match (resident_key, &named) {
            (Some(_), Some(_)) => return Err(Refusal::new(Reason::SubjectMismatch)),
            (None, Some(named)) => {
                let who = match permit.role() {
                    Role::Clinic => Who::Clinic { is_guardian },
                    role => Who::Citizen { is_guardian, is_app: role == Role::App },
                };
                (CheckupsOf::Person(named.subject.reference), who)
            }
            (Some(key), None) => {
                // Its own residents need no card; a clinic that names one is asked for its token.
                let issuer = call.issuer().map_err(|_| Refusal::new(Reason::TokenMissing))?;
                if permit.purpose() == Some(Purpose::Patrqt) {
                    return Err(Refusal::new(Reason::PurposeNotAllowed));
                }
                (CheckupsOf::Resident(issuer, key), Who::Home(call.short().to_owned()))
            }
            (None, None) => return Err(Refusal::new(Reason::TokenMissing)),
        };
        let purpose = purpose_number(permit.purpose());
        Ok(Self { call: call.clone(), of, who, named, purpose })
    }

    /// Loads, shows through the reader's view, records. `choose` is pure: it may run twice.
    async fn run(
        self,
        gateway: &Arc<Gateway>,
        choose: impl Fn(Vec<Seen>) -> Option<(Vec<u8>, String)> + Send + 'static,
    ) -> Result<Kept, Refusal> {
        let Self { call, of, who, named, purpose } = self;
        let keeper = Arc::clone(gateway);
        let recorded = gateway
            .store
            .read_checkups(gateway.attempt(), of, move |concluding| {
                let Concluding::Fresh(Some(person)) = concluding else { return refused(Reason::NotFound) };
                let Some((answer, holder)) = choose(seen(&person, &who)) else {
                    return refused(Reason::NotFound);
                };
                let sha256 = Sha256::digest(&answer).into();
                let categories = pmh_audit::registry::Categories::CHECKUP;
                let mut draft: Draft = call.draft(Kind::Disclosure, categories, named.as_ref(), sha256);
                draft.purpose = purpose;
                draft.holder = OrgRef::new(&holder).ok();
                if draft.subject.is_none() {
                    draft.subject = keeper.entry_subject(person.survivor, call.peer.urn());
                }
                Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
            })
            .await
            .map_err(|fault| unavailable(&fault))?;
        settled(recorded)
    }
}

impl Who {
    /// The most that this reader can open of a checkup that is about one or the other.
    fn viewer(&self, about: Subject) -> Viewer {
        match (self, about) {
            (Self::Home(_), _) => Viewer::HomeMunicipality,
            (Self::Clinic { is_guardian: false }, Subject::Mother) => Viewer::MothersClinic,
            (Self::Clinic { .. }, _) => Viewer::ChildsClinic,
            (Self::Citizen { is_guardian: true, .. }, _) => Viewer::Guardian,
            (Self::Citizen { .. }, Subject::Mother) => Viewer::Mother,
            (Self::Citizen { .. }, Subject::Child) => Viewer::Child,
        }
    }

    /// In a guardian's or an app's view a restricted record equals absence (design.md §2, P5 and P16).
    fn is_on_behalf(&self) -> bool {
        match self {
            Self::Home(_) => false,
            Self::Clinic { is_guardian } => *is_guardian,
            Self::Citizen { is_guardian, is_app } => *is_guardian || *is_app,
        }
    }

    /// A municipality reads what it sent itself, and what institutions sent about its residents.
    fn may_read(&self, sender: &str) -> bool {
        match self {
            Self::Home(own) => sender == own || !sender.starts_with("municipality:"),
            Self::Clinic { .. } | Self::Citizen { .. } => true,
        }
    }

    fn sent(&self, sender: &str) -> bool {
        matches!(self, Self::Home(own) if own == sender)
    }
}

/// Everything that a reader sees of a person, by day. No record leaves but through the view of who asks.
fn seen(person: &PersonCheckups, who: &Who) -> Vec<Seen> {
    let is_restricted = person.links.iter().any(|link| link.non_disclosure || link.protective);
    if is_restricted && who.is_on_behalf() {
        return Vec::new();
    }
    let records = person.records.iter().filter(|kept| who.may_read(&kept.sender));
    let mut seen: Vec<Seen> = records.filter_map(|kept| Seen::of(kept, who, &person.links)).collect();
    say_alerts(&mut seen);
    seen.into_iter().map(|seen| seen.told_to(who, is_restricted)).collect()
}

impl Seen {
    fn of(kept: &KeptCheckup, who: &Who, links: &[PersonLink]) -> Option<Self> {
        let checkup = kept.checkup.seen_by(who.viewer(kept.checkup.kind.subject()))?;
        Some(Self {
            checkup_id: kept.checkup_id,
            sender: kept.sender.clone(),
            is_own: who.sent(&kept.sender),
            amended: kept.amended,
            disputed: kept.disputed,
            versions: kept.versions.clone(),
            growth: placed(&checkup, child(links, &kept.sender)),
            repeated: Vec::new(),
            differing: Vec::new(),
            size: kept.size,
            checkup,
        })
    }

    /// Without what the sender alone uses, and without what says where a restricted person lives.
    fn told_to(mut self, who: &Who, is_restricted: bool) -> Self {
        let is_home = matches!(who, Who::Home(_));
        if !self.is_own && self.checkup.kind.subject() == Subject::Child {
            self.checkup.pregnancy.clear();
        }
        if is_restricted && !is_home {
            self.sender.clear();
            self.checkup.institution = None;
            self.checkup.own_code = None;
            // Free text may name a place.
            self.checkup.items.values_mut().for_each(|entry| entry.note.clear());
        }
        self
    }
}

/// The child as the sender's own register has it, or else as another has.
fn child(links: &[PersonLink], sender: &str) -> Option<Child> {
    let is_senders = |link: &&ResidentLink| link.issuer.organization().to_string() == sender;
    let mut all = links.iter().map(|known| &known.link);
    let link = all.clone().find(is_senders).or_else(|| all.next())?;
    Some(Child { birth: link.birth_date, sex: link.sex })
}

/// Puts each alert at the later of its two visits, pregnancy by pregnancy.
fn say_alerts(seen: &mut [Seen]) {
    let mut pregnancies: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for (position, seen) in seen.iter().enumerate() {
        if seen.checkup.kind == CheckupKind::Pregnancy {
            let pregnancy = (seen.sender.clone(), seen.checkup.pregnancy.clone());
            pregnancies.entry(pregnancy).or_default().push(position);
        }
    }
    for visits in pregnancies.values() {
        let checkups = || visits.iter().filter_map(|at| Some(&seen.get(*at)?.checkup));
        let (repeated, differing) = (repeated(checkups()), differing(checkups()));
        for at in visits {
            let Some(visit) = seen.get_mut(*at) else { continue };
            let day = visit.checkup.date;
            visit.repeated = repeated.iter().filter(|alert| alert.second == day).copied().collect();
            visit.differing = differing.iter().filter(|alert| alert.second == day).copied().collect();
        }
    }
}

fn page(seen: Vec<Seen>, wanted: &Wanted) -> CheckupPage {
    let is_wanted = |seen: &Seen| {
        let checkup = &seen.checkup;
        (wanted.kinds.is_empty() || wanted.kinds.contains(&checkup.kind))
            && wanted.from.is_none_or(|from| from <= checkup.date)
            && wanted.to.is_none_or(|to| checkup.date <= to)
    };
    let all: Vec<Seen> = seen.into_iter().filter(is_wanted).collect();
    let start = wanted.after.map_or(0, |after| start_after(&all, after));
    let (mut checkups, mut size) = (Vec::new(), 0_usize);
    let mut rest = all.into_iter().skip(start).peekable();
    while let Some(next) = rest.peek() {
        size = size.saturating_add(next.size);
        let is_full = checkups.len() >= wanted.limit || size > PAGE_BYTES;
        if is_full && !checkups.is_empty() {
            break;
        }
        checkups.extend(rest.next());
    }
    let next = rest.peek().and(checkups.last()).map(Seen::place);
    CheckupPage { checkups, next }
}

impl Seen {
    fn place(&self) -> Place {
        Place { day: self.checkup.date, checkup_id: self.checkup_id }
    }
}

/// A record may have gone since the page before; then its day is told again, so that nothing is passed over.
fn start_after(all: &[Seen], after: Place) -> usize {
    let last = all.iter().position(|seen| seen.checkup_id == after.checkup_id);
    last.map_or_else(
        || all.iter().filter(|seen| seen.checkup.date < after.day).count(),
        |last| last.saturating_add(1),
    )
}

/// Who sent what is shown, if it was one; a sender that is withheld here is withheld in the receipt.
fn holder(seen: &[Seen]) -> String {
    let first = seen.first().map(|seen| seen.sender.clone()).unwrap_or_default();
    if seen.iter().all(|seen| seen.sender == first) { first } else { String::new() }
}

/// Text of a page at most, well below the largest message of the edge.
const PAGE_BYTES: usize = 256 * 1024;

macro_rules! silent {
    ($($name:ident)*) => {
        $(impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        })*
    };
}
silent!(Seen CheckupPage);
