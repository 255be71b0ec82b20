//! `pmh counter checkup`: a card is presented, and what was examined is written down; or what became of it is asked.

use std::process::ExitCode;

use anyhow::Result;
use jiff::civil::Date;
use pmh_client::{Card, Error, Presentation};
use pmh_domain::checkup::{item, kind::CheckupKind};
use pmh_domain::time::tokyo_date;
use pmh_proto::checkup::{
    CheckupRecord, Delivery, Disposition, GetCheckupRequest, Instrument, InstrumentScores, ItemEntry,
    RecordCheckupRequest,
};
use pmh_proto::common::Purpose;
use serde_json::{Value, json};

use super::access::{Access, AccessArgs};
use super::document::{text, word};
use super::patient::{Patient, PatientArgs};
use super::screen::{indented, large, said, unanswered};
use super::trouble::Trouble;
use super::visit::{choose, leave};
use crate::cli::issuer::checkup_rows;
use crate::cli::output::{Language, LanguageArgs, json as print_json, line};
use crate::sandbox::uuid;
use crate::system;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    access: AccessArgs,
    /// Our own id of the visit: with a higher --source-version it is amended.
    record_id: String,
    /// Only ask what became of it; no card is needed.
    #[arg(long)]
    ask: bool,
    #[command(flatten)]
    patient: PatientArgs,
    /// Kind, as in the column `checkup_kind`.
    #[arg(long, required_unless_present = "ask")]
    kind: Option<CheckupKind>,
    /// Day, YYYY-MM-DD; otherwise today in Tokyo.
    #[arg(long)]
    date: Option<Date>,
    /// Version, a whole number.
    #[arg(long, value_name = "N", default_value = "1")]
    source_version: String,
    /// Our own key of the pregnancy.
    #[arg(long, value_name = "KEY", default_value = "")]
    pregnancy: String,
    /// A value in the item's own unit, such as weight=9.8.
    #[arg(long = "item", value_name = "CODE=VALUE", value_parser = entry)]
    items: Vec<ItemEntry>,
    /// The ten scores of an EPDS, item 1 first.
    #[arg(long, value_name = "SCORES", value_delimiter = ',')]
    epds: Vec<i32>,
    /// What happens next, such as OBSERVATION.
    #[arg(long, value_name = "WORD", value_parser = disposition)]
    disposition: Option<Disposition>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

/// Runs it. Exit 1 if nothing was written down, or nothing is known of it.
pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let place = args.access.place()?;
    let outcome = if args.ask {
        ask(&place.access(None)?, &args.record_id).await
    } else {
        let mut placed = place.card(args.patient.card.as_deref())?;
        let scenario = placed.visit.take();
        let access = place.access(scenario.as_ref().map(|visit| visit.terminal.as_str()))?;
        let patient = args.patient.patient(scenario.as_ref());
        let record = args.record(tokyo_date(system::now()?));
        write_down(&access, &mut placed.card, &patient, record).await
    };
    let language = args.language.language();
    match outcome {
        Ok(delivery) if args.json => print_json(&document(&args.record_id, &delivery))?,
        Ok(delivery) => screen(&delivery, language).into_iter().for_each(line),
        Err(trouble) => {
            let screen = not_kept(&trouble, language);
            let document = super::document::trouble(&trouble);
            return unanswered(trouble, screen, &document, args.json);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn write_down(
    access: &Access,
    card: &mut dyn Card,
    patient: &Patient,
    record: CheckupRecord,
) -> Result<Delivery, Trouble> {
    let terminal = access.terminal().await?;
    let mut presence = terminal.present(card, &Presentation::for_examination(TEXT), system::now_s()).await?;
    if let Patient::Child { born } = *patient {
        let child = choose(&presence.dependants, born)?.child.clone();
        terminal.renew(&mut presence, Some(&child)).await?;
    }
    let request = RecordCheckupRequest {
        idempotency_key: uuid(),
        record: Some(record),
        purpose: Purpose::Treat.into(),
        ..Default::default()
    };
    let outcome = terminal.call(&presence, &request).await;
    leave(&terminal, &presence).await;
    Ok(outcome?.response.delivery.unwrap_or_default())
}

async fn ask(access: &Access, record_id: &str) -> Result<Delivery, Trouble> {
    let terminal = access.terminal().await?;
    let purpose = Purpose::Treat.into();
    let request = GetCheckupRequest { record_id: record_id.to_owned(), purpose, ..Default::default() };
    let answer = terminal.gateway().call(&request, None).await?.response;
    Ok(answer.checkup.and_then(|read| read.delivery).unwrap_or_default())
}

impl Args {
    fn record(&self, today: Date) -> CheckupRecord {
        let epds =
            InstrumentScores { instrument: Instrument::Epds.into(), items: self.epds.clone(), total: None };
        CheckupRecord {
            record_id: self.record_id.clone(),
            source_version: self.source_version.clone(),
            kind: self.kind.map_or(0, checkup_rows::kind),
            date: self.date.unwrap_or(today).to_string(),
            pregnancy: self.pregnancy.clone(),
            items: self.items.clone(),
            scores: if self.epds.is_empty() { Vec::new() } else { vec![epds] },
            disposition: self.disposition.map_or(0, Into::into),
            ..CheckupRecord::default()
        }
    }
}

/// A value in the unit that the item has.
fn entry(argument: &str) -> Result<ItemEntry, String> {
    let (code, value) = argument.split_once('=').ok_or("CODE=VALUE")?;
    let known = item::item(code).ok_or("no such item")?;
    Ok(ItemEntry {
        code: code.to_owned(),
        value: value.to_owned(),
        unit: known.unit.clone(),
        ..ItemEntry::default()
    })
}

fn disposition(argument: &str) -> Result<Disposition, String> {
    Disposition::from_str_name(&format!("DISPOSITION_{argument}"))
        .ok_or_else(|| "no such judgement".to_owned())
}

fn document(record_id: &str, delivery: &Delivery) -> Value {
    json!({
        "ok": true,
        "record_id": record_id,
        "delivery": word(delivery.state().as_str_name(), "DELIVERY_STATE_"),
        "urgent": delivery.urgent,
        "text": text(delivery.text.as_ref()),
    })
}

fn screen(delivery: &Delivery, language: Language) -> Vec<String> {
    let headline = language.pick("記録しました", "Written down");
    large(headline, said(delivery.text.as_ref(), language))
}

/// With the fields to correct while the person is still there.
fn not_kept(trouble: &Trouble, language: Language) -> Vec<String> {
    let headline = language.pick("記録されていません", "Not written down");
    let mut lines = large(headline, &format!("[{}]", trouble.reason()));
    if let Trouble::Call(Error::Refused(refused)) = trouble {
        lines.extend(
            refused
                .fields
                .iter()
                .map(|field| indented(format!("{} [{}]", field.path, field.reason.as_str_name()))),
        );
    }
    lines
}

const TEXT: &str = "健診の記録を見て、今日の結果を記録することに同意しますか。";
