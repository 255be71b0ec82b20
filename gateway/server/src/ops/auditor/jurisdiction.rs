//! What each auditor may read. Pure.

use std::collections::BTreeMap;

use pmh_audit::Leaf;
use pmh_domain::{
    codes::PrefectureCode,
    organization::{OrganizationId, OrganizationKind},
};

/// The jurisdictions of all auditors. One that is not named here may read
/// nothing but hashes and what it did itself.
#[derive(Debug, Clone, Default)]
pub struct Jurisdictions(BTreeMap<String, Vec<Area>>);

/// A part of the log's world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Area {
    /// Everybody.
    Everything,
    /// A prefecture and all municipalities, clinics and pharmacies in it.
    Prefecture(PrefectureCode),
    /// One organization, usually an issuer.
    Organization(OrganizationId),
}

/// One auditor's.
#[derive(Debug, Clone)]
pub struct Jurisdiction {
    /// The auditor, `<kind>:<code>`.
    own: String,
    areas: Vec<Area>,
}

/// The text names no area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an area is `everything`, a prefecture's two digits, or `<kind>:<code>`")]
pub struct NotAnArea;

impl Jurisdictions {
    /// Gives an auditor its areas, beside those it has.
    pub fn grant(&mut self, auditor: &OrganizationId, areas: impl IntoIterator<Item = Area>) {
        self.0.entry(auditor.to_string()).or_default().extend(areas);
    }

    /// The jurisdiction of an organization, `<kind>:<code>`.
    pub fn of(&self, organization: &str) -> Jurisdiction {
        let areas = self.0.get(organization).cloned().unwrap_or_default();
        Jurisdiction { own: organization.to_owned(), areas }
    }
}

impl Jurisdiction {
    /// Whether an entry lies within: by whose data it is, by who asked, or
    /// because the auditor itself made it.
    pub fn covers(&self, leaf: &Leaf) -> bool {
        let sides = [&leaf.holder, &leaf.requester];
        self.is_everything() || sides.into_iter().flatten().any(|org| self.covers_organization(org.as_str()))
    }

    /// Whether an organization, `<kind>:<code>`, lies within.
    pub fn covers_organization(&self, organization: &str) -> bool {
        organization == self.own || {
            let organization = OrganizationId::parse_short(organization).ok();
            self.areas.iter().any(|area| area.holds(organization.as_ref()))
        }
    }

    /// Whether nothing lies outside.
    pub fn is_everything(&self) -> bool {
        self.areas.contains(&Area::Everything)
    }
}

impl Area {
    /// Reads `everything`, a prefecture's two digits, or `<kind>:<code>`.
    pub fn parse(text: &str) -> Result<Self, NotAnArea> {
        if text == "everything" {
            return Ok(Self::Everything);
        }
        let prefecture = PrefectureCode::parse(text).map(Self::Prefecture);
        prefecture
            .or_else(|_| OrganizationId::parse_short(text).map(Self::Organization))
            .map_err(|_| NotAnArea)
    }

    fn holds(&self, organization: Option<&OrganizationId>) -> bool {
        match self {
            Self::Everything => true,
            Self::Prefecture(prefecture) => organization.and_then(prefecture_of) == Some(*prefecture),
            Self::Organization(own) => organization == Some(own),
        }
    }
}

/// Where an organization is. Both kinds of code begin with the prefecture.
fn prefecture_of(organization: &OrganizationId) -> Option<PrefectureCode> {
    match organization.kind() {
        OrganizationKind::Clinic
        | OrganizationKind::Pharmacy
        | OrganizationKind::Municipality
        | OrganizationKind::Prefecture => PrefectureCode::parse(organization.code().get(..2)?).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use pmh_audit::OrgRef;

    use super::*;

    fn auditor() -> OrganizationId {
        OrganizationId::parse_short("auditor:tokyo-auditor").unwrap()
    }

    fn with(areas: &[&str]) -> Jurisdiction {
        let mut all = Jurisdictions::default();
        all.grant(&auditor(), areas.iter().map(|area| Area::parse(area).unwrap()));
        all.of("auditor:tokyo-auditor")
    }

    fn leaf(holder: &str, requester: &str) -> Leaf {
        let org = |text: &str| (!text.is_empty()).then(|| OrgRef::new(text).unwrap());
        Leaf {
            kind: pmh_audit::Kind::Disclosure,
            time_us: 1,
            event_id: [0; 16],
            method: pmh_audit::registry::Method::VERIFY_ELIGIBILITY,
            purpose: pmh_audit::registry::Purpose::NONE,
            outcome: 0,
            categories: pmh_audit::registry::Categories::NONE,
            holder: org(holder),
            requester: org(requester),
            refs: pmh_audit::References::default(),
            subject: [0; 32],
            chain: [0; 32],
            actor: [0; 32],
            detail: [0; 32],
        }
    }

    #[test]
    fn a_prefecture_covers_its_municipalities_clinics_and_pharmacies_on_either_side() {
        let tokyo = with(&["13"]);
        for inside in [
            leaf("municipality:132012", "clinic:1419811373"),
            leaf("prefecture:130001", ""),
            leaf("", "clinic:1310310243"),
            leaf("prefecture:140007", "pharmacy:1340153221"),
        ] {
            assert!(tokyo.covers(&inside), "{inside:?}");
        }
        for outside in [
            leaf("", ""),
            leaf("prefecture:140007", "clinic:1419811373"),
            leaf("operator:test-operator", ""),
            leaf("", "auditor:test-auditor"),
            leaf("", "app:13"),
        ] {
            assert!(!tokyo.covers(&outside), "{outside:?}");
        }
    }

    #[test]
    fn an_issuer_covers_itself_alone() {
        let hachioji = with(&["municipality:132012"]);
        assert!(hachioji.covers(&leaf("municipality:132012", "clinic:1419811373")));
        assert!(!hachioji.covers(&leaf("municipality:132098", "clinic:1310310243")));
    }

    #[test]
    fn without_an_area_there_is_only_what_the_auditor_did() {
        let nobody = Jurisdictions::default().of("auditor:tokyo-auditor");
        assert!(nobody.covers(&leaf("", "auditor:tokyo-auditor")));
        assert!(!nobody.covers(&leaf("municipality:132012", "clinic:1310310243")));
        assert!(!nobody.is_everything());
        assert!(with(&["13", "everything"]).covers(&leaf("", "")));
    }

    #[test]
    fn what_is_no_area_is_refused() {
        for text in
            ["", "130", "99", "Everything", "municipality:132013", "urn:x-pmh:org:municipality:132012"]
        {
            assert_eq!(Area::parse(text), Err(NotAnArea), "{text}");
        }
    }
}
