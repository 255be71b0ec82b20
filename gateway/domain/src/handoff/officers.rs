//! Two people for what one alone must not do.

use serde::{Deserialize, Serialize};

/// A member of staff, by a pseudonym that their organization alone can resolve.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Officer(pub String);

/// Two different members of staff: one asked, the other approved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "[Officer; 2]", into = "[Officer; 2]")]
pub struct TwoOfficers {
    asked: Officer,
    approved: Officer,
}

impl TwoOfficers {
    /// Both names; `None` if they are one person, or nobody.
    pub fn new(asked: Officer, approved: Officer) -> Option<Self> {
        let somebody = !asked.0.is_empty() && !approved.0.is_empty();
        (somebody && asked != approved).then_some(Self { asked, approved })
    }

    /// Who asked.
    pub fn asked(&self) -> &Officer {
        &self.asked
    }

    /// Who approved.
    pub fn approved(&self) -> &Officer {
        &self.approved
    }
}

/// Two names that are one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("are not two different people")]
pub struct NotTwo;

impl TryFrom<[Officer; 2]> for TwoOfficers {
    type Error = NotTwo;

    fn try_from([asked, approved]: [Officer; 2]) -> Result<Self, NotTwo> {
        Self::new(asked, approved).ok_or(NotTwo)
    }
}

impl From<TwoOfficers> for [Officer; 2] {
    fn from(officers: TwoOfficers) -> Self {
        [officers.asked, officers.approved]
    }
}
