//! One shot of one person, as the rules take it.

use std::collections::BTreeSet;

use jiff::civil::Date;
use pmh_domain::{
    codes::MunicipalityCode,
    organization::OrganizationId,
    vaccination::{
        AgePolicy, Answer, Case, Classification, DoctorsWord, Evaluation, HistoryGap, Person, Programme,
        Proposal, RuleBook, Setting, VaccineCode, classify, evaluate,
    },
};
use pmh_proto::common::Reason;
use pmh_store::vaccination::{Condition, PersonDoses, Product, Taken};

use super::{
    known::{Known, known, person},
    permission::Permissions,
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
    /// Established by the doctor.
    pub conditions: Vec<Condition>,
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
    known: Known,
    proposal: Proposal,
    setting: Setting,
    policy: AgePolicy,
    permissions: Permissions,
    /// Where the person lived on the day, by the municipalities' own data.
    pub(super) home: Option<MunicipalityCode>,
    /// The doctor's and the municipality's.
    pub(super) conditions: Vec<Condition>,
}

impl CaseFile {
    /// `without` leaves one dose out of the history: the one that is being written anew. Errors: `REQUIRED` if nobody
    /// knows the birth date, `SUBJECT_MISMATCH` if chart and register disagree.
    pub(super) fn of(
        doses: &PersonDoses,
        shot: &Shot,
        institution: &OrganizationId,
        without: Option<&str>,
    ) -> Result<Self, Reason> {
        let permissions = Permissions::of(doses, institution, without);
        let confirmed = permissions.conditions(&shot.vaccine, shot.on);
        let conditions: BTreeSet<_> = shot.conditions.iter().copied().chain(confirmed).collect();
        let conditions: Vec<_> = conditions.into_iter().collect();
        let home = doses.home(shot.on);
        Ok(Self {
            person: person(doses, shot.birth_date, shot.due_date, &conditions)?,
            known: known(doses, shot.on, shot.paper_seen, without),
            proposal: shot.proposal(),
            setting: permissions.setting(home),
            policy: shot.policy,
            permissions,
            home,
            conditions,
        })
    }

    pub(super) fn evaluate(&self, book: &RuleBook) -> Result<Evaluation, Reason> {
        evaluate(book, &self.case()).map_err(|_| Reason::UnknownCode)
    }

    /// `reason`: a doctor's, to go past what a doctor may.
    pub(super) fn classify(&self, book: &RuleBook, reason: &str) -> Result<Classification, Reason> {
        let word = if reason.is_empty() { DoctorsWord::Unsaid } else { DoctorsWord::Reasoned };
        classify(book, &self.case(), word).map_err(|_| Reason::UnknownCode)
    }

    /// Why the history may have holes.
    pub(super) fn gap(&self) -> Option<HistoryGap> {
        self.known.gap
    }

    /// Key of the authorization that permits this shot; empty if none does.
    pub(super) fn authorization_key(&self, dose_number: u8) -> String {
        self.permissions.key(&self.proposal.vaccine, dose_number, self.proposal.on)
    }

    fn case(&self) -> Case<'_> {
        Case {
            person: &self.person,
            history: &self.known.history,
            proposal: &self.proposal,
            setting: Some(&self.setting),
            policy: self.policy,
        }
    }
}

impl Shot {
    fn proposal(&self) -> Proposal {
        Proposal {
            vaccine: self.vaccine.clone(),
            on: self.on,
            programme: self.programme,
            dose_no: self.dose_no,
            lot_expires: self.product.expiration_date,
            answers: self.answers.clone(),
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
