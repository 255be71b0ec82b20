//! A family before a group checkup (集団健診): another day, answers from home, and what the nurse hears at the door.

mod script;

use anyhow::{Context as _, Result, ensure};
use pmh_client::{Gateway, Presence, Presentation};
use pmh_proto::{
    checkup::{
        AnswerOrigin, CancelPlaceRequest, CheckInRequest, CheckupKind, GetQuestionnaireRequest,
        ListSessionsRequest, PutAnswersRequest, PutSessionsRequest, QuestionnaireAnswer, RequestPlaceRequest,
        Session, SheetName, SheetPart, Standing,
    },
    common::{Purpose, Reason},
};
use serde_json::json;

use super::{
    house::House,
    stage::{Shown, Stage, Stopped},
};
use crate::{sandbox, system};
use script::{ANSWERED, CHAPTER, CHECKED_IN, MOVED};

/// Plays the chapter.
pub(super) async fn play(stage: &mut Stage, house: &House) -> Result<(), Stopped> {
    stage.open(&CHAPTER);
    let home = stage.play(&MOVED, moved(house)).await?;
    stage.play(&ANSWERED, answered(&home)).await?;
    stage.play(&CHECKED_IN, checked_in(house, &home)).await
}

/// The mother's telephone, once for the child and once for herself.
struct Home {
    app: Gateway,
    for_child: Presence,
    herself: Presence,
    child_birth_date: String,
}

async fn moved(house: &House) -> Result<(Home, Shown)> {
    let home = at_home(house).await?;
    let office = house.gateway(OFFICE).await?;
    office.call(&days(house)?, None).await?;
    let neighbours = RequestPlaceRequest { resident_key: NEIGHBOUR.to_owned(), ..place(SATURDAY) };
    office.call(&neighbours, None).await?;
    ensure!(stands(&home.asks(TUESDAY).await?) == (TUESDAY, ""), "Tuesday is not hers");
    let waiting = home.asks(SATURDAY).await?;
    ensure!(stands(&waiting) == (TUESDAY, SATURDAY), "she lost her place by asking for another");
    let given_up = CancelPlaceRequest {
        idempotency_key: sandbox::uuid(),
        resident_key: NEIGHBOUR.to_owned(),
        group: GROUP.to_owned(),
        ..Default::default()
    };
    let moved_up = office.call(&given_up, None).await?.response.moved_up;
    ensure!(moved_up == [CHILD], "nobody got the place that became free");
    let looked = ListSessionsRequest {
        purpose: Purpose::Patrqt.into(),
        municipality: HOME.to_owned(),
        group: GROUP.to_owned(),
        ..Default::default()
    };
    let seen = home.app.call(&looked, Some(home.for_child.bearer())).await?.response;
    ensure!(stands(&seen.standing.unwrap_or_default()) == (SATURDAY, ""), "Saturday is not hers");
    ensure!(seen.sessions.iter().all(|day| day.placed.is_empty()), "a family saw who else comes");
    let shown = Shown::default()
        .fact(
            "土曜は満員。火曜の予約を持ったまま、土曜の空きを待つ",
            "Saturday is full: she waits for it and keeps her Tuesday",
        )
        .fact(
            "別の家族が取りやめると、土曜の席がこの家族に移り、火曜が空いた",
            "another family cancels: Saturday is hers, and Tuesday is free again",
        )
        .field("place", SATURDAY);
    Ok((home, shown))
}

async fn answered(home: &Home) -> Result<((), Shown)> {
    let about_child = answers(sheet(), &[("own_name", "はい"), ("pretend", "いいえ")]);
    home.app.call(&about_child, Some(home.for_child.bearer())).await?;
    let amended = answers(sheet(), &[("own_name", "いいえ")]);
    home.app.call(&amended, Some(home.for_child.bearer())).await?;
    let about_herself = answers(home.own_part(), &[("adviser", "いいえ")]);
    home.app.call(&about_herself, Some(home.herself.bearer())).await?;
    let request = GetQuestionnaireRequest {
        purpose: Purpose::Patrqt.into(),
        sheet: Some(sheet()),
        ..Default::default()
    };
    let seen = home.app.call(&request, Some(home.for_child.bearer())).await?.response.sheets;
    let [child] = seen.as_slice() else { anyhow::bail!("{} sheets are in the child's view", seen.len()) };
    ensure!(child.revision == 2, "it changed {} times", child.revision);
    let asks_of_her = child.questions.iter().any(|asked| asked.question == "adviser");
    ensure!(!asks_of_her, "what she said about herself is in the child's view");
    let shown = Shown::default()
        .fact(
            "子どものことを2問。1問は書き直した",
            "two answers about the child, one of them changed afterwards",
        )
        .fact(
            "「相談できる人がいない」は母親本人の記録に入り、子どもの画面には出ない",
            "«nobody to ask for advice» is in her own record, and not in the child's view",
        )
        .field("revision", child.revision);
    Ok(shown.only())
}

async fn checked_in(house: &House, home: &Home) -> Result<((), Shown)> {
    let office = house.gateway(OFFICE).await?;
    let at_the_door = SheetName {
        resident_key: CHILD.to_owned(),
        mother_key: MOTHER.to_owned(),
        form: FORM.to_owned(),
        ..Default::default()
    };
    let request =
        CheckInRequest { idempotency_key: sandbox::uuid(), sheet: Some(at_the_door), ..Default::default() };
    let closed = office.call(&request, None).await?.response;
    let told: Vec<(SheetPart, &str)> =
        closed.concerns.iter().map(|told| (told.part(), told.question.as_str())).collect();
    let expected =
        [(SheetPart::Child, "own_name"), (SheetPart::Child, "pretend"), (SheetPart::Parent, "adviser")];
    ensure!(expected.iter().all(|one| told.contains(one)) && told.len() == 3, "the nurse was told {told:?}");
    let late = answers(sheet(), &[("own_name", "はい")]);
    let refused = home.app.call(&late, Some(home.for_child.bearer())).await;
    let reason = refused.err().and_then(|error| error.refused().map(|refused| refused.reason));
    ensure!(reason == Some(Reason::StateNotAllowed), "an answer came after check-in: {reason:?}");
    let shown = Shown::default()
        .fact(
            "保健師が見る回答は3つ。うち1つは母親のこと",
            "three answers for the nurse, one about the mother",
        )
        .fact("受付のあとの書き直しは断られた", "a change after check-in was refused")
        .field("concerns", json!(told.iter().map(|(_, question)| question).collect::<Vec<_>>()));
    Ok(shown.only())
}

async fn at_home(house: &House) -> Result<Home> {
    let terminal = house.terminal(APP).await?;
    let mut presentation = Presentation::for_checkups(script::CONSENT, Purpose::Patrqt);
    presentation.scopes.push(pmh_auth::names::scope::CHECKUP_WRITE.to_owned());
    let mut card = house.card("mother")?;
    let herself = terminal.present(&mut card, &presentation, system::now_s()).await?;
    let mut for_child = terminal.present(&mut card, &presentation, system::now_s()).await?;
    let child = for_child.dependants.first().context("the card opens no child")?.clone();
    terminal.renew(&mut for_child, Some(&child.child)).await?;
    let app = terminal.gateway().clone();
    Ok(Home { app, for_child, herself, child_birth_date: child.birth_date })
}

impl Home {
    async fn asks(&self, day: &str) -> Result<Standing> {
        let purpose = Purpose::Patrqt.into();
        let request = RequestPlaceRequest { purpose, municipality: HOME.to_owned(), ..place(day) };
        let answer = self.app.call(&request, Some(self.for_child.bearer())).await?.response;
        answer.standing.context("no standing")
    }

    fn own_part(&self) -> SheetName {
        SheetName { child_birth_date: self.child_birth_date.clone(), ..sheet() }
    }
}

/// Where a family has a place, and for which day it waits.
fn stands(standing: &Standing) -> (&str, &str) {
    (&standing.place, &standing.waiting_for)
}

/// Two days with one place each.
fn days(house: &House) -> Result<PutSessionsRequest> {
    let mut date = house.today();
    let mut sessions = Vec::new();
    for session_id in [TUESDAY, SATURDAY] {
        date = date.tomorrow()?;
        sessions.push(Session {
            session_id: session_id.to_owned(),
            date: date.to_string(),
            time: "13:30".to_owned(),
            hall: "保健センター".to_owned(),
            capacity: 1,
        });
    }
    Ok(PutSessionsRequest {
        idempotency_key: sandbox::uuid(),
        group: GROUP.to_owned(),
        kind: CheckupKind::Year3.into(),
        sessions,
    })
}

fn place(day: &str) -> RequestPlaceRequest {
    RequestPlaceRequest {
        idempotency_key: sandbox::uuid(),
        group: GROUP.to_owned(),
        session_id: day.to_owned(),
        ..Default::default()
    }
}

fn sheet() -> SheetName {
    SheetName { municipality: HOME.to_owned(), form: FORM.to_owned(), ..Default::default() }
}

fn answers(sheet: SheetName, given: &[(&str, &str)]) -> PutAnswersRequest {
    let answer = |(question, value): &(&str, &str)| QuestionnaireAnswer {
        question: (*question).to_owned(),
        value: (*value).to_owned(),
        origin: AnswerOrigin::App.into(),
    };
    PutAnswersRequest {
        idempotency_key: sandbox::uuid(),
        purpose: Purpose::Patrqt.into(),
        sheet: Some(sheet),
        version: VERSION.to_owned(),
        answers: given.iter().map(answer).collect(),
        ..Default::default()
    }
}

const OFFICE: &str = "hachioji-1";
const APP: &str = "app-1";
const HOME: &str = "urn:x-pmh:org:municipality:132012";
/// The invented world's mother, her child, and another family's.
const MOTHER: &str = "H-0001";
const CHILD: &str = "H-0002";
const NEIGHBOUR: &str = "H-0009";
const GROUP: &str = "3歳児健診";
const TUESDAY: &str = "火曜";
const SATURDAY: &str = "土曜";
const FORM: &str = "y3";
const VERSION: &str = "form3-t1";
