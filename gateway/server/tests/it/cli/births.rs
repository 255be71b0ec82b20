//! `pmh municipality births`: a facility tells of a birth, two officers say who the child is. All people are invented.

use std::fs;

use pmh::sandbox::uuid;
use pmh_proto::common::Sex;
use pmh_proto::handoff::{BirthAttendantKind, BirthPlaceKind, MotherTicket, Newborn, NotifyBirthRequest};
use serde_json::{Value, json};

use super::sandbox::{Ran, pmh, running};
use crate::ops::rig::today;

const MOTHER: &str = "CLI-B-M";
const CHILD: &str = "CLI-B-C";
const TICKET: &str = "CLI-B-1";

#[tokio::test]
async fn a_birth_is_listed_and_two_officers_at_two_terminals_merge_the_child() {
    residents();
    ticket();
    let told = notified().await;
    let birth = listed();
    assert_eq!((&birth["birth_id"], &birth["mother_resident_key"]), (&json!(told), &json!(MOTHER)));
    let child = &birth["children"][0];
    assert_eq!(
        (&child["child"], &child["resident_key"], &child["lost"]),
        (&json!(1), &json!(""), &json!(false))
    );

    let first = merge("hachioji-1", "op-1", &told);
    assert_eq!((first.code, &first.json()["state"]), (0, &json!("PROPOSED")), "{}", first.stderr);
    assert_eq!(listed()["children"][0]["proposed_resident_key"], CHILD);
    let again = merge("hachioji-1", "op-1", &told);
    assert_eq!((again.code, &again.json()["reason"]), (1, &json!("SECOND_PERSON_NEEDED")));
    let second = merge("hachioji-2", "op-2", &told);
    assert_eq!((second.code, &second.json()["state"]), (0, &json!("MERGED")), "{}", second.stderr);
    assert_eq!(listed()["children"][0]["resident_key"], CHILD);
    let screen = office("hachioji-1", &["births", "list", "--lang", "ja"]).stdout;
    assert!(screen.contains("結び付け済み") && screen.contains(CHILD), "{screen}");
}

fn office(terminal: &str, args: &[&str]) -> Ran {
    let access = ["--sandbox", running().arg(), "--as", terminal];
    pmh(["municipality"].iter().chain(args).chain(&access))
}

fn merge(terminal: &str, officer: &str, birth: &str) -> Ran {
    office(terminal, &["births", "merge", birth, CHILD, "--operator", officer, "--json"])
}

fn listed() -> Value {
    let all = office("hachioji-1", &["births", "list", "--json"]).json();
    let births = all["births"].as_array().unwrap();
    births
        .iter()
        .find(|birth| birth["mother_resident_key"] == MOTHER)
        .unwrap_or_else(|| panic!("{all}"))
        .clone()
}

fn residents() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("residents.csv");
    let row =
        |key: &str, born: &str| format!("{key},{born},女,M88,子ども医療費受給者証,{},無,0,1\n", today());
    let header =
        "宛名番号,生年月日,性別,受給者証種別,受給者証名,有効期間開始,常に償還払い,不開示フラグ,履歴キー\n";
    fs::write(&file, format!("{header}{}{}", row(MOTHER, BORN), row(CHILD, &today().to_string()))).unwrap();
    let args = ["issuer", "push", "residents", file.to_str().unwrap(), "--sandbox", running().arg()];
    let ran = pmh(args.into_iter().chain(["--as", "hachioji-1"]));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

fn ticket() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tickets.csv");
    let template = office_template();
    let (from, to) = (today().first_of_year(), today().last_of_year());
    let row =
        format!("{TICKET},{MOTHER},1歳6か月児健診,基本,\"5,000円\",{from},{to},都道府県内,{from},,\r\n");
    fs::write(&file, format!("{template}{row}")).unwrap();
    let ran = office("hachioji-1", &["push", "tickets", file.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

fn office_template() -> String {
    pmh(["municipality", "tickets", "template"]).stdout
}

/// By contract with the municipality whose ticket she holds.
async fn notified() -> String {
    let newborn = Newborn {
        sex: Sex::Female.into(),
        born_at: format!("{}T00:01", today()),
        place_kind: BirthPlaceKind::Hospital.into(),
        facility_name: "架空産婦人科病院".to_owned(),
        place_address: "東京都八王子市架空町1-1".to_owned(),
        weight_g: 3_000,
        length_mm: 490,
        plurality: 1,
        birth_order: 1,
        mother_name: "架空 花子".to_owned(),
        gestation: "39w1d".to_owned(),
        live_born: 1,
        issued_on: today().to_string(),
        attendant_kind: BirthAttendantKind::Midwife.into(),
        attendant_name: "架空 助子".to_owned(),
        attendant_address: "東京都八王子市架空町1-2".to_owned(),
        ..Default::default()
    };
    let mother = MotherTicket {
        issuer: "urn:x-pmh:org:municipality:132012".to_owned(),
        number: TICKET.to_owned(),
        birth_date: BORN.to_owned(),
        contract: "C-1".to_owned(),
    };
    let request =
        NotifyBirthRequest { idempotency_key: uuid(), newborns: vec![newborn], mother: Some(mother) };
    let (dir, sandbox) = (&running().dir, running().sandbox());
    let (facility, _) = pmh::sandbox::terminal(dir, &sandbox, "tokyo-clinic-1").await.unwrap();
    facility.call(&request, None).await.unwrap().response.birth_id
}

const BORN: &str = "1996-04-01";
