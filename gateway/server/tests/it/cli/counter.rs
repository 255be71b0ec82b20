//! `pmh counter verify`.

use serde_json::Value;

use super::sandbox::{Ran, pmh, pmh_in, running};

fn verify(more: &[&str]) -> Ran {
    pmh(["counter", "verify", "--sandbox", running().arg()].iter().chain(more))
}

fn result<'a>(answer: &'a Value, group: &str) -> &'a Value {
    answer["results"].as_array().unwrap().iter().find(|result| result["group"] == group).unwrap()
}

#[test]
fn every_card_of_the_sandbox_answers_as_its_scenario_says() {
    for card in running().sandbox().cards {
        let ran = verify(&["--as", &card.visit.terminal, "--card", &card.name, "--json"]);
        let answer = ran.json();
        assert_eq!(ran.code, 0, "{}: {}", card.name, ran.stderr);
        assert_eq!(answer["receipt"]["verified"], true);
        if card.visit.group.is_empty() {
            assert_eq!(answer["state"], card.expected.as_str(), "{}", card.name);
        } else {
            let result = result(&answer, &card.visit.group);
            assert_eq!(result["outcome"], card.expected.as_str(), "{}", card.name);
            assert_eq!(result["counter_action"], card.visit.counter_action.as_str(), "{}", card.name);
            for language in ["ja", "en"] {
                assert!(!result["instruction"][language].as_str().unwrap().is_empty());
                assert!(!answer["summary"]["headline"][language].as_str().unwrap().is_empty());
            }
        }
    }
}

#[test]
fn the_screen_is_one_large_line_one_instruction_and_a_table() {
    let args = ["counter", "verify", "--sandbox", running().arg(), "--card", "renewed"];
    let screen = pmh_in("ja_JP.UTF-8", args);
    let lines: Vec<&str> = screen.stdout.lines().collect();
    assert_eq!(lines[1].trim(), "この窓口で公費を適用");
    assert!(lines[3].contains("この窓口で公費を適用してください"));
    assert!(screen.stdout.contains("負担者番号") && screen.stdout.contains("88138243"));
    assert!(lines.last().unwrap().contains("記録の証明: 確認済み"));
    assert!(!screen.stdout.contains('\u{1b}'), "no colours into a pipe");
    let english = verify(&["--card", "renewed"]);
    assert!(english.stdout.lines().nth(1).unwrap().contains("Apply the subsidy here"));
}

#[test]
fn a_refused_group_is_not_consented_and_the_others_are_served() {
    let answer = verify(&["--card", "renewed", "--refuse", "52", "--json"]).json();
    assert_eq!(result(&answer, "52")["outcome"], "NOT_CONSENTED");
    assert_eq!(result(&answer, "88-13")["outcome"], "ELIGIBLE");
    let answer = verify(&["--card", "renewed", "--refuse", "*", "--json"]).json();
    assert_eq!(result(&answer, "88-13")["outcome"], "NOT_CONSENTED");
    // `88` is no group: taken for one, it would refuse nothing.
    assert_eq!(verify(&["--card", "renewed", "--refuse", "88"]).code, 2);
}

#[test]
fn only_the_groups_asked_about_are_listed() {
    let answer = verify(&["--card", "renewed", "--groups", "88-13", "--json"]).json();
    assert_eq!(answer["results"].as_array().unwrap().len(), 1);
    assert_eq!(result(&answer, "88-13")["outcome"], "ELIGIBLE");
}

#[test]
fn a_guardian_asks_for_the_child_or_for_herself() {
    let child = verify(&["--card", "mother", "--for-child", "--json"]).json();
    assert_eq!(result(&child, "88-13")["outcome"], "ELIGIBLE");
    let herself = verify(&["--card", "mother", "--for-child=false", "--json"]).json();
    assert_eq!(result(&herself, "88-13")["outcome"], "NO_ENTITLEMENT");
    let other = verify(&["--card", "mother", "--child-birth-date", "1999-01-01", "--json"]);
    assert_eq!((other.code, &other.json()["reason"]), (1, &"NO_CHILD".into()));
}

#[test]
fn care_day_and_chart_are_what_the_counter_says() {
    let answer =
        verify(&["--card", "reimbursed", "--care-type", "inpatient", "--date", "2016-01-01", "--json"]);
    assert_ne!(result(&answer.json(), "88-13")["outcome"], "ELIGIBLE");
    let conflict = verify(&["--card", "renewed", "--chart-birth-date", "1970-01-01", "--json"]).json();
    assert_eq!(
        (&conflict["state"], conflict["results"].as_array().unwrap().len()),
        (&"IDENTITY_CONFLICT".into(), 0)
    );
}

#[test]
fn who_may_not_ask_is_refused_in_words_for_a_receptionist() {
    let ran = verify(&["--as", "auditor-1", "--card", "renewed", "--json"]);
    let refusal = ran.json();
    assert_eq!((ran.code, &refusal["ok"]), (1, &false.into()));
    assert_eq!(refusal["reason"], "ROLE_NOT_ALLOWED");
    assert!(refusal["instruction"]["ja"].as_str().unwrap().contains("紙の受給者証"));
}

#[test]
fn a_wrong_pin_is_the_holders_to_type_again() {
    let ran = verify(&["--card", "renewed", "--pin", "0000", "--json"]);
    let refusal = ran.json();
    assert_eq!((ran.code, &refusal["reason"]), (1, &"CARD_PIN_WRONG".into()));
    assert!(refusal["instruction"]["ja"].as_str().unwrap().contains("あと2回"));
}

#[test]
fn an_unreachable_gateway_has_its_line_too() {
    let dir = tempfile::tempdir().unwrap();
    // Bound and closed again: nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = running().client_config(dir.path(), &free.to_string(), "1234");
    let args = ["counter", "verify", "--config", config.to_str().unwrap()];
    let ran = pmh_in("ja_JP.UTF-8", args);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stdout.contains("紙の受給者証で確認") && ran.stdout.contains("UNREACHABLE"),
        "{}",
        ran.stdout
    );
    assert_eq!(pmh(args.into_iter().chain(["--json"])).json()["reason"], "UNREACHABLE");
}

#[test]
fn a_client_configuration_is_enough() {
    let dir = tempfile::tempdir().unwrap();
    let config = running().client_config(dir.path(), &running().sandbox().address, "1234");
    let ran = pmh(["counter", "verify", "--config", config.to_str().unwrap(), "--json"]);
    let answer = ran.json();
    assert_eq!((ran.code, &answer["terminal"]), (0, &"tokyo-clinic-2".into()));
    assert_eq!(result(&answer, "88-13")["outcome"], "ELIGIBLE");
}

#[test]
fn what_was_typed_wrongly_is_said_and_nothing_is_guessed() {
    let unknown = verify(&["--card", "nobody"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("not-linked"), "the cards there are: {}", unknown.stderr);
    let unknown = verify(&["--card", "renewed", "--as", "nowhere"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("tokyo-clinic-1"));
    assert_eq!(pmh(["counter", "verify", "--card", "renewed"]).code, 2);
    let dir = tempfile::tempdir().unwrap();
    let config = running().client_config(dir.path(), "127.0.0.1:1", "1234");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("adress = \"x\"\n{text}")).unwrap();
    assert_eq!(pmh(["counter", "verify", "--config", config.to_str().unwrap()]).code, 2);
}
