//! Rows of a municipality's register: every problem of a row at once, by field.

use std::collections::BTreeSet;

use jiff::civil::Date;
use pmh_domain::{
    codes::looks_like_individual_number,
    organization::OrganizationId,
    problem::{Accepted, FieldProblem, FieldReason, RowRefusal},
    time::tokyo_date,
    vaccination::{RuleBook, VaccineCode},
};
use pmh_proto::vaccination as pb;
use pmh_store::vaccination::{
    AuthorizationKind, AuthorizationRecord, Condition, DoseCoding, DoseRecord, DoseStatus, ImportedDose,
    Product, Programme, RegisterRow, Route, Site, Source, Statement,
};
use sha2::{Digest as _, Sha256};

use super::super::{
    bulk::{self, Item},
    status::Refusal,
};
use crate::ops::{Call, bulk::Received, vaccination::Verdict};

pub(super) fn dose_item(message: pb::PutDosesRequest) -> Item<pb::DoseRow> {
    match message.item {
        Some(pb::put_doses_request::Item::Header(header)) => Item::Header(header),
        Some(pb::put_doses_request::Item::Row(row)) => Item::Row(row),
        None => Item::Nothing,
    }
}

pub(super) fn authorization_item(message: pb::PutAuthorizationsRequest) -> Item<pb::AuthorizationRow> {
    match message.item {
        Some(pb::put_authorizations_request::Item::Header(header)) => Item::Header(header),
        Some(pb::put_authorizations_request::Item::Row(row)) => Item::Row(row),
        None => Item::Nothing,
    }
}

pub(super) fn doses(
    call: &Call,
    book: &RuleBook,
    rows: Vec<pb::DoseRow>,
) -> Result<Vec<Received<Verdict<RegisterRow>>>, Refusal> {
    let today = tokyo_date(call.now);
    rows.into_iter()
        .map(|row| {
            let row_id = row.row_id.clone();
            bulk::received(row, &row_id, Vec::new(), |row| {
                if row.complete_through.is_empty() {
                    dose(&row, book, call.short(), today)
                } else {
                    statement(&row, today)
                }
            })
        })
        .collect()
}

pub(super) fn authorizations(
    call: &Call,
    book: &RuleBook,
    rows: Vec<pb::AuthorizationRow>,
) -> Result<Vec<Received<Verdict<AuthorizationRecord>>>, Refusal> {
    rows.into_iter()
        .map(|row| {
            let row_id = row.row_id.clone();
            bulk::received(row, &row_id, Vec::new(), |row| authorization(&row, book, call.short()))
        })
        .collect()
}

/// A row that speaks of the register has no dose in it.
fn statement(row: &pb::DoseRow, today: Date) -> Verdict<RegisterRow> {
    let mut checked = Row::default();
    let resident_key = checked.text("resident_key", &row.resident_key, 0, 100);
    let through = checked.date("complete_through", &row.complete_through);
    if through.is_some_and(|day| day > today) {
        checked.problem("complete_through", FieldReason::DateOutOfRange);
    }
    let alone = pb::DoseRow {
        row_id: row.row_id.clone(),
        resident_key: row.resident_key.clone(),
        complete_through: row.complete_through.clone(),
        ..pb::DoseRow::default()
    };
    if *row != alone {
        checked.problem("complete_through", FieldReason::Value);
    }
    let statement =
        resident_key.zip(through).map(|(resident_key, through)| Statement { resident_key, through });
    checked.conclude(statement.map(RegisterRow::Complete))
}

fn dose(row: &pb::DoseRow, book: &RuleBook, issuer: &str, today: Date) -> Verdict<RegisterRow> {
    let mut checked = Row::default();
    let resident_key = checked.text("resident_key", &row.resident_key, 1, 100);
    let record_key = checked.text("record_key", &row.record_key, 0, 100);
    let vaccine = checked.vaccine(book, &row.vaccine);
    let dose_number = checked.number("dose_number", row.dose_number);
    let occurrence = checked.date("date", &row.date);
    if occurrence.is_some_and(|day| day > today) {
        checked.problem("date", FieldReason::DateOutOfRange);
    }
    let product = checked.product(row.product.as_ref());
    let given = row.administration.clone().unwrap_or_default();
    let route = checked.word("administration.route", given.route, Route::from_number);
    let site = checked.word("administration.site", given.site, Site::from_number);
    let doctor = checked.text("administration.doctor", &given.doctor, 0, 64);
    let performer = checked.organization("performer", &row.performer);
    let programme = checked.word("programme", row.programme, Programme::from_number);
    if row.programme == 0 {
        checked.problem("programme", FieldReason::Required);
    }
    let conditions = checked.conditions(&row.conditions);
    let value = (|| {
        let (vaccine, resident_key) = (vaccine?.to_string(), resident_key?);
        let (dose_number, occurrence) = (dose_number?, occurrence?);
        // Without a key of its own the record is what it says: vaccine, number, day.
        let key = record_key.filter(|key| !key.is_empty());
        let key = key.unwrap_or_else(|| format!("{vaccine}\n{dose_number}\n{occurrence}"));
        let record = DoseRecord {
            series: vaccine.clone(),
            vaccine,
            dose_number,
            status: if row.deleted { DoseStatus::EnteredInError } else { DoseStatus::Completed },
            occurrence,
            product: product?,
            quantity_ul: given.quantity_ul,
            route,
            site,
            performer: performer?,
            doctor: doctor?,
            payer: String::new(),
            programme: programme?,
            authorization_key: String::new(),
            due_date: None,
            conditions: conditions?,
            ruled_out: false,
            source: Source::Register,
            findings: Vec::new(),
            override_reason: String::new(),
            change_reason: String::new(),
        };
        let dose_id = dose_id([issuer, &resident_key, &key]);
        Some(RegisterRow::Dose(Box::new(ImportedDose { dose_id, resident_key, record })))
    })();
    checked.conclude(value)
}

fn authorization(row: &pb::AuthorizationRow, book: &RuleBook, issuer: &str) -> Verdict<AuthorizationRecord> {
    let mut checked = Row::default();
    let resident_key = checked.text("resident_key", &row.resident_key, 1, 100);
    let authorization_key = checked.text("authorization_key", &row.authorization_key, 1, 100);
    let kind = checked.word("kind", row.kind, AuthorizationKind::from_number);
    if row.kind == 0 {
        checked.problem("kind", FieldReason::Required);
    }
    let vaccine = checked.vaccine(book, &row.vaccine);
    let numbers: Vec<_> =
        row.dose_numbers.iter().map(|number| checked.number("dose_numbers", *number)).collect();
    let institutions: Vec<_> =
        row.institutions.iter().map(|urn| checked.organization("institutions", urn)).collect();
    let conditions = checked.conditions(&row.conditions);
    let days = row.valid.clone().unwrap_or_default();
    let (valid_from, valid_to) = (checked.date("valid.from", &days.from), checked.date("valid.to", &days.to));
    if valid_from.zip(valid_to).is_some_and(|(from, to)| to < from) {
        checked.problem("valid.to", FieldReason::IntervalReversed);
    }
    let value = (|| {
        Some(AuthorizationRecord {
            issuer: issuer.to_owned(),
            resident_key: resident_key?,
            authorization_key: authorization_key?,
            kind: kind?,
            vaccine: vaccine?.to_string(),
            dose_numbers: numbers.into_iter().collect::<Option<_>>()?,
            institutions: institutions.into_iter().collect::<Option<_>>()?,
            valid_from: valid_from?,
            valid_to: valid_to?,
            conditions: conditions?,
            withdrawn: row.withdrawn,
        })
    })();
    checked.conclude(value)
}

/// The same record is the same dose, whenever it is sent.
fn dose_id(parts: [&str; 3]) -> String {
    let mut digest = Sha256::new_with_prefix("pmh-dose-import-v1");
    for part in parts {
        digest.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        digest.update(part);
    }
    let digest: [u8; 32] = digest.finalize().into();
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest) {
        *to = from;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// What is wrong with a row.
#[derive(Default)]
struct Row {
    problems: Vec<FieldProblem>,
}

impl Row {
    fn problem(&mut self, field: &str, reason: FieldReason) {
        self.problems.push(FieldProblem { field: field.to_owned(), reason });
    }

    fn text(&mut self, field: &str, text: &str, shortest: usize, longest: usize) -> Option<String> {
        let length = text.chars().count();
        if length < shortest {
            self.problem(field, FieldReason::Required);
        } else if length > longest {
            self.problem(field, FieldReason::Width);
        } else if text.chars().any(char::is_control) || text.trim() != text {
            self.problem(field, FieldReason::Characters);
        } else if looks_like_individual_number(text) {
            self.problem(field, FieldReason::IndividualNumberForbidden);
        } else {
            return Some(text.to_owned());
        }
        None
    }

    /// A code of the rule book: another would be kept and count in nothing.
    fn vaccine(&mut self, book: &RuleBook, text: &str) -> Option<VaccineCode> {
        let text = self.text("vaccine", text, 1, 16)?;
        let vaccine = VaccineCode::parse(&text).ok().filter(|code| book.kind(code).is_some());
        if vaccine.is_none() {
            self.problem("vaccine", FieldReason::UnknownCode);
        }
        vaccine
    }

    fn number(&mut self, field: &str, number: u32) -> Option<u8> {
        let parsed = u8::try_from(number).ok().filter(|number| (1..=99).contains(number));
        if parsed.is_none() {
            self.problem(field, if number == 0 { FieldReason::Required } else { FieldReason::Value });
        }
        parsed
    }

    fn date(&mut self, field: &str, text: &str) -> Option<Date> {
        if text.is_empty() {
            self.problem(field, FieldReason::Required);
            return None;
        }
        self.optional_date(field, text)
    }

    fn optional_date(&mut self, field: &str, text: &str) -> Option<Date> {
        if text.is_empty() {
            return None;
        }
        let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text);
        if date.is_none() {
            self.problem(field, FieldReason::Date);
        }
        date
    }

    /// `<kind>:<code>` of a URN; empty stays empty.
    fn organization(&mut self, field: &str, urn: &str) -> Option<String> {
        if urn.is_empty() {
            return Some(String::new());
        }
        match OrganizationId::parse_urn(urn) {
            Ok(organization) => Some(organization.to_string()),
            Err(error) => {
                self.problem(field, error.into());
                None
            }
        }
    }

    /// Every word once, in the contract's order.
    fn conditions(&mut self, numbers: &[i32]) -> Option<Vec<Condition>> {
        if numbers.len() > 4 {
            self.problem("conditions", FieldReason::Width);
            return None;
        }
        let known: Option<BTreeSet<_>> =
            numbers.iter().map(|number| Condition::from_number(*number)).collect();
        if known.is_none() {
            self.problem("conditions", FieldReason::Value);
        }
        known.map(|known| known.into_iter().collect())
    }

    fn word<T>(&mut self, field: &str, number: i32, word: impl Fn(i32) -> Option<T>) -> Option<T> {
        let word = word(number);
        if word.is_none() && number != 0 {
            self.problem(field, FieldReason::Value);
        }
        word
    }

    fn product(&mut self, message: Option<&pb::Product>) -> Option<Product> {
        let message = message.cloned().unwrap_or_default();
        if message.codings.len() > 8 {
            self.problem("product.codings", FieldReason::Width);
        }
        let codings: Vec<_> = message
            .codings
            .iter()
            .map(|coding| {
                let system = self.text("product.codings.system", &coding.system, 1, 200);
                let code = self.text("product.codings.code", &coding.code, 1, 64);
                Some(DoseCoding { system: system?, code: code? })
            })
            .collect();
        let lot_number = self.text("product.lot_number", &message.lot_number, 0, 64);
        let manufacturer = self.text("product.manufacturer", &message.manufacturer, 0, 100);
        let expiration_date = self.optional_date("product.expiration_date", &message.expiration_date);
        Some(Product {
            codings: codings.into_iter().collect::<Option<_>>()?,
            lot_number: lot_number?,
            expiration_date,
            manufacturer: manufacturer?,
        })
    }

    fn conclude<T>(self, value: Option<T>) -> Verdict<T> {
        let is_individual = |problem: &FieldProblem| problem.reason == FieldReason::IndividualNumberForbidden;
        match value {
            _ if self.problems.iter().any(is_individual) => Err(RowRefusal::Quarantined(self.problems)),
            Some(value) if self.problems.is_empty() => Ok(Accepted { value, warnings: Vec::new() }),
            _ => Err(RowRefusal::Rejected(self.problems)),
        }
    }
}
