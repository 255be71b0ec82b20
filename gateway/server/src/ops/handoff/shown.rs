//! What one category shows of one person's records.

use jiff::civil::Date;
use pmh_domain::{
    entitlement::{Entitlement, Versions},
    handoff::{BirthOrder, Category, Home, Newborn},
};
use pmh_store::{
    birth::GuestChild,
    checkup::KeptCheckup,
    handoff::GuestRecords,
    vaccination::{DoseStatus, StoredDose},
};

/// Records cut to a category.
#[derive(Clone, Default)]
pub struct Shown {
    /// Checkups, by day.
    pub checkups: Vec<KeptCheckup>,
    /// Doses, by day.
    pub doses: Vec<StoredDose>,
    /// Rights that count today.
    pub entitlements: Vec<Entitlement>,
    /// Births, one for each child of whom the guest is told.
    pub newborns: Vec<Newborn>,
}

impl Shown {
    /// Of records that a disclosure opened.
    pub(super) fn of(records: &GuestRecords, category: Category, today: Date) -> Self {
        let was_given = |dose: &&StoredDose| dose.record.status != DoseStatus::EnteredInError;
        Self {
            checkups: records.checkups.iter().filter_map(|kept| cut(kept, category)).collect(),
            doses: records.doses.iter().filter(was_given).cloned().collect(),
            entitlements: in_force(&records.entitlements, today),
            newborns: records.newborns.clone(),
        }
    }
}

/// The child that a guest counts as the `place`-th: restricted and lost ones are not there to be counted (design.md §2, P16).
pub(super) fn nth_child(home: &Home, children: &[GuestChild], place: u8) -> Option<BirthOrder> {
    let is_alive = |child: &GuestChild| {
        home.children().living().any(|order| order == child.order)
            && home
                .children()
                .all()
                .any(|(order, known)| order == child.order && known.notice.id == child.birth)
    };
    let mut shown: Vec<BirthOrder> = children
        .iter()
        .filter(|child| !child.is_hidden && is_alive(child))
        .map(|child| child.order)
        .collect();
    shown.sort_unstable();
    shown.get(usize::from(place).checked_sub(1)?).copied()
}

fn cut(kept: &KeptCheckup, category: Category) -> Option<KeptCheckup> {
    let checkup = kept.checkup.seen_under(category)?;
    Some(KeptCheckup { checkup, ..kept.clone() })
}

/// What an issuer does not disclose is not in a summary either (不開示フラグ).
fn in_force(versions: &[Entitlement], today: Date) -> Vec<Entitlement> {
    let rights = Versions::group(versions);
    let counts = rights.iter().filter_map(|right| right.effective_on(today));
    let holds =
        |right: &&Entitlement| !right.not_disclosed && right.validity.to().is_none_or(|last| today <= last);
    counts.filter(holds).cloned().collect()
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown(..)")
    }
}
