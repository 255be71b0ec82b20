//! From a row as received to a typed checkup, with every violation reported
//! at once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{Checkup, Context, Gestation, RawCheckup};
use crate::checkup::gestation::GestationalAge;
use crate::checkup::growth::{Age, Measure, position};
use crate::checkup::item::{Entry, Value};
use crate::checkup::judgement::OwnCode;
use crate::checkup::kind::{CheckupKind, Subject};
use crate::checkup::problem::{Checked, Notes, Reason, Refusal};
use crate::checkup::questionnaire::Answers;
use crate::checkup::scores::Scores;
use crate::checkup::version::SourceVersion;
use crate::checkup::visibility::ItemClass;
use crate::checkup::{item, text};
use crate::codes::InstitutionCode;
use crate::problem::FieldReason;
use crate::resident::{ResidentKey, past_date};

impl Checkup {
    /// Checks a row of a municipality, which names the person by its own key, and reports all violations at once. What
    /// is rare is a warning; refused is what no person can have, what contradicts itself, and what the exchange does not
    /// carry.
    pub fn validate(raw: &RawCheckup, context: &Context) -> Result<Checked<Self>, Refusal> {
        let mut notes = Notes::default();
        let key = ResidentKey::parse(&raw.resident_key).map_err(FieldReason::from);
        let key = notes.take("resident_key", key);
        Self::read(raw, context, key, notes)
    }

    /// The same of an institution's record: the person was present, and a municipality's keys are not its to know.
    pub fn validate_presented(raw: &RawCheckup, context: &Context) -> Result<Checked<Self>, Refusal> {
        let mut notes = Notes::default();
        for (path, key) in [("resident_key", &raw.resident_key), ("mother_key", &raw.mother_key)] {
            if !key.is_empty() {
                notes.problem(path, FieldReason::Value);
            }
        }
        Self::read(raw, context, None, notes)
    }

    fn read(
        raw: &RawCheckup,
        context: &Context,
        resident_key: Option<ResidentKey>,
        mut notes: Notes,
    ) -> Result<Checked<Self>, Refusal> {
        let n = &mut notes;
        required_text(n, "record_id", &raw.record_id, 64);
        let source_version = n.take("source_version", SourceVersion::parse(&raw.source_version));
        let mother_key = optional(n, "mother_key", &raw.mother_key, ResidentKey::parse);
        let date = day(n, raw, context);
        let Some((kind, date)) = n.take("kind", raw.kind.ok_or(FieldReason::Required)).zip(date) else {
            return notes.conclude(None);
        };
        let mut checkup = Self {
            record_id: raw.record_id.clone(),
            source_version: source_version.unwrap_or_default(),
            resident_key,
            mother_key,
            kind,
            date,
            institution: None,
            pregnancy: String::new(),
            birth_order: None,
            gestation: None,
            items: BTreeMap::new(),
            scores: Vec::new(),
            questionnaire: None,
            disposition: None,
            own_code: None,
            detailed_exam_on: None,
            withdrawn: raw.withdrawn,
        };
        if !raw.withdrawn {
            checkup.read_content(raw, context, n);
        }
        notes.conclude(Some(checkup))
    }

    fn read_content(&mut self, raw: &RawCheckup, context: &Context, notes: &mut Notes) {
        self.institution = optional(notes, "institution", &raw.institution, InstitutionCode::parse);
        self.read_pregnancy(raw, notes);
        self.gestation = gestation(raw, self.kind, notes);
        self.items = entries(raw, self.kind, self.date, notes);
        self.scores = scores(raw, self.kind, notes);
        self.questionnaire = raw.questionnaire.as_ref().and_then(|answers| Answers::read(answers, notes));
        self.disposition = raw.disposition;
        self.own_code = own_code(raw, notes);
        if !raw.detailed_exam_on.is_empty() {
            self.detailed_exam_on =
                notes.take("detailed_exam_on", past_date(&raw.detailed_exam_on, context.today));
        }
        self.check_age(context, notes);
        self.check_blood_pressure(notes);
        self.check_growth(context, notes);
        self.check_mother(notes);
    }

    fn read_pregnancy(&mut self, raw: &RawCheckup, notes: &mut Notes) {
        text(notes, "pregnancy", &raw.pregnancy, 64);
        if self.kind.is_of_a_pregnancy() && raw.pregnancy.is_empty() {
            notes.problem("pregnancy", FieldReason::Required);
        }
        match (self.kind == CheckupKind::Newborn, raw.birth_order) {
            (true, None) => notes.problem("birth_order", FieldReason::Required),
            (true, Some(1..=8)) | (false, None) => {}
            (true, Some(_)) => notes.problem("birth_order", Reason::Impossible),
            (false, Some(_)) => notes.problem("birth_order", Reason::OtherKind),
        }
        self.pregnancy.clone_from(&raw.pregnancy);
        self.birth_order = raw.birth_order;
    }

    fn check_age(&self, context: &Context, notes: &mut Notes) {
        let Some(birth) = context.birth else { return };
        if self.date < birth {
            notes.problem("date", FieldReason::DateOutOfRange);
        } else if self.kind.statutory_window(birth).is_some_and(|window| !window.contains(self.date)) {
            notes.warning("date", Reason::Age);
        }
    }

    fn check_blood_pressure(&self, notes: &mut Notes) {
        if let (Some(high), Some(low)) = (self.amount("systolic"), self.amount("diastolic"))
            && high <= low
        {
            notes.problem("items[diastolic].value", Reason::Contradiction);
        }
    }

    /// Fixed bounds cannot tell that 9 kg is right at 18 months and wrong at
    /// one, so the national curves do.
    fn check_growth(&self, context: &Context, notes: &mut Notes) {
        let Some(age) = context.birth.and_then(|birth| Age::on(birth, self.date).ok()) else { return };
        for (code, measure) in
            [("weight", Measure::Weight), ("height", Measure::Height), ("head", Measure::Head)]
        {
            let position = self.amount(code).map(|value| position(measure, context.sex, age, value));
            if position.is_some_and(|position| position.is_ok_and(|position| position.z.abs() > FAR)) {
                notes.warning(format!("items[{code}].value"), Reason::Implausible);
            }
        }
    }

    /// Answers about the mother at a child's checkup need her key to reach her
    /// record. Without it they are kept where only the home municipality reads.
    fn check_mother(&self, notes: &mut Notes) {
        let is_about_her = |class: ItemClass| class.record(Subject::Child) == Subject::Mother;
        let has_hers = self.kind.subject() == Subject::Child
            && (!self.scores.is_empty()
                || self
                    .items
                    .keys()
                    .any(|code| item::item(code).is_some_and(|item| is_about_her(item.class)))
                || self
                    .questionnaire
                    .as_ref()
                    .is_some_and(|sheet| sheet.answers.keys().any(|id| is_about_her(sheet.class(id)))));
        if has_hers && self.mother_key.is_none() {
            notes.warning("mother_key", Reason::Incomplete);
        }
    }

    fn amount(&self, code: &str) -> Option<f64> {
        match self.items.get(code)?.value {
            Some(Value::Amount(amount)) => Some(amount.to_f64()),
            _ => None,
        }
    }
}

/// Standard deviations beyond which a measure is more likely mistyped than true. Ours.
const FAR: f64 = 5.0;
const MOST_ITEMS: usize = 100;

fn day(notes: &mut Notes, raw: &RawCheckup, context: &Context) -> Option<Date> {
    notes.take("date", past_date(&raw.date, context.today))
}

fn gestation(raw: &RawCheckup, kind: CheckupKind, notes: &mut Notes) -> Option<Gestation> {
    let is_visit = kind == CheckupKind::Pregnancy;
    match (is_visit, raw.gestation.is_empty()) {
        (true, true) => notes.problem("gestation", FieldReason::Required),
        (false, false) => notes.problem("gestation", Reason::OtherKind),
        _ => {}
    }
    if !is_visit || raw.gestation.is_empty() {
        return None;
    }
    let age = notes.take("gestation", GestationalAge::parse(&raw.gestation).map_err(|_| FieldReason::Value));
    let basis = notes.take("gestation_basis", raw.gestation_basis.ok_or(FieldReason::Required));
    age.zip(basis).map(|(age, basis)| Gestation { age, basis })
}

fn entries(raw: &RawCheckup, kind: CheckupKind, day: Date, notes: &mut Notes) -> BTreeMap<String, Entry> {
    if raw.items.len() > MOST_ITEMS {
        notes.problem("items", FieldReason::Width);
        return BTreeMap::new();
    }
    let mut entries = BTreeMap::new();
    for row in &raw.items {
        if let Some((item, entry)) = Entry::read(row, kind, day, notes)
            && entries.insert(item.code.clone(), entry).is_some()
        {
            notes.problem(format!("items[{}]", item.code), FieldReason::DuplicateRow);
        }
    }
    entries
}

fn scores(raw: &RawCheckup, kind: CheckupKind, notes: &mut Notes) -> Vec<Scores> {
    let mut seen = BTreeSet::new();
    let mut scores = Vec::new();
    for row in &raw.scores {
        let path = || format!("scores[{}]", row.instrument.name());
        if !matches!(kind, CheckupKind::Postpartum | CheckupKind::Month1 | CheckupKind::Month3To4) {
            notes.problem(path(), Reason::OtherKind);
        }
        if !seen.insert(row.instrument) {
            notes.problem(path(), FieldReason::DuplicateRow);
        }
        scores.extend(Scores::read(row, notes));
    }
    // Order of sending is no content: two rows that differ only in it are the same row.
    scores.sort_by_key(|scores| scores.instrument);
    scores
}

fn own_code(raw: &RawCheckup, notes: &mut Notes) -> Option<OwnCode> {
    text(notes, "own_code", &raw.own_code, 20);
    text(notes, "own_label", &raw.own_label, 100);
    if raw.own_code.is_empty() {
        if !raw.own_label.is_empty() {
            notes.problem("own_code", FieldReason::Required);
        }
        return None;
    }
    Some(OwnCode { code: raw.own_code.clone(), label: raw.own_label.clone() })
}

fn required_text(notes: &mut Notes, path: &str, value: &str, most: usize) {
    if value.is_empty() {
        notes.problem(path, FieldReason::Required);
    }
    text(notes, path, value, most);
}

fn optional<T, E: Into<FieldReason>>(
    notes: &mut Notes,
    path: &str,
    value: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<T> {
    if value.is_empty() { None } else { notes.take(path, parse(value).map_err(Into::into)) }
}
