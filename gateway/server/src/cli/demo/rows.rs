//! An officer's row as it is sent.

use pmh_intake::{Area, Care, CopaymentKind, Row, Scope};
use pmh_proto::eligibility as elig;

/// The row of the contract. Birth date, sex and names stay behind.
pub(super) fn wire(row: Row) -> elig::EntitlementRow {
    let copayments = row.copayments.iter().map(|rule| elig::CopaymentRule {
        care_type: care(rule.care).into(),
        unit: unit(rule.kind).into(),
        amount: rule.amount,
        per_institution: rule.scope == Scope::PerInstitution,
    });
    elig::EntitlementRow {
        copayments: copayments.collect(),
        row_id: row.row_id,
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
        always_reimbursement: row.always_reimbursement,
        not_disclosed: row.not_disclosed,
        area: area(row.area).into(),
        meal_covered: row.meal_covered.unwrap_or_default(),
        history_key: row.history_key,
        deleted: row.deleted,
        ..elig::EntitlementRow::default()
    }
}

fn care(care: Care) -> elig::CareType {
    match care {
        Care::Any => elig::CareType::Unspecified,
        Care::Inpatient => elig::CareType::Inpatient,
        Care::Outpatient => elig::CareType::Outpatient,
        Care::Pharmacy => elig::CareType::Pharmacy,
    }
}

fn unit(kind: CopaymentKind) -> elig::CopaymentUnit {
    match kind {
        CopaymentKind::RatePercent => elig::CopaymentUnit::RatePercent,
        CopaymentKind::MonthYen => elig::CopaymentUnit::YenPerMonth,
        CopaymentKind::DayYen => elig::CopaymentUnit::YenPerDay,
        CopaymentKind::VisitYen => elig::CopaymentUnit::YenPerVisit,
        CopaymentKind::CountPerMonth => elig::CopaymentUnit::CountPerMonth,
    }
}

fn area(area: Option<Area>) -> elig::Area {
    match area {
        Some(Area::Prefecture) => elig::Area::Prefecture,
        Some(Area::Municipality) => elig::Area::Municipality,
        Some(Area::Anywhere) | None => elig::Area::Unspecified,
    }
}
