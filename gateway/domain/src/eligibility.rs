//! The question a counter asks, the facts known, and the answer.
//!
//! [`decide`] is the one function that decides, and it is pure: the same
//! question over the same facts and rules gives the same answer. What it keeps:
//!
//! - Which groups are listed depends on consent and the issuer directory
//!   alone, never on what exists about the person.
//! - Without consent for any listed group all persons look alike.
//! - Every row has exactly one outcome, the first that applies in the order of
//!   [`Outcome`]; a right whose source is stale is never `ELIGIBLE`.
//! - We return facts and say what to do at the counter. The bill is the receipt
//!   computer's.

mod action;
mod decide;
mod refusal;
mod rights;
mod rows;
mod rules;
mod serve;
mod version;
mod words;

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use action::{CounterAction, Rule};
pub use decide::decide;
pub use refusal::refusal_line;
pub use rules::{FreshnessRule, PriorityBasis, PriorityTable, Rules};
pub use serve::ServedEntitlement;
pub use words::{Text, action_line, outcome_line, state_line};

use crate::codes::{InstitutionCode, LawNumber, MunicipalityCode, PrefectureCode, SchemeGroup};
use crate::directory::IssuerDirectory;
use crate::entitlement::{CareType, Entitlement};
use crate::organization::{IssuerId, OrganizationId};
use crate::resident::{ResidentLink, Sex};
use crate::time::DateRange;

/// What a counter asks about one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Day or days of service.
    pub period: DateRange,
    /// Where the patient is treated; `None`: not stated.
    pub care: Option<CareType>,
    /// Only these groups; empty: all.
    pub groups: BTreeSet<SchemeGroup>,
    /// Who asks.
    pub caller: Caller,
    /// From the chart.
    pub chart: Chart,
    /// What the patient consented to.
    pub consent: Consent,
    /// How far the card's presentation carries.
    pub tier: Tier,
    /// On whose consent.
    pub view: View,
    /// Version of an earlier answer.
    pub if_version: Option<String>,
    /// The pairwise subject, so that two organizations cannot join versions.
    pub version_salt: Vec<u8>,
    /// The instant the question is decided.
    pub now: Timestamp,
}

/// Who asks, and where its counter stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Caller {
    /// The organization.
    pub organization: OrganizationId,
    /// Municipality of its counter, if the register of organizations knows it:
    /// institution codes do not say it.
    pub municipality: Option<MunicipalityCode>,
}

/// What the chart says about the patient, to notice a wrong person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Chart {
    /// Birth date; `None`: not compared.
    pub birth_date: Option<Date>,
    /// Sex; unknown: not compared.
    pub sex: Sex,
}

/// What the patient consented to at this presentation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// All subsidies.
    All,
    /// These groups; empty: none.
    Groups(BTreeSet<SchemeGroup>),
}

/// How far the card's presentation carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// A valid card, fully presented.
    Full,
    /// The card's certificate ended less than three months ago. Subsidies stay closed.
    Grace,
    /// Tapped without any signature. Subsidies stay closed.
    Tap,
}

/// On whose consent the record is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// The holder's own, at a counter: the true reasons are given.
    Holder,
    /// A guardian's card, or an app: a restricted record equals absence.
    OnBehalf,
}

/// Everything known about the person that may bear on the answer. Links are
/// confirmed ones; entitlements are all versions of them.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Issuers that have linked this person.
    pub links: &'a [LinkFacts],
    /// All versions of all rights of this person.
    pub entitlements: &'a [Entitlement],
    /// Watermarks of the issuers linked; others are ignored.
    pub watermarks: &'a [Watermark],
    /// Who is competent for what.
    pub directory: &'a IssuerDirectory,
}

/// One confirmed link and whether the person is restricted there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkFacts {
    /// The link.
    pub link: ResidentLink,
    /// Any restriction (不開示, protective).
    pub restricted: bool,
}

/// As of when an issuer's data for a scheme is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermark {
    /// 実施機関.
    pub issuer: IssuerId,
    /// 法別番号.
    pub law_no: LawNumber,
    /// Complete up to here.
    pub as_of: Timestamp,
}

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// State of the whole.
    pub state: AnswerState,
    /// One row per listed group, or per group and issuer; empty unless
    /// `ANSWERED`. In the order of claiming.
    pub results: Vec<GroupResult>,
    /// Opaque; equal exactly if nothing that bears on the answer has changed.
    /// `None` if there is nothing to compare (not linked, identity conflict).
    pub version: Option<String>,
    /// The whole in two sentences.
    pub summary: Summary,
}

/// State of the answer as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AnswerState {
    /// Results follow.
    Answered,
    /// Nothing has changed since `if_version`.
    Unchanged,
    /// A valid card that no issuer has linked.
    NotLinked,
    /// The chart's birth date or sex differs; nothing is served.
    IdentityConflict,
}

/// Answer for one group and, where it may be said, one issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupResult {
    /// The unit of consent.
    pub group: SchemeGroup,
    /// Scheme name.
    #[serde(skip)]
    pub group_name: Text,
    /// 実施機関; `None` where it would say more than consent or a restriction
    /// allows, or none is linked.
    pub issuer: Option<IssuerId>,
    /// As of when the issuer's data is complete.
    pub as_of: Option<Timestamp>,
    /// From the first day on.
    pub first: Segment,
    /// Later parts of the period, if anything changes within it.
    pub rest: Vec<Segment>,
}

/// A maximal part of the period in which nothing changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// The days.
    pub days: DateRange,
    /// Exactly one.
    pub outcome: Outcome,
    /// Whether the group may be ended in the chart on this answer if it is not
    /// `ELIGIBLE`.
    pub authoritative: bool,
    /// Last day of the right that lapsed.
    pub lapsed_on: Option<Date>,
    /// First day of the next right, if one is registered.
    pub starts_on: Option<Date>,
    /// Rights in force, last known, lapsed or coming, by outcome; the first is
    /// the one the counter action speaks about. Two certificates of one issuer
    /// may share a group (38: hepatitis and liver cancer), so it is a list.
    pub entitlements: Vec<ServedEntitlement>,
    /// What to do here.
    pub counter_action: CounterAction,
    /// The rule that gave it.
    pub rule: Rule,
    /// One line for the receptionist.
    #[serde(skip)]
    pub instruction: Text,
}

/// Outcome for one group and issuer, in the order in which the first applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// The presentation does not open subsidies.
    CardLimited,
    /// No consent to this group.
    NotConsented,
    /// A right is in force and its source is fresh.
    Eligible,
    /// The issuer's data is too old; the last known right is given.
    SourceStale,
    /// Linked there, but the issuer never advanced a watermark for the scheme.
    IssuerNotConnected,
    /// A right ended before the day.
    Lapsed,
    /// A right begins after the day.
    NotYetValid,
    /// None was registered as of the watermark. Never "no right".
    NoEntitlement,
}

/// The whole answer in two sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// What the large line stands for; `None` if the earlier answer stays.
    pub action: Option<CounterAction>,
    /// The large line on the screen.
    pub headline: Text,
    /// What the receptionist does.
    pub receptionist: Text,
    /// What the vendor's program does.
    pub vendor: Text,
}

impl Caller {
    /// The institution at whose counter the question is asked.
    pub fn institution(&self) -> Option<InstitutionCode> {
        self.organization.institution()
    }

    /// The prefecture of its counter.
    pub fn prefecture(&self) -> Option<PrefectureCode> {
        self.institution().map(|institution| institution.prefecture())
    }
}

impl Consent {
    /// Whether a group may be opened.
    pub fn covers(&self, group: SchemeGroup) -> bool {
        match self {
            Self::All => true,
            Self::Groups(groups) => groups.contains(&group),
        }
    }
}

impl GroupResult {
    /// All parts of the period in order; together exactly the period.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// The issuer's name, where it may be said.
    pub fn issuer_name(&self) -> Option<&'static str> {
        self.issuer.map(IssuerId::name)
    }
}

impl Outcome {
    /// All outcomes, in the order in which the first applies.
    pub const ALL: [Self; 8] = [
        Self::CardLimited,
        Self::NotConsented,
        Self::Eligible,
        Self::SourceStale,
        Self::IssuerNotConnected,
        Self::Lapsed,
        Self::NotYetValid,
        Self::NoEntitlement,
    ];

    /// Stable machine name, as on the wire without its prefix.
    pub fn name(self) -> &'static str {
        match self {
            Self::CardLimited => "CARD_LIMITED",
            Self::NotConsented => "NOT_CONSENTED",
            Self::Eligible => "ELIGIBLE",
            Self::SourceStale => "SOURCE_STALE",
            Self::IssuerNotConnected => "ISSUER_NOT_CONNECTED",
            Self::Lapsed => "LAPSED",
            Self::NotYetValid => "NOT_YET_VALID",
            Self::NoEntitlement => "NO_ENTITLEMENT",
        }
    }
}

impl AnswerState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Answered, Self::Unchanged, Self::NotLinked, Self::IdentityConflict];

    /// Stable machine name, as on the wire without its prefix.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "ANSWERED",
            Self::Unchanged => "UNCHANGED",
            Self::NotLinked => "NOT_LINKED",
            Self::IdentityConflict => "IDENTITY_CONFLICT",
        }
    }
}
