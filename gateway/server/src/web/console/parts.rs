//! Sealed parts of one entry, opened under a warrant: a form that is posted, and what was inside.

use axum::{Form, extract::rejection::FormRejection, response::Response};
use maud::{Markup, html};
use pmh_audit::{ActorBody, DetailBody, Leaf, Opening, Part, Salt, SubjectBody};
use pmh_proto::audit::{EntryPart, OpenPartsRequest, OpenPartsResponse, OpenedPart};
use serde::Deserialize;

use super::{
    entry::{facts, hex},
    form::{field, log_number},
    page::{Place, page},
    refused,
    search::{entry_link, recorded_as},
    text::Text,
    visit::{OPEN_PARTS, Visit},
};

/// What is posted.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    log: String,
    index: u64,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    actor: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    warrant: String,
}

/// The form under an entry.
pub(super) fn form(visit: &Visit, log: &str, index: u64) -> Markup {
    let text = visit.text;
    let parts = [("subject", text.part_subject), ("actor", text.part_actor), ("detail", text.part_detail)];
    html! {
        section.open aria-labelledby="open" {
            h2 #open { (text.open_title) }
            p { (text.open_lead) }
            form action=(visit.link("/entry/parts", &[])) method="post" {
                input type="hidden" name="log" value=(log);
                input type="hidden" name="index" value=(index);
                fieldset {
                    legend { (text.parts) }
                    @for (name, words) in parts { div.check {
                        input id=(name) type="checkbox" name=(name) value="1";
                        label for=(name) { (words) }
                    } }
                }
                (field("warrant", text.warrant, "text", "", Some(text.warrant_hint)))
                div.act { button type="submit" { (text.do_open) } }
            }
        }
    }
}

/// Opens what is asked for.
pub(super) async fn open(visit: Visit, asked: Result<Form<Asked>, FormRejection>) -> Response {
    let Ok(Form(asked)) = asked else { return visit.refuse(&refused::unreadable()) };
    let message = OpenPartsRequest {
        log: log_number(&asked.log),
        index: asked.index,
        parts: asked.parts(),
        warrant: asked.warrant.trim().to_owned(),
    };
    let call = visit.call(OPEN_PARTS, &message);
    match visit.service.parts(&call, &message).await {
        Ok(answer) => opened(&visit, &asked, &answer),
        Err(refusal) => visit.refused(&call, refusal).await,
    }
}

impl Asked {
    fn parts(&self) -> Vec<i32> {
        let ticked = [
            (&self.subject, EntryPart::Subject),
            (&self.actor, EntryPart::Actor),
            (&self.detail, EntryPart::Detail),
        ];
        ticked.into_iter().filter(|(tick, _)| !tick.is_empty()).map(|(_, part)| part.into()).collect()
    }
}

fn opened(visit: &Visit, asked: &Asked, answer: &OpenPartsResponse) -> Response {
    let text = visit.text;
    let entry = answer.entry.clone().unwrap_or_default();
    let leaf = Leaf::decode(&entry.leaf).ok();
    let title = format!("{} – {} {}", text.opened, text.entry, entry.index);
    let content = html! {
        p.steps { a href=(entry_link(visit, &asked.log, entry.index)) { (text.entry) " " (entry.index) } }
        h1 { (title) }
        @if let Some(receipt) = &answer.receipt { p.lead { (recorded_as(visit, receipt.index)) } }
        @for part in &answer.parts {
            section { (one(text, part, leaf.as_ref())) }
        }
        section aria-labelledby="fields" { h2 #fields { (text.fields) } (facts(visit, &entry)) }
    };
    page(visit, Place::Search, &title, &content)
}

fn one(text: &Text, opened: &OpenedPart, leaf: Option<&Leaf>) -> Markup {
    let (part, title) = match opened.part() {
        EntryPart::Subject => (Part::Subject, text.part_subject),
        EntryPart::Actor => (Part::Actor, text.part_actor),
        EntryPart::Detail | EntryPart::Unspecified => (Part::Detail, text.part_detail),
    };
    html! {
        h2 { (title) }
        @match said(part, opened, leaf) {
            Said::Erased(by) => {
                p { (text.part_erased) @if let Some(by) = by { " " (text.entry) " " (by) } }
            },
            Said::Nothing => { p { (text.part_none) } },
            Said::Misfit => { p.verdict.bad role="alert" { (text.opened_misfit) } },
            Said::Fields(fields) => {
                p.verdict.good { (text.opened_fits) }
                dl.facts { @for (name, value) in fields { dt { code { (name) } } dd { (value) } } }
            },
        }
    }
}

enum Said {
    Erased(Option<u64>),
    Nothing,
    Misfit,
    /// Named as the command line names them.
    Fields(Vec<(&'static str, String)>),
}

/// What a part says, after it was held against the leaf.
fn said(part: Part, opened: &OpenedPart, leaf: Option<&Leaf>) -> Said {
    let Some(opening) = &opened.opening else { return Said::Erased(opened.erased_by) };
    let salt: Option<[u8; 32]> = opening.salt.as_slice().try_into().ok();
    let fits = salt.zip(leaf).is_some_and(|(salt, leaf)| {
        let opening = Opening { salt: Salt::new(salt), body: opening.body.clone() };
        opening.opens(part, leaf.commitment(part))
    });
    match (fits, opening.body.is_empty()) {
        (false, _) => Said::Misfit,
        (true, true) => Said::Nothing,
        (true, false) => fields(part, &opening.body).map_or(Said::Misfit, Said::Fields),
    }
}

fn fields(part: Part, body: &[u8]) -> Option<Vec<(&'static str, String)>> {
    Some(match part {
        Part::Subject => vec![("sub", SubjectBody::decode(body).ok()?.sub().to_owned())],
        Part::Actor => {
            let actor = ActorBody::decode(body).ok()?;
            vec![
                ("terminal", actor.terminal.as_str().to_owned()),
                ("operator", actor.operator.as_str().to_owned()),
                ("certificate_sha256", hex(&actor.certificate_sha256)),
                ("acr", actor.acr.name().unwrap_or_default().to_owned()),
                ("tier", actor.tier.name().unwrap_or_default().to_owned()),
                ("trace_id", hex(&actor.trace_id)),
            ]
        }
        Part::Detail => {
            let detail = DetailBody::decode(body).ok()?;
            let outcomes = detail.outcomes.iter().map(|row| {
                let issuer = row.issuer.as_ref().map(ToString::to_string).unwrap_or_default();
                ("outcome", format!("{issuer} {} {}", row.group.as_str(), row.outcome))
            });
            let mut fields = vec![
                ("request_sha256", hex(&detail.request_sha256)),
                ("response_sha256", hex(&detail.response_sha256)),
                ("reference", detail.consent.as_str().to_owned()),
            ];
            fields.extend(outcomes);
            fields
        }
        Part::Chain => return None,
    })
}
