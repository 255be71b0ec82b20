//! `pmh me questionnaire`: the form before a checkup (問診票), shown and answered.

use std::process::ExitCode;

use anyhow::Result;
use jiff::civil::Date;
use pmh_client::{Presence, Presentation, Terminal};
use pmh_proto::checkup::{
    AnswerOrigin, GetQuestionnaireRequest, PutAnswersRequest, QuestionnaireAnswer, Sheet, SheetName,
};
use pmh_proto::common::Purpose;
use serde_json::{Value, json};

use super::{Holder, leave};
use crate::cli::counter::Trouble;
use crate::cli::issuer::watermark::refused;
use crate::cli::output::{Language, LanguageArgs, json as print_json, line, table};
use crate::sandbox::uuid;

#[derive(Debug, clap::Args)]
pub(super) struct Questionnaire {
    /// Code of the form: m1, m3_4, m6_7, m9_10, y1, m18, y2, y3.
    form: String,
    #[command(flatten)]
    holder: Holder,
    /// Six-digit code of the municipality of the checkup.
    #[arg(long, value_name = "CODE")]
    municipality: String,
    /// What is asked about myself, at the checkup of my child born on this day; nobody who acts for the child sees it.
    #[arg(long, value_name = "DATE", conflicts_with = "child")]
    about_me: Option<Date>,
    /// Answer a question, or change the answer; nothing after `=` takes it back. Several are allowed.
    #[arg(long = "answer", value_name = "QUESTION=ANSWER", value_parser = answer)]
    answers: Vec<(String, String)>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

/// Answers what is said, and shows the form as it stands.
pub(super) async fn run(args: &Questionnaire) -> Result<ExitCode> {
    let mut presentation = Presentation::for_checkups(TEXT, Purpose::Patrqt);
    presentation.scopes.push(pmh_auth::names::scope::CHECKUP_WRITE.to_owned());
    let (terminal, presence) = match args.holder.present_with(&presentation).await? {
        Ok(present) => present,
        Err(trouble) => return refused(trouble, args.json),
    };
    let sheet = answered(&terminal, &presence, args).await;
    leave(&terminal, &presence).await;
    match sheet {
        Ok(sheet) => {
            if args.json {
                print_json(&document(&sheet))?;
            } else {
                screen(&sheet, args.language.language()).into_iter().for_each(line);
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(trouble) => refused(trouble, args.json),
    }
}

async fn answered(terminal: &Terminal, presence: &Presence, args: &Questionnaire) -> Result<Sheet, Trouble> {
    let before = shown(terminal, presence, args).await?;
    if args.answers.is_empty() {
        return Ok(before);
    }
    let answer = |(question, value): &(String, String)| QuestionnaireAnswer {
        question: question.clone(),
        value: value.clone(),
        origin: AnswerOrigin::App.into(),
    };
    let request = PutAnswersRequest {
        idempotency_key: uuid(),
        purpose: Purpose::Patrqt.into(),
        sheet: Some(args.sheet()),
        version: before.version,
        answers: args.answers.iter().map(answer).collect(),
        ..Default::default()
    };
    terminal.call(presence, &request).await?;
    shown(terminal, presence, args).await
}

async fn shown(terminal: &Terminal, presence: &Presence, args: &Questionnaire) -> Result<Sheet, Trouble> {
    let request = GetQuestionnaireRequest {
        purpose: Purpose::Patrqt.into(),
        sheet: Some(args.sheet()),
        ..Default::default()
    };
    let sheets = terminal.call(presence, &request).await?.response.sheets;
    Ok(sheets.into_iter().next().unwrap_or_default())
}

impl Questionnaire {
    fn sheet(&self) -> SheetName {
        SheetName {
            municipality: format!("urn:x-pmh:org:municipality:{}", self.municipality),
            child_birth_date: self.about_me.map(|born| born.to_string()).unwrap_or_default(),
            form: self.form.clone(),
            ..Default::default()
        }
    }
}

fn document(sheet: &Sheet) -> Value {
    let questions: Vec<Value> = sheet
        .questions
        .iter()
        .map(|asked| {
            let answer = asked.answer.as_ref();
            json!({
                "question": asked.question,
                "text": asked.text,
                "options": asked.options,
                "answer": answer.map(|answer| &answer.value),
                "prefilled": answer.is_some_and(|answer| answer.origin() == AnswerOrigin::Prefilled),
            })
        })
        .collect();
    let closed = sheet.checked_in_at.is_some();
    json!({ "ok": true, "form": sheet.form, "version": sheet.version, "closed": closed, "questions": questions })
}

fn screen(sheet: &Sheet, language: Language) -> Vec<String> {
    let mut lines = vec![sheet.title.clone()];
    if sheet.checked_in_at.is_some() {
        lines.push(
            language
                .pick("受付が済みました。回答は変えられません。", "Checked in: the answers are closed.")
                .to_owned(),
        );
    }
    let mark = language.pick("（前の記録から）", " (from an earlier record)");
    let rows = sheet.questions.iter().map(|asked| {
        let answer = asked.answer.as_ref().map_or_else(
            || "―".to_owned(),
            |answer| {
                let prefilled = answer.origin() == AnswerOrigin::Prefilled;
                format!("{}{}", answer.value, if prefilled { mark } else { "" })
            },
        );
        vec![asked.question.clone(), asked.text.clone(), answer]
    });
    lines.extend(table(&rows.collect::<Vec<_>>()));
    lines
}

fn answer(text: &str) -> Result<(String, String), String> {
    let (question, value) = text.split_once('=').ok_or("QUESTION=ANSWER")?;
    Ok((question.to_owned(), value.to_owned()))
}

const TEXT: &str = "健診の問診票を表示し、回答することに、このカードを使います。";
