//! Past doses that were read, as the contract sends them.

use std::collections::BTreeSet;

use jiff::civil::Date;
use pmh_domain::codes::{FeeTable, InstitutionCode};
use pmh_intake::{Dose, Intake, Programme, Route, Site};
use pmh_proto::vaccination::{self as wire, Administration, Coding, DoseRow, Product};

use super::register;
use super::rows::{Batch, Rows};

/// Every row is a dose; a last one may say up to which day these are all.
pub(super) fn doses(intake: &Intake<Dose>, complete_through: Option<Date>) -> Batch {
    let statement = register::statement(intake, complete_through);
    let rows = intake.rows.iter().map(row).chain(statement).collect();
    Batch { rows: Rows::Doses(rows), repeated: BTreeSet::new() }
}

/// The row of the contract.
pub(crate) fn row(dose: &Dose) -> DoseRow {
    let dose = dose.clone();
    let codings = dose.yj_code.into_iter().map(|code| Coding { system: YJ.to_owned(), code });
    DoseRow {
        row_id: dose.row_id,
        resident_key: dose.resident_key,
        record_key: dose.record_key.unwrap_or_default(),
        deleted: dose.deleted,
        vaccine: dose.vaccine.to_string(),
        dose_number: dose.dose_number.into(),
        date: dose.date.to_string(),
        product: Some(Product {
            codings: codings.collect(),
            lot_number: dose.lot_number.unwrap_or_default(),
            expiration_date: dose.expiration_date.map(|date| date.to_string()).unwrap_or_default(),
            manufacturer: dose.manufacturer.unwrap_or_default(),
        }),
        administration: Some(Administration {
            quantity_ul: dose.quantity_ul.unwrap_or_default(),
            route: dose.route.map(route).unwrap_or_default().into(),
            site: dose.site.map(site).unwrap_or_default().into(),
            doctor: String::new(),
        }),
        performer: dose.performer.map(|code| performer(&code)).unwrap_or_default(),
        programme: programme(dose.programme).into(),
        ..DoseRow::default()
    }
}

/// The gateway judges the code, check digit included.
fn performer(code: &str) -> String {
    let is_pharmacy = InstitutionCode::parse(code).is_ok_and(|code| code.fee_table() == FeeTable::Pharmacy);
    format!("urn:x-pmh:org:{}:{code}", if is_pharmacy { "pharmacy" } else { "clinic" })
}

fn programme(programme: Programme) -> wire::Programme {
    match programme {
        Programme::Routine => wire::Programme::Routine,
        Programme::ByRequest => wire::Programme::ByRequest,
        Programme::LongIllness => wire::Programme::LongIllness,
        Programme::Extraordinary => wire::Programme::Extraordinary,
        Programme::Voluntary => wire::Programme::Voluntary,
    }
}

fn route(route: Route) -> wire::Route {
    match route {
        Route::Subcutaneous => wire::Route::Subcutaneous,
        Route::Intramuscular => wire::Route::Intramuscular,
        Route::Oral => wire::Route::Oral,
        Route::Percutaneous => wire::Route::Percutaneous,
        Route::Intradermal => wire::Route::Intradermal,
        Route::Nasal => wire::Route::Nasal,
    }
}

fn site(site: Site) -> wire::Site {
    match site {
        Site::LeftUpperArm => wire::Site::LeftUpperArm,
        Site::RightUpperArm => wire::Site::RightUpperArm,
        Site::LeftThigh => wire::Site::LeftThigh,
        Site::RightThigh => wire::Site::RightThigh,
        Site::Mouth => wire::Site::Mouth,
        Site::Other => wire::Site::Other,
    }
}

const YJ: &str = "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code";
