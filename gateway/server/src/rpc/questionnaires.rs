//! `pmh.checkup.v1.QuestionnaireService`.

use pmh_domain::checkup::{
    kind::Subject,
    questionnaire::{Answer, AnswerShape, Question, form},
};
use pmh_proto::{
    checkup::{self as pb, questionnaire_service_server::QuestionnaireService},
    common::Reason,
};
use pmh_store::questionnaire::FilledSheet;
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{
    checkup::parse::{origin, origin_word},
    convert,
    fields::Fields,
    service::Service,
    status::Refusal,
    tickets::parse::{issuer, optional, wrong},
};
use crate::ops::{
    Call,
    questionnaires::{self as ops, Given, SheetView, SheetWish},
};

macro_rules! path {
    ($method:literal) => {
        concat!("/pmh.checkup.v1.QuestionnaireService/", $method)
    };
}

#[tonic::async_trait]
impl QuestionnaireService for Service {
    async fn get_questionnaire(
        &self,
        request: Request<pb::GetQuestionnaireRequest>,
    ) -> Result<Response<pb::GetQuestionnaireResponse>, Status> {
        let (call, message) = self.open(path!("GetQuestionnaire"), request)?;
        let outcome = self.questionnaire(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn put_answers(
        &self,
        request: Request<pb::PutAnswersRequest>,
    ) -> Result<Response<pb::PutAnswersResponse>, Status> {
        let (call, message) = self.open(path!("PutAnswers"), request)?;
        let outcome = self.answered(&call, message).await;
        self.answer(&call, outcome).await
    }

    async fn check_in(
        &self,
        request: Request<pb::CheckInRequest>,
    ) -> Result<Response<pb::CheckInResponse>, Status> {
        let (call, message) = self.open(path!("CheckIn"), request)?;
        let outcome = self.checked_in(&call, &message).await;
        self.answer(&call, outcome).await
    }
}

impl Service {
    async fn questionnaire(
        &self,
        call: &Call,
        message: &pb::GetQuestionnaireRequest,
    ) -> Result<pb::GetQuestionnaireResponse, Refusal> {
        let permit = self.permit_about(call, message.purpose, &message.subject)?;
        let mut checked = Fields::default();
        let wish = wish(&mut checked, message.sheet.as_ref());
        checked.finish()?;
        let render = |view: &SheetView<'_>| {
            let sheets = view.filled.sheets.iter().map(|filled| sheet(filled, view.tells_concerns));
            pb::GetQuestionnaireResponse { sheets: sheets.collect(), receipt: None }.encode_to_vec()
        };
        let wish = wish.ok_or_else(wrong)?;
        self.decode(ops::get_questionnaire(&self.gateway, call, &permit, wish, render).await?)
    }

    async fn answered(
        &self,
        call: &Call,
        message: pb::PutAnswersRequest,
    ) -> Result<pb::PutAnswersResponse, Refusal> {
        let permit = self.permit_about(call, message.purpose, &message.subject)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let wish = wish(&mut checked, message.sheet.as_ref());
        let version = checked.identifier("version", &message.version, MAX_CODE);
        let answers = answers(&mut checked, message.answers);
        checked.finish()?;
        let (Some(key), Some(wish), Some(version)) = (key, wish, version) else { return Err(wrong()) };
        let render = |view: &SheetView<'_>| {
            pb::PutAnswersResponse { unanswered: unanswered(view), receipt: None }.encode_to_vec()
        };
        let given = Given { version, answers };
        self.decode(ops::put_answers(&self.gateway, call, &permit, &key, wish, given, render).await?)
    }

    async fn checked_in(
        &self,
        call: &Call,
        message: &pb::CheckInRequest,
    ) -> Result<pb::CheckInResponse, Refusal> {
        let permit = self.permit_about(call, message.purpose, &message.subject)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let wish = wish(&mut checked, message.sheet.as_ref());
        checked.finish()?;
        let (Some(key), Some(wish)) = (key, wish) else { return Err(wrong()) };
        let render = |view: &SheetView<'_>| closed(view).encode_to_vec();
        self.decode(ops::check_in(&self.gateway, call, &permit, &key, wish, render).await?)
    }
}

fn wish(checked: &mut Fields, name: Option<&pb::SheetName>) -> Option<SheetWish> {
    let Some(name) = name else {
        checked.wrong("sheet", Reason::Required);
        return None;
    };
    let municipality = match name.municipality.as_str() {
        "" => None,
        urn => issuer(checked, "sheet.municipality", urn),
    };
    let resident_key = optional(checked, "sheet.resident_key", &name.resident_key);
    let mother_key = optional(checked, "sheet.mother_key", &name.mother_key);
    let child_born = checked.optional_date("sheet.child_birth_date", &name.child_birth_date);
    let form = checked.identifier("sheet.form", &name.form, MAX_CODE);
    Some(SheetWish { municipality, resident_key, mother_key, child_born, form: form? })
}

fn answers(checked: &mut Fields, sent: Vec<pb::QuestionnaireAnswer>) -> Vec<(String, Answer)> {
    match sent.len() {
        0 => checked.wrong("answers", Reason::Required),
        1..=MOST_ANSWERS => {}
        _ => checked.wrong("answers", Reason::Width),
    }
    let sent = sent.into_iter().take(MOST_ANSWERS).enumerate();
    let read = sent.filter_map(|(at, answer)| {
        let word = checked.word::<pb::AnswerOrigin>(&format!("answers[{at}].origin"), answer.origin);
        let question = checked.identifier(&format!("answers[{at}].question"), &answer.question, MAX_CODE);
        let origin = word.and_then(origin)?;
        Some((question?, Answer { value: answer.value, origin }))
    });
    read.collect()
}

fn sheet(filled: &FilledSheet, tells_concerns: bool) -> pb::Sheet {
    let answers = filled.sheet.answers();
    let concerns = if tells_concerns { answers.concerns() } else { Vec::new() };
    let asked = |question: &'static Question| pb::AskedQuestion {
        question: question.id.clone(),
        text: question.text.clone(),
        shape: shape(question.shape).into(),
        options: question.options.clone(),
        answer: answers.answers.get(&question.id).map(|answer| pb::QuestionnaireAnswer {
            question: question.id.clone(),
            value: answer.value.clone(),
            origin: origin_word(answer.origin).into(),
        }),
        concern: concerns.iter().any(|concern| concern.id == question.id),
    };
    let title = form(&answers.form, &answers.version).map(|form| form.title.clone());
    pb::Sheet {
        part: part(filled).into(),
        form: answers.form.clone(),
        version: answers.version.clone(),
        title: title.unwrap_or_default(),
        questions: filled.sheet.questions().map(asked).collect(),
        revision: filled.revision,
        checked_in_at: filled.sheet.checked_in().map(convert::instant),
    }
}

fn closed(view: &SheetView<'_>) -> pb::CheckInResponse {
    let sheets = &view.filled.sheets;
    let checked_in_at = sheets.first().and_then(|filled| filled.sheet.checked_in()).map(convert::instant);
    let concerns = sheets.iter().flat_map(concerns).collect();
    pb::CheckInResponse { checked_in_at, concerns, unanswered: unanswered(view), receipt: None }
}

fn concerns(filled: &FilledSheet) -> Vec<pb::Concern> {
    let answers = filled.sheet.answers();
    let concern = |question: &Question| pb::Concern {
        part: part(filled).into(),
        question: question.id.clone(),
        text: question.text.clone(),
        value: answers.answers.get(&question.id).map(|answer| answer.value.clone()).unwrap_or_default(),
    };
    answers.concerns().into_iter().map(concern).collect()
}

fn unanswered(view: &SheetView<'_>) -> Vec<String> {
    let sheets = view.filled.sheets.iter();
    sheets.flat_map(|filled| filled.sheet.unanswered()).map(|question| question.id.clone()).collect()
}

fn part(filled: &FilledSheet) -> pb::SheetPart {
    match filled.sheet.part() {
        Subject::Child => pb::SheetPart::Child,
        Subject::Mother => pb::SheetPart::Parent,
    }
}

fn shape(shape: AnswerShape) -> pb::AnswerShape {
    match shape {
        AnswerShape::Choice => pb::AnswerShape::Choice,
        AnswerShape::YearMonth => pb::AnswerShape::YearMonth,
        AnswerShape::Text => pb::AnswerShape::Text,
    }
}

const MAX_CODE: usize = 64;
const MOST_ANSWERS: usize = 100;
