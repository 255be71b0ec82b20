//! From what is stored to what the rules take.

use std::collections::BTreeSet;

use jiff::civil::Date;
use pmh_domain::{
    codes::MunicipalityCode,
    organization::{OrganizationId, OrganizationKind},
    resident::Sex,
    time::DateRange,
    vaccination::{
        AgePolicy, Answer, Authorization, AuthorizationKind, Case, Classification, Completeness, Evaluation,
        Given, History, Person, Pregnancy, Programme, Proposal, Recorded, Residence, RuleBook, Setting,
        VaccineCode, classify, evaluate,
    },
};
use pmh_proto::common::Reason;
use pmh_store::{
    PersonLink,
    vaccination::{
        self as store, AuthorizationRecord, DoseStatus, PersonDoses, Product, Source, StoredDose, Taken,
    },
};

/// A shot as the counter names it.
#[derive(Clone)]
pub struct Shot {
    /// Vaccine.
    pub vaccine: VaccineCode,
    /// Day.
    pub on: Date,
    /// 実施区分.
    pub programme: Programme,
    /// Number that the institution believes it is.
    pub dose_no: Option<u8>,
    /// Product.
    pub product: Product,
    /// 予診票, if it was taken.
    pub answers: Option<BTreeSet<Answer>>,
    /// Of the present pregnancy.
    pub due_date: Option<Date>,
    /// The doctor saw the 母子健康手帳.
    pub paper_seen: bool,
    /// How ages are counted.
    pub policy: AgePolicy,
    /// From the chart.
    pub birth_date: Option<Date>,
}

/// Everything the rules need about one shot of one person.
pub(super) struct CaseFile {
    person: Person,
    history: History,
    proposal: Proposal,
    setting: Setting,
    policy: AgePolicy,
    /// Where the person lived on the day, by the municipalities' own data.
    pub(super) home: Option<MunicipalityCode>,
    /// The authorization that permits this shot here, by its issuer's key.
    authorizations: Vec<AuthorizationRecord>,
    institution: OrganizationId,
}

impl CaseFile {
    /// `without` leaves one dose out of the history: the one that is being corrected. Errors: `REQUIRED` if nobody
    /// knows the birth date, `SUBJECT_MISMATCH` if chart and register disagree.
    pub(super) fn of(
        doses: &PersonDoses,
        shot: &Shot,
        institution: &OrganizationId,
        without: Option<&str>,
    ) -> Result<Self, Reason> {
        let person = person(&doses.links, shot.birth_date, shot.due_date)?;
        let home = home(&doses.links, shot.on);
        let authorizations: Vec<_> = unused(doses, without).collect();
        let setting = Setting {
            residence: residence(home, institution),
            institution: institution.institution(),
            authorizations: authorizations.iter().flat_map(for_rules).collect(),
        };
        let proposal = Proposal {
            vaccine: shot.vaccine.clone(),
            on: shot.on,
            programme: shot.programme,
            dose_no: shot.dose_no,
            lot_expires: shot.product.expiration_date,
            answers: shot.answers.clone(),
        };
        let history = history(doses, home, shot.paper_seen, without);
        let (policy, institution) = (shot.policy, institution.clone());
        Ok(Self { person, history, proposal, setting, policy, home, authorizations, institution })
    }

    pub(super) fn evaluate(&self, book: &RuleBook) -> Result<Evaluation, Reason> {
        evaluate(book, &self.case()).map_err(|_| Reason::UnknownCode)
    }

    pub(super) fn classify(&self, book: &RuleBook) -> Result<Classification, Reason> {
        classify(book, &self.case()).map_err(|_| Reason::UnknownCode)
    }

    /// Key of the authorization that permits this shot; empty if none does.
    pub(super) fn authorization_key(&self, dose_number: u8) -> String {
        let Proposal { vaccine, on, .. } = &self.proposal;
        let institution = self.institution.to_string();
        let permits =
            |known: &&AuthorizationRecord| known.permits(vaccine.as_str(), dose_number, &institution, *on);
        self.authorizations
            .iter()
            .find(permits)
            .map(|known| known.authorization_key.clone())
            .unwrap_or_default()
    }

    fn case(&self) -> Case<'_> {
        Case {
            person: &self.person,
            history: &self.history,
            proposal: &self.proposal,
            setting: Some(&self.setting),
            policy: self.policy,
        }
    }
}

/// Series and number that a shot takes. A number that a dose fills which no longer counts, because more of the history
/// became known, is passed over: it stays that dose's. A vaccine outside any series is one dose a day.
pub(super) fn place(doses: &PersonDoses, evaluation: &Evaluation, on: Date) -> (String, u8) {
    let Some(number) = evaluation.dose_no else { return (format!("{}@{on}", evaluation.vaccine), 1) };
    let series = series(&evaluation.vaccine, &evaluation.episode);
    let is_given = |number: &u8| matches!(doses.taken(&series, *number), Taken::Given(_));
    let number = (number..=u8::MAX).find(|number| !is_given(number)).unwrap_or(number);
    (series, number)
}

/// The key of a series in which numbers begin anew with each episode.
pub(super) fn series(vaccine: &VaccineCode, episode: &str) -> String {
    if episode.is_empty() { vaccine.to_string() } else { format!("{vaccine}/{episode}") }
}

/// Whether a key is one of this vaccine's, whatever the episode or day in it.
pub(super) fn is_series_of(key: &str, vaccine: &VaccineCode) -> bool {
    key.split(['/', '@']).next() == Some(vaccine.as_str())
}

/// What is known about the person, from the municipalities' links or else from the chart.
pub(super) fn person(
    links: &[PersonLink],
    chart: Option<Date>,
    due_date: Option<Date>,
) -> Result<Person, Reason> {
    let known = links.first().map(|known| &known.link);
    let birth = match (known, chart) {
        (Some(link), Some(chart)) if link.birth_date != chart => return Err(Reason::SubjectMismatch),
        (Some(link), _) => link.birth_date,
        (None, Some(chart)) => chart,
        (None, None) => return Err(Reason::Required),
    };
    Ok(Person {
        birth,
        sex: known.map_or(Sex::Unknown, |link| link.sex),
        pregnancy: due_date.map(|due_date| Pregnancy { due_date }),
        conditions: BTreeSet::new(),
        ruled_out: BTreeSet::new(),
    })
}

/// The municipality that served the person on a day.
pub(super) fn home(links: &[PersonLink], on: Date) -> Option<MunicipalityCode> {
    let lives = |known: &&PersonLink| {
        let issuer = known.link.issuer;
        issuer.kind() == OrganizationKind::Municipality && known.link.last_day.is_none_or(|last| on <= last)
    };
    links.iter().find(lives).map(|known| known.link.issuer.code())
}

/// `municipality:<code>`.
pub(super) fn short(home: MunicipalityCode) -> String {
    format!("municipality:{}", home.as_str())
}

/// Doses as the rules read them. What never happened and what was not given is no history.
pub(super) fn history(
    doses: &PersonDoses,
    home: Option<MunicipalityCode>,
    paper_seen: bool,
    without: Option<&str>,
) -> History {
    let given = |dose: &StoredDose| {
        let recorded = match dose.record.status {
            DoseStatus::Completed => Recorded::AsGiven,
            DoseStatus::AdministeredInError => Recorded::InError,
            DoseStatus::NotDone | DoseStatus::EnteredInError => return None,
        };
        let vaccine = VaccineCode::parse(&dose.record.vaccine).ok()?;
        Some(Given {
            on: dose.record.occurrence,
            vaccine,
            programme: programme(dose.record.programme),
            recorded,
        })
    };
    let others = doses.doses.iter().filter(|dose| Some(dose.dose_id.as_str()) != without);
    let completeness = match (paper_seen, home) {
        (true, _) => Completeness::PaperSeen,
        (false, Some(home)) if has_register_of(doses, &short(home)) => Completeness::HistoryComplete,
        (false, _) => Completeness::HistoryIncomplete,
    };
    History { doses: others.filter_map(given).collect(), completeness }
}

/// The rules' word for a recorded 実施区分.
pub(super) fn programme(recorded: store::Programme) -> Programme {
    match recorded {
        store::Programme::Routine => Programme::Routine,
        store::Programme::ByRequest => Programme::ByRequest,
        store::Programme::LongIllness => Programme::LongIllness,
        store::Programme::Extraordinary => Programme::Extraordinary,
        store::Programme::Voluntary => Programme::Voluntary,
    }
}

/// Whether the home municipality has delivered its register of this person.
fn has_register_of(doses: &PersonDoses, home: &str) -> bool {
    doses.doses.iter().any(|dose| dose.record.source == Source::Register && dose.organization == home)
}

/// Municipalities and institutions contract prefecture by prefecture (広域予防接種): at home is inside the prefecture.
fn residence(home: Option<MunicipalityCode>, institution: &OrganizationId) -> Residence {
    let prefecture = institution.institution().map(|code| code.prefecture());
    match home {
        None => Residence::Unknown,
        Some(home) if prefecture == Some(home.prefecture()) => Residence::Served(home),
        Some(home) => Residence::Elsewhere(home),
    }
}

/// Authorizations that nobody has used up: one for a single dose ends with it. A dose that is corrected has not used up
/// its own.
fn unused<'a>(
    doses: &'a PersonDoses,
    without: Option<&'a str>,
) -> impl Iterator<Item = AuthorizationRecord> + 'a {
    let others = move || doses.doses.iter().filter(move |dose| Some(dose.dose_id.as_str()) != without);
    let is_used = move |known: &AuthorizationRecord| {
        let used = |dose: &StoredDose| {
            dose.record.status.counts() && dose.record.authorization_key == known.authorization_key
        };
        known.dose_numbers.len() == 1 && others().any(used)
    };
    doses.authorizations.iter().filter(move |known| !known.withdrawn && !is_used(known)).cloned()
}

/// The rules' authorization names one dose and one institution; a record may name several.
fn for_rules(known: &AuthorizationRecord) -> Vec<Authorization> {
    let Ok(issuer) = OrganizationId::parse_short(&known.issuer) else { return Vec::new() };
    let (Ok(issuer), Ok(vaccine), Ok(valid)) = (
        issuer.issuer(),
        VaccineCode::parse(&known.vaccine),
        DateRange::new(known.valid_from, known.valid_to),
    ) else {
        return Vec::new();
    };
    let kind = match known.kind {
        store::AuthorizationKind::Voucher => AuthorizationKind::Ticket,
        store::AuthorizationKind::Request => AuthorizationKind::RequestLetter,
    };
    let institutions =
        or_any(known.institutions.iter().map(|named| OrganizationId::parse_short(named).ok()?.institution()));
    let numbers = or_any(known.dose_numbers.iter().copied().map(Some));
    let one = |dose_no: Option<u8>, institution| Authorization {
        kind,
        issuer: issuer.code(),
        vaccine: vaccine.clone(),
        dose_no,
        valid,
        institution,
    };
    numbers
        .into_iter()
        .flat_map(|number| institutions.iter().copied().map(move |institution| (number, institution)))
        .map(|(number, institution)| one(number, institution))
        .collect()
}

/// The named ones, or one that stands for all.
fn or_any<T>(named: impl Iterator<Item = Option<T>>) -> Vec<Option<T>> {
    let mut named: Vec<Option<T>> = named.flatten().map(Some).collect();
    if named.is_empty() {
        named.push(None);
    }
    named
}
