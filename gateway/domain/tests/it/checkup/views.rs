//! What is about the mother never shows in a view of the child.

use pmh_domain::checkup::item::{Item, RawEntry, Shape, items};
use pmh_domain::checkup::kind::{CheckupKind, Subject};
use pmh_domain::checkup::questionnaire::{Answer, Origin, RawAnswers, forms};
use pmh_domain::checkup::record::{Checkup, RawCheckup};
use pmh_domain::checkup::visibility::{ItemClass, Viewer};

use super::world::{check, delivery, eighteen_months, epds, kept, newborn, postpartum, visit, warned};

/// An eighteen-month checkup with everything that such a row may hold.
fn full() -> Checkup {
    let (version, form) = forms().find(|(_, form)| form.form == "m18").unwrap();
    let answers = form.items.iter().map(|question| {
        let value = question.options.first().cloned().unwrap_or_else(|| "2026-04".into());
        (question.id.clone(), Answer { value, origin: Origin::App })
    });
    let all = items().filter(|item| item.kinds.contains(&CheckupKind::Month18));
    kept(&RawCheckup {
        items: all.map(some_value).collect(),
        questionnaire: Some(RawAnswers {
            form: "m18".into(),
            version: version.into(),
            answers: answers.collect(),
        }),
        ..eighteen_months()
    })
}

fn some_value(item: &Item) -> RawEntry {
    let value = match item.shape {
        Shape::Amount | Shape::Count => item.refuse_above.unwrap().to_string(),
        Shape::Code => item.options[0].clone(),
        Shape::YesNo => "yes".into(),
        Shape::Grade => "-".into(),
        _ => String::new(),
    };
    let finding = value.is_empty().then_some(pmh_domain::checkup::judgement::Finding::None);
    RawEntry { code: item.code.clone(), value, unit: item.unit.clone(), finding, ..RawEntry::default() }
}

#[test]
fn home_answers_of_a_childs_checkup_are_hers_alone() {
    let row = full();
    for viewer in [Viewer::Child, Viewer::Guardian, Viewer::ChildsClinic] {
        let seen = row.seen_by(viewer).unwrap();
        assert!(seen.items.contains_key("weight") && seen.disposition.is_some());
        for code in ["harsh_discipline", "struck_in_anger", "economic_situation", "parenting_problems"] {
            assert!(row.items.contains_key(code) && !seen.items.contains_key(code), "{viewer:?} {code}");
        }
        let answers = seen.questionnaire.unwrap().answers;
        assert!(answers.contains_key("words"));
        assert!(!["adviser", "anxiety", "memo"].iter().any(|id| answers.contains_key(*id)), "{viewer:?}");
        assert_eq!(seen.mother_key, None);
    }
    let hers = row.seen_by(Viewer::Mother).unwrap();
    assert!(hers.items.contains_key("harsh_discipline") && !hers.items.contains_key("weight"));
    assert_eq!((hers.disposition, hers.questionnaire.unwrap().answers.len()), (None, 3));
    assert!(row.seen_by(Viewer::HomeMunicipality).unwrap() == row);
}

#[test]
fn a_partner_and_an_auditor_see_nothing() {
    for raw in [visit(), postpartum(), delivery("1"), newborn("child-1", 1), eighteen_months()] {
        for viewer in [Viewer::Partner, Viewer::Auditor] {
            assert!(kept(&raw).seen_by(viewer).is_none(), "{viewer:?} {:?}", raw.kind);
        }
    }
}

#[test]
fn a_mothers_record_does_not_open_to_her_childs_views() {
    for raw in [visit(), postpartum(), delivery("1")] {
        for viewer in [Viewer::Child, Viewer::Guardian, Viewer::ChildsClinic] {
            assert!(kept(&raw).seen_by(viewer).is_none(), "{viewer:?} {:?}", raw.kind);
        }
    }
    assert!(kept(&postpartum()).seen_by(Viewer::MothersClinic).is_some_and(|seen| seen.scores.len() == 1));
    let birth = kept(&newborn("child-1", 1)).seen_by(Viewer::Guardian).unwrap();
    assert!(birth.items.contains_key("birth_weight"));
}

#[test]
fn the_two_parts_are_the_whole_and_share_nothing() {
    let row = full();
    let (hers, its) = (row.part(Subject::Mother).unwrap(), row.part(Subject::Child).unwrap());
    assert_eq!(hers.items.len() + its.items.len(), row.items.len());
    assert!(hers.items.keys().all(|code| !its.items.contains_key(code)));
    let class = |code: &String| items().find(|item| item.code == *code).unwrap().class;
    assert!(hers.items.keys().all(|code| class(code).record(Subject::Child) == Subject::Mother));
    let answers = |part: &Checkup| part.questionnaire.as_ref().map_or(0, |sheet| sheet.answers.len());
    assert_eq!(answers(&hers) + answers(&its), answers(&row));
    assert!(kept(&visit()).part(Subject::Child).is_none());
}

#[test]
fn without_her_key_her_answers_reach_no_record_and_the_sender_is_told() {
    let raw = RawCheckup { mother_key: String::new(), ..eighteen_months() };
    assert_eq!(warned(check(&raw)), [("mother_key".to_owned(), "INCOMPLETE")]);
}

#[test]
fn epds_at_an_infants_checkup_stays_hers() {
    let raw = RawCheckup {
        kind: Some(CheckupKind::Month1),
        items: Vec::new(),
        scores: vec![epds([1; 10], Some(10))],
        ..eighteen_months()
    };
    let row = kept(&raw);
    for viewer in Viewer::ALL {
        let is_seen = row.seen_by(viewer).is_some_and(|seen| !seen.scores.is_empty());
        assert_eq!(is_seen, viewer.sees(ItemClass::MotherMind), "{viewer:?}");
    }
    assert_eq!(row.part(Subject::Mother).unwrap().scores.len(), 1);
    assert_eq!(row.part(Subject::Child).unwrap().scores.len(), 0);
}
