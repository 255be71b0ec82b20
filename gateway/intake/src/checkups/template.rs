//! The empty file that an office fills, and records written into such a file.

use std::borrow::Cow;

use jiff::civil::Date;
use pmh_domain::checkup::{
    item::{Item, Shape as ItemShape, items},
    kind::CheckupKind,
    record::RawCheckup,
    scores::Instrument,
};

use super::{of, word};
use crate::field::{CheckupField, Field, ItemPart};

/// An empty file for checkups of a kind on a day: lines of comment, which are not read, and the header.
pub fn template(kind: CheckupKind, day: Date) -> String {
    let columns = columns(&[kind], |item| item.is_current(day));
    let mut lines = vec![
        format!("# {}（{}）の記入用ファイル。#で始まる行は読みません。", kind.ja(), kind.name()),
        "# 1行が1回の健診です。版番号は訂正のたびに増やす整数です。日付は2026-11-22、令和8年11月22日など。".to_owned(),
        "# 所見: 所見なし・所見あり・未実施・不明　判定: 異常なし・既医療・要指導・要経過観察・要精密検査・要医療".to_owned(),
    ];
    let options = items().filter(|item| item.kinds.contains(&kind) && !item.options.is_empty());
    lines.extend(options.map(|item| format!("# {}: {}", item.name_ja, item.options.join("・"))));
    lines.push(columns.iter().map(|field| label(*field)).collect::<Vec<_>>().join(","));
    lines.join("\r\n") + "\r\n"
}

/// Header and rows of records, as the template has them; what [`crate::read_checkups`] reads back byte for byte.
pub fn cells(records: &[RawCheckup]) -> Vec<Vec<String>> {
    let kinds: Vec<CheckupKind> = records.iter().filter_map(|record| record.kind).collect();
    let held =
        |item: &Item| records.iter().any(|record| record.items.iter().any(|entry| entry.code == item.code));
    let columns = columns(&kinds, held);
    let mut rows = vec![columns.iter().map(|field| field.name().into_owned()).collect()];
    rows.extend(records.iter().map(|record| columns.iter().map(|field| cell(record, *field)).collect()));
    rows
}

/// The key of a record has a name of its own in each kind of file.
fn label(field: Field) -> Cow<'static, str> {
    if field == Field::RecordKey { Cow::Borrowed("健診記録番号") } else { field.label_ja() }
}

fn columns(kinds: &[CheckupKind], wanted: impl Fn(&Item) -> bool) -> Vec<Field> {
    let mut columns: Vec<Field> = vec![
        Field::RecordKey,
        of(CheckupField::SourceVersion),
        Field::ResidentKey,
        of(CheckupField::Kind),
        of(CheckupField::Date),
        Field::Performer,
        of(CheckupField::MotherKey),
    ];
    if kinds.iter().any(|kind| kind.is_of_a_pregnancy()) {
        columns.extend(
            [
                CheckupField::Pregnancy,
                CheckupField::BirthOrder,
                CheckupField::Gestation,
                CheckupField::GestationBasis,
            ]
            .map(of),
        );
    }
    for item in items().filter(|item| item.kinds.iter().any(|kind| kinds.contains(kind)) && wanted(item)) {
        let parts = ItemPart::ALL.into_iter().filter(|part| match part {
            ItemPart::Value => item.shape != ItemShape::Finding,
            ItemPart::Method => !item.methods.is_empty(),
            ItemPart::Finding | ItemPart::Note => true,
        });
        columns.extend(parts.map(|part| of(CheckupField::Item { code: &item.code, part })));
    }
    if kinds.iter().any(|kind| matches!(kind, CheckupKind::Postpartum)) {
        columns.extend((1..=10).map(|item| of(CheckupField::EpdsItem(item))));
        columns.push(of(CheckupField::EpdsTotal));
    }
    columns.extend(
        [
            CheckupField::Disposition,
            CheckupField::OwnCode,
            CheckupField::OwnLabel,
            CheckupField::DetailedExamOn,
        ]
        .map(of),
    );
    columns.push(Field::Deleted);
    columns
}

fn cell(record: &RawCheckup, field: Field) -> String {
    let Field::Checkup(field) = field else {
        return match field {
            Field::RecordKey => record.record_id.clone(),
            Field::ResidentKey => record.resident_key.clone(),
            Field::Performer => record.institution.clone(),
            Field::Deleted => if record.withdrawn { "1" } else { "0" }.to_owned(),
            _ => String::new(),
        };
    };
    let epds = record.scores.iter().find(|scores| scores.instrument == Instrument::Epds);
    let number = |number: Option<u8>| number.map(|number| number.to_string()).unwrap_or_default();
    match field {
        CheckupField::SourceVersion => record.source_version.clone(),
        CheckupField::Kind => record.kind.map_or("", CheckupKind::name).to_owned(),
        CheckupField::Date => record.date.clone(),
        CheckupField::MotherKey => record.mother_key.clone(),
        CheckupField::Pregnancy => record.pregnancy.clone(),
        CheckupField::BirthOrder => number(record.birth_order),
        CheckupField::Gestation => record.gestation.clone(),
        CheckupField::GestationBasis => record.gestation_basis.map_or("", word::basis_name).to_owned(),
        CheckupField::Disposition => record.disposition.map_or("", word::disposition_name).to_owned(),
        CheckupField::OwnCode => record.own_code.clone(),
        CheckupField::OwnLabel => record.own_label.clone(),
        CheckupField::DetailedExamOn => record.detailed_exam_on.clone(),
        CheckupField::EpdsItem(item) => {
            number(epds.and_then(|epds| epds.items.get(usize::from(item) - 1).copied().flatten()))
        }
        CheckupField::EpdsTotal => number(epds.and_then(|epds| epds.total)),
        CheckupField::Item { code, part } => {
            let Some(entry) = record.items.iter().find(|entry| entry.code == code) else {
                return String::new();
            };
            match part {
                ItemPart::Value => entry.value.clone(),
                ItemPart::Method => entry.method.clone(),
                ItemPart::Finding => entry.finding.map_or("", |finding| finding.name()).to_owned(),
                ItemPart::Note => entry.note.clone(),
            }
        }
    }
}
