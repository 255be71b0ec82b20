//! Who reads which checkup: a clinic with the card, the citizen, the home municipality; and what none of them sees.

use pmh_client::{Presence, Presentation, Proven};
use pmh_conformance::{
    Counter, Newcomer, Target, Town,
    clock::day,
    counter::{TestCard, organization},
    names,
    town::batch,
};
use pmh_proto::{
    checkup::{
        AlertKind, BatchState, CheckupKind, CheckupRecord, CheckupRow, CloseFollowUpRequest,
        ConfirmBatchRequest, Disposition, FollowUp, FollowUpClosing, GestationBasis, GetCheckupRequest,
        GrowthBand, Instrument, InstrumentScores, ItemEntry, ListCheckupsRequest, ListCheckupsResponse,
        ListFollowUpsRequest, NoGrowthPosition, ReadCheckup, VersionStanding,
    },
    common::{Purpose, Reason},
};
use prost::Message as _;

use crate::support::{fields, reason, town};

/// A mother with her card and her child of eighteen months, both of 八王子市.
struct Family {
    target: Target,
    town: Town,
    mother: Newcomer,
    child: Newcomer,
    clinic: Counter,
}

/// Stands in every answer about the mother's mind or home; in no view of the child may it appear.
const SECRET: &str = "この語は母親の記録だけに残る";

impl Family {
    async fn begin() -> Self {
        let (target, town) = town().await;
        let mut mother = Newcomer::born(&target, day(-33 * 365)).unwrap();
        let mut child = Newcomer::born(&target, day(-548)).unwrap();
        for person in [&mut mother, &mut child] {
            town.register(person).await.unwrap();
            town.link(person).await.unwrap();
        }
        town.relate(&mother, &child).await.unwrap();
        let clinic = target.counter(organization::TOKYO_CLINIC).await.unwrap();
        Self { target, town, mother, child, clinic }
    }

    /// One checkup of the child with answers about the mother in it.
    fn of_the_child(&self, weight: &str) -> CheckupRecord {
        CheckupRecord {
            mother_key: self.mother.resident_key.clone(),
            items: vec![
                entry("weight", weight, "kg"),
                ItemEntry { note: SECRET.to_owned(), ..entry("harsh_discipline", "yes", "") },
            ],
            ..record(&self.child, CheckupKind::Month18, -1)
        }
    }

    /// A postpartum visit with an EPDS that is not urgent.
    fn postpartum(&self) -> CheckupRecord {
        let epds = InstrumentScores {
            instrument: Instrument::Epds.into(),
            items: vec![1, 1, 1, 1, 0, 0, 0, 0, 0, 0],
            total: Some(4),
        };
        CheckupRecord {
            pregnancy: "p-1".to_owned(),
            scores: vec![epds],
            items: vec![entry("mother_weight", "55", "kg")],
            ..record(&self.mother, CheckupKind::Postpartum, -500)
        }
    }

    fn visit(&self, days: i64, protein: &str, blood_group: &str) -> CheckupRecord {
        CheckupRecord {
            pregnancy: "p-1".to_owned(),
            gestation: "28w3d".to_owned(),
            gestation_basis: GestationBasis::Ultrasound.into(),
            items: vec![
                ItemEntry { method: "dipstick".to_owned(), ..entry("urine_protein", protein, "") },
                entry("blood_group_abo", blood_group, ""),
            ],
            ..record(&self.mother, CheckupKind::Pregnancy, days)
        }
    }

    /// The mother's card at the clinic, for herself or for the child.
    async fn at_clinic(&mut self, for_child: bool) -> Presence {
        let presentation = Presentation::for_checkups(TEXT, Purpose::Treat);
        present(&self.clinic, &mut self.mother.card, &presentation, for_child).await
    }
}

const TEXT: &str = "健診の記録を見ることに同意しますか。";

async fn present(
    counter: &Counter,
    card: &mut TestCard,
    presentation: &Presentation,
    for_child: bool,
) -> Presence {
    let mut presence = counter.present_as(card, presentation).await.unwrap();
    if for_child {
        let child = presence.dependants[0].child.clone();
        counter.terminal().renew(&mut presence, Some(&child)).await.unwrap();
    }
    presence
}

fn entry(code: &str, value: &str, unit: &str) -> ItemEntry {
    let text = str::to_owned;
    ItemEntry { code: text(code), value: text(value), unit: text(unit), ..Default::default() }
}

fn record(person: &Newcomer, kind: CheckupKind, days: i64) -> CheckupRecord {
    CheckupRecord {
        record_id: names::fresh(),
        source_version: "1".to_owned(),
        resident_key: person.resident_key.clone(),
        kind: kind.into(),
        date: day(days).to_string(),
        ..Default::default()
    }
}

/// Sends a whole batch; one that the gate holds because scenarios share a sender is confirmed.
async fn push(town: &Town, records: &[CheckupRecord]) {
    let row = |(number, record): (usize, &CheckupRecord)| CheckupRow {
        row_id: number.to_string(),
        record: Some(record.clone()),
        holder: None,
    };
    let rows: Vec<CheckupRow> = records.iter().enumerate().map(row).collect();
    let (header, mut refused) = (batch(), Vec::new());
    let told = |chunk: pmh_client::Chunk<'_>| {
        let problems = chunk.rows.iter().flat_map(|row| &row.problems);
        let errors =
            problems.filter(|problem| !problem.warning && problem.reason() != Reason::VersionDisputed);
        refused.extend(errors.cloned());
    };
    let summary = town.issuer().put(&header, rows, told).await.unwrap();
    assert!(refused.is_empty(), "{refused:?}");
    if summary.state() == BatchState::Held {
        let confirm = ConfirmBatchRequest { idempotency_key: names::uuid(), batch_id: header.batch_id };
        town.issuer().gateway().call(&confirm, None).await.unwrap();
    }
}

fn to_treat() -> ListCheckupsRequest {
    ListCheckupsRequest { purpose: Purpose::Treat.into(), ..Default::default() }
}

async fn list(
    counter: &Counter,
    presence: &Presence,
    request: &ListCheckupsRequest,
) -> Proven<ListCheckupsResponse> {
    counter.terminal().call(presence, request).await.unwrap()
}

/// Kind, codes of the items, whether there are scores.
fn shown(checkups: &[ReadCheckup]) -> Vec<(CheckupKind, Vec<&str>, bool)> {
    let mut shown = Vec::new();
    for record in checkups.iter().filter_map(|read| read.record.as_ref()) {
        let codes = record.items.iter().map(|item| item.code.as_str()).collect();
        shown.push((record.kind(), codes, !record.scores.is_empty()));
    }
    shown
}

#[tokio::test]
async fn r_chk_each_reader_sees_the_records_that_are_theirs_and_no_view_of_a_child_has_the_mothers_answers() {
    let mut family = Family::begin().await;
    push(&family.town, &[family.of_the_child("9.0"), family.postpartum()]).await;
    let childs = [(CheckupKind::Month18, vec!["weight"], false)];
    let mothers = [(CheckupKind::Postpartum, vec!["mother_weight"], true)];
    let has_secret = |answer: &ListCheckupsResponse| {
        let bytes = answer.encode_to_vec();
        bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
    };

    // A clinic: the mother present, the mother for her child, the child's own card.
    let here = family.at_clinic(false).await;
    let answer = list(&family.clinic, &here, &to_treat()).await.response;
    assert_eq!(shown(&answer.checkups), mothers);
    let here = family.at_clinic(true).await;
    let answer = list(&family.clinic, &here, &to_treat()).await.response;
    assert_eq!(shown(&answer.checkups), childs);
    assert!(!has_secret(&answer));
    let for_treatment = Presentation::for_checkups(TEXT, Purpose::Treat);
    let here = present(&family.clinic, &mut family.child.card, &for_treatment, false).await;
    let answer = list(&family.clinic, &here, &to_treat()).await.response;
    assert_eq!(shown(&answer.checkups), childs);
    assert!(!has_secret(&answer));

    // The citizen, in the app and at the municipal counter: the mother, the guardian, the child.
    let at_own_request = Presentation::for_checkups(TEXT, Purpose::Patrqt);
    let request = ListCheckupsRequest { purpose: Purpose::Patrqt.into(), ..Default::default() };
    let app = family.target.counter(organization::APP).await.unwrap();
    let counter = family.target.counter(organization::HACHIOJI).await.unwrap();
    for place in [&app, &counter] {
        // What she answered about herself at her child's checkup is about_herself to read, and nothing of the child comes with it.
        let own = present(place, &mut family.mother.card, &at_own_request, false).await;
        let answer = list(place, &own, &request).await.response;
        let about_herself = [mothers[0].clone(), (CheckupKind::Month18, vec!["harsh_discipline"], false)];
        assert_eq!(shown(&answer.checkups), about_herself);
        assert_eq!(
            answer.checkups.iter().map(|read| read.at_childs_checkup).collect::<Vec<_>>(),
            [false, true]
        );
        let about_her = answer.checkups[1].record.as_ref().unwrap();
        assert!(about_her.resident_key.is_empty() && about_her.mother_key.is_empty());
        assert!(has_secret(&answer));
        let guardian = present(place, &mut family.mother.card, &at_own_request, true).await;
        let answer = list(place, &guardian, &request).await.response;
        assert_eq!(shown(&answer.checkups), childs);
        assert!(!has_secret(&answer));
        let child = present(place, &mut family.child.card, &at_own_request, false).await;
        let answer = list(place, &child, &request).await.response;
        assert_eq!(shown(&answer.checkups), childs);
        assert!(!has_secret(&answer));
    }

    // The home municipality keeps the record and sees all of it.
    let own = ListCheckupsRequest { resident_key: family.child.resident_key.clone(), ..Default::default() };
    let answer = family.town.issuer().gateway().call(&own, None).await.unwrap().response;
    assert_eq!(shown(&answer.checkups), [(CheckupKind::Month18, vec!["harsh_discipline", "weight"], false)]);
    assert!(has_secret(&answer));
}

#[tokio::test]
async fn r_chk_the_keys_of_a_municipality_are_nobody_elses() {
    let mut family = Family::begin().await;
    let sent = family.of_the_child("9.0");
    push(&family.town, std::slice::from_ref(&sent)).await;
    let here = family.at_clinic(true).await;
    let answer = list(&family.clinic, &here, &to_treat()).await.response;
    let read = answer.checkups[0].record.as_ref().unwrap();
    assert!(read.record_id.is_empty() && read.resident_key.is_empty() && read.mother_key.is_empty());
    assert_eq!(answer.checkups[0].sender, "urn:x-pmh:org:municipality:132012");
    let bytes = answer.encode_to_vec();
    for key in [&sent.record_id, &sent.resident_key, &sent.mother_key] {
        assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()), "{key}");
    }
}

#[tokio::test]
async fn p5_a_restricted_childs_checkups_are_absent_for_a_guardian_and_placeless_at_a_clinic() {
    let mut family = Family::begin().await;
    let mut sent = family.of_the_child("9.2");
    (sent.own_code, sent.institution) = ("A1".to_owned(), "1310310243".to_owned());
    push(&family.town, &[sent]).await;
    let here = family.at_clinic(true).await;
    let before = list(&family.clinic, &here, &to_treat()).await.response.checkups.remove(0);
    assert_eq!(before.record.unwrap().own_code, "A1");
    family.town.protect(&family.child).await.unwrap();

    let presentation = Presentation::for_checkups(TEXT, Purpose::Treat);
    let own = present(&family.clinic, &mut family.child.card, &presentation, false).await;
    let read = list(&family.clinic, &own, &to_treat()).await;
    assert!(read.proof.leaf.holder.is_none(), "the receipt does not say where either");
    let read = &read.response.checkups[0];
    let record = read.record.as_ref().unwrap();
    assert!(read.sender.is_empty() && record.institution.is_empty() && record.own_code.is_empty());
    assert_eq!(record.items[0].value, "9.2", "what was measured is there");

    let app = family.target.counter(organization::APP).await.unwrap();
    let at_own_request = Presentation::for_checkups(TEXT, Purpose::Patrqt);
    let child = present(&app, &mut family.child.card, &at_own_request, false).await;
    let request = ListCheckupsRequest { purpose: Purpose::Patrqt.into(), ..Default::default() };
    assert!(list(&app, &child, &request).await.response.checkups.is_empty());
    let one = GetCheckupRequest {
        checkup_id: before.checkup_id,
        purpose: Purpose::Patrqt.into(),
        ..Default::default()
    };
    assert_eq!(reason(app.terminal().call(&child, &one).await), Reason::NotFound);
}

#[tokio::test]
async fn r_chk_a_clinic_needs_the_card_the_scope_and_the_purpose() {
    let mut family = Family::begin().await;
    let by_key = ListCheckupsRequest { resident_key: family.mother.resident_key.clone(), ..to_treat() };
    let call = family.clinic.gateway().call(&by_key, None).await;
    assert_eq!(reason(call), Reason::TokenMissing, "a key of a municipality is no card");
    assert_eq!(reason(family.clinic.gateway().call(&to_treat(), None).await), Reason::TokenMissing);
    let eligibility = family.clinic.present(&mut family.mother.card, &["88-13"]).await.unwrap();
    let call = family.clinic.terminal().call(&eligibility, &to_treat()).await;
    assert_eq!(reason(call), Reason::ScopeMissing);
    let here = family.at_clinic(false).await;
    let call = family.clinic.terminal().call(&here, &by_key).await;
    assert_eq!(reason(call), Reason::SubjectMismatch, "one person by card, another by key");
    let paid = ListCheckupsRequest { purpose: Purpose::Hpaymt.into(), ..Default::default() };
    assert_eq!(reason(family.clinic.terminal().call(&here, &paid).await), Reason::PurposeNotAllowed);
    family.clinic.terminal().end(&here).await.unwrap();
    let call = family.clinic.terminal().call(&here, &to_treat()).await;
    assert!(crate::support::ended(reason(call)));
    let own = ListCheckupsRequest {
        resident_key: family.mother.resident_key.clone(),
        purpose: Purpose::Patrqt.into(),
        ..Default::default()
    };
    let call = family.town.issuer().gateway().call(&own, None).await;
    assert_eq!(reason(call), Reason::PurposeNotAllowed, "nobody's request without a card");
}

#[tokio::test]
async fn r_chk_a_childs_weight_is_placed_on_the_national_curve_with_its_reference() {
    let mut family = Family::begin().await;
    let mut heavy = family.of_the_child("9.0");
    heavy.items.push(entry("head", "46.0", "cm"));
    let late = CheckupRecord { record_id: names::fresh(), ..family.of_the_child("11.0") };
    let late =
        CheckupRecord { date: day(0).to_string(), kind: CheckupKind::Dental.into(), items: vec![], ..late };
    push(&family.town, &[heavy, late]).await;
    let here = family.at_clinic(true).await;
    let answer = list(&family.clinic, &here, &to_treat()).await.response;
    let growth = &answer.checkups[0].growth;
    assert_eq!(growth.iter().map(|position| position.item.as_str()).collect::<Vec<_>>(), ["weight", "head"]);
    let weight = &growth[0];
    assert!((20.0..26.0).contains(&weight.percentile), "about 18 months and 9.0 kg: {weight:?}");
    assert_eq!((weight.band(), weight.absent()), (GrowthBand::P10ToP25, NoGrowthPosition::Unspecified));
    let reference = answer.growth_reference.unwrap();
    assert_eq!((&*reference.id, &*reference.published, &*reference.fit), ("jp-2023", "2024-12-25", "lms-1"));
    assert!(answer.checkups[1].growth.is_empty(), "nothing was measured there");
}

#[tokio::test]
async fn r_chk_repeated_and_differing_tests_stand_at_the_later_visit() {
    let mut family = Family::begin().await;
    let visits = [family.visit(-60, "1+", "A"), family.visit(-46, "2+", "A"), family.visit(-32, "±", "O")];
    push(&family.town, &visits).await;
    let here = family.at_clinic(false).await;
    let answer = list(&family.clinic, &here, &to_treat()).await.response;
    let alerts: Vec<Vec<(AlertKind, &str)>> = answer
        .checkups
        .iter()
        .map(|read| read.alerts.iter().map(|alert| (alert.kind(), alert.item.as_str())).collect())
        .collect();
    let (repeated, differing) = (AlertKind::Repeated, AlertKind::Differing);
    assert_eq!(alerts, [vec![], vec![(repeated, "urine_protein")], vec![(differing, "blood_group_abo")]]);
    let said = &answer.checkups[1].alerts[0];
    assert_eq!(
        (said.first_date.clone(), said.second_date.clone()),
        (day(-60).to_string(), day(-46).to_string())
    );
    assert!(said.text.as_ref().unwrap().ja.contains("尿蛋白"), "{said:?}");
    // A filter shows fewer visits and no other picture.
    let last = ListCheckupsRequest { from: day(-46).to_string(), ..to_treat() };
    assert_eq!(list(&family.clinic, &here, &last).await.response.checkups[0].alerts.len(), 1);
}

#[tokio::test]
async fn r_chk_pages_filter_and_pass_over_nothing_and_each_has_its_receipt() {
    let mut family = Family::begin().await;
    let child = &family.child;
    let records: Vec<_> =
        (0..7_i64).map(|number| record(child, CheckupKind::Dental, -10 + number / 2)).collect();
    let other = record(child, CheckupKind::Vision, -3);
    push(&family.town, &[&records[..], &[other]].concat()).await;
    let here = family.at_clinic(true).await;
    let wanted = ListCheckupsRequest {
        kinds: vec![CheckupKind::Dental.into()],
        from: day(-9).to_string(),
        to: day(-7).to_string(),
        page_size: 2,
        ..to_treat()
    };
    let (mut request, mut seen, mut entries) = (wanted.clone(), Vec::new(), Vec::new());
    loop {
        let page = list(&family.clinic, &here, &request).await;
        assert!(page.response.checkups.len() <= 2);
        entries.push(page.proof.index);
        seen.extend(page.response.checkups.into_iter().map(|read| read.checkup_id));
        if page.response.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.response.next_page_token;
    }
    assert_eq!((seen.len(), entries.len()), (5, 3), "the day before and the day after are not of the period");
    seen.dedup();
    entries.dedup();
    assert_eq!((seen.len(), entries.len()), (5, 3));
    for (bad, path, why) in [
        (ListCheckupsRequest { from: "2026-2-1".to_owned(), ..to_treat() }, "from", Reason::Date),
        (ListCheckupsRequest { kinds: vec![99], ..to_treat() }, "kinds", Reason::Value),
        (ListCheckupsRequest { page_token: "x".to_owned(), ..to_treat() }, "page_token", Reason::Value),
        (ListCheckupsRequest { to: day(-10).to_string(), ..wanted }, "to", Reason::IntervalReversed),
    ] {
        let call = family.clinic.terminal().call(&here, &bad).await;
        assert_eq!(fields(call), [(path.to_owned(), why)]);
    }
}

#[tokio::test]
async fn r_chk_one_checkup_tells_its_versions_and_is_nobody_elses() {
    let mut family = Family::begin().await;
    let first = family.of_the_child("9.0");
    let amended = CheckupRecord { source_version: "2".to_owned(), ..first.clone() };
    let amended = CheckupRecord { items: vec![entry("weight", "9.4", "kg")], ..amended };
    let disputed = |weight: &str| CheckupRecord {
        source_version: "3".to_owned(),
        items: vec![entry("weight", weight, "kg")],
        ..first.clone()
    };
    push(&family.town, std::slice::from_ref(&first)).await;
    push(&family.town, &[amended]).await;
    push(&family.town, &[disputed("9.5"), disputed("9.6")]).await;
    let here = family.at_clinic(true).await;
    let id = list(&family.clinic, &here, &to_treat()).await.response.checkups[0].checkup_id.clone();
    let request = GetCheckupRequest { checkup_id: id, purpose: Purpose::Treat.into(), ..Default::default() };
    let answer = family.clinic.terminal().call(&here, &request).await.unwrap().response;
    let read = answer.checkup.unwrap();
    assert!(read.amended && read.disputed);
    assert_eq!(read.record.unwrap().items[0].value, "9.4");
    let versions: Vec<_> =
        answer.versions.iter().map(|version| (version.source_version.as_str(), version.standing())).collect();
    let (old, now, disputed) =
        (VersionStanding::Superseded, VersionStanding::Current, VersionStanding::Quarantined);
    assert_eq!(versions, [("1", old), ("2", now), ("3", disputed)]);
    // The mother's own presence does not open the child's record, nor does another family's.
    let own = family.at_clinic(false).await;
    assert_eq!(reason(family.clinic.terminal().call(&own, &request).await), Reason::NotFound);
    let mut others = Family::begin().await;
    let there = others.at_clinic(true).await;
    assert_eq!(reason(others.clinic.terminal().call(&there, &request).await), Reason::NotFound);
}

/// The municipality's open follow-ups of one resident, page by page.
async fn follow_ups(town: &Town, person: &Newcomer) -> Vec<FollowUp> {
    let (mut request, mut open) = (ListFollowUpsRequest::default(), Vec::new());
    loop {
        let page = town.issuer().gateway().call(&request, None).await.unwrap().response;
        open.extend(page.follow_ups.into_iter().filter(|open| open.resident_key == person.resident_key));
        if page.next_page_token.is_empty() {
            return open;
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn r_chk_a_follow_up_stays_open_until_somebody_says_what_came_of_it() {
    let family = Family::begin().await;
    let asked = CheckupRecord {
        disposition: Disposition::DetailedExamination.into(),
        ..record(&family.child, CheckupKind::Month18, -9)
    };
    push(&family.town, std::slice::from_ref(&asked)).await;
    let [open] = follow_ups(&family.town, &family.child).await.try_into().unwrap();
    assert_eq!(open.disposition(), Disposition::DetailedExamination);
    let gateway = family.town.issuer().gateway();
    let close = |date: i64, closing: FollowUpClosing| CloseFollowUpRequest {
        idempotency_key: names::uuid(),
        record_id: asked.record_id.clone(),
        source_version: open.source_version.clone(),
        closing: closing.into(),
        date: day(date).to_string(),
        ..Default::default()
    };
    for date in [-10, 1] {
        let call = gateway.call(&close(date, FollowUpClosing::Examined), None).await;
        assert_eq!(fields(call), [("date".to_owned(), Reason::DateOutOfRange)], "{date}");
    }
    let other =
        CloseFollowUpRequest { source_version: "2".to_owned(), ..close(0, FollowUpClosing::Examined) };
    assert_eq!(reason(gateway.call(&other, None).await), Reason::VersionConflict);
    let nobody = CloseFollowUpRequest { record_id: names::fresh(), ..close(0, FollowUpClosing::Examined) };
    assert_eq!(reason(gateway.call(&nobody, None).await), Reason::NotFound);
    let request = close(0, FollowUpClosing::Examined);
    gateway.call(&request, None).await.unwrap();
    gateway.call(&request, None).await.expect("the same again");
    assert!(follow_ups(&family.town, &family.child).await.is_empty());
    let call = gateway.call(&close(0, FollowUpClosing::Declined), None).await;
    assert_eq!(reason(call), Reason::StateNotAllowed);
    // Another judgement of a later version opens it again.
    let worse = CheckupRecord {
        source_version: "2".to_owned(),
        disposition: Disposition::Treatment.into(),
        ..asked.clone()
    };
    push(&family.town, &[worse]).await;
    assert_eq!(follow_ups(&family.town, &family.child).await[0].disposition(), Disposition::Treatment);
    let call = family.clinic.gateway().call(&ListFollowUpsRequest::default(), None).await;
    assert_eq!(reason(call), Reason::RoleNotAllowed);
}
