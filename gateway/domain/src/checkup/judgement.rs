//! What was found, and what happens next: two enums, never one.
//!
//! Municipal codes mix both («要指導» is no finding), so that counts differ
//! from town to town; Aichi Prefecture parted them for that reason. The town's
//! own code travels beside ours and is never translated back.

use serde::{Deserialize, Serialize};

/// What an examination found (所見).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Finding {
    /// 所見なし.
    None,
    /// 所見あり.
    Present,
    /// 未実施.
    NotExamined,
    /// The sender does not know.
    Unknown,
}

/// What happens next (判定). The usual set of municipal forms; there is no
/// national one, and this set was not read in a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Disposition {
    /// 異常なし: nothing.
    Nothing,
    /// 既医療: already under treatment.
    UnderTreatment,
    /// 要指導: advice was or will be given.
    Guidance,
    /// 要経過観察: look again.
    Observation,
    /// 要精密検査: a detailed examination.
    DetailedExamination,
    /// 要医療: treatment.
    Treatment,
}

/// The municipality's own code of its judgement, as sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnCode {
    /// The code, 1 to 20 characters.
    pub code: String,
    /// What it means there, at most 100 characters; may be empty.
    pub label: String,
}

impl Finding {
    /// Every finding.
    pub const ALL: [Self; 4] = [Self::None, Self::Present, Self::NotExamined, Self::Unknown];

    /// Stable machine name.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Present => "PRESENT",
            Self::NotExamined => "NOT_EXAMINED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// In Japanese.
    pub fn ja(self) -> &'static str {
        match self {
            Self::None => "所見なし",
            Self::Present => "所見あり",
            Self::NotExamined => "未実施",
            Self::Unknown => "不明",
        }
    }
}

impl Disposition {
    /// Every disposition, from nothing to treatment.
    pub const ALL: [Self; 6] = [
        Self::Nothing,
        Self::UnderTreatment,
        Self::Guidance,
        Self::Observation,
        Self::DetailedExamination,
        Self::Treatment,
    ];

    /// Whether somebody must come back to it until it is closed.
    pub fn needs_follow_up(self) -> bool {
        matches!(self, Self::Observation | Self::DetailedExamination | Self::Treatment)
    }

    /// Stable machine name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "NOTHING",
            Self::UnderTreatment => "UNDER_TREATMENT",
            Self::Guidance => "GUIDANCE",
            Self::Observation => "OBSERVATION",
            Self::DetailedExamination => "DETAILED_EXAMINATION",
            Self::Treatment => "TREATMENT",
        }
    }

    /// In Japanese.
    pub fn ja(self) -> &'static str {
        match self {
            Self::Nothing => "異常なし",
            Self::UnderTreatment => "既医療",
            Self::Guidance => "要指導",
            Self::Observation => "要経過観察",
            Self::DetailedExamination => "要精密検査",
            Self::Treatment => "要医療",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_serde() {
        for finding in Finding::ALL {
            assert_eq!(serde_json::to_value(finding).unwrap(), finding.name());
        }
        for disposition in Disposition::ALL {
            assert_eq!(serde_json::to_value(disposition).unwrap(), disposition.name());
        }
    }
}
