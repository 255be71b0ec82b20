//! `pmh counter vaccinate`.

use serde_json::Value;

use super::sandbox::{Ran, pmh, pmh_in, running};

fn vaccinate(card: &str, vaccine: &str, more: &[&str]) -> Ran {
    let args = ["counter", "vaccinate", "--sandbox", running().arg(), "--card", card, "--vaccine", vaccine];
    pmh(args.iter().chain(more))
}

fn finding<'a>(document: &'a Value, kind: &str) -> &'a Value {
    let findings = document["evaluation"]["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["kind"] == kind).unwrap_or_else(|| panic!("{document}"))
}

/// A three-year-old's first Japanese encephalitis dose, and the second on the same day.
#[test]
fn a_shot_is_checked_reserved_and_recorded_and_a_second_one_is_stopped_with_the_exact_day() {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("dose.json");
    let first = vaccinate("child", "JE1", &["--lot", "L-1", "--save", kept.to_str().unwrap(), "--json"]);
    let document = first.json();
    assert_eq!((first.code, &document["outcome"]), (0, &"RECORDED".into()), "{document}");
    assert_eq!(
        (&document["dose"]["status"], &document["dose"]["dose_number"]),
        (&"COMPLETED".into(), &1.into())
    );
    let receipts = document["receipts"].as_array().unwrap();
    assert_eq!(receipts.len(), 3);
    assert!(receipts.iter().all(|receipt| receipt["verified"] == true));
    let vkey = running().sandbox().log_vkey;
    let proved = pmh(["audit", "verify-receipt", kept.to_str().unwrap(), "--vkey", &vkey]);
    assert_eq!(proved.code, 0, "{}", proved.stdout);

    let second = vaccinate("child", "JE1", &["--override", "no doctor may", "--json"]);
    let document = second.json();
    assert_eq!((second.code, &document["outcome"]), (1, &"STOPPED".into()), "{document}");
    let interval = finding(&document, "INTERVAL");
    assert_eq!(interval["overridable"], "NO");
    assert!(!interval["rule"]["sources"].as_array().unwrap().is_empty());
    let today: jiff::civil::Date = document["date"].as_str().unwrap().parse().unwrap();
    let day = document["evaluation"]["allowed_from"].as_str().unwrap().to_owned();
    // Six clear days.
    assert_eq!(day, today.checked_add(jiff::Span::new().days(7)).unwrap().to_string());

    let then = vaccinate("child", "JE1", &["--date", &day, "--json"]);
    let document = then.json();
    assert_eq!((then.code, &document["outcome"]), (0, &"CHECKED".into()), "a later day is checked only");
    assert_eq!(document["evaluation"]["dose_number"], 2);
    let screen = pmh_in(
        "ja_JP.UTF-8",
        ["counter", "vaccinate", "--sandbox", running().arg(), "--card", "child", "--vaccine", "JE1"],
    );
    assert!(screen.stdout.contains(&format!("{day}から接種できます")), "{}", screen.stdout);
    assert!(screen.stdout.contains("記録の証明: 確認済み"));
}

#[test]
fn an_answer_of_the_form_and_an_expired_lot_are_said_before_anything_is_reserved() {
    let more = ["--answer", "fever", "--lot-expires", "2020-01-01", "--check-only", "--json"];
    let document = vaccinate("renewed", "JE1", &more).json();
    assert_eq!(document["receipts"].as_array().unwrap().len(), 1);
    assert_eq!(document["ok"], false);
    finding(&document, "CONTRAINDICATION");
    finding(&document, "LOT_EXPIRED");
    assert_eq!(vaccinate("renewed", "JE1", &["--answer", "tired"]).code, 2);
}

#[test]
fn who_may_not_vaccinate_or_names_no_vaccine_is_told_to_go_by_paper() {
    let ran = vaccinate("renewed", "JE1", &["--as", "hachioji-1", "--json"]);
    let document = ran.json();
    assert_eq!((ran.code, &document["ok"]), (1, &false.into()), "{document}");
    assert!(document["instruction"]["ja"].as_str().unwrap().contains("母子健康手帳"));
    let unknown = vaccinate("renewed", "NOTHING", &["--json"]);
    assert_eq!(
        (unknown.code, &unknown.json()["reason"]),
        (1, &"INVALID_FIELDS".into()),
        "{}",
        unknown.stdout
    );
}
