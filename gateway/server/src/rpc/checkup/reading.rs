//! ListCheckups and GetCheckup on the wire.

use jiff::civil::Date;
use pmh_domain::checkup::{
    growth::{Band, NoPosition, Placed, REFERENCE},
    kind::CheckupKind,
    version::{SourceVersion, Standing},
};
use pmh_proto::{
    checkup as pb,
    common::{Reason, Text},
};
use prost::Message as _;

use super::{
    super::{fields::Fields, service::Service, status::Refusal},
    MAX_KEY, answer, parse,
    record::delivery,
    wrong,
};
use crate::ops::{
    Call,
    checkup::{self as ops, CheckupPage, OneOf, Place, Seen, Wanted},
};

impl Service {
    pub(super) async fn read_page(
        &self,
        call: &Call,
        message: &pb::ListCheckupsRequest,
    ) -> Result<pb::ListCheckupsResponse, Refusal> {
        let permit = self.permit_about(call, message.purpose, &message.subject)?;
        let mut checked = Fields::default();
        let resident = resident(&mut checked, &message.resident_key);
        let wanted = wanted(&mut checked, message);
        checked.finish()?;
        let render = |page: &CheckupPage| listed(page).encode_to_vec();
        self.decode(ops::list_checkups(&self.gateway, call, &permit, resident, wanted, render).await?)
    }

    pub(super) async fn read_one(
        &self,
        call: &Call,
        message: &pb::GetCheckupRequest,
    ) -> Result<pb::GetCheckupResponse, Refusal> {
        let permit = self.permit_about(call, message.purpose, &message.subject)?;
        let mut checked = Fields::default();
        let resident = resident(&mut checked, &message.resident_key);
        let one_of = which(&mut checked, message);
        checked.finish()?;
        let render = |seen: &Seen| one(seen).encode_to_vec();
        let one_of = one_of.ok_or_else(wrong)?;
        self.decode(ops::get_checkup(&self.gateway, call, &permit, resident, one_of, render).await?)
    }
}

fn resident(checked: &mut Fields, key: &str) -> Option<String> {
    if key.is_empty() { None } else { checked.identifier("resident_key", key, MAX_KEY) }
}

/// By the id that everybody knows, or by the caller's own.
fn which(checked: &mut Fields, message: &pb::GetCheckupRequest) -> Option<OneOf> {
    match (message.checkup_id.is_empty(), message.record_id.is_empty()) {
        (true, false) => {
            checked.identifier("record_id", &message.record_id, MAX_RECORD_ID).map(OneOf::Recorded)
        }
        (false, false) => {
            checked.wrong("record_id", Reason::Contradiction);
            None
        }
        (_, true) => checked.uuid("checkup_id", &message.checkup_id).and_then(|id| bytes(&id)).map(OneOf::Id),
    }
}

fn wanted(checked: &mut Fields, message: &pb::ListCheckupsRequest) -> Wanted {
    let from = checked.optional_date("from", &message.from);
    let to = checked.optional_date("to", &message.to);
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        checked.wrong("to", Reason::IntervalReversed);
    }
    if message.kinds.len() > CheckupKind::ALL.len() {
        checked.wrong("kinds", Reason::Width);
    }
    let kinds = message.kinds.iter().filter_map(|kind| {
        let word = checked.word::<pb::CheckupKind>("kinds", *kind)?;
        parse::kind(word)
    });
    let kinds = kinds.collect();
    let after = place(checked, &message.page_token);
    Wanted { kinds, from, to, limit: page_size(message.page_size), after }
}

fn page_size(asked: u32) -> usize {
    match usize::try_from(asked).unwrap_or(MOST) {
        0 => DEFAULT_PAGE,
        asked => asked.min(MOST),
    }
}

fn place(checked: &mut Fields, token: &str) -> Option<Place> {
    if token.is_empty() {
        return None;
    }
    let place = token.split_once('/').and_then(|(day, id)| {
        let day: Date = day.parse().ok()?;
        Some(Place { day, checkup_id: bytes(id)? })
    });
    if place.is_none() {
        checked.wrong("page_token", Reason::Value);
    }
    place
}

fn bytes(id: &str) -> Option<[u8; 16]> {
    uuid::Uuid::try_parse(id).ok().map(uuid::Uuid::into_bytes)
}

fn text_of(id: [u8; 16]) -> String {
    uuid::Uuid::from_bytes(id).to_string()
}

fn listed(page: &CheckupPage) -> pb::ListCheckupsResponse {
    let next = page.next.map(|place| format!("{}/{}", place.day, text_of(place.checkup_id)));
    pb::ListCheckupsResponse {
        checkups: page.checkups.iter().map(read).collect(),
        next_page_token: next.unwrap_or_default(),
        growth_reference: reference(&page.checkups),
        receipt: None,
    }
}

fn one(seen: &Seen) -> pb::GetCheckupResponse {
    pb::GetCheckupResponse {
        checkup: Some(read(seen)),
        versions: seen.versions.iter().map(version).collect(),
        growth_reference: reference(std::slice::from_ref(seen)),
        receipt: None,
    }
}

fn read(seen: &Seen) -> pb::ReadCheckup {
    let mut record = answer::record(&seen.checkup);
    if !seen.is_own {
        for key in [&mut record.record_id, &mut record.resident_key, &mut record.mother_key] {
            key.clear();
        }
    }
    pb::ReadCheckup {
        record: Some(record),
        amended: seen.amended,
        disputed: seen.disputed,
        checkup_id: text_of(seen.checkup_id),
        sender: answer::urn(&seen.sender),
        growth: seen.growth.iter().map(growth).collect(),
        alerts: alerts(seen),
        delivery: seen.delivered.as_ref().map(delivery),
        same_visit: seen.same_visit.iter().copied().map(text_of).collect(),
        at_childs_checkup: seen.at_childs_checkup,
    }
}

fn growth(placed: &Placed) -> pb::GrowthPosition {
    let item = placed.item.to_owned();
    match placed.position {
        Ok(position) => pb::GrowthPosition {
            item,
            z: position.z,
            percentile: position.percentile,
            band: band(position.band).into(),
            median: position.median,
            absent: 0,
        },
        Err(reason) => pb::GrowthPosition { item, absent: absent(reason).into(), ..Default::default() },
    }
}

fn reference(seen: &[Seen]) -> Option<pb::GrowthReference> {
    let has_positions = seen.iter().any(|seen| seen.growth.iter().any(|placed| placed.position.is_ok()));
    has_positions.then(|| pb::GrowthReference {
        id: REFERENCE.id.to_owned(),
        name: Some(Text { ja: REFERENCE.name_ja.to_owned(), en: REFERENCE.name_en.to_owned() }),
        published: REFERENCE.published.to_owned(),
        fit: REFERENCE.fit.to_owned(),
        credit: REFERENCE.credit_ja.to_owned(),
    })
}

fn band(band: Band) -> pb::GrowthBand {
    match band {
        Band::Below3 => pb::GrowthBand::BelowP3,
        Band::From3To10 => pb::GrowthBand::P3ToP10,
        Band::From10To25 => pb::GrowthBand::P10ToP25,
        Band::From25To50 => pb::GrowthBand::P25ToP50,
        Band::From50To75 => pb::GrowthBand::P50ToP75,
        Band::From75To90 => pb::GrowthBand::P75ToP90,
        Band::From90To97 => pb::GrowthBand::P90ToP97,
        Band::Above97 => pb::GrowthBand::FromP97,
    }
}

fn absent(reason: NoPosition) -> pb::NoGrowthPosition {
    match reason {
        NoPosition::SexUnknown => pb::NoGrowthPosition::SexUnknown,
        NoPosition::BirthUnknown => pb::NoGrowthPosition::BirthUnknown,
        NoPosition::BeforeBirth => pb::NoGrowthPosition::BeforeBirth,
        NoPosition::AfterTable => pb::NoGrowthPosition::AfterTable,
        NoPosition::Impossible => pb::NoGrowthPosition::Impossible,
        _ => pb::NoGrowthPosition::NoTable,
    }
}

fn alerts(seen: &Seen) -> Vec<pb::CheckupAlert> {
    let repeated = seen.repeated.iter().map(|alert| pb::CheckupAlert {
        kind: pb::AlertKind::Repeated.into(),
        item: alert.test.item().to_owned(),
        first_date: alert.first.to_string(),
        second_date: alert.second.to_string(),
        text: Some(Text { ja: alert.ja(), en: alert.en() }),
    });
    let differing = seen.differing.iter().map(|alert| pb::CheckupAlert {
        kind: pb::AlertKind::Differing.into(),
        item: alert.item.to_owned(),
        first_date: alert.first.to_string(),
        second_date: alert.second.to_string(),
        text: Some(Text { ja: alert.ja(), en: alert.en() }),
    });
    repeated.chain(differing).collect()
}

fn version((version, standing): &(SourceVersion, Standing)) -> pb::CheckupVersion {
    let standing = match standing {
        Standing::Current => pb::VersionStanding::Current,
        Standing::Superseded => pb::VersionStanding::Superseded,
        Standing::Quarantined => pb::VersionStanding::Quarantined,
    };
    pb::CheckupVersion { source_version: version.to_string(), standing: standing.into() }
}

const MAX_RECORD_ID: usize = 64;
const DEFAULT_PAGE: usize = 100;
const MOST: usize = 500;
