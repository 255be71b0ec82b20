//! Two people for what one alone must not do.

/// A member of staff, by a pseudonym that their organization alone can resolve.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Officer(pub String);

/// Two different members of staff: one asked, the other approved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
