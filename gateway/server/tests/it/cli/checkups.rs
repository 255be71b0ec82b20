//! `pmh counter checkups`, and follow-ups at the municipality: what an officer pushes is read with the card.

use std::fs;

use serde_json::Value;

use crate::ops::rig::today;

use super::sandbox::{Ran, pmh, pmh_in, running};

/// Of the sandbox's child; the record is this test's own.
const RECORD: &str = "cli-checkup-1";

fn municipality(args: &[&str]) -> Ran {
    let access = ["--sandbox", running().arg(), "--as", "hachioji-1"];
    pmh(["municipality", "checkups"].iter().chain(args).chain(&access))
}

fn counter(locale: &str, more: &[&str]) -> Ran {
    let args = ["counter", "checkups", "--sandbox", running().arg(), "--card", "mother"];
    pmh_in(locale, args.iter().chain(more))
}

fn ours(document: &Value) -> Vec<Value> {
    let open = document["follow_ups"].as_array().unwrap().iter();
    open.filter(|open| open["record_id"] == RECORD).cloned().collect()
}

#[test]
fn what_the_municipality_pushed_is_read_with_the_card_and_followed_until_it_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("y3.csv");
    let header = "record_id,source_version,resident_key,checkup_kind,checkup_date,disposition,weight";
    let day = today().checked_sub(jiff::Span::new().days(30)).unwrap();
    let row = format!("{RECORD},1,H-0002,y3,{day},OBSERVATION,13.5");
    fs::write(&file, format!("{header}\n{row}\n")).unwrap();
    let access = ["--sandbox", running().arg(), "--as", "hachioji-1", "--json"];
    let push = ["municipality", "push", "checkups", file.to_str().unwrap()];
    let pushed = pmh(push.iter().chain(&access));
    assert_eq!(pushed.code, 0, "{}{}", pushed.stdout, pushed.stderr);

    let read = counter("C.UTF-8", &["--json"]);
    let document = read.json();
    assert_eq!((read.code, &document["ok"]), (0, &true.into()), "{document}");
    let [checkup] = document["checkups"].as_array().unwrap().as_slice() else { panic!("{document}") };
    assert_eq!((&checkup["kind"], &checkup["disposition"]), (&"YEAR_3".into(), &"OBSERVATION".into()));
    let weight = &checkup["growth"][0];
    assert!(weight["percentile"].as_f64().is_some_and(|share| (0.0..100.0).contains(&share)), "{weight}");
    assert_eq!(document["growth_reference"]["id"], "jp-2023");
    assert_eq!(document["receipts"][0]["verified"], true);
    let screen = counter("ja_JP.UTF-8", &[]).stdout;
    assert!(screen.contains("健診の記録 1件") && screen.contains("パーセンタイル"), "{screen}");
    let none = counter("C.UTF-8", &["--for-child=false", "--json"]).json();
    assert!(none["checkups"].as_array().unwrap().is_empty(), "her own record is another: {none}");

    let open = ours(&municipality(&["follow-ups", "--json"]).json());
    assert_eq!(open[0]["disposition"], "OBSERVATION");
    let close = ["close", RECORD, "--source-version", "1", "--closing", "resolved", "--json"];
    let closed = municipality(&close);
    assert_eq!(closed.code, 0, "{}{}", closed.stdout, closed.stderr);
    assert!(ours(&municipality(&["follow-ups", "--json"]).json()).is_empty());
    let otherwise = ["close", RECORD, "--source-version", "1", "--closing", "declined", "--json"];
    let refused = municipality(&otherwise);
    assert_eq!((refused.code != 0, &refused.json()["reason"]), (true, &"STATE_NOT_ALLOWED".into()));
}

#[test]
fn what_a_clinic_writes_down_is_asked_after_without_the_card() {
    let at_the_clinic = |more: &[&str]| {
        let access = ["--sandbox", running().arg(), "--as", "tokyo-clinic-1"];
        pmh_in("ja_JP.UTF-8", ["counter", "checkup", "cli-visit-1"].iter().chain(more).chain(&access))
    };
    let of = ["--card", "lapsed", "--for-child=false", "--kind", "year_3"];
    let kind = ["--card", "lapsed", "--for-child=false", "--kind", "y3"];
    assert_ne!(at_the_clinic(&of).code, 0, "no such kind");
    let wrong = at_the_clinic(&[&kind[..], &["--item", "weight=900"]].concat());
    assert_eq!(wrong.code, 1, "{}", wrong.stderr);
    assert!(wrong.stdout.contains("record.items[weight].value [REASON_IMPOSSIBLE]"), "{}", wrong.stdout);
    assert_eq!(at_the_clinic(&["--ask"]).code, 1, "nothing is kept");
    let kept =
        at_the_clinic(&[&kind[..], &["--item", "weight=13.5", "--disposition", "OBSERVATION"]].concat());
    assert_eq!(kept.code, 0, "{}{}", kept.stdout, kept.stderr);
    assert!(kept.stdout.contains("市町村に届きました"), "{}", kept.stdout);
    let asked = at_the_clinic(&["--ask", "--json"]).json();
    assert_eq!((&asked["delivery"], &asked["urgent"]), (&"UNREAD".into(), &false.into()), "{asked}");
}
