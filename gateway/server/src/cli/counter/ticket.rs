//! `pmh counter ticket`: a card is presented, its holder's tickets (受診券・補助券) are listed, one pays for a visit.

use std::process::ExitCode;

use anyhow::Result;
use jiff::civil::Date;
use pmh_client::{Card, Presence, Presentation, Terminal};
use pmh_domain::time::tokyo_date;
use pmh_proto::checkup::{
    ListTicketsRequest, Ticket, TicketOutcome, TicketPart, TicketState, UseTicketRequest, UseTicketResponse,
};
use pmh_proto::common::Purpose;
use serde_json::{Value, json};

use super::access::{Access, AccessArgs};
use super::document::word;
use super::patient::{Patient, PatientArgs};
use super::screen::{indented, large, no_answer, said, unanswered};
use super::trouble::Trouble;
use super::visit::{choose, leave};
use crate::cli::issuer::checkup_rows;
use crate::cli::output::{Language, LanguageArgs, json as print_json, line, table};
use crate::sandbox::uuid;
use crate::system;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    patient: PatientArgs,
    /// Use this ticket, by its printed number; otherwise they are listed.
    #[arg(long = "use", value_name = "NUMBER", requires = "fee")]
    number: Option<String>,
    /// The whole fee of what the ticket pays for, whole yen.
    #[arg(long, value_name = "YEN")]
    fee: Option<u32>,
    /// Our own id of the visit: said again, it is the same use. Otherwise a new one.
    #[arg(long, value_name = "ID")]
    record: Option<String>,
    /// Day of the visit, YYYY-MM-DD; otherwise today in Tokyo.
    #[arg(long)]
    date: Option<Date>,
    /// Code of the municipality that this institution is in; some tickets are for it alone.
    #[arg(long, value_name = "CODE")]
    municipality: Option<String>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

/// What came of it.
struct Seen {
    tickets: Vec<Ticket>,
    /// The use that was wanted; `None` for a ticket that is not the person's.
    used: Option<UseTicketResponse>,
}

/// Runs it.
pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let place = args.access.place()?;
    let mut placed = place.card(args.patient.card.as_deref())?;
    let scenario = placed.visit.take();
    let access = place.access(scenario.as_ref().map(|visit| visit.terminal.as_str()))?;
    let patient = args.patient.patient(scenario.as_ref());
    let language = args.language.language();
    let day = match args.date {
        Some(day) => day,
        None => tokyo_date(system::now()?),
    };
    match visit(&access, &mut placed.card, &patient, args, day).await {
        Ok(seen) => {
            if args.json {
                print_json(&document(&seen, args))?;
            } else {
                screen(&seen, args, language).into_iter().for_each(line);
            }
            let pays = args.number.is_none() || seen.used.as_ref().is_some_and(is_covered);
            Ok(if pays { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(trouble) => {
            let screen = troubled(&trouble, language);
            let document = super::document::trouble(&trouble);
            unanswered(trouble, screen, &document, args.json)
        }
    }
}

async fn visit(
    access: &Access,
    card: &mut dyn Card,
    patient: &Patient,
    args: &Args,
    day: Date,
) -> Result<Seen, Trouble> {
    let terminal = access.terminal().await?;
    let mut presentation = Presentation::for_checkups(TEXT, Purpose::Treat);
    presentation.scopes.push(WRITE.to_owned());
    let mut presence = terminal.present(card, &presentation, system::now_s()).await?;
    if let Patient::Child { born } = *patient {
        let child = choose(&presence.dependants, born)?.child.clone();
        terminal.renew(&mut presence, Some(&child)).await?;
    }
    let seen = at_the_counter(&terminal, &presence, args, day).await;
    leave(&terminal, &presence).await;
    seen
}

async fn at_the_counter(
    terminal: &Terminal,
    presence: &Presence,
    args: &Args,
    day: Date,
) -> Result<Seen, Trouble> {
    let here = args.municipality.clone().unwrap_or_default();
    let request = ListTicketsRequest {
        purpose: Purpose::Treat.into(),
        institution_municipality: here.clone(),
        ..Default::default()
    };
    let gateway = terminal.gateway();
    let tickets = gateway.call(&request, Some(presence.bearer())).await?.response.tickets;
    let wanted = args.number.as_ref().and_then(|number| tickets.iter().find(|one| one.number == *number));
    let Some(ticket) = wanted else { return Ok(Seen { tickets, used: None }) };
    let request = UseTicketRequest {
        idempotency_key: uuid(),
        purpose: Purpose::Treat.into(),
        issuer: ticket.issuer.clone(),
        number: ticket.number.clone(),
        record_id: args.record.clone().unwrap_or_else(uuid),
        kind: ticket.kind,
        date: day.to_string(),
        fee_yen: args.fee.unwrap_or_default(),
        institution_municipality: here,
        ..Default::default()
    };
    let used = gateway.call(&request, Some(presence.bearer())).await?.response;
    Ok(Seen { tickets, used: Some(used) })
}

fn is_covered(used: &UseTicketResponse) -> bool {
    used.outcome() == TicketOutcome::Covered
}

fn document(seen: &Seen, args: &Args) -> Value {
    match (&args.number, &seen.used) {
        (None, _) => {
            let tickets: Vec<Value> = seen.tickets.iter().map(listed).collect();
            json!({ "ok": true, "tickets": tickets })
        }
        (Some(_), None) => json!({ "ok": false, "reason": "NOT_FOUND" }),
        (Some(_), Some(used)) => json!({
            "ok": is_covered(used),
            "outcome": word(used.outcome().as_str_name(), "TICKET_OUTCOME_"),
            "issuer_yen": used.issuer_yen,
            "family_yen": used.family_yen,
        }),
    }
}

fn listed(ticket: &Ticket) -> Value {
    let valid = ticket.valid.clone().unwrap_or_default();
    json!({
        "number": ticket.number,
        "issuer": ticket.issuer,
        "kind": word(ticket.kind().as_str_name(), "CHECKUP_KIND_"),
        "part": word(ticket.part().as_str_name(), "TICKET_PART_"),
        "cap_yen": ticket.cap_yen,
        "valid": { "from": valid.from, "to": valid.to },
        "state": word(ticket.state().as_str_name(), "TICKET_STATE_"),
        "today": word(ticket.today().as_str_name(), "TICKET_OUTCOME_"),
    })
}

fn screen(seen: &Seen, args: &Args, language: Language) -> Vec<String> {
    match (&args.number, &seen.used) {
        (None, _) => tickets(&seen.tickets, language),
        (Some(_), None) => large(
            language.pick("この方の券ではありません", "Not this person's ticket"),
            language.pick(
                "番号を確かめてください。券が読めないときは、紙の券と生年月日で使えます。",
                "Look at the number. The paper and the birth date serve where the card does not.",
            ),
        ),
        (Some(_), Some(used)) => {
            let headline = if is_covered(used) {
                language.pick("券が使えました", "The ticket pays")
            } else {
                language.pick("この券では払えません", "The ticket does not pay")
            };
            let mut lines = large(headline, said(used.sentence.as_ref(), language));
            let (issuer, family) = (used.issuer_yen, used.family_yen);
            lines.push(indented(language.pick(
                format!("公費 {issuer}円　自己負担 {family}円"),
                format!("municipality ¥{issuer}, family ¥{family}"),
            )));
            lines
        }
    }
}

fn tickets(tickets: &[Ticket], language: Language) -> Vec<String> {
    let count = tickets.len();
    let mut lines = large(
        &language.pick(format!("受診券 {count}枚"), format!("{count} tickets")),
        language.pick(
            "登録された券だけです。紙の券も確かめてください。",
            "Only what was registered: look at the paper too.",
        ),
    );
    let titles = language.pick(
        ["番号", "健診", "券種", "上限額", "使用期限", "状態"],
        ["number", "checkup", "part", "at most", "until", "state"],
    );
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    rows.extend(tickets.iter().map(|ticket| cells(ticket, language).to_vec()));
    lines.extend(table(&rows).into_iter().map(indented));
    lines
}

fn cells(ticket: &Ticket, language: Language) -> [String; 6] {
    let (kind, _) = checkup_rows::words(ticket.kind, 0);
    let (part, state) = (part(ticket.part()), state(ticket.state()));
    [
        ticket.number.clone(),
        kind.map_or("", |kind| language.pick(kind.ja(), kind.en())).to_owned(),
        language.pick(part.0, part.1).to_owned(),
        format!("¥{}", ticket.cap_yen),
        ticket.valid.clone().unwrap_or_default().to,
        language.pick(state.0, state.1).to_owned(),
    ]
}

fn part(part: TicketPart) -> (&'static str, &'static str) {
    match part {
        TicketPart::Unspecified => ("", ""),
        TicketPart::Basic => ("基本", "basic"),
        TicketPart::Ultrasound => ("超音波", "ultrasound"),
        TicketPart::Blood => ("血液検査", "blood"),
        TicketPart::BloodCount => ("血算", "blood count"),
        TicketPart::Gbs => ("GBS", "GBS"),
    }
}

fn state(state: TicketState) -> (&'static str, &'static str) {
    match state {
        TicketState::Unspecified => ("不明", "unknown"),
        TicketState::Issued => ("未使用", "unused"),
        TicketState::Used => ("使用済み", "used"),
        TicketState::Void => ("無効", "void"),
    }
}

fn troubled(trouble: &Trouble, language: Language) -> Vec<String> {
    no_answer(
        trouble,
        language.pick("確認できません", "Not known"),
        language.pick(
            "受診券の状態は、この画面では分かりません。紙の券は通常どおり使えます。",
            "This says nothing about any ticket: the paper counts as always.",
        ),
    )
}

const TEXT: &str = "受診券をこの窓口で確認し、使うことに同意しますか。";
/// Uses need it beside the scope of reading.
const WRITE: &str = pmh_auth::names::scope::CHECKUP_WRITE;
