//! The doctor's chapter: a wrong shot is stopped before it is given, and one dose exists once.

mod baby;
mod script;

use anyhow::{Context as _, Result, ensure};
use jiff::{Timestamp, ToSpan as _};
use pmh_domain::{eligibility::Text, time::tokyo_minute};
use pmh_proto::vaccination::{
    DoseStatus, Evaluation, RecordDoseRequest, RecordDoseResponse, ReserveDoseResponse, ReserveOutcome,
    Verdict, WatchDosesRequest,
};
use prost_types::Timestamp as Instant;

use super::{
    evidence::{Evidence, judge},
    house::House,
    screen::Screen,
    stage::{Shown, Stage, Stopped},
};
use crate::cli::output::Language;
use baby::{Baby, Desk, record_request, shot};
use script::{
    AWAY, CHAPTER, INTERVAL, KANAGAWA, LATE, LETTER, OFFICE, OVERRIDE, PROVED, REASON, RECORDED, SAME_SECOND,
    TOKYO,
};

/// Plays the chapter.
pub(super) async fn play(stage: &mut Stage, house: &House) -> Result<(), Stopped> {
    stage.open(&CHAPTER);
    let language = stage.language();
    let mut scene = stage.play(&AWAY, Box::pin(no_letter(house))).await?;
    stage.play(&LETTER, letter_of_home(house, &scene)).await?;
    let race = stage.play(&SAME_SECOND, same_second(&scene)).await?;
    let first = stage.play(&RECORDED, recorded(&scene, &race)).await?;
    stage.play(&INTERVAL, wrong_interval(house, &scene)).await?;
    stage.play(&OVERRIDE, doctor_overrides(house, &scene)).await?;
    let late = stage.play(&LATE, late_and_in_error(house, &mut scene, &race)).await?;
    stage.play(&PROVED, proved_by_another_process(house, &[first, late], language)).await
}

/// The baby, and both clinics with the card presented.
struct Scene {
    baby: Baby,
    tokyo: Desk,
    kanagawa: Desk,
}

async fn no_letter(house: &House) -> Result<(Scene, Shown)> {
    let mut baby = Baby::born(house).await?;
    let tokyo = Desk::with_card(house, TOKYO, &mut baby.card).await?;
    let kanagawa = Desk::with_card(house, KANAGAWA, &mut baby.card).await?;
    let refused = kanagawa.reserve(shot("HEPB", house.today()), None).await?.response;
    ensure!(refused.outcome() == ReserveOutcome::Blocked, "answered {}", refused.outcome().as_str_name());
    let evaluation = refused.evaluation.context("no evaluation")?;
    let finding = evaluation.findings.iter().find(|finding| finding.kind == "NO_AUTHORIZATION");
    finding.context("the missing letter is not named")?;
    let shown = Shown::default()
        .screen(screen(&kanagawa, &evaluation))
        .field("finding", "NO_AUTHORIZATION")
        .field("verdict", word(&evaluation));
    Ok((Scene { baby, tokyo, kanagawa }, shown))
}

async fn letter_of_home(house: &House, scene: &Scene) -> Result<((), Shown)> {
    scene.baby.give_letter(house, "HEPB").await?;
    let judged = scene.kanagawa.evaluate(shot("HEPB", house.today())).await?;
    ensure!(judged.verdict() != Verdict::Block, "it is still stopped");
    let shown = Shown::default()
        .screen(screen(&scene.kanagawa, &judged))
        .fact(
            "依頼書はワクチンと期間を指し、健康被害救済も住所地のものになる",
            "the letter names vaccine and period; it also puts the shot under the home municipality's relief",
        )
        .field("verdict", word(&judged));
    Ok(shown.only())
}

/// Who got the number, and who did not.
struct Race {
    tokyo_holds: bool,
    held: ReserveDoseResponse,
}

async fn same_second(scene: &Scene) -> Result<(Race, Shown)> {
    let day = scene.baby.today;
    let (here, there) = tokio::join!(
        Box::pin(scene.tokyo.reserve(shot("HEPB", day), None)),
        Box::pin(scene.kanagawa.reserve(shot("HEPB", day), None))
    );
    let (here, there) = (here?.response, there?.response);
    let tokyo_holds = here.outcome() == ReserveOutcome::Reserved;
    let (held, refused, loser) =
        if tokyo_holds { (here, there, &scene.kanagawa) } else { (there, here, &scene.tokyo) };
    ensure!(held.outcome() == ReserveOutcome::Reserved, "nobody holds it");
    ensure!(refused.outcome() == ReserveOutcome::ReservedElsewhere, "both hold it");
    ensure!(refused.reserved_until == held.reserved_until, "another time is told");
    let until = clock(refused.reserved_until.as_ref())?;
    let large = Text::new(format!("{until}まで予約済み"), format!("Reserved until {until}"));
    let instruction = Text::new(
        "同じ回の接種が別の場所で始まっています。保護者に確かめてください。",
        "The same dose is about to be given elsewhere: ask the guardian.",
    );
    let shown = Shown::default()
        .screen(Screen::plain(&loser.place, large, instruction))
        .fact(
            "同時に届いた二つの予約のうち、取れたのは一つだけ。どこが取ったかは伝えない",
            "of two reservations sent at once exactly one holds; nobody is told where",
        )
        .field("reserved_until", until);
    Ok((Race { tokyo_holds, held }, shown))
}

async fn recorded(scene: &Scene, race: &Race) -> Result<(Evidence, Shown)> {
    let winner = if race.tokyo_holds { &scene.tokyo } else { &scene.kanagawa };
    let request = record_request(&race.held.reservation_id, shot("HEPB", scene.baby.today));
    let answer = winner.record(&request).await?;
    let dose = answer.response.dose.as_ref().context("no dose")?;
    ensure!((dose.status(), dose.dose_number) == (DoseStatus::Completed, 1), "recorded as {dose:?}");
    ensure!(dose.payer == HOME, "another pays");
    let index = answer.proof.index;
    let shown = Shown::default()
        .fact(
            format!("B型肝炎1回目、{}。費用は八王子市へ請求。記録 {index} 番", dose.date),
            format!("hepatitis B, dose 1, {}; Hachioji pays; entry {index} of the log", dose.date),
        )
        .field("index", index)
        .field("dose_number", dose.dose_number);
    Ok((Evidence::of_call(&request, &answer.response), shown))
}

async fn wrong_interval(house: &House, scene: &Scene) -> Result<((), Shown)> {
    let today = house.today();
    let (wished, right) = (today.checked_add(20.days())?, today.checked_add(28.days())?);
    let judged = scene.tokyo.evaluate(shot("HEPB", wished)).await?;
    ensure!(judged.verdict() == Verdict::Block, "it was not stopped");
    ensure!(judged.allowed_from == right.to_string(), "from {}", judged.allowed_from);
    let next = scene.tokyo.evaluate(shot("HEPB", right)).await?;
    ensure!(next.verdict() != Verdict::Block && next.dose_number == 2, "the day it names is no good");
    let shown = Shown::default()
        .screen(screen(&scene.tokyo, &judged))
        .fact(
            format!("27日以上あける＝{right}から。その日なら2回目として通る"),
            format!("27 clear days: from {right}; on that very day it passes as dose 2"),
        )
        .field("asked", wished.to_string())
        .field("allowed_from", judged.allowed_from.clone());
    Ok(shown.only())
}

async fn doctor_overrides(house: &House, scene: &Scene) -> Result<((), Shown)> {
    let today = house.today();
    scene.tokyo.record_late(shot("HIB", today.checked_sub(21.days())?)).await?;
    let stopped = scene.tokyo.reserve(shot("HIB", today), None).await?.response;
    ensure!(stopped.outcome() == ReserveOutcome::Blocked, "it was not stopped");
    let held = scene.tokyo.reserve(shot("HIB", today), Some(REASON)).await?;
    ensure!(held.response.outcome() == ReserveOutcome::Reserved, "the doctor was not heard");
    let logged = held.proof.detail.outcomes.iter().any(|row| row.outcome == OVERRIDDEN_STOP);
    ensure!(logged, "the log does not say that a doctor went on");
    let request = record_request(&held.response.reservation_id, shot("HIB", today));
    let dose = scene.tokyo.record(&request).await?.response.dose.context("no dose")?;
    ensure!(dose.override_reason == REASON && dose.findings.iter().any(|found| found.overridden), "no trace");
    let index = held.proof.index;
    let shown = Shown::default()
        .screen(screen(&scene.tokyo, &stopped.evaluation.context("no evaluation")?))
        .fact(
            format!("理由「{REASON}」とともに記録。ログ {index} 番に「医師が越えた規則」として残る"),
            format!(
                "recorded with the reason; entry {index} of the log names the rule that a doctor went past"
            ),
        )
        .field("index", index)
        .field("rule", dose.findings.first().map(|found| found.rule.clone()).unwrap_or_default());
    Ok(shown.only())
}

/// The clinic that was refused had given the shot all the same, on paper, while its line was down.
async fn late_and_in_error(house: &House, scene: &mut Scene, race: &Race) -> Result<(Evidence, Shown)> {
    let loser = if race.tokyo_holds { &scene.kanagawa } else { &scene.tokyo };
    let (request, answer) = loser.record_late(shot("HEPB", house.today())).await?;
    let dose = answer.dose.as_ref().context("no dose")?;
    ensure!(dose.status() == DoseStatus::AdministeredInError, "recorded as {}", dose.status().as_str_name());
    let told = told_to_home(house, &scene.baby, &dose.dose_id).await?;
    let shown = Shown::default()
        .fact(
            format!(
                "「間違い接種」として記録。八王子市へ届いた内容：宛名番号 {told}、ロット、接種者、止めた規則"
            ),
            format!("kept as a dose in error; Hachioji is told: resident {told}, lot, institution, rules"),
        )
        .field("status", "ADMINISTERED_IN_ERROR");
    Ok((Evidence::of_call(&request, &answer), shown))
}

/// The municipality's feed has the dose with what a 間違い報告 needs; returns the key under which it knows the baby.
async fn told_to_home(house: &House, baby: &Baby, dose_id: &str) -> Result<String> {
    let issuer = house.issuer(OFFICE).await?;
    let mut feed = issuer.gateway().watch_doses(&WatchDosesRequest::default()).await?;
    while let Some((message, _)) = feed.next().await? {
        let Some(dose) = message.dose.filter(|dose| dose.dose_id == dose_id) else { continue };
        let lot = dose.product.map(|product| product.lot_number).unwrap_or_default();
        ensure!(
            !lot.is_empty() && !dose.performer.is_empty() && !dose.findings.is_empty(),
            "something is missing"
        );
        ensure!(message.resident_key == baby.resident_key, "it is about somebody else");
        return Ok(message.resident_key);
    }
    anyhow::bail!("the municipality was not told")
}

async fn proved_by_another_process(
    house: &House,
    kept: &[Evidence],
    language: Language,
) -> Result<((), Shown)> {
    let mut shown = Shown::default();
    for (number, evidence) in kept.iter().enumerate() {
        let file = evidence.save(house.file(&format!("dose-{number}.json"))).await?;
        let verdict = judge(&file, &house.keys().gateway, language).await?;
        ensure!(verdict.code == Some(0), "the other process says: {}", verdict.said.join(" / "));
        shown = shown.table(verdict.said.into_iter().take(1));
    }
    let shown = shown
        .fact(
            "二つの記録とも、別のプロセスがログの公開鍵だけで検証（接続なし）",
            "both records verified by another process with the log's public key alone, without any connection",
        )
        .field("exit_code", 0);
    Ok(shown.only())
}

/// Verdict and the first finding, as the clinic's screen has them.
fn screen(desk: &Desk, evaluation: &Evaluation) -> Screen {
    let text = |text: Option<&pmh_proto::common::Text>| {
        text.map_or_else(|| Text::new("", ""), |text| Text::new(text.ja.clone(), text.en.clone()))
    };
    let finding = evaluation.findings.first().and_then(|finding| finding.text.as_ref());
    let mut instruction = if finding.is_some() { text(finding) } else { Text::new(CLEAR.0, CLEAR.1) };
    if !instruction.ja.ends_with('。') {
        instruction.ja += "。";
    }
    Screen::plain(&desk.place, text(evaluation.headline.as_ref()), instruction)
}

fn word(evaluation: &Evaluation) -> &'static str {
    evaluation.verdict().as_str_name().trim_start_matches("VERDICT_")
}

/// `14:32` in Tokyo.
fn clock(instant: Option<&Instant>) -> Result<String> {
    let instant = instant.context("no end")?;
    let minute = tokyo_minute(Timestamp::new(instant.seconds, instant.nanos)?);
    Ok(minute.split_once(' ').map(|(_, time)| time.to_owned()).unwrap_or_default())
}

/// The registry's number of a stop that a doctor went past.
const OVERRIDDEN_STOP: u16 = 12;
const HOME: &str = "urn:x-pmh:org:municipality:132012";

/// What a screen says where no rule finds anything.
const CLEAR: (&str, &str) = ("妨げる規則はありません。", "No rule stands against it.");

/// The record of a step and its answer.
type Recorded = (RecordDoseRequest, RecordDoseResponse);
