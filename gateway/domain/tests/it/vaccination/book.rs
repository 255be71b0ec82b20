//! A rule book that contradicts itself is refused, and says where.

use pmh_domain::vaccination::{BookError, RuleBook, RuleKind};
use serde_json::{Value, json};

use super::published::schedule;
use super::world::book;

fn embedded() -> Value {
    serde_json::from_str(include_str!("../../../data/vaccination/rules.json")).unwrap()
}

fn refused(change: impl FnOnce(&mut Value)) -> BookError {
    let mut book = embedded();
    change(&mut book);
    RuleBook::parse(&book.to_string()).unwrap_err()
}

fn series<'a>(book: &'a mut Value, code: &str) -> &'a mut Value {
    let all = book["series"].as_array_mut().unwrap();
    all.iter_mut().find(|series| series["code"] == code).unwrap()
}

#[test]
fn the_embedded_book_lists_its_rules_with_version_and_source() {
    let lines = book().lines();
    assert_eq!(book().version(), "2026-04-01");
    assert!(book().status().contains("not for clinical use"));
    assert!(lines.len() > 100);
    for line in &lines {
        assert_eq!(line.rule.version(), "2026-04-01");
        assert!(line.rule.sources().iter().all(|source| book().sources().contains_key(source)));
    }
    let ids: std::collections::BTreeSet<_> = lines.iter().map(|line| line.rule.id()).collect();
    assert_eq!(ids.len(), lines.len(), "ids are unique");
}

/// A series whose sources were not read again is unconfirmed in the published schedule, and here.
#[test]
fn what_the_schedule_marks_unconfirmed_stays_unconfirmed() {
    for vaccine in schedule()["vaccines"].as_array().unwrap() {
        let unread = vaccine["src"] == json!(["law-guideline"]);
        let id = format!("{}/series", vaccine["code"].as_str().unwrap());
        let lines = book().lines();
        let line = lines.iter().find(|line| line.rule.id() == id).unwrap();
        assert_eq!(line.rule.is_confirmed(), !unread, "{id}");
        assert_eq!(line.kind, RuleKind::Series);
    }
    assert!(!book().lines().iter().find(|line| line.rule.id() == "LIVE-LIVE").unwrap().rule.is_confirmed());
}

#[test]
fn every_published_vaccine_is_in_the_book_under_its_name() {
    for vaccine in schedule()["vaccines"].as_array().unwrap() {
        let code = super::world::code(vaccine["code"].as_str().unwrap());
        let series = book().series(&code).unwrap();
        assert_eq!(series.name.ja, vaccine["name_ja"].as_str().unwrap());
        assert_eq!(series.name.en, vaccine["name_en"].as_str().unwrap());
        assert_eq!(serde_json::to_value(series.kind).unwrap(), vaccine["kind"]);
    }
}

#[test]
fn contradictions_are_refused_by_name() {
    let twice = refused(|book| {
        let copy = series(book, "BCG").clone();
        book["series"].as_array_mut().unwrap().push(copy);
    });
    assert_eq!(twice, BookError::Twice("BCG".to_owned()));
    let sourceless = refused(|book| series(book, "BCG")["sources"] = json!([]));
    assert!(matches!(sourceless, BookError::Source(_)));
    let unknown = refused(|book| series(book, "BCG")["sources"] = json!(["a friend"]));
    assert!(matches!(unknown, BookError::Source(_)));
    let reversed = refused(|book| series(book, "MR1")["windows"][0]["age"]["to"] = json!({ "months": 6 }));
    assert_eq!(reversed, BookError::Window("MR1/window".to_owned()));
    let no_window = refused(|book| series(book, "MR1")["windows"] = json!([]));
    assert_eq!(no_window, BookError::Window("MR1".to_owned()));
    let two_kinds = refused(|book| {
        series(book, "MR1")["windows"][0]["school_years"] = json!({ "from_age": 6, "to_age": 6 });
    });
    assert_eq!(two_kinds, BookError::Window("MR1/window".to_owned()));
    let ended = refused(|book| {
        series(book, "MR1")["windows"][0]["in_force"] =
            json!({ "from": "2026-04-01", "through": "2026-03-31" });
    });
    assert_eq!(ended, BookError::Window("MR1/window".to_owned()));
}

#[test]
fn impossible_doses_and_schemes_are_refused_by_name() {
    let no_gap = refused(|book| series(book, "HEPB")["schemes"][0]["doses"][1] = json!({}));
    assert_eq!(no_gap, BookError::Doses("HEPB/dose-2".to_owned()));
    let none = refused(|book| series(book, "HEPB")["schemes"][0]["doses"] = json!([]));
    assert_eq!(none, BookError::Doses("HEPB".to_owned()));
    let two_units = refused(|book| {
        series(book, "HEPB")["schemes"][0]["doses"][1]["gap"] = json!({ "clear_days": 27, "months": 1 });
    });
    assert_eq!(two_units, BookError::Quantity("HEPB/dose-2".to_owned()));
    let negative =
        refused(|book| series(book, "HEPB")["schemes"][0]["doses"][1]["gap"] = json!({ "clear_days": -1 }));
    assert_eq!(negative, BookError::Quantity("HEPB/dose-2".to_owned()));
    let falling = refused(|book| series(book, "PCV")["schemes"][1]["first_to"] = json!({ "months": 3 }));
    assert_eq!(falling, BookError::Schemes("PCV".to_owned()));
    let closed = refused(|book| series(book, "PCV")["schemes"][3]["first_to"] = json!({ "months": 60 }));
    assert_eq!(closed, BookError::Schemes("PCV".to_owned()));
}

#[test]
fn broken_references_and_shapes_are_refused_by_name() {
    let stranger = refused(|book| series(book, "BCG")["replaces"] = json!(["SMALLPOX"]));
    assert_eq!(stranger, BookError::Reference("BCG".to_owned()));
    let one_sided = refused(|book| series(book, "BCG")["excludes"] = json!(["ROTA1"]));
    assert_eq!(one_sided, BookError::OneSided("BCG".to_owned()));
    let lower = refused(|book| series(book, "BCG")["code"] = json!("bcg"));
    assert_eq!(lower, BookError::Code("bcg".to_owned()));
    let nameless = refused(|book| book["version"] = json!(""));
    assert_eq!(nameless, BookError::Version);
    let pregnant = refused(|book| series(book, "RSV-MAT")["recipients"] = json!("everyone"));
    assert_eq!(pregnant, BookError::Recipients("RSV-MAT".to_owned()));
    // A misspelt limit would be no limit.
    let misspelt =
        refused(|book| series(book, "PCV")["schemes"][0]["doses"][3]["not_befor"] = json!({ "months": 12 }));
    assert!(matches!(misspelt, BookError::Shape { .. }));
    assert!(matches!(RuleBook::parse("{"), Err(BookError::Shape { .. })));
}
