//! `pmh me questionnaire`: shown, answered, amended, with the card in the app.

use serde_json::{Value, json};

use super::sandbox::{Ran, pmh_in, running};

/// The sandbox's child is three: `y2` is this test's own form.
fn form(locale: &str, more: &[&str]) -> Ran {
    let args = ["me", "questionnaire", "y2", "--sandbox", running().arg(), "--card", "mother"];
    pmh_in(locale, args.iter().chain(&["--municipality", "132012"]).chain(more))
}

fn answer(document: &Value, id: &str) -> Value {
    let questions = document["questions"].as_array().unwrap();
    questions
        .iter()
        .find(|asked| asked["question"] == id)
        .map_or(Value::Null, |asked| asked["answer"].clone())
}

#[test]
fn a_form_is_shown_answered_and_amended_and_hers_is_apart() {
    let empty = form("C.UTF-8", &["--for", "child", "--json"]);
    assert_eq!(empty.code, 0, "{}{}", empty.stdout, empty.stderr);
    let questions = empty.json()["questions"].as_array().unwrap().clone();
    let choice = questions.iter().find(|asked| asked["options"][1] == "いいえ").unwrap();
    let id = choice["question"].as_str().unwrap();
    for value in ["はい", "いいえ"] {
        let given = form("C.UTF-8", &["--for", "child", "--answer", &format!("{id}={value}"), "--json"]);
        assert_eq!((given.code, answer(&given.json(), id)), (0, json!(value)), "{}", given.stderr);
    }
    let screen = form("ja_JP.UTF-8", &["--for", "child"]).stdout;
    assert!(screen.contains("いいえ") && screen.contains("保護者の記録"), "{screen}");
    let own = form("C.UTF-8", &["--about-me", "2023-04-01", "--answer", "adviser=いいえ", "--json"]).json();
    assert_eq!((answer(&own, "adviser"), answer(&own, id)), (json!("いいえ"), Value::Null), "{own}");
    let wrong = form("C.UTF-8", &["--for", "child", "--answer", "adviser=はい", "--json"]);
    assert_eq!((wrong.code, &wrong.json()["reason"]), (1, &json!("INVALID_FIELDS")));
}
