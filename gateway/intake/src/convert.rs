//! Rows as the entitlements that `pmh-domain` judges.

use pmh_domain::entitlement as domain;

use crate::field::{Care, CopaymentKind};
use crate::row::{Area, Condition, Copayment, Detail, Institution, Row, Scope};

/// Everything but the place in the file and what only identifies the person: birth date, sex and names stay
/// behind. An area that the file does not state is the domain's default, anywhere; a meal that it does not state
/// is not covered.
impl From<Row> for domain::RawEntitlement {
    fn from(row: Row) -> Self {
        Self {
            resident_key: row.resident_key,
            certificate_type_id: row.certificate_type_id,
            certification_name: row.certificate_name,
            certification_sub_key: row.sub_key.unwrap_or_default(),
            law_no: row.law_no.unwrap_or_default(),
            payer_number: row.payer_number.unwrap_or_default(),
            recipient_number: row.recipient_number.unwrap_or_default(),
            valid_from: row.valid_from.to_string(),
            valid_to: row.valid_to.map(|date| date.to_string()).unwrap_or_default(),
            segment: row.segment.unwrap_or_default(),
            income_segment: row.income_class.unwrap_or_default(),
            copayments: row.copayments.into_iter().map(Into::into).collect(),
            additional_conditions: row.additional_conditions.into_iter().map(Into::into).collect(),
            designated_institutions: row.designated_institutions.into_iter().map(Into::into).collect(),
            always_reimbursement: row.always_reimbursement,
            not_disclosed: row.not_disclosed,
            area: row.area.map(Into::into).unwrap_or_default(),
            meal_covered: row.meal_covered.unwrap_or_default(),
            history_key: row.history_key,
            deleted: row.deleted,
            details: row.details.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Copayment> for domain::RawCopaymentRule {
    fn from(rule: Copayment) -> Self {
        Self {
            care: match rule.care {
                Care::Any => None,
                Care::Inpatient => Some(domain::CareType::Inpatient),
                Care::Outpatient => Some(domain::CareType::Outpatient),
                Care::Pharmacy => Some(domain::CareType::Pharmacy),
            },
            unit: Some(match rule.kind {
                CopaymentKind::RatePercent => domain::CopaymentUnit::RatePercent,
                CopaymentKind::MonthYen => domain::CopaymentUnit::YenPerMonth,
                CopaymentKind::DayYen => domain::CopaymentUnit::YenPerDay,
                CopaymentKind::VisitYen => domain::CopaymentUnit::YenPerVisit,
                CopaymentKind::CountPerMonth => domain::CopaymentUnit::CountPerMonth,
            }),
            amount: rule.amount,
            per_institution: rule.scope == Scope::PerInstitution,
        }
    }
}

impl From<Condition> for domain::AdditionalCondition {
    fn from(condition: Condition) -> Self {
        Self { item: condition.item, condition: condition.condition }
    }
}

impl From<Institution> for domain::RawDesignatedInstitution {
    fn from(institution: Institution) -> Self {
        Self { code: institution.code, name: institution.name.unwrap_or_default() }
    }
}

impl From<Detail> for domain::CertificateDetail {
    fn from(detail: Detail) -> Self {
        Self { label: detail.label, value: detail.value }
    }
}

impl From<Area> for domain::Area {
    fn from(area: Area) -> Self {
        match area {
            Area::Anywhere => Self::Anywhere,
            Area::Prefecture => Self::Prefecture,
            Area::Municipality => Self::Municipality,
        }
    }
}
