//! The three questionnaires of the postpartum visit (産婦健診), by item number.
//!
//! The wording of EPDS and of the bonding questionnaire is others' work and is
//! not kept here; an item is known by its number and carries its score, already
//! turned where the instrument turns it.

use serde::{Deserialize, Serialize};

use super::problem::{Notes, Reason};

/// A scored questionnaire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Instrument {
    /// Ⅰ 育児支援チェックリスト: nine items, 1 for the answer that asks for support.
    /// Number and scoring not read in a source.
    SupportChecklist,
    /// Ⅱ エジンバラ産後うつ病質問票: ten items of 0 to 3 (Cox et al. 1987).
    Epds,
    /// Ⅲ 赤ちゃんへの気持ち質問票: ten items of 0 to 3. Number not read in a source.
    Bonding,
}

/// Scores as received: `None` is an item without an answer.
#[derive(Clone, PartialEq, Eq)]
pub struct RawScores {
    /// Which questionnaire.
    pub instrument: Instrument,
    /// By item, the first being item 1; empty where the sender has only the total.
    pub items: Vec<Option<u8>>,
    /// The total as the sender reckoned it.
    pub total: Option<u8>,
}

/// Checked scores.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scores {
    /// Which questionnaire.
    pub instrument: Instrument,
    /// By item; empty where only the total is known.
    pub items: Vec<Option<u8>>,
    /// The total, if every item was answered or the sender gave it.
    pub total: Option<u8>,
}

impl Instrument {
    /// Every instrument.
    pub const ALL: [Self; 3] = [Self::SupportChecklist, Self::Epds, Self::Bonding];

    /// Number of items.
    pub fn items(self) -> usize {
        match self {
            Self::SupportChecklist => 9,
            Self::Epds | Self::Bonding => 10,
        }
    }

    /// Highest score of one item.
    pub fn highest(self) -> u8 {
        match self {
            Self::SupportChecklist => 1,
            Self::Epds | Self::Bonding => 3,
        }
    }

    /// Stable machine name.
    pub fn name(self) -> &'static str {
        match self {
            Self::SupportChecklist => "support_checklist",
            Self::Epds => "epds",
            Self::Bonding => "bonding",
        }
    }
}

impl Scores {
    /// Checks number and range of the items and that the total is their sum.
    /// Missing answers are a warning. A wrong total refuses the row, but never
    /// silences it: [`super::urgent::urgency`] looks at the scores as received.
    pub(super) fn read(raw: &RawScores, notes: &mut Notes) -> Option<Self> {
        let instrument = raw.instrument;
        let path = |field: &str| format!("scores[{}].{field}", instrument.name());
        if raw.items.is_empty() && raw.total.is_none() {
            notes.problem(path("items"), crate::problem::FieldReason::Required);
            return None;
        }
        if !raw.items.is_empty() && raw.items.len() != instrument.items() {
            notes.problem(path("items"), crate::problem::FieldReason::Width);
            return None;
        }
        if raw.items.iter().flatten().any(|score| *score > instrument.highest()) {
            notes.problem(path("items"), Reason::Impossible);
            return None;
        }
        let answered = sum(&raw.items);
        let is_complete = !raw.items.is_empty() && raw.items.iter().all(Option::is_some);
        if !is_complete {
            notes.warning(path("items"), Reason::Incomplete);
        }
        if let Some(total) = raw.total
            && !is_consistent(total, answered, is_complete, &raw.items, instrument)
        {
            notes.problem(path("total"), Reason::TotalMismatch);
            return None;
        }
        let total = if is_complete { Some(answered) } else { raw.total };
        Some(Self { instrument, items: raw.items.clone(), total })
    }
}

/// Sum of the answered items.
pub(super) fn sum(items: &[Option<u8>]) -> u8 {
    items.iter().flatten().fold(0, |sum, score| sum.saturating_add(*score))
}

/// With answers missing the total may lie anywhere that they could bring it to.
fn is_consistent(
    total: u8,
    answered: u8,
    is_complete: bool,
    items: &[Option<u8>],
    instrument: Instrument,
) -> bool {
    if is_complete {
        return total == answered;
    }
    let open = if items.is_empty() {
        instrument.items()
    } else {
        items.iter().filter(|score| score.is_none()).count()
    };
    let most = usize::from(answered) + open * usize::from(instrument.highest());
    total >= answered && usize::from(total) <= most
}

crate::withheld!(RawScores, Scores);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(items: &[Option<u8>], total: Option<u8>) -> Result<(Option<u8>, usize), Vec<Reason>> {
        let mut notes = Notes::default();
        let raw = RawScores { instrument: Instrument::Epds, items: items.to_vec(), total };
        let scores = Scores::read(&raw, &mut notes);
        match notes.conclude(scores) {
            Ok(checked) => Ok((checked.value.total, checked.warnings.len())),
            Err(refusal) => Err(refusal.problems().iter().map(|problem| problem.reason).collect()),
        }
    }

    #[test]
    fn ten_items_and_their_sum() {
        let ones = [Some(1); 10];
        assert_eq!(read(&ones, Some(10)), Ok((Some(10), 0)));
        assert_eq!(read(&ones, None), Ok((Some(10), 0)));
        assert_eq!(read(&ones, Some(9)), Err(vec![Reason::TotalMismatch]));
        assert!(read(&ones[..9], Some(9)).is_err());
        assert_eq!(read(&[Some(4); 10], Some(40)), Err(vec![Reason::Impossible]));
        assert!(read(&[], None).is_err());
    }

    #[test]
    fn a_total_alone_or_with_gaps_must_be_reachable() {
        assert_eq!(read(&[], Some(12)), Ok((Some(12), 1)));
        assert_eq!(read(&[], Some(31)), Err(vec![Reason::TotalMismatch]));
        let mut gap = [Some(1); 10];
        gap[9] = None;
        assert_eq!(read(&gap, None), Ok((None, 1)));
        assert_eq!(read(&gap, Some(12)), Ok((Some(12), 1)));
        for total in [8, 13] {
            assert_eq!(read(&gap, Some(total)), Err(vec![Reason::TotalMismatch]));
        }
    }
}
