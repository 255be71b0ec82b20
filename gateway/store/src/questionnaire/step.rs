//! One step: sheets loaded, changed by the rules, written.

use jiff::{Timestamp, civil::Date};
use pmh_domain::{
    checkup::questionnaire::{Answer, Question, SheetRefusal, form},
    organization::IssuerId,
    resident::ResidentLink,
};

use super::{FilledSheet, Pages, sheet::Place};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Idempotency, Recorded, Reply, SubjectRef,
    gateway::{parse, short},
    sequencer::{BoxFuture, Lane, Transaction, Tx},
    session::Whose,
};

/// Whose sheets.
#[derive(Clone)]
pub enum SheetsOf {
    /// The child's part, of the child itself.
    Child(Whose),
    /// A parent's own part, about the child born on this day.
    Parent(Whose, Date),
    /// At the municipality: its resident's, and the own part of the mother if it names her, by its keys.
    Office {
        /// The child.
        child: String,
        /// Its mother.
        mother: Option<String>,
    },
}

/// What is done.
#[derive(Clone)]
pub enum SheetStep {
    /// Looked at.
    Look,
    /// Answered, in a version of the form, by question.
    Answer(String, Vec<(String, Answer)>),
    /// Closed: the family is here.
    CheckIn,
}

/// A step that was done.
#[derive(Clone)]
pub struct Filled {
    /// The person the step is about.
    pub subject: SubjectRef,
    /// Whether where that person lives is withheld.
    pub restricted: bool,
    /// The child's part first.
    pub sheets: Vec<FilledSheet>,
}

/// Why nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepRefusal {
    /// The family has checked in.
    CheckedIn,
    /// The sheet was begun in another version of the form.
    OtherVersion,
    /// Not a question of these parts, or not an answer to it.
    Wrong,
}

type Outcome = Option<Result<Filled, StepRefusal>>;

pmh_domain::withheld!(SheetsOf, SheetStep, Filled);

impl GatewayStore {
    /// Does a step on sheets. `None`: no such form, or the person is no resident there.
    pub async fn sheet_step<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Option<Idempotency>,
        pages: Pages,
        step: SheetStep,
        conclude: impl FnMut(Concluding<'_, Option<Result<Filled, StepRefusal>>>) -> Conclusion<R>
        + Send
        + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, idempotency, Step { pages, step }, conclude).await
    }
}

struct Step {
    pages: Pages,
    step: SheetStep,
}

impl Transaction for Step {
    type Outcome = Outcome;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Outcome, Fault>> {
        Box::pin(async move {
            let mut sheets = Vec::new();
            let Some(places) = tx.places(&self.pages).await? else { return Ok(None) };
            for (subject, place) in places {
                let Some(sheet) = tx.sheet(subject, place).await? else { return Ok(None) };
                sheets.push(sheet);
            }
            let Some(subject) = sheets.first().map(|first| first.subject) else { return Ok(None) };
            let before = sheets.clone();
            if let Err(refusal) = self.step.apply(&mut sheets, tx.now_us) {
                return Ok(Some(Err(refusal)));
            }
            for (was, now) in before.iter().zip(&mut sheets) {
                if was.sheet != now.sheet {
                    now.revision = now.revision.saturating_add(1);
                    tx.write_sheet(now).await?;
                }
            }
            let restricted = tx.is_restricted(subject).await?;
            Ok(Some(Ok(Filled { subject, restricted, sheets })))
        })
    }
}

impl SheetStep {
    fn apply(&self, sheets: &mut [FilledSheet], now_us: i64) -> Result<(), StepRefusal> {
        match self {
            Self::Look => Ok(()),
            Self::CheckIn => {
                let now = Timestamp::from_microsecond(now_us).unwrap_or_default();
                for filled in sheets {
                    filled.sheet.check_in(now);
                }
                Ok(())
            }
            Self::Answer(version, answers) => {
                if sheets.iter().any(|filled| filled.sheet.answers().version != *version) {
                    return Err(StepRefusal::OtherVersion);
                }
                answers.iter().try_for_each(|(id, answer)| give(sheets, version, id, answer))
            }
        }
    }
}

/// To the sheet of the part that asks it.
fn give(sheets: &mut [FilledSheet], version: &str, id: &str, answer: &Answer) -> Result<(), StepRefusal> {
    let asks = |filled: &&mut FilledSheet| {
        let form = form(&filled.place.form, version);
        let part = form.and_then(|form| form.question(id)).map(Question::part);
        part == Some(filled.sheet.part())
    };
    let filled = sheets.iter_mut().find(asks).ok_or(StepRefusal::Wrong)?;
    filled.sheet.answer(id, answer.clone()).map_err(|refusal| match refusal {
        SheetRefusal::CheckedIn => StepRefusal::CheckedIn,
        SheetRefusal::Wrong(_) => StepRefusal::Wrong,
    })
}

impl Tx {
    async fn places(&mut self, pages: &Pages) -> Result<Option<Vec<(SubjectRef, Place)>>, Fault> {
        let at = |resident_key: String, child_born: String| Place {
            municipality: pages.municipality,
            resident_key,
            form: pages.form.clone(),
            child_born,
        };
        let (whose, child_born) = match &pages.of {
            SheetsOf::Child(whose) => (whose, String::new()),
            SheetsOf::Parent(whose, born) => (whose, born.to_string()),
            SheetsOf::Office { child, mother } => {
                let issuer = pages.municipality;
                let Some((subject, link)) = self.own_resident(issuer, child).await? else { return Ok(None) };
                let mut places = vec![(subject, at(child.clone(), String::new()))];
                if let Some(mother) = mother {
                    let Some((subject, _)) = self.own_resident(issuer, mother).await? else {
                        return Ok(None);
                    };
                    places.push((subject, at(mother.clone(), link.birth_date.to_string())));
                }
                return Ok(Some(places));
            }
        };
        let found = self.resident_of(pages.municipality, whose).await?;
        Ok(found.map(|(subject, key)| vec![(subject, at(key, child_born))]))
    }

    async fn own_resident(
        &mut self,
        issuer: IssuerId,
        key: &str,
    ) -> Result<Option<(SubjectRef, ResidentLink)>, Fault> {
        const LINK: &str =
            "SELECT subject_ref, body FROM resident_link WHERE issuer = $1 AND resident_key = $2";
        let row = self.fetch_one(LINK, vec![short(issuer).into(), key.into()]).await?;
        row.map(|row| Ok((row.array(0, "resident_link")?, parse(&row.text(1)?, "resident_link")?)))
            .transpose()
    }
}
