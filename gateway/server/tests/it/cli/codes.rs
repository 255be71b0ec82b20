//! `pmh codes check`.

use pmh_domain::codes::looks_like_individual_number;
use serde_json::Value;

use super::sandbox::{pmh, pmh_in};

#[test]
fn a_sound_number_is_told_with_its_parts_by_name() {
    let ran = pmh(["codes", "check", "payer", "88138243", "--json"]);
    let report = ran.json();
    assert_eq!((ran.code, &report["valid"], &report["value"]), (0, &true.into(), &"88138243".into()));
    let part = |name: &str| {
        let parts = report["parts"].as_array().unwrap();
        parts.iter().find(|part| part["name"] == name).map(|part| part["value"].as_str().unwrap().to_owned())
    };
    assert_eq!(part("law_no").as_deref(), Some("88"));
    assert_eq!(part("prefecture_name").as_deref(), Some("東京都"));
    assert_eq!(part("group").as_deref(), Some("88-13"));
}

#[test]
fn one_wrong_number_among_several_is_named_and_fails_the_command() {
    let ran = pmh(["codes", "check", "payer", "88138243", "88138244", "--json"]);
    let reports: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(ran.code, 1);
    assert_eq!(reports.iter().map(|report| report["valid"].clone()).collect::<Vec<_>>(), [true, false]);
    assert_eq!(reports[1]["problems"][0]["code"], "CHECK_DIGIT");
}

#[test]
fn every_kind_knows_a_published_number() {
    for (kind, value) in [
        ("payer", "52136017"),
        ("recipient", "0000018"),
        ("insurer", "06130488"),
        ("institution", "1310310243"),
        ("municipality", "132012"),
        ("corporate", "1000020132012"),
    ] {
        let ran = pmh(["codes", "check", kind, value]);
        assert_eq!(ran.code, 0, "{kind}: {}", ran.stdout);
    }
    assert_eq!(pmh(["codes", "check", "passport", "1"]).code, 2);
}

#[test]
fn a_municipality_is_judged_on_the_day_asked_about() {
    let on = |day| pmh(["codes", "check", "municipality", ABOLISHED, "--on", day, "--json"]).json();
    assert_eq!(on("2023-12-31")["valid"], true);
    let later = on("2024-01-01");
    assert_eq!((&later["valid"], &later["problems"][0]["code"]), (&false.into(), &"CODE_NOT_CURRENT".into()));
}

#[test]
fn p4_an_individual_number_is_refused_and_not_repeated() {
    let number =
        (0..10).map(|last| format!("32109876543{last}")).find(|text| looks_like_individual_number(text));
    let number = number.unwrap();
    for extra in [&[][..], &["--json"]] {
        let ran = pmh(["codes", "check", "recipient", &number].into_iter().chain(extra.iter().copied()));
        assert_eq!(ran.code, 1);
        assert!(ran.stdout.contains("INDIVIDUAL_NUMBER_FORBIDDEN"));
        assert!(!ran.stdout.contains(&number) && !ran.stderr.contains(&number));
    }
}

#[test]
fn the_environment_or_the_flag_chooses_the_language() {
    let args = ["codes", "check", "payer", "88138243"];
    assert!(pmh_in("ja_JP.UTF-8", args).stdout.contains("正しい番号です"));
    assert!(pmh_in("ja_JP.UTF-8", args.into_iter().chain(["--lang", "en"])).stdout.contains("valid"));
    assert!(!pmh(args).stdout.contains("法別番号:"));
}

/// 浜松市中区, until the wards were drawn anew on 2024-01-01.
const ABOLISHED: &str = "221317";
