//! `pmh me question`: why was this accessed?

use std::process::ExitCode;

use anyhow::Result;
use jiff::Timestamp;
use pmh_domain::time::tokyo_minute;
use pmh_proto::audit::{QuestionAccessRequest, QuestionReason};
use pmh_proto::common::Purpose;
use serde_json::json;

use super::{Holder, leave, troubled};
use crate::cli::counter::Trouble;
use crate::cli::output::{LanguageArgs, json as print_json, line};
use crate::sandbox::uuid;

#[derive(Debug, clap::Args)]
pub(super) struct Question {
    /// Number of the entry, as `pmh me accesses` shows it.
    index: u64,
    #[command(flatten)]
    holder: Holder,
    /// Why it is questioned.
    #[arg(long, value_enum)]
    reason: Reason,
    /// In one's own words, at most 500 characters; with `other` they are needed.
    #[arg(long, default_value = "", hide_default_value = true)]
    text: String,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Reason {
    /// その日は行っていない.
    NotPresent,
    /// その機関を知らない.
    UnknownOrganization,
    /// 目的が違う.
    Purpose,
    /// 回数が多すぎる.
    TooOften,
    /// そのほか.
    Other,
}

/// Asks.
pub(super) async fn run(args: &Question) -> Result<ExitCode> {
    let language = args.language.language();
    let (terminal, presence) = match args.holder.present().await? {
        Ok(present) => present,
        Err(trouble) => return troubled(&trouble, args.json, language),
    };
    let request = QuestionAccessRequest {
        idempotency_key: uuid(),
        purpose: Purpose::Patrqt.into(),
        index: args.index,
        reason: args.reason.number().into(),
        text: args.text.clone(),
    };
    let asked = terminal.call(&presence, &request).await;
    leave(&terminal, &presence).await;
    let asked = match asked {
        Ok(asked) => asked,
        Err(error) => return troubled(&Trouble::from(error), args.json, language),
    };
    let due = asked.response.due_time.as_ref().and_then(|due| Timestamp::new(due.seconds, 0).ok());
    if args.json {
        print_json(&json!({
            "ok": true,
            "question_id": asked.response.question_id,
            "due": due.map(|due| due.to_string()),
            "receipt": { "index": asked.proof.index, "verified": true },
        }))?;
    } else {
        let due = due.map(tokyo_minute).unwrap_or_default();
        line(language.pick("おたずねを届けました。", "Your question was delivered."));
        line(language.pick(format!("回答の期限: {due}"), format!("The answer is due by {due}.")));
    }
    Ok(ExitCode::SUCCESS)
}

impl Reason {
    fn number(self) -> QuestionReason {
        match self {
            Self::NotPresent => QuestionReason::NotPresent,
            Self::UnknownOrganization => QuestionReason::UnknownOrganization,
            Self::Purpose => QuestionReason::Purpose,
            Self::TooOften => QuestionReason::TooOften,
            Self::Other => QuestionReason::Other,
        }
    }
}
