//! Rows that were read, as the contract sends them.

use std::collections::{BTreeMap, BTreeSet};

use pmh_intake::{Area, Care, Copayment, CopaymentKind, Intake, Row, Scope, Sex};
use pmh_proto::checkup::{CheckupRow, TicketRow};
use pmh_proto::common;
use pmh_proto::eligibility as elig;
use pmh_proto::resident::ResidentRow;
use pmh_proto::vaccination::DoseRow;

use super::session_rows::Days;

/// What is sent of a file.
pub(super) struct Batch {
    pub(super) rows: Rows,
    /// Ids of rows that say again what an earlier row says, and are not sent.
    pub(super) repeated: BTreeSet<String>,
}

pub(super) enum Rows {
    Entitlements(Vec<elig::EntitlementRow>),
    Residents(Vec<ResidentRow>),
    Doses(Vec<DoseRow>),
    Checkups(Vec<CheckupRow>),
    Tickets(Vec<TicketRow>),
    /// Group by group.
    Sessions(Vec<Days>),
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Entitlements(rows) => rows.len(),
            Self::Residents(rows) => rows.len(),
            Self::Doses(rows) => rows.len(),
            Self::Checkups(rows) => rows.len(),
            Self::Tickets(rows) => rows.len(),
            Self::Sessions(groups) => groups.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Every row is a right. Names stay on the officer's machine.
pub(super) fn entitlements(intake: &Intake) -> Batch {
    let rows = intake.rows.iter().map(right).collect();
    Batch { rows: Rows::Entitlements(rows), repeated: BTreeSet::new() }
}

/// One row for each resident, whatever number of rights the file has for them. Rows without a birth date, and
/// rows that disagree on one person, are refused: which is right is the officer's to say.
pub(super) fn residents(intake: &mut Intake) -> Batch {
    let mut residents = BTreeMap::<String, Vec<ResidentRow>>::new();
    let mut incomplete = Vec::new();
    for row in &intake.rows {
        match resident(row) {
            Some(resident) => residents.entry(row.resident_key.clone()).or_default().push(resident),
            None => incomplete.push(row.row_id.clone()),
        }
    }
    for row_id in incomplete {
        intake.refuse(&row_id, Some("birth_date"), "REQUIRED");
    }
    let (mut rows, mut repeated) = (Vec::new(), BTreeSet::new());
    for said in residents.into_values() {
        let Some((first, others)) = said.split_first() else { continue };
        if others.iter().all(|other| (&other.birth_date, other.sex) == (&first.birth_date, first.sex)) {
            rows.push(first.clone());
            repeated.extend(others.iter().map(|other| other.row_id.clone()));
        } else {
            for row in &said {
                intake.refuse(&row.row_id, Some("birth_date"), "VALUE");
            }
        }
    }
    Batch { rows: Rows::Residents(rows), repeated }
}

fn resident(row: &Row) -> Option<ResidentRow> {
    let sex = match row.sex {
        Some(Sex::Male) => common::Sex::Male,
        Some(Sex::Female) => common::Sex::Female,
        Some(Sex::Unknown) | None => common::Sex::Unspecified,
    };
    Some(ResidentRow {
        row_id: row.row_id.clone(),
        resident_key: row.resident_key.clone(),
        birth_date: row.birth_date?.to_string(),
        sex: sex.into(),
        ..Default::default()
    })
}

/// The row of the contract. Birth date, sex and names stay behind.
pub(crate) fn right(row: &Row) -> elig::EntitlementRow {
    let row = row.clone();
    let conditions = row.additional_conditions.into_iter();
    let institutions = row.designated_institutions.into_iter();
    let details = row.details.into_iter();
    elig::EntitlementRow {
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
        copayments: row.copayments.iter().map(copayment).collect(),
        additional_conditions: conditions
            .map(|known| elig::AdditionalCondition { item: known.item, condition: known.condition })
            .collect(),
        designated_institutions: institutions
            .map(|known| elig::DesignatedInstitution {
                code: known.code,
                name: known.name.unwrap_or_default(),
            })
            .collect(),
        always_reimbursement: row.always_reimbursement,
        not_disclosed: row.not_disclosed,
        area: area(row.area).into(),
        meal_covered: row.meal_covered.unwrap_or_default(),
        history_key: row.history_key,
        deleted: row.deleted,
        details: details
            .map(|known| elig::CertificateDetail { label: known.label, value: known.value })
            .collect(),
    }
}

fn copayment(rule: &Copayment) -> elig::CopaymentRule {
    let care = match rule.care {
        Care::Any => elig::CareType::Unspecified,
        Care::Inpatient => elig::CareType::Inpatient,
        Care::Outpatient => elig::CareType::Outpatient,
        Care::Pharmacy => elig::CareType::Pharmacy,
    };
    let unit = match rule.kind {
        CopaymentKind::RatePercent => elig::CopaymentUnit::RatePercent,
        CopaymentKind::MonthYen => elig::CopaymentUnit::YenPerMonth,
        CopaymentKind::DayYen => elig::CopaymentUnit::YenPerDay,
        CopaymentKind::VisitYen => elig::CopaymentUnit::YenPerVisit,
        CopaymentKind::CountPerMonth => elig::CopaymentUnit::CountPerMonth,
    };
    elig::CopaymentRule {
        care_type: care.into(),
        unit: unit.into(),
        amount: rule.amount,
        per_institution: rule.scope == Scope::PerInstitution,
    }
}

fn area(area: Option<Area>) -> elig::Area {
    match area {
        Some(Area::Prefecture) => elig::Area::Prefecture,
        Some(Area::Municipality) => elig::Area::Municipality,
        Some(Area::Anywhere) | None => elig::Area::Unspecified,
    }
}
