//! Parents' questionnaires: versioned definitions, answers by item with their
//! origin, and what a nurse looks at.
//!
//! Questions are those of the handbook's parents' pages (母子保健法施行規則
//! 様式第3号) as transcribed in public code; they were not compared with the
//! current form. `concern_if` and the classes are ours: whom she can ask for
//! advice, whether she is anxious, and free text count as home environment.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::kind::Subject;
use super::problem::{Notes, Problem, Reason};
use super::text;
use super::visibility::ItemClass;
use crate::problem::FieldReason;

const DEFINITIONS: &str = include_str!("../../data/checkup/questionnaires.json");

/// One questionnaire in one version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Form {
    /// Code: `m1`, `m3_4`, `m6_7`, `m9_10`, `y1`, `m18`, `y2`, `y3`.
    pub form: String,
    /// Title in Japanese.
    pub title: String,
    /// In the order of the page.
    pub items: Vec<Question>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Question {
    /// Stable id inside the form.
    pub id: String,
    /// The question in Japanese.
    pub text: String,
    /// What an answer looks like.
    #[serde(rename = "type")]
    pub shape: AnswerShape,
    /// Choices.
    #[serde(default)]
    pub options: Vec<String>,
    /// The choice that a nurse looks at; never a diagnosis.
    #[serde(default)]
    pub concern_if: Option<String>,
    /// What it is about.
    pub class: ItemClass,
}

/// What an answer looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerShape {
    /// One of the options.
    Choice,
    /// `YYYY-MM`.
    YearMonth,
    /// Free text, at most 1,000 characters.
    Text,
}

/// Who or what an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Origin {
    /// A guardian on paper, typed in by the office.
    Paper,
    /// A guardian in an app.
    App,
    /// Asked by a nurse.
    Interview,
    /// Filled in from an earlier record; nobody has confirmed it.
    Prefilled,
}

/// An answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// As text; a choice in the words of the form.
    pub value: String,
    /// Who or what it came from.
    pub origin: Origin,
}

/// Answers as received.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RawAnswers {
    /// Code of the form.
    pub form: String,
    /// Version of its definition.
    pub version: String,
    /// Question id and answer.
    pub answers: Vec<(String, Answer)>,
}

/// Checked answers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// Code of the form.
    pub form: String,
    /// Version of its definition.
    pub version: String,
    /// By question id.
    pub answers: BTreeMap<String, Answer>,
}

/// One part of a form being filled in, which closes at check-in. What is asked about the mother is a part of its own:
/// she answers it as herself, so that nobody who acts for the child reads or overwrites it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    part: Subject,
    answers: Answers,
    checked_in: Option<Timestamp>,
}

/// Why an answer was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SheetRefusal {
    /// The family has checked in; the nurse has the answers.
    CheckedIn,
    /// What is wrong with the answer.
    Wrong(Vec<Problem>),
}

/// The form with this code in this version.
pub fn form(code: &str, version: &str) -> Option<&'static Form> {
    FORMS.get(&(code.to_owned(), version.to_owned()))
}

/// The newest version of the form with this code.
pub fn newest(code: &str) -> Option<(&'static str, &'static Form)> {
    forms().filter(|(_, form)| form.form == code).last()
}

/// All forms, by code and version.
pub fn forms() -> impl Iterator<Item = (&'static str, &'static Form)> {
    FORMS.iter().map(|((_, version), form)| (version.as_str(), form))
}

impl Answers {
    /// Checks answers against the definition they name.
    pub(super) fn read(raw: &RawAnswers, notes: &mut Notes) -> Option<Self> {
        let Some(form) = form(&raw.form, &raw.version) else {
            notes.problem("questionnaire.form", Reason::UnknownItem);
            return None;
        };
        let mut answers = BTreeMap::new();
        for (id, answer) in &raw.answers {
            let Some(question) = form.question(id) else {
                notes.problem("questionnaire.answers", Reason::UnknownItem);
                continue;
            };
            let path = format!("questionnaire.answers[{}]", question.id);
            question.check(answer, &path, notes);
            if answers.insert(id.clone(), answer.clone()).is_some() {
                notes.problem(path, FieldReason::DuplicateRow);
            }
        }
        Some(Self { form: raw.form.clone(), version: raw.version.clone(), answers })
    }

    /// Questions whose answer a nurse looks at, in the order of the page.
    pub fn concerns(&self) -> Vec<&'static Question> {
        let questions = form(&self.form, &self.version).map(|form| form.items.as_slice()).unwrap_or_default();
        let is_concern = |question: &&Question| {
            let given = self.answers.get(&question.id).map(|answer| &answer.value);
            given.is_some() && given == question.concern_if.as_ref()
        };
        questions.iter().filter(is_concern).collect()
    }

    /// The class of one answer; what the definition does not know is treated
    /// as narrowly as can be.
    pub(super) fn class(&self, id: &str) -> ItemClass {
        let question = form(&self.form, &self.version).and_then(|form| form.question(id));
        question.map_or(ItemClass::HomeEnvironment, |question| question.class)
    }
}

impl Sheet {
    /// A sheet prefilled from earlier ones: only months that lie in the past
    /// are carried over, since a «yes» of last year is no answer of today.
    /// `None` if there is no such form.
    pub fn open<'a>(
        code: &str,
        version: &str,
        part: Subject,
        earlier: impl IntoIterator<Item = &'a Answers>,
    ) -> Option<Self> {
        let form = form(code, version)?;
        let mut answers = BTreeMap::new();
        for sheet in earlier {
            let dated = form.part(part).filter(|question| question.shape == AnswerShape::YearMonth);
            for question in dated {
                if let Some(known) = sheet.answers.get(&question.id) {
                    let answer = Answer { value: known.value.clone(), origin: Origin::Prefilled };
                    answers.insert(question.id.clone(), answer);
                }
            }
        }
        let answers = Answers { form: code.to_owned(), version: version.to_owned(), answers };
        Some(Self { part, answers, checked_in: None })
    }

    /// Gives or amends an answer; an empty one is taken back. Errors: checked in, or as named.
    pub fn answer(&mut self, id: &str, answer: Answer) -> Result<(), SheetRefusal> {
        if self.checked_in.is_some() {
            return Err(SheetRefusal::CheckedIn);
        }
        if !self.questions().any(|question| question.id == id) {
            let field = "questionnaire.answers".to_owned();
            return Err(SheetRefusal::Wrong(vec![Problem { field, reason: Reason::UnknownItem }]));
        }
        if answer.value.is_empty() {
            self.answers.answers.remove(id);
            return Ok(());
        }
        let raw = RawAnswers {
            form: self.answers.form.clone(),
            version: self.answers.version.clone(),
            answers: vec![(id.to_owned(), answer)],
        };
        let mut notes = Notes::default();
        let read = Answers::read(&raw, &mut notes);
        let read =
            notes.conclude(read).map_err(|refusal| SheetRefusal::Wrong(refusal.problems().to_vec()))?;
        self.answers.answers.extend(read.value.answers);
        Ok(())
    }

    /// The family is here. A second check-in changes nothing.
    pub fn check_in(&mut self, at: Timestamp) {
        self.checked_in.get_or_insert(at);
    }

    /// When the family checked in.
    pub fn checked_in(&self) -> Option<Timestamp> {
        self.checked_in
    }

    /// The answers as they stand.
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// About whom this part asks.
    pub fn part(&self) -> Subject {
        self.part
    }

    /// Its questions, in the order of the page.
    pub fn questions(&self) -> impl Iterator<Item = &'static Question> + use<> {
        let (form, part) = (form(&self.answers.form, &self.answers.version), self.part);
        form.into_iter().flat_map(move |form| form.part(part))
    }

    /// Questions without an answer.
    pub fn unanswered(&self) -> impl Iterator<Item = &'static Question> + '_ {
        self.questions().filter(|question| !self.answers.answers.contains_key(&question.id))
    }
}

impl Form {
    /// The question with this id.
    pub fn question(&self, id: &str) -> Option<&Question> {
        self.items.iter().find(|question| question.id == id)
    }

    /// The questions of one part. All forms are asked at a child's checkup.
    pub fn part(&self, part: Subject) -> impl Iterator<Item = &Question> {
        self.items.iter().filter(move |question| question.part() == part)
    }
}

impl Question {
    /// In whose record the answer is kept.
    pub fn part(&self) -> Subject {
        self.class.record(Subject::Child)
    }

    fn check(&self, answer: &Answer, path: &str, notes: &mut Notes) {
        match self.shape {
            AnswerShape::Choice if !self.options.contains(&answer.value) => {
                notes.problem(path, FieldReason::Value);
            }
            AnswerShape::YearMonth if !is_year_month(&answer.value) => notes.problem(path, FieldReason::Date),
            AnswerShape::Text => text(notes, path, &answer.value, 1_000),
            AnswerShape::Choice | AnswerShape::YearMonth => {}
        }
    }
}

fn is_year_month(text: &str) -> bool {
    text.len() == 7 && crate::resident::iso_date(&format!("{text}-01")).is_ok()
}

static FORMS: LazyLock<BTreeMap<(String, String), Form>> = LazyLock::new(|| read().unwrap_or_default());

fn read() -> Result<BTreeMap<(String, String), Form>, serde_json::Error> {
    let file: File = serde_json::from_str(DEFINITIONS)?;
    let keyed = |form: Form| ((form.form.clone(), file.version.clone()), form);
    Ok(file.forms.into_iter().map(keyed).collect())
}

#[derive(Deserialize)]
struct File {
    version: String,
    forms: Vec<Form>,
}

crate::withheld!(Answer, RawAnswers, Answers, Sheet);

#[cfg(test)]
mod tests {
    use super::*;

    const V: &str = "form3-t1";

    #[test]
    fn the_definitions_are_whole_and_sane() {
        let forms = read().unwrap();
        assert_eq!(forms.len(), 8);
        assert_eq!(forms.values().map(|form| form.items.len()).sum::<usize>(), 89);
        for question in forms.values().flat_map(|form| &form.items) {
            assert_eq!(question.shape == AnswerShape::Choice, !question.options.is_empty());
            assert!(question.concern_if.as_ref().is_none_or(|concern| question.options.contains(concern)));
        }
    }

    #[test]
    fn answers_are_amended_until_check_in() {
        let mut sheet = Sheet::open("m18", V, Subject::Child, []).unwrap();
        let app = |value: &str| Answer { value: value.to_owned(), origin: Origin::App };
        assert_eq!(sheet.answer("words", app("いいえ")), Ok(()));
        let ids =
            |sheet: &Sheet| sheet.answers().concerns().iter().map(|q| q.id.as_str()).collect::<Vec<_>>();
        assert_eq!(ids(&sheet), ["words"]);
        assert_eq!(sheet.answer("words", app("はい")), Ok(()));
        assert!(ids(&sheet).is_empty());
        assert_eq!(sheet.answer("words", app("")), Ok(()), "an answer is taken back");
        assert!(sheet.unanswered().any(|question| question.id == "words"));
        let hers = ("adviser", "はい");
        for (id, value) in [("words", "たぶん"), ("walks_alone", "2026-13"), ("no_such", "はい"), hers] {
            assert!(matches!(sheet.answer(id, app(value)), Err(SheetRefusal::Wrong(_))), "{id}");
        }
        sheet.check_in("2026-11-22T00:00:00Z".parse().unwrap());
        assert_eq!(sheet.answer("words", app("いいえ")), Err(SheetRefusal::CheckedIn));
    }

    #[test]
    fn each_question_is_in_one_part_and_the_mothers_are_of_her_mind_and_home() {
        for (_, form) in forms() {
            let hers: Vec<_> = form.part(Subject::Mother).map(|question| question.class).collect();
            assert!(!hers.is_empty() && hers.iter().all(|class| *class == ItemClass::HomeEnvironment));
            assert_eq!(form.part(Subject::Child).count() + hers.len(), form.items.len(), "{}", form.form);
        }
        assert_eq!(newest("m18").map(|(version, _)| version), Some(V));
        assert!(newest("m19").is_none());
    }

    #[test]
    fn only_past_months_are_prefilled_and_marked() {
        let mut earlier = Sheet::open("m18", V, Subject::Child, []).unwrap();
        let paper = |value: &str| Answer { value: value.to_owned(), origin: Origin::Paper };
        earlier.answer("walks_alone", paper("2026-04")).unwrap();
        earlier.answer("words", paper("はい")).unwrap();
        let next = Sheet::open("m18", V, Subject::Child, [earlier.answers()]).unwrap();
        let answers = &next.answers().answers;
        assert_eq!(answers.len(), 1);
        assert_eq!(answers["walks_alone"].origin, Origin::Prefilled);
    }
}
