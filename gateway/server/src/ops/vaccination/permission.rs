//! Where a shot is given and what permits it there: residence, 接種券, 依頼書.

use std::collections::BTreeSet;

use jiff::civil::Date;
use pmh_domain::{
    codes::MunicipalityCode,
    organization::OrganizationId,
    time::DateRange,
    vaccination::{Authorization, AuthorizationKind, Residence, Setting, VaccineCode},
};
use pmh_store::vaccination::{
    AuthorizationKind as StoredKind, AuthorizationRecord, Condition, PersonDoses, StoredDose,
};

/// What is left of the person's authorizations, for one institution.
pub(super) struct Permissions {
    left: Vec<AuthorizationRecord>,
    institution: OrganizationId,
}

impl Permissions {
    /// An authorization for numbered doses ends with the last of them. A dose that is corrected (`without`) has not used
    /// up its own.
    pub(super) fn of(doses: &PersonDoses, institution: &OrganizationId, without: Option<&str>) -> Self {
        let others = || doses.doses.iter().filter(|dose| Some(dose.dose_id.as_str()) != without);
        let left = |known: &AuthorizationRecord| {
            let used = |dose: &&StoredDose| {
                dose.record.status.counts() && dose.record.authorization_key == known.authorization_key
            };
            let used: BTreeSet<u8> = others().filter(used).map(|dose| dose.record.dose_number).collect();
            let numbers: Vec<u8> =
                known.dose_numbers.iter().copied().filter(|number| !used.contains(number)).collect();
            let is_left = !known.withdrawn && (known.dose_numbers.is_empty() || !numbers.is_empty());
            is_left.then(|| AuthorizationRecord { dose_numbers: numbers, ..known.clone() })
        };
        let left = doses.authorizations.iter().filter_map(left).collect();
        Self { left, institution: institution.clone() }
    }

    /// As the rules read them.
    pub(super) fn setting(&self, home: Option<MunicipalityCode>) -> Setting {
        let here = self.left.iter().filter(|known| known.is_addressed_to(&self.institution));
        Setting {
            residence: residence(home, &self.institution),
            institution: self.institution.institution(),
            authorizations: here.flat_map(for_rules).collect(),
        }
    }

    /// Conditions that a municipality confirmed with an authorization valid on the day.
    pub(super) fn conditions(&self, vaccine: &VaccineCode, on: Date) -> impl Iterator<Item = Condition> {
        let holds = move |known: &&AuthorizationRecord| {
            known.vaccine == vaccine.as_str() && (known.valid_from..=known.valid_to).contains(&on)
        };
        self.left.iter().filter(holds).flat_map(|known| known.conditions.iter().copied())
    }

    /// Key of the authorization that permits this shot; empty if none does.
    pub(super) fn key(&self, vaccine: &VaccineCode, dose_number: u8, on: Date) -> String {
        let permits = |known: &&AuthorizationRecord| {
            known.permits(vaccine.as_str(), dose_number, &self.institution, on)
        };
        self.left.iter().find(permits).map(|known| known.authorization_key.clone()).unwrap_or_default()
    }
}

/// Municipalities and institutions contract prefecture by prefecture (広域予防接種): at home is inside the prefecture.
fn residence(home: Option<MunicipalityCode>, institution: &OrganizationId) -> Residence {
    let prefecture = institution.institution().map(|code| code.prefecture());
    match home {
        None => Residence::Unknown,
        Some(home) if prefecture == Some(home.prefecture()) => Residence::Served(home),
        Some(home) => Residence::Elsewhere(home),
    }
}

/// The rules' authorization names one dose; a record may name several.
fn for_rules(known: &AuthorizationRecord) -> Vec<Authorization> {
    let Ok(issuer) = OrganizationId::parse_short(&known.issuer) else { return Vec::new() };
    let (Ok(issuer), Ok(vaccine), Ok(valid)) = (
        issuer.issuer(),
        VaccineCode::parse(&known.vaccine),
        DateRange::new(known.valid_from, known.valid_to),
    ) else {
        return Vec::new();
    };
    let kind = match known.kind {
        StoredKind::Voucher => AuthorizationKind::Ticket,
        StoredKind::Request => AuthorizationKind::RequestLetter,
    };
    let one = |dose_no: Option<u8>| Authorization {
        kind,
        issuer: issuer.code(),
        vaccine: vaccine.clone(),
        dose_no,
        valid,
        institution: None,
    };
    if known.dose_numbers.is_empty() {
        return vec![one(None)];
    }
    known.dose_numbers.iter().copied().map(Some).map(one).collect()
}
