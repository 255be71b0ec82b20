//! Follow-ups: open until somebody closes them.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::judgement::Disposition;
use super::record::Checkup;
use super::version::SourceVersion;

/// What must be come back to after one checkup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUp {
    /// Why.
    pub disposition: Disposition,
    /// Day of the checkup.
    pub opened_on: Date,
    /// Open, or how it ended.
    pub state: FollowUpState,
}

/// Whether a follow-up is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FollowUpState {
    /// It is on the list.
    Open,
    /// It ended.
    Closed {
        /// When.
        on: Date,
        /// How.
        closing: Closing,
    },
}

/// How a follow-up ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Closing {
    /// The detailed examination was done.
    Examined,
    /// Treatment was begun, or is under way elsewhere.
    UnderTreatment,
    /// Looked at again, and nothing is left.
    Resolved,
    /// The family moved; the next municipality was told.
    HandedOver,
    /// The family declined.
    Declined,
    /// A later version of the record asks for nothing, or withdraws it.
    Amended,
}

/// What a person said came of one version's follow-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedByHand {
    /// The version.
    pub version: SourceVersion,
    /// What it asked for.
    pub disposition: Disposition,
    /// When.
    pub on: Date,
    /// How.
    pub closing: Closing,
}

/// Why a follow-up was not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CloseRefusal {
    /// It has ended otherwise.
    #[error("it is closed already")]
    Closed,
    /// The day lies before the checkup.
    #[error("the day lies before the checkup")]
    BeforeOpened,
    /// Only a new version of the record can say so.
    #[error("only an amendment of the record closes it so")]
    NotByHand,
}

/// The follow-up of a record as it stands, reckoned from its versions, the oldest first, and from what people closed.
/// `None`: there never was one. A closing of a version that is not held (its batch was undone) counts for the version
/// before it, if that asks for the same.
pub fn standing(versions: &[Checkup], closings: &[ClosedByHand]) -> Option<FollowUp> {
    let mut known = None;
    for (position, version) in versions.iter().enumerate() {
        known = FollowUp::after(known.as_ref(), version, version.date);
        let is_first = position == 0;
        let next = versions.get(position.saturating_add(1)).map(|next| next.source_version);
        let of_this = closings.iter().filter(|closed| {
            (is_first || version.source_version <= closed.version)
                && next.is_none_or(|next| closed.version < next)
        });
        for closed in of_this {
            known = known.map(|known| known.closed_by(closed));
        }
    }
    known
}

impl FollowUp {
    /// The follow-up after a version of a record has come, given what there
    /// was; `None`: there never was one. A person's closing stands for the
    /// judgement that it closed: a resent row reopens nothing.
    pub fn after(known: Option<&Self>, checkup: &Checkup, today: Date) -> Option<Self> {
        let asked = checkup.disposition.filter(|asked| !checkup.withdrawn && asked.needs_follow_up());
        let Some(disposition) = asked else {
            return known.map(|known| known.amended(today));
        };
        if let Some(known) = known
            && known.disposition == disposition
            && !known.was_amended()
        {
            let is_open = known.state == FollowUpState::Open;
            let examined = is_open.then(|| examined(disposition, checkup)).flatten();
            return Some(Self { state: examined.unwrap_or_else(|| known.state.clone()), ..known.clone() });
        }
        let state = examined(disposition, checkup).unwrap_or(FollowUpState::Open);
        Some(Self { disposition, opened_on: checkup.date, state })
    }

    /// Closes it by hand. Errors: as named. To close it twice the same way
    /// changes nothing.
    pub fn close(&self, on: Date, closing: Closing) -> Result<Self, CloseRefusal> {
        let state = FollowUpState::Closed { on, closing };
        if self.state == state {
            return Ok(self.clone());
        }
        match self.state {
            FollowUpState::Closed { .. } => Err(CloseRefusal::Closed),
            FollowUpState::Open if closing == Closing::Amended => Err(CloseRefusal::NotByHand),
            FollowUpState::Open if on < self.opened_on => Err(CloseRefusal::BeforeOpened),
            FollowUpState::Open => Ok(Self { state, ..self.clone() }),
        }
    }

    fn closed_by(self, closed: &ClosedByHand) -> Self {
        if self.disposition != closed.disposition {
            return self;
        }
        self.close(closed.on, closed.closing).unwrap_or(self)
    }

    fn amended(&self, today: Date) -> Self {
        let state = match self.state {
            FollowUpState::Open => FollowUpState::Closed { on: today, closing: Closing::Amended },
            FollowUpState::Closed { .. } => self.state.clone(),
        };
        Self { state, ..self.clone() }
    }

    fn was_amended(&self) -> bool {
        matches!(self.state, FollowUpState::Closed { closing: Closing::Amended, .. })
    }
}

/// A row that names the day of the detailed examination closes what asked for one.
fn examined(disposition: Disposition, checkup: &Checkup) -> Option<FollowUpState> {
    let on = checkup.detailed_exam_on.filter(|_| disposition == Disposition::DetailedExamination)?;
    Some(FollowUpState::Closed { on, closing: Closing::Examined })
}
