//! Who may see which class of item.
//!
//! EPDS, bonding and home-environment answers are about the mother, also when
//! they were asked at a child's checkup. They belong to her record and never
//! appear in a view of the child, a guardian or a partner: the partner may be
//! the reason for an answer. A mother sees her own record as herself, never
//! as her child's guardian, whose relation another person may share.

use serde::{Deserialize, Serialize};

use super::kind::Subject;

/// What an item is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemClass {
    /// The mother's body: weight, blood pressure, tests, course of labour.
    MotherBody,
    /// EPDS, bonding, support checklist.
    MotherMind,
    /// Home, discipline, money, whom she can ask for advice.
    HomeEnvironment,
    /// The birth itself: time, weight, length, gestation.
    Birth,
    /// The child's body.
    ChildBody,
    /// What the child can do.
    ChildDevelopment,
}

/// In which role somebody reads. Presence, consent and relation were checked
/// before; this is the most that each can open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Viewer {
    /// The mother, reading her own record.
    Mother,
    /// The child, reading its own.
    Child,
    /// A guardian reading the child's, the mother included.
    Guardian,
    /// A partner as such. Whoever is a guardian too reads as one.
    Partner,
    /// A clinic where the mother is present and consents.
    MothersClinic,
    /// A clinic where the child is present.
    ChildsClinic,
    /// The municipality of residence, which keeps the record.
    HomeMunicipality,
    /// The municipality of a stay (里帰り先), under a handoff with the mother's consent.
    StayMunicipality,
    /// An auditor: who saw what, never what was seen.
    Auditor,
}

impl ItemClass {
    /// Every class.
    pub const ALL: [Self; 6] = [
        Self::MotherBody,
        Self::MotherMind,
        Self::HomeEnvironment,
        Self::Birth,
        Self::ChildBody,
        Self::ChildDevelopment,
    ];

    /// In whose record an item of this class is kept, given whose checkup it
    /// came with.
    pub fn record(self, checkup: Subject) -> Subject {
        match self {
            Self::MotherBody | Self::MotherMind | Self::HomeEnvironment => Subject::Mother,
            Self::ChildBody | Self::ChildDevelopment => Subject::Child,
            Self::Birth => checkup,
        }
    }
}

impl Viewer {
    /// Every viewer.
    pub const ALL: [Self; 9] = [
        Self::Mother,
        Self::Child,
        Self::Guardian,
        Self::Partner,
        Self::MothersClinic,
        Self::ChildsClinic,
        Self::HomeMunicipality,
        Self::StayMunicipality,
        Self::Auditor,
    ];

    /// Whose records this viewer may open at all.
    pub fn opens(self, record: Subject) -> bool {
        match self {
            Self::HomeMunicipality | Self::StayMunicipality => true,
            Self::Mother | Self::MothersClinic => record == Subject::Mother,
            Self::Child | Self::Guardian | Self::ChildsClinic => record == Subject::Child,
            Self::Partner | Self::Auditor => false,
        }
    }

    /// Whether an item of a class may appear in this viewer's view: in one of
    /// the records that the viewer opens, where such an item is kept.
    pub fn sees(self, class: ItemClass) -> bool {
        [Subject::Mother, Subject::Child]
            .into_iter()
            .any(|subject| self.opens(subject) && class.record(subject) == subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written out by hand: mother's body, mind, home; birth; child's body, development.
    const EXPECTED: [(Viewer, [bool; 6]); 9] = [
        (Viewer::Mother, [true, true, true, true, false, false]),
        (Viewer::Child, [false, false, false, true, true, true]),
        (Viewer::Guardian, [false, false, false, true, true, true]),
        (Viewer::Partner, [false; 6]),
        (Viewer::MothersClinic, [true, true, true, true, false, false]),
        (Viewer::ChildsClinic, [false, false, false, true, true, true]),
        (Viewer::HomeMunicipality, [true; 6]),
        (Viewer::StayMunicipality, [true; 6]),
        (Viewer::Auditor, [false; 6]),
    ];

    #[test]
    fn every_viewer_and_every_class() {
        assert_eq!(EXPECTED.map(|(viewer, _)| viewer), Viewer::ALL);
        for (viewer, row) in EXPECTED {
            for (class, expected) in ItemClass::ALL.into_iter().zip(row) {
                assert_eq!(viewer.sees(class), expected, "{viewer:?} {class:?}");
            }
        }
    }

    #[test]
    fn what_is_asked_about_the_mother_at_a_childs_checkup_is_hers() {
        for class in [ItemClass::MotherMind, ItemClass::HomeEnvironment] {
            assert_eq!(class.record(Subject::Child), Subject::Mother);
            for viewer in [Viewer::Child, Viewer::Guardian, Viewer::Partner, Viewer::ChildsClinic] {
                assert!(!viewer.sees(class), "{viewer:?} {class:?}");
            }
        }
    }
}
