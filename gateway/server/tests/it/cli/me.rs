//! `pmh me`: the citizen's own command.

use serde_json::Value;

use super::sandbox::{Ran, pmh, pmh_in, running};

fn accesses(more: &[&str]) -> Ran {
    pmh(["me", "accesses", "--sandbox", running().arg()].iter().chain(more))
}

fn visit(card: &str, more: &[&str]) {
    let visited = pmh(["counter", "verify", "--sandbox", running().arg(), "--card", card].iter().chain(more));
    assert_eq!(visited.code, 0, "{}", visited.stderr);
}

#[test]
fn i22_where_a_card_was_presented_is_a_list_in_plain_words() {
    visit("reimbursed", &[]);
    let list = accesses(&["--card", "reimbursed", "--presentations", "--lang", "ja"]);
    assert_eq!(list.code, 0, "{}", list.stderr);
    for word in
        ["あなたのカードが使われた記録", "カードを提示", "東京慈恵会医科大学附属病院", "抜けや入れ替えがない"]
    {
        assert!(list.stdout.contains(word), "{word}: {}", list.stdout);
    }
    assert!(!list.stdout.contains("たずねる"), "an entry of this list cannot be questioned");
}

fn methods(list: &Value) -> Vec<String> {
    let entries = list["entries"].as_array().unwrap().iter();
    entries.map(|entry| entry["proved"]["method"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn i22_the_list_is_a_table_in_plain_words() {
    visit("reimbursed", &[]);
    let list = accesses(&["--card", "reimbursed", "--lang", "ja"]);
    assert_eq!(list.code, 0, "{}", list.stderr);
    for word in [
        "いつ",
        "どこが",
        "何を",
        "なぜ",
        "東京慈恵会医科大学附属病院",
        "医療費助成の資格を確認",
        "抜けや入れ替えがない",
    ] {
        assert!(list.stdout.contains(word), "{word}: {}", list.stdout);
    }
    assert!(!list.stdout.contains('\u{1b}'));
    let english = accesses(&["--card", "reimbursed"]);
    assert!(english.stdout.contains("checked your medical subsidies"), "{}", english.stdout);
    assert!(english.stdout.contains("your own looks"), "own look-ups are hidden, and that is said");
    let all = accesses(&["--card", "reimbursed", "--all", "--json"]).json();
    // Other tests may present this card between the two looks.
    let looks = methods(&all).iter().filter(|method| *method == "ListMyAccesses").count();
    assert!(looks >= 2, "{:?}", methods(&all));
    assert!(all["entries"].as_array().unwrap().iter().any(|entry| entry["own_query"] == true));
}

#[test]
fn i22_a_guardian_reads_for_the_child_and_a_counter_prints() {
    visit("mother", &["--for-child"]);
    let hers = accesses(&["--card", "mother", "--for", "child", "--json"]).json();
    assert_eq!((hers["audience"].as_str(), hers["complete"].as_bool()), (Some("GUARDIAN"), Some(true)));
    assert!(methods(&hers).contains(&"VerifyEligibility".to_owned()));
    let paper = pmh_in(
        "ja_JP.UTF-8",
        ["me", "accesses", "--sandbox", running().arg(), "--as", "hachioji-1", "--card", "child", "--print"],
    );
    assert!(paper.stdout.starts_with("あなたの情報を扱った記録\n作成: "), "{}", paper.stdout);
    assert!(paper.stdout.contains("記録されずに行われたこと"), "what it cannot show is on the paper");
    let wrong = accesses(&["--card", "mother", "--for", "1999-01-01", "--json"]);
    assert_eq!((wrong.code, &wrong.json()["reason"]), (1, &"NO_CHILD".into()));
    assert_eq!(accesses(&["--card", "mother", "--for", "somebody"]).code, 2);
}

#[test]
fn i22_a_list_that_was_there_before_must_be_there_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mine");
    let file = file.to_str().unwrap();
    assert_eq!(accesses(&["--card", "designated", "--remember", file]).code, 0);
    assert_eq!(accesses(&["--card", "designated", "--remember", file]).code, 0);
    let other = accesses(&["--card", "traveller", "--remember", file]);
    assert_eq!(other.code, 1);
    assert!(other.stdout.contains("not shown"), "{}", other.stdout);
}

#[test]
fn i22_a_kept_list_is_verified_with_the_logs_key_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("list.json");
    visit("renewed", &[]);
    assert_eq!(accesses(&["--card", "renewed", "--save", file.to_str().unwrap()]).code, 0);
    let list = pmh_audit::AccessList::from_json(&std::fs::read(&file).unwrap()).unwrap();
    let verified = list.verify(&running().sandbox().log_vkey.parse().unwrap()).unwrap();
    assert!(verified.accesses.len() > 1);
}

#[test]
fn a_question_is_asked_by_the_entrys_number() {
    visit("lapsed", &[]);
    let list = accesses(&["--card", "lapsed", "--json"]).json();
    let index = list["entries"][0]["index"].as_u64().unwrap();
    let number = index.to_string();
    let ask = |more: &[&str]| {
        pmh(["me", "question", &number, "--sandbox", running().arg(), "--card", "lapsed"].iter().chain(more))
    };
    let asked = ask(&["--reason", "not-present", "--json"]);
    assert_eq!(asked.code, 0, "{}{}", asked.stdout, asked.stderr);
    assert_eq!(asked.json()["receipt"]["verified"], true);
    let again = ask(&["--reason", "other", "--text", "なぜですか", "--json"]);
    assert_eq!((again.code, &again.json()["reason"]), (1, &"STATE_NOT_ALLOWED".into()));
    let after = accesses(&["--card", "lapsed", "--json"]).json();
    let entries = after["entries"].as_array().unwrap();
    let questioned = entries.iter().find(|entry| entry["index"].as_u64() == Some(index)).unwrap();
    assert_eq!(questioned["question"]["status"], "OPEN");
}
