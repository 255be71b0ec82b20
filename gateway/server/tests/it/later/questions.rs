//! A question that nobody answers.

use pmh_proto::audit::{
    AnswerQuestionRequest, ListQuestionsRequest, QuestionAccessRequest, QuestionReason, QuestionStatus,
};
use pmh_proto::common::Purpose;

use super::world::{CLINIC, DAY, Held, World};

async fn seen_by_the_citizen(world: &World, card: &mut Held, index: u64) -> QuestionStatus {
    let (app, presence) = world.sign_in(card).await;
    let list = app.gateway().my_accesses(&presence, &[]).await.unwrap();
    let access = list.accesses.iter().find(|access| access.index == index).unwrap();
    access.said.question.as_ref().unwrap().status()
}

async fn seen_by_the_clinic(world: &World, index: u64) -> (QuestionStatus, String) {
    let clinic = world.terminal(CLINIC).await;
    let questions = clinic.gateway().call(&ListQuestionsRequest::default(), None).await.unwrap();
    let question = questions.response.questions.into_iter().find(|known| known.index == index).unwrap();
    (question.status(), question.question_id)
}

#[tokio::test]
async fn a_question_is_overdue_after_the_configured_days_for_both_sides_and_may_still_be_answered() {
    let world = World::start(|config| config.questions.answer_days = 2).await;
    let mut card = world.card("child");
    let index = world.visit(&mut card).await.unwrap().proof.index;
    let (app, presence) = world.sign_in(&mut card).await;
    let request = QuestionAccessRequest {
        idempotency_key: pmh::sandbox::uuid(),
        purpose: Purpose::Patrqt.into(),
        index,
        reason: QuestionReason::NotPresent.into(),
        text: String::new(),
    };
    let asked = app.gateway().call(&request, Some(presence.bearer())).await.unwrap().response;
    let due = asked.due_time.unwrap().seconds;
    assert!((world.now() + 2 * DAY - due).abs() < 60, "two days from now");

    world.pass(2 * DAY - 120);
    assert_eq!(seen_by_the_citizen(&world, &mut card, index).await, QuestionStatus::Open);
    assert_eq!(seen_by_the_clinic(&world, index).await.0, QuestionStatus::Open);
    world.pass(240);
    assert_eq!(seen_by_the_citizen(&world, &mut card, index).await, QuestionStatus::Overdue);
    let (status, question_id) = seen_by_the_clinic(&world, index).await;
    assert_eq!(status, QuestionStatus::Overdue);

    let answer = AnswerQuestionRequest {
        idempotency_key: pmh::sandbox::uuid(),
        question_id,
        text: "遅くなりました。当日の受付で確認しました。".to_owned(),
    };
    world.terminal(CLINIC).await.gateway().call(&answer, None).await.unwrap();
    assert_eq!(seen_by_the_citizen(&world, &mut card, index).await, QuestionStatus::Answered);
    world.stop().await;
}
