//! The categories of records that a handoff shares.

use serde::{Deserialize, Serialize};

/// What the mother consents to share, one by one (domain research §5.3, steps
/// 2, 3 and 5; the cut is ours).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Category {
    /// 妊娠届 essentials and due date.
    Notice,
    /// Where she stays and how to reach her.
    Place,
    /// 妊婦健診 results.
    PregnancyCheckups,
    /// サポートプラン and risks.
    SupportPlan,
    /// Interviews (面談).
    Interviews,
    /// EPDS, bonding, support checklist.
    MotherMind,
    /// 産後ケア: approved days and copayment.
    CareApproval,
    /// Course and end of the pregnancy: hers also when no child lives.
    Delivery,
    /// The child's checkups.
    ChildCheckups,
    /// The child's vaccinations.
    ChildVaccinations,
    /// Her own vaccinations: what is given in pregnancy protects the child.
    MotherVaccinations,
    /// Her subsidies: which, and until when.
    Entitlements,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 12] = [
        Self::Notice,
        Self::Place,
        Self::PregnancyCheckups,
        Self::SupportPlan,
        Self::Interviews,
        Self::MotherMind,
        Self::CareApproval,
        Self::Delivery,
        Self::ChildCheckups,
        Self::ChildVaccinations,
        Self::MotherVaccinations,
        Self::Entitlements,
    ];

    /// Whether it is of a child's record; else it is of the mother's.
    pub fn is_of_child(self) -> bool {
        matches!(self, Self::ChildCheckups | Self::ChildVaccinations)
    }
}
