//! Questionnaires over the wire: a mother answers at home, the office closes the sheet and hears what a nurse looks at,
//! and what she says about herself is in nobody's view but hers and the office's.

use pmh_client::{Gateway, Issuer, Presence, Presentation, Terminal};
use pmh_proto::checkup::{
    AnswerOrigin, CheckInRequest, CheckupKind, CheckupRecord, CheckupRow, GetQuestionnaireRequest,
    PutAnswersRequest, Questionnaire, QuestionnaireAnswer, Sheet, SheetName, SheetPart,
};
use pmh_proto::common::{Purpose, Reason};
use pmh_proto::resident::{PutRelationRequest, PutRestrictionRequest, RestrictionKind};

use super::rig::{CLINIC, HACHIOJI, Person, header, now, reason, today, uuid, world};

const APP: &str = "app:test-app";
const VERSION: &str = "form3-t1";

/// A mother and her child, residents of one town; invented.
struct Family {
    town: Gateway,
    mother: Person,
    child: Person,
}

impl Family {
    async fn new() -> Self {
        let town = world().gateway(HACHIOJI).await;
        let mother = Person::aged(33).registered(&town).await.linked(HACHIOJI).await;
        let child = Person::aged(2).registered(&town).await;
        let relation = PutRelationRequest {
            idempotency_key: uuid(),
            guardian_resident_key: mother.resident_key.clone(),
            child_resident_key: child.resident_key.clone(),
            ..Default::default()
        };
        town.call(&relation, None).await.unwrap();
        Self { town, mother, child }
    }

    /// Her card at a terminal: for herself, or for the child.
    async fn presents(&mut self, at: &str, purpose: Purpose, for_child: bool) -> At {
        let terminal = world().terminal(at).await;
        let mut presentation = Presentation::for_checkups("questionnaire", purpose);
        presentation.scopes.push("checkup:write".to_owned());
        let mut presence = terminal.present(&mut self.mother, &presentation, now()).await.unwrap();
        if for_child {
            let child = presence.dependants[0].child.clone();
            terminal.renew(&mut presence, Some(&child)).await.unwrap();
        }
        At { terminal, presence, purpose }
    }

    fn at_the_office(&self, names_mother: bool) -> SheetName {
        SheetName {
            resident_key: self.child.resident_key.clone(),
            mother_key: if names_mother { self.mother.resident_key.clone() } else { String::new() },
            form: "m18".to_owned(),
            ..Default::default()
        }
    }

    fn own_part(&self) -> SheetName {
        SheetName { child_birth_date: self.child.birth_date.to_string(), ..child_part() }
    }

    async fn office_sees(&self, names_mother: bool) -> Vec<Sheet> {
        let sheet = Some(self.at_the_office(names_mother));
        let request = GetQuestionnaireRequest { sheet, ..Default::default() };
        self.town.call(&request, None).await.unwrap().response.sheets
    }
}

/// A card at a terminal.
struct At {
    terminal: Terminal,
    presence: Presence,
    purpose: Purpose,
}

impl At {
    async fn sees(&self, sheet: SheetName) -> Result<Sheet, pmh_client::Error> {
        let request = GetQuestionnaireRequest {
            purpose: self.purpose.into(),
            sheet: Some(sheet),
            ..Default::default()
        };
        let seen = self.terminal.gateway().call(&request, Some(self.presence.bearer())).await?.response;
        let [sheet] = seen.sheets.as_slice() else { panic!("{} sheets", seen.sheets.len()) };
        Ok(sheet.clone())
    }

    async fn sends(&self, request: &PutAnswersRequest) -> Result<Vec<String>, pmh_client::Error> {
        let sent = self.terminal.gateway().call(request, Some(self.presence.bearer())).await?;
        Ok(sent.response.unanswered)
    }

    fn answers(&self, sheet: SheetName, given: &[(&str, &str)]) -> PutAnswersRequest {
        let origin =
            if self.purpose == Purpose::Patrqt { AnswerOrigin::App } else { AnswerOrigin::Interview };
        PutAnswersRequest { purpose: self.purpose.into(), ..answers(sheet, origin, given) }
    }
}

fn child_part() -> SheetName {
    let municipality = format!("urn:x-pmh:org:{HACHIOJI}");
    SheetName { municipality, form: "m18".to_owned(), ..Default::default() }
}

fn answers(sheet: SheetName, origin: AnswerOrigin, given: &[(&str, &str)]) -> PutAnswersRequest {
    let answer = |(question, value): &(&str, &str)| QuestionnaireAnswer {
        question: (*question).to_owned(),
        value: (*value).to_owned(),
        origin: origin.into(),
    };
    PutAnswersRequest {
        idempotency_key: uuid(),
        sheet: Some(sheet),
        version: VERSION.to_owned(),
        answers: given.iter().map(answer).collect(),
        ..Default::default()
    }
}

fn check_in(sheet: SheetName) -> CheckInRequest {
    CheckInRequest { idempotency_key: uuid(), sheet: Some(sheet), ..Default::default() }
}

fn value(sheet: &Sheet, id: &str) -> Option<(String, AnswerOrigin)> {
    let asked = sheet.questions.iter().find(|asked| asked.question == id).expect("is asked");
    asked.answer.as_ref().map(|answer| (answer.value.clone(), answer.origin()))
}

fn given(value: &str, origin: AnswerOrigin) -> (String, AnswerOrigin) {
    (value.to_owned(), origin)
}

#[tokio::test]
async fn a_mother_answers_at_home_and_the_nurse_hears_what_to_look_at() {
    let mut family = Family::new().await;
    let for_child = family.presents(APP, Purpose::Patrqt, true).await;
    let first = for_child.answers(child_part(), &[("words", "いいえ"), ("cup", "はい")]);
    let open = for_child.sends(&first).await.unwrap();
    assert!(!open.contains(&"words".to_owned()) && open.contains(&"walks_alone".to_owned()));
    for_child
        .sends(&for_child.answers(child_part(), &[("cup", "いいえ"), ("bottle", "いいえ")]))
        .await
        .unwrap();
    for_child.sends(&first).await.expect("the first answer again");
    let seen = for_child.sees(child_part()).await.unwrap();
    assert_eq!(
        value(&seen, "cup"),
        Some(given("いいえ", AnswerOrigin::App)),
        "a repeated call amends nothing"
    );
    assert_eq!((seen.revision, seen.part()), (2, SheetPart::Child));
    assert!(seen.questions.iter().all(|asked| !asked.concern), "a family is told of no concern");
    assert!(seen.questions.iter().all(|asked| asked.question != "adviser"), "that is hers alone");

    let herself = family.presents(APP, Purpose::Patrqt, false).await;
    herself.sends(&herself.answers(family.own_part(), &[("adviser", "いいえ")])).await.unwrap();
    let own = herself.sees(family.own_part()).await.unwrap();
    assert_eq!(
        (value(&own, "adviser"), own.part()),
        (Some(given("いいえ", AnswerOrigin::App)), SheetPart::Parent)
    );

    let office =
        answers(family.at_the_office(true), AnswerOrigin::Paper, &[("cup", "はい"), ("memo", "夜に泣く")]);
    family.town.call(&office, None).await.unwrap();
    let [child, mother] = family.office_sees(true).await.try_into().unwrap();
    assert_eq!(value(&child, "cup"), Some(given("はい", AnswerOrigin::Paper)));
    assert_eq!(value(&mother, "memo"), Some(given("夜に泣く", AnswerOrigin::Paper)));
    assert!(child.questions.iter().any(|asked| asked.question == "words" && asked.concern));

    let closing = check_in(family.at_the_office(true));
    let closed = family.town.call(&closing, None).await.unwrap().response;
    let concerns: Vec<_> = closed
        .concerns
        .iter()
        .map(|told| (told.part(), told.question.as_str(), told.value.as_str()))
        .collect();
    assert_eq!(concerns, [(SheetPart::Child, "words", "いいえ"), (SheetPart::Parent, "adviser", "いいえ")]);
    assert!(closed.unanswered.contains(&"walks_alone".to_owned()));
    let again = family.town.call(&check_in(family.at_the_office(true)), None).await.unwrap().response;
    assert_eq!((closed.checked_in_at, closed.concerns), (again.checked_in_at, again.concerns));

    for (at, sheet) in [(&for_child, child_part()), (&herself, family.own_part())] {
        assert!(at.sees(sheet.clone()).await.unwrap().checked_in_at.is_some());
        let late = at.answers(
            sheet.clone(),
            &[if sheet.child_birth_date.is_empty() { ("cup", "いいえ") } else { ("adviser", "はい") }],
        );
        assert_eq!(reason(at.sends(&late).await), Reason::StateNotAllowed);
    }
}

#[tokio::test]
async fn each_sees_their_own_part_and_says_what_is_theirs_to_say() {
    let mut family = Family::new().await;
    let for_child = family.presents(APP, Purpose::Patrqt, true).await;
    let hers = for_child.answers(child_part(), &[("adviser", "はい")]);
    assert_eq!(reason(for_child.sends(&hers).await), Reason::InvalidFields, "not as the child's guardian");
    assert_eq!(reason(for_child.sees(family.own_part()).await), Reason::SubjectMismatch);
    for (given, expected) in [
        (("cup", "たぶん"), Reason::InvalidFields),
        (("walks_alone", "2026-13"), Reason::InvalidFields),
        (("no_such", "はい"), Reason::InvalidFields),
    ] {
        assert_eq!(reason(for_child.sends(&for_child.answers(child_part(), &[given])).await), expected);
    }
    let paper = PutAnswersRequest {
        purpose: Purpose::Patrqt.into(),
        ..answers(child_part(), AnswerOrigin::Paper, &[("cup", "はい")])
    };
    assert_eq!(reason(for_child.sends(&paper).await), Reason::InvalidFields, "an app is no paper");
    let old = PutAnswersRequest {
        version: "form3-t0".to_owned(),
        ..for_child.answers(child_part(), &[("cup", "はい")])
    };
    assert_eq!(reason(for_child.sends(&old).await), Reason::NotFound);
    let closing = CheckInRequest { purpose: Purpose::Patrqt.into(), ..check_in(child_part()) };
    let refused = for_child.terminal.gateway().call(&closing, Some(for_child.presence.bearer())).await;
    assert_eq!(reason(refused), Reason::RoleNotAllowed, "a family does not close its own sheet");

    let clinic = family.presents(CLINIC, Purpose::Treat, true).await;
    clinic.sends(&clinic.answers(child_part(), &[("words", "いいえ")])).await.unwrap();
    let at_clinic = clinic.sees(child_part()).await.unwrap();
    assert!(at_clinic.questions.iter().any(|asked| asked.concern));
    assert_eq!(value(&at_clinic, "words"), Some(given("いいえ", AnswerOrigin::Interview)));
    let without = GetQuestionnaireRequest { sheet: Some(child_part()), ..Default::default() };
    assert_eq!(reason(clinic.terminal.gateway().call(&without, None).await), Reason::TokenMissing);
    let machida = world().gateway("municipality:132098").await;
    let theirs = GetQuestionnaireRequest { sheet: Some(family.at_the_office(false)), ..Default::default() };
    assert_eq!(reason(machida.call(&theirs, None).await), Reason::NotFound);

    let restriction = PutRestrictionRequest {
        idempotency_key: uuid(),
        resident_key: family.child.resident_key.clone(),
        kind: RestrictionKind::NonDisclosure.into(),
        ..Default::default()
    };
    family.town.call(&restriction, None).await.unwrap();
    let hidden = reason(for_child.sees(child_part()).await);
    assert!(
        matches!(hidden, Reason::NotFound | Reason::PresenceEnded),
        "as if there were nobody: {hidden:?}"
    );
    assert_eq!(family.office_sees(false).await.len(), 1);
}

#[tokio::test]
async fn months_of_the_record_are_filled_in_and_wait_to_be_confirmed() {
    let family = Family::new().await;
    let sheet = Questionnaire {
        form: "m18".to_owned(),
        version: VERSION.to_owned(),
        answers: answers(
            SheetName::default(),
            AnswerOrigin::Paper,
            &[("walks_alone", "2026-04"), ("cup", "はい")],
        )
        .answers,
    };
    let record = CheckupRecord {
        record_id: uuid(),
        source_version: "1".to_owned(),
        resident_key: family.child.resident_key.clone(),
        kind: CheckupKind::Month18.into(),
        date: today().to_string(),
        questionnaire: Some(sheet),
        ..Default::default()
    };
    let keys = pmh::sandbox::log_keys(&world().sandbox).unwrap();
    let town = Issuer::new(family.town.channel().clone(), family.town.identity().clone(), keys);
    let row = CheckupRow { row_id: "r-1".to_owned(), record: Some(record), holder: None };
    let summary = Box::pin(town.put(&header(), vec![row], |_| {})).await.unwrap();
    assert_eq!(summary.rows.unwrap().created, 1);

    let [seen] = family.office_sees(false).await.try_into().unwrap();
    assert_eq!(value(&seen, "walks_alone"), Some(given("2026-04", AnswerOrigin::Prefilled)));
    assert_eq!((value(&seen, "cup"), seen.revision), (None, 0), "a yes of then is no answer of today");
    let confirmed =
        answers(family.at_the_office(false), AnswerOrigin::Interview, &[("walks_alone", "2026-04")]);
    family.town.call(&confirmed, None).await.unwrap();
    let [seen] = family.office_sees(false).await.try_into().unwrap();
    assert_eq!(value(&seen, "walks_alone"), Some(given("2026-04", AnswerOrigin::Interview)));
    let taken_back = answers(family.at_the_office(false), AnswerOrigin::Interview, &[("walks_alone", "")]);
    family.town.call(&taken_back, None).await.unwrap();
    let [seen] = family.office_sees(false).await.try_into().unwrap();
    assert_eq!((value(&seen, "walks_alone"), seen.revision), (None, 2));
}
