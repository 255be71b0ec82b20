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
        delivery::Delivered,
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
    Concluding, Conclusion, Draft, PersonLink, Reply, SubjectRef,
    checkup::{CheckupsOf, KeptCheckup, KeptDelivery, PersonCheckups},
};
use sha2::{Digest as _, Sha256};

use super::{Kept, record::delivered};
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

/// Which record is asked for.
pub enum OneOf {
    /// By the id that names it for everybody.
    Id([u8; 16]),
    /// What an institution recorded under its own id; no card is needed to learn what became of it.
    Recorded(String),
}

/// A record as one reader sees it.
#[expect(clippy::struct_excessive_bools, reason = "independent facts of the contract")]
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
    /// Of the reader's own record: where it is now.
    pub delivered: Option<Delivered>,
    /// Other senders' records of the same visit.
    pub same_visit: Vec<[u8; 16]>,
    /// It is what the reader answered about herself at her child's checkup.
    pub at_childs_checkup: bool,
    deliveries: Vec<KeptDelivery>,
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
    render: impl Fn(&CheckupPage) -> Vec<u8> + Send + Sync + 'static,
) -> Result<Kept, Refusal> {
    let reading = Reading::of(gateway, call, permit, resident_key)?;
    let choose = move |seen| {
        let page = page(seen, &wanted);
        let shown = page.checkups.iter().map(|seen| seen.checkup_id).collect();
        Some(Chosen { answer: render(&page), holder: holder(&page.checkups), shown })
    };
    reading.run(gateway, choose).await
}

/// One of a person's checkups.
pub async fn get_checkup(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    resident_key: Option<String>,
    one_of: OneOf,
    render: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static,
) -> Result<Kept, Refusal> {
    let reading = match &one_of {
        OneOf::Id(_) => Reading::of(gateway, call, permit, resident_key)?,
        OneOf::Recorded(record_id) => Reading::of_own_record(gateway, call, permit, record_id)?,
    };
    let choose = move |seen: Vec<Seen>| {
        let one = seen.into_iter().find(|seen| match &one_of {
            OneOf::Id(checkup_id) => seen.checkup_id == *checkup_id,
            OneOf::Recorded(record_id) => seen.is_own && seen.checkup.record_id == *record_id,
        })?;
        let holder = holder(std::slice::from_ref(&one));
        Some(Chosen { answer: render(&one), holder, shown: vec![one.checkup_id] })
    };
    reading.run(gateway, choose).await
}

/// What is answered, whose it is, and which records are in it.
struct Chosen {
    answer: Vec<u8>,
    holder: String,
    shown: Vec<[u8; 16]>,
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
    /// At a counter, `<kind>:<code>`; the holder of the card may act for the person.
    Clinic { own: String, is_guardian: bool },
    /// The institution that recorded it, without a card.
    Recorder(String),
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
                    Role::Clinic => Who::Clinic { own: call.short().to_owned(), is_guardian },
                    role => Who::Citizen { is_guardian, is_app: role == Role::App },
                };
                let person = named.subject.reference;
                let of = match &who {
                    Who::Citizen { is_guardian: false, .. } => CheckupsOf::Oneself(person),
                    _ => CheckupsOf::Person(person),
                };
                (of, who)
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

    /// An institution asks what became of its own record.
    fn of_own_record(
        gateway: &Gateway,
        call: &Call,
        permit: &Permit,
        record_id: &str,
    ) -> Result<Self, Refusal> {
        gateway.witnesses.permit_disclosure(call.now.as_microsecond())?;
        if permit.role() != Role::Clinic {
            return Err(Refusal::new(Reason::RoleNotAllowed));
        }
        let own = call.short().to_owned();
        Ok(Self {
            call: call.clone(),
            of: CheckupsOf::Recorded(own.clone(), record_id.to_owned()),
            who: Who::Recorder(own),
            named: None,
            purpose: purpose_number(permit.purpose()),
        })
    }

    /// Loads, shows through the reader's view, records. `choose` is pure: it may run twice.
    async fn run(
        self,
        gateway: &Arc<Gateway>,
        choose: impl Fn(Vec<Seen>) -> Option<Chosen> + Send + Sync + 'static,
    ) -> Result<Kept, Refusal> {
        let (of, who) = (self.of.clone(), self.who.clone());
        let choose = Arc::new(move |person: &PersonCheckups| choose(seen(person, &who)));
        let (shown, keeper) = (Arc::clone(&choose), Arc::clone(gateway));
        let conclude = move |concluding: Concluding<'_, Option<PersonCheckups>>| {
            let Concluding::Fresh(Some(person)) = concluding else { return refused(Reason::NotFound) };
            match choose(&person) {
                Some(chosen) => self.conclude(&keeper, person.survivor, chosen),
                None => refused(Reason::NotFound),
            }
        };
        let (store, attempt) = (&gateway.store, gateway.attempt());
        let recorded = match of {
            CheckupsOf::Resident(issuer, key) => {
                let shown =
                    move |person: &PersonCheckups| shown(person).map_or_else(Vec::new, |chosen| chosen.shown);
                store.show_checkups(attempt, (issuer, key), shown, conclude).await
            }
            of => store.read_checkups(attempt, of, conclude).await,
        };
        settled(recorded.map_err(|fault| unavailable(&fault))?)
    }

    fn conclude(&self, gateway: &Gateway, survivor: SubjectRef, chosen: Chosen) -> Conclusion<Refusal> {
        let Chosen { answer, holder, .. } = chosen;
        let sha256 = Sha256::digest(&answer).into();
        let categories = pmh_audit::registry::Categories::CHECKUP;
        let mut draft: Draft = self.call.draft(Kind::Disclosure, categories, self.named.as_ref(), sha256);
        draft.purpose = self.purpose;
        draft.holder = OrgRef::new(&holder).ok();
        if draft.subject.is_none() {
            draft.subject = gateway.entry_subject(survivor, self.call.peer.urn());
        }
        Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
    }
}

impl Who {
    /// The most that this reader can open of a checkup that is about one or the other.
    fn viewer(&self, about: Subject) -> Viewer {
        match (self, about) {
            (Self::Home(_), _) => Viewer::HomeMunicipality,
            (Self::Clinic { is_guardian: false, .. } | Self::Recorder(_), Subject::Mother) => {
                Viewer::MothersClinic
            }
            (Self::Clinic { .. } | Self::Recorder(_), _) => Viewer::ChildsClinic,
            (Self::Citizen { is_guardian: true, .. }, _) => Viewer::Guardian,
            (Self::Citizen { .. }, Subject::Mother) => Viewer::Mother,
            (Self::Citizen { .. }, Subject::Child) => Viewer::Child,
        }
    }

    /// In a guardian's or an app's view a restricted record equals absence (design.md §2, P5 and P16).
    fn is_on_behalf(&self) -> bool {
        match self {
            Self::Home(_) | Self::Recorder(_) => false,
            Self::Clinic { is_guardian, .. } => *is_guardian,
            Self::Citizen { is_guardian, is_app } => *is_guardian || *is_app,
        }
    }

    /// A municipality reads what it sent itself, and what institutions sent about its residents.
    fn may_read(&self, sender: &str) -> bool {
        match self {
            Self::Home(own) => sender == own || !sender.starts_with("municipality:"),
            Self::Recorder(own) => sender == own,
            Self::Clinic { .. } | Self::Citizen { .. } => true,
        }
    }

    fn sent(&self, sender: &str) -> bool {
        match self {
            Self::Home(own) | Self::Recorder(own) | Self::Clinic { own, .. } => own == sender,
            Self::Citizen { .. } => false,
        }
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
    name_same_visits(&mut seen);
    seen.extend(person.at_childrens.iter().filter_map(Seen::of_herself));
    seen.sort_by_key(|seen| seen.checkup.date);
    seen.into_iter().map(|seen| seen.told_to(who, is_restricted)).collect()
}

/// What the municipality sent of a visit and what the institution recorded itself are two records; each names the other.
fn name_same_visits(seen: &mut [Seen]) {
    let named: Vec<Vec<[u8; 16]>> = seen
        .iter()
        .map(|one| {
            let is_other =
                |other: &&Seen| other.sender != one.sender && one.checkup.is_same_visit(&other.checkup);
            seen.iter().filter(is_other).map(|other| other.checkup_id).collect()
        })
        .collect();
    for (seen, named) in seen.iter_mut().zip(named) {
        seen.same_visit = named;
    }
}

impl Seen {
    fn of(kept: &KeptCheckup, who: &Who, links: &[PersonLink]) -> Option<Self> {
        let checkup = kept.checkup.seen_by(who.viewer(kept.checkup.kind.subject()))?;
        let growth = placed(&checkup, child(links, &kept.sender));
        Some(Self { is_own: who.sent(&kept.sender), growth, ..Self::plain(kept, checkup) })
    }

    /// What the reader answered about herself at her child's checkup, and nothing of the child.
    fn of_herself(kept: &KeptCheckup) -> Option<Self> {
        let checkup = kept.checkup.seen_by(Viewer::Mother)?;
        Some(Self { at_childs_checkup: true, ..Self::plain(kept, checkup) })
    }

    fn plain(kept: &KeptCheckup, checkup: Checkup) -> Self {
        Self {
            checkup_id: kept.checkup_id,
            sender: kept.sender.clone(),
            is_own: false,
            amended: kept.amended,
            disputed: kept.disputed,
            versions: kept.versions.clone(),
            growth: Vec::new(),
            repeated: Vec::new(),
            differing: Vec::new(),
            delivered: None,
            same_visit: Vec::new(),
            at_childs_checkup: false,
            deliveries: kept.deliveries.clone(),
            size: kept.size,
            checkup,
        }
    }

    /// Without what the sender alone uses, and without what says where a restricted person lives.
    fn told_to(mut self, who: &Who, is_restricted: bool) -> Self {
        let is_home = matches!(who, Who::Home(_));
        if self.is_own && !is_home {
            self.delivered = Some(delivered(&self.deliveries, is_restricted, who.is_on_behalf()));
        }
        if let Who::Recorder(_) = who {
            self.checkup = self.checkup.without_content();
            self.growth.clear();
            self.same_visit.clear();
        }
        if !self.is_own && self.checkup.kind.subject() == Subject::Child {
            self.checkup.pregnancy.clear();
        }
        if is_restricted && !is_home && !self.is_own {
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

pmh_domain::withheld!(Seen, CheckupPage);
