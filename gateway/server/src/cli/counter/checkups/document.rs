//! What was read as JSON. Names are those of the contract without their prefixes.

use pmh_proto::checkup::{
    CheckupAlert, CheckupRecord, GrowthPosition, ItemEntry, ListCheckupsResponse, NoGrowthPosition,
    ReadCheckup,
};
use serde_json::{Value, json};

use super::super::document::{text, word};
use super::Read;

/// All pages as one list, with every receipt.
pub(super) fn of(read: &Read) -> Value {
    let checkups = read.pages.iter().flat_map(|page| &page.response.checkups);
    let reference = read.pages.iter().find_map(|page| page.response.growth_reference.as_ref());
    json!({
        "ok": true,
        "organization": read.organization,
        "terminal": read.terminal,
        "checkups": checkups.map(checkup).collect::<Vec<_>>(),
        "growth_reference": reference.map(|known| json!({
            "id": known.id,
            "name": text(known.name.as_ref()),
            "published": known.published,
            "fit": known.fit,
            "credit": known.credit,
        })),
        "receipts": read.pages.iter().map(receipt).collect::<Vec<_>>(),
    })
}

fn receipt(page: &pmh_client::Proven<ListCheckupsResponse>) -> Value {
    let proof = &page.proof;
    json!({
        "index": proof.index,
        "tree_size": proof.checkpoint.size(),
        "origin": proof.checkpoint.origin(),
        "verified": true,
    })
}

fn checkup(read: &ReadCheckup) -> Value {
    let record = read.record.clone().unwrap_or_default();
    json!({
        "checkup_id": read.checkup_id,
        "sender": read.sender,
        "kind": word(record.kind().as_str_name(), "CHECKUP_KIND_"),
        "date": record.date,
        "amended": read.amended,
        "disputed": read.disputed,
        "withdrawn": record.withdrawn,
        "institution": record.institution,
        "gestation": record.gestation,
        "items": record.items.iter().map(item).collect::<Vec<_>>(),
        "scores": scores(&record),
        "disposition": word(record.disposition().as_str_name(), "DISPOSITION_"),
        "own_code": record.own_code,
        "own_label": record.own_label,
        "growth": read.growth.iter().map(growth).collect::<Vec<_>>(),
        "alerts": read.alerts.iter().map(alert).collect::<Vec<_>>(),
    })
}

fn item(entry: &ItemEntry) -> Value {
    json!({
        "code": entry.code,
        "value": entry.value,
        "unit": entry.unit,
        "method": entry.method,
        "finding": word(entry.finding().as_str_name(), "FINDING_"),
        "note": entry.note,
    })
}

fn scores(record: &CheckupRecord) -> Value {
    let scores = record.scores.iter().map(|scores| {
        json!({
            "instrument": word(scores.instrument().as_str_name(), "INSTRUMENT_"),
            "items": scores.items,
            "total": scores.total,
        })
    });
    scores.collect()
}

fn growth(position: &GrowthPosition) -> Value {
    if position.absent() != NoGrowthPosition::Unspecified {
        let absent = word(position.absent().as_str_name(), "NO_GROWTH_POSITION_");
        return json!({ "item": position.item, "absent": absent });
    }
    json!({
        "item": position.item,
        "z": position.z,
        "percentile": position.percentile,
        "band": word(position.band().as_str_name(), "GROWTH_BAND_"),
        "median": position.median,
    })
}

fn alert(alert: &CheckupAlert) -> Value {
    json!({
        "kind": word(alert.kind().as_str_name(), "ALERT_KIND_"),
        "item": alert.item,
        "first_date": alert.first_date,
        "second_date": alert.second_date,
        "text": text(alert.text.as_ref()),
    })
}
