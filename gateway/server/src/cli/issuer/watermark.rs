//! `pmh issuer watermark`.

use std::process::ExitCode;

use anyhow::Result;
use jiff::Timestamp;
use pmh_domain::codes::LawNumber;
use pmh_domain::time::tokyo_minute;
use pmh_proto::eligibility::AdvanceWatermarkRequest;
use serde_json::json;

use crate::cli::counter::Trouble;
use crate::cli::counter::access::{Access, AccessArgs};
use crate::cli::output::{LanguageArgs, aside, json as print_json, line};
use crate::sandbox::uuid;
use crate::system;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    access: AccessArgs,
    /// 法別番号, two digits.
    #[arg(long, value_parser = LawNumber::parse)]
    law_no: LawNumber,
    /// Complete up to this instant, RFC 3339; otherwise now. Never moves back.
    #[arg(long)]
    as_of: Option<Timestamp>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

/// Runs it.
pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let access = args.access.place()?.access(None)?;
    let as_of = match args.as_of {
        Some(instant) => instant,
        None => system::now()?,
    };
    match advance(&access, args.law_no, as_of).await {
        Ok(as_of) => {
            if args.json {
                print_json(
                    &json!({ "ok": true, "law_no": args.law_no.to_string(), "as_of": as_of.to_string() }),
                )?;
            } else {
                let (law_no, minute) = (args.law_no, tokyo_minute(as_of));
                line(args.language.language().pick(
                    format!("法別{law_no}のデータは{minute}時点まで登録済みです。"),
                    format!("The data of scheme {law_no} is complete as of {minute} (Tokyo)."),
                ));
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(trouble) => refused(trouble, args.json),
    }
}

async fn advance(access: &Access, law_no: LawNumber, as_of: Timestamp) -> Result<Timestamp, Trouble> {
    let issuer = access.issuer().await?;
    let request = AdvanceWatermarkRequest {
        idempotency_key: uuid(),
        law_no: law_no.to_string(),
        as_of: Some(prost_types::Timestamp { seconds: as_of.as_second(), nanos: as_of.subsec_nanosecond() }),
    };
    let answer = issuer.gateway().call(&request, None).await?.response;
    let stands = answer.as_of.and_then(|known| Timestamp::new(known.seconds, known.nanos).ok());
    Ok(stands.unwrap_or(as_of))
}

/// A call that did not do what was asked.
pub(crate) fn refused(trouble: Trouble, as_json: bool) -> Result<ExitCode> {
    if as_json {
        print_json(&json!({ "ok": false, "reason": trouble.reason() }))?;
    }
    aside(format_args!("pmh: {:#}", anyhow::Error::from(trouble)));
    Ok(ExitCode::FAILURE)
}
