//! Rows as senders send them: each kind of dirt has its reason.

use pmh_domain::checkup::item::RawEntry;
use pmh_domain::checkup::judgement::Finding;
use pmh_domain::checkup::kind::CheckupKind;
use pmh_domain::checkup::problem::Refusal;
use pmh_domain::checkup::questionnaire::{Answer, Origin, RawAnswers};
use pmh_domain::checkup::record::{Checkup, RawCheckup, changes, same_birth};

use super::world::{
    by, check, delivery, eighteen_months, entry, epds, found, girl, kept, newborn, postpartum, refused,
    visit, warned,
};

fn item(raw: RawCheckup, entry: RawEntry) -> RawCheckup {
    let mut items: Vec<RawEntry> =
        raw.items.iter().filter(|other| other.code != entry.code).cloned().collect();
    items.push(entry);
    RawCheckup { items, ..raw }
}

#[test]
fn whole_rows_of_every_stage_are_kept_without_a_warning() {
    for raw in [visit(), postpartum(), delivery("2"), newborn("child-1", 1), eighteen_months()] {
        let checked = check(&raw).unwrap();
        assert_eq!(checked.warnings, [], "{:?}", raw.kind);
        let json = serde_json::to_string(&checked.value).unwrap();
        assert!(serde_json::from_str::<Checkup>(&json).unwrap() == checked.value);
    }
    assert!(kept(&visit()).missing().is_empty());
    assert_eq!(kept(&postpartum()).missing(), ["diastolic", "systolic", "urine_protein", "urine_sugar"]);
}

#[test]
fn each_kind_of_dirt_is_named_by_path_and_reason() {
    let one = |entry: RawEntry| refused(check(&item(visit(), entry)));
    let cases = [
        (one(entry("mother_weight", "58.4", "g")), "items[mother_weight].unit", "UNIT"),
        (one(entry("mother_weight", "58.4", "")), "items[mother_weight].unit", "UNIT"),
        (one(entry("mother_weight", "５８", "kg")), "items[mother_weight].value", "VALUE"),
        (one(entry("mother_weight", "", "kg")), "items[mother_weight].value", "REQUIRED"),
        (one(entry("mother_weight", "584", "kg")), "items[mother_weight].value", "IMPOSSIBLE"),
        (one(by("guess", entry("urine_sugar", "-", ""))), "items[urine_sugar].method", "METHOD"),
        (one(by("standing", entry("oedema", "-", ""))), "items[oedema].method", "METHOD"),
        (one(entry("oedema", "5+", "")), "items[oedema].value", "VALUE"),
        (one(entry("blood_group_abo", "C", "")), "items[blood_group_abo].value", "UNKNOWN_CODE"),
        (one(entry("weight", "9.0", "kg")), "items[weight].code", "OTHER_KIND"),
        (one(entry("no_such_item", "1", "")), "items[?].code", "UNKNOWN_ITEM"),
        (one(entry("smoking", "yes", "")), "items[?].code", "WITHHELD"),
    ];
    for (problems, field, reason) in cases {
        assert_eq!(problems, [(field.to_owned(), reason)]);
    }
}

#[test]
fn all_problems_of_a_row_are_told_at_once() {
    let raw = RawCheckup {
        source_version: "1.2".into(),
        gestation: "45w0d".into(),
        gestation_basis: None,
        date: "2026-11-23".into(),
        ..visit()
    };
    let fields: Vec<String> = refused(check(&raw)).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["source_version", "date"]);
    let raw = RawCheckup { date: visit().date, pregnancy: String::new(), ..raw };
    let problems = refused(check(&raw));
    let expected = [
        ("source_version", "CHARACTERS"),
        ("pregnancy", "REQUIRED"),
        ("gestation", "VALUE"),
        ("gestation_basis", "REQUIRED"),
    ];
    assert_eq!(problems, expected.map(|(field, reason)| (field.to_owned(), reason)));
}

#[test]
fn what_is_rare_warns_and_what_contradicts_itself_is_refused() {
    let pressure = |high: &str, low: &str| {
        let raw = item(visit(), by("oscillometric", entry("systolic", high, "mmHg")));
        item(raw, by("oscillometric", entry("diastolic", low, "mmHg")))
    };
    assert_eq!(warned(check(&pressure("165", "72"))), [("items[systolic].value".to_owned(), "IMPLAUSIBLE")]);
    assert_eq!(refused(check(&pressure("72", "118")))[0].1, "CONTRADICTION");

    let double = RawCheckup { items: [visit().items, vec![entry("oedema", "-", "")]].concat(), ..visit() };
    assert_eq!(refused(check(&double)), [("items[oedema]".to_owned(), "DUPLICATE_ROW")]);

    let wrong_total = RawCheckup { scores: vec![epds([1; 10], Some(11))], ..postpartum() };
    assert_eq!(refused(check(&wrong_total)), [("scores[epds].total".to_owned(), "TOTAL_MISMATCH")]);
    let twice = RawCheckup { scores: vec![epds([1; 10], None), epds([1; 10], None)], ..postpartum() };
    assert_eq!(refused(check(&twice)), [("scores[epds]".to_owned(), "DUPLICATE_ROW")]);
}

#[test]
fn the_curves_find_what_fixed_bounds_cannot() {
    let with = |kg: &str, raw: RawCheckup| item(raw, entry("weight", kg, "kg"));
    let check = |raw: &RawCheckup| Checkup::validate(raw, &girl());
    assert!(warned(check(&eighteen_months())).is_empty());
    assert_eq!(
        warned(check(&with("3.2", eighteen_months()))),
        [("items[weight].value".to_owned(), "IMPLAUSIBLE")]
    );
    assert_eq!(refused(check(&with("9000", eighteen_months())))[0].1, "IMPOSSIBLE");
    let early = RawCheckup { date: "2026-11-21".into(), ..eighteen_months() };
    assert_eq!(warned(check(&early)), [("date".to_owned(), "AGE")]);
    let unborn = RawCheckup { date: "2025-05-21".into(), ..eighteen_months() };
    assert!(refused(check(&unborn)).contains(&("date".to_owned(), "DATE_OUT_OF_RANGE")));
}

#[test]
fn an_item_without_a_value_has_a_finding() {
    assert!(check(&item(visit(), found("ultrasound", Finding::Present))).is_ok());
    let neither = RawEntry { code: "ultrasound".into(), ..RawEntry::default() };
    assert_eq!(
        refused(check(&item(visit(), neither))),
        [("items[ultrasound].finding".to_owned(), "REQUIRED")]
    );
    let valued = RawEntry { value: "1".into(), ..found("ultrasound", Finding::None) };
    assert_eq!(refused(check(&item(visit(), valued))), [("items[ultrasound].value".to_owned(), "VALUE")]);
}

#[test]
fn what_was_not_examined_says_so_and_needs_no_value() {
    let not_done = RawEntry { unit: "kg".into(), ..found("mother_weight", Finding::NotExamined) };
    assert!(check(&item(visit(), not_done)).is_ok());
}

#[test]
fn an_individual_number_anywhere_quarantines_the_row() {
    // A published test value; no real number may be collected.
    for raw in [
        RawCheckup { own_code: "123456789018".into(), ..visit() },
        RawCheckup { record_id: "1234-5678-9018".into(), ..visit() },
        item(visit(), RawEntry { note: "１２３４５６７８９０１８".into(), ..entry("oedema", "-", "") }),
    ] {
        assert!(matches!(check(&raw), Err(Refusal::Quarantined(_))));
    }
}

#[test]
fn hard_names_and_characters_outside_every_set_are_kept_as_they_are() {
    // A variation selector, CJK extension B and G, combining kana, a private-use character.
    let note = "葛\u{E0100}飾 𠮷野 𰻞 か\u{3099} \u{E000}\n次の行";
    let raw = item(visit(), RawEntry { note: note.into(), ..entry("oedema", "-", "") });
    assert_eq!(kept(&raw).items["oedema"].note.as_bytes(), note.as_bytes());
    let control = item(visit(), RawEntry { note: "a\u{0}b".into(), ..entry("oedema", "-", "") });
    assert_eq!(refused(check(&control)), [("items[oedema].note".to_owned(), "CHARACTERS")]);
}

#[test]
fn the_municipalitys_own_code_travels_beside_ours() {
    let raw =
        RawCheckup { own_code: "B3".into(), own_label: "要指導(観察)".into(), ..eighteen_months() };
    let own = kept(&raw).own_code.unwrap();
    assert_eq!((own.code.as_str(), own.label.as_str()), ("B3", "要指導(観察)"));
    let label_only = RawCheckup { own_code: String::new(), ..raw };
    assert_eq!(refused(check(&label_only)), [("own_code".to_owned(), "REQUIRED")]);
}

#[test]
fn twins_are_two_children_of_one_pregnancy() {
    let mother = kept(&delivery("2"));
    let (first, second) = (kept(&newborn("child-1", 1)), kept(&newborn("child-2", 2)));
    let fields = |newborns: &[&Checkup]| {
        same_birth(&mother, newborns).into_iter().map(|problem| problem.field).collect::<Vec<_>>()
    };
    assert!(fields(&[&first, &second]).is_empty());
    assert!(fields(&[&first]).is_empty());
    assert_eq!(fields(&[&first, &kept(&newborn("child-2", 1))]), ["birth_order"]);
    assert_eq!(fields(&[&first, &kept(&newborn("child-1", 2))]), ["resident_key"]);
    let third = kept(&newborn("child-3", 3));
    assert_eq!(fields(&[&first, &second, &third]), ["birth_order", "items[children_born].value"]);
    let other = kept(&RawCheckup { pregnancy: "p-2".into(), ..newborn("child-2", 2) });
    assert_eq!(fields(&[&first, &other]), ["pregnancy"]);
    assert_eq!(refused(check(&RawCheckup { birth_order: None, ..newborn("child-1", 1) }))[0].1, "REQUIRED");
}

#[test]
fn answers_are_checked_against_the_version_they_name() {
    let answered = |version: &str, id: &str, value: &str| RawCheckup {
        questionnaire: Some(RawAnswers {
            form: "m18".into(),
            version: version.into(),
            answers: vec![(id.into(), Answer { value: value.into(), origin: Origin::Paper })],
        }),
        ..eighteen_months()
    };
    assert!(check(&answered("form3-t1", "words", "いいえ")).is_ok());
    for (version, id, value, reason) in [
        ("form3-t9", "words", "いいえ", "UNKNOWN_ITEM"),
        ("form3-t1", "stairs", "はい", "UNKNOWN_ITEM"),
        ("form3-t1", "words", "no", "VALUE"),
        ("form3-t1", "walks_alone", "2026/04", "DATE"),
    ] {
        assert_eq!(refused(check(&answered(version, id, value)))[0].1, reason, "{version} {id} {value}");
    }
}

#[test]
fn a_withdrawal_needs_no_content() {
    let raw = RawCheckup { withdrawn: true, gestation: String::new(), items: Vec::new(), ..visit() };
    let checkup = kept(&raw);
    assert!(checkup.withdrawn && checkup.items.is_empty() && checkup.missing().is_empty());
}

#[test]
fn a_preview_names_what_would_change_and_nothing_else() {
    let before = kept(&visit());
    let after = kept(&RawCheckup {
        source_version: "2".into(),
        ..item(visit(), by("dipstick", entry("urine_protein", "1+", "")))
    });
    let found = changes(&before, &after);
    let found: Vec<_> =
        found.iter().map(|c| (c.field.as_str(), c.before.as_deref(), c.after.as_deref())).collect();
    assert_eq!(found, [("items.urine_protein.value.grade", Some("±"), Some("1+"))]);
    assert!(changes(&before, &before).is_empty());
}

#[test]
fn a_debug_print_shows_no_content() {
    let raw = eighteen_months();
    let shown = format!("{raw:?} {:?} {:?} {:?}", kept(&raw), raw.items, epds([3; 10], None));
    for secret in ["9.0", "harsh", "child-1", "mother-1", "3"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

#[test]
fn every_kind_can_be_sent() {
    for kind in CheckupKind::ALL {
        let raw = RawCheckup { kind: Some(kind), items: Vec::new(), ..visit() };
        let raw = RawCheckup { birth_order: (kind == CheckupKind::Newborn).then_some(1), ..raw };
        let is_visit = kind == CheckupKind::Pregnancy;
        let gestation = if is_visit { raw.gestation.clone() } else { String::new() };
        assert!(check(&RawCheckup { gestation, ..raw }).is_ok(), "{kind:?}");
    }
}
