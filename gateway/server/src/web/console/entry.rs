//! One entry: what it says, the proof that the log holds it, and how to check that without us.

use axum::{
    extract::{Query, rejection::QueryRejection},
    response::Response,
};
use maud::{Markup, html};
use pmh_audit::{Hash, note::Cosignature};
use pmh_proto::audit::{Entry, GetEntryRequest, GetEntryResponse};
use serde::Deserialize;

use super::{
    form::log_number,
    ladder,
    page::{Place, page},
    parts,
    proof::{Pieces, Proof, Side, Unproved, prove},
    refused,
    search::{categories, entry_link, kind, organization, purpose, recorded_as, time},
    visit::{GET_ENTRY, Visit},
    words,
};
use crate::ops::{
    log::{Log, inclusion},
    witnessing::cosigned_checkpoint,
};

/// Which entry.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    pub(super) log: String,
    pub(super) index: u64,
}

/// The page of one entry.
pub(super) async fn show(visit: Visit, asked: Result<Query<Which>, QueryRejection>) -> Response {
    let Ok(Query(asked)) = asked else { return visit.refuse(&refused::unreadable()) };
    let message = GetEntryRequest { log: log_number(&asked.log), index: asked.index };
    let call = visit.call(GET_ENTRY, &message);
    match visit.service.entry(&call, &message).await {
        Err(refusal) => visit.refused(&call, refusal).await,
        Ok(answer) => {
            let proved = proved(&visit, asked.log(), &answer).await;
            drawn(&visit, &asked, &answer, &proved)
        }
    }
}

impl Which {
    fn log(&self) -> Log {
        if self.log == "auth" { Log::Auth } else { Log::Gateway }
    }
}

/// The proof under the newest tree that a witness cosigned; until there is one, under the newest.
async fn proved(visit: &Visit, log: Log, answer: &GetEntryResponse) -> Result<Proof, Unproved> {
    let entry = answer.entry.clone().unwrap_or_default();
    let gateway = visit.gateway();
    let key = gateway.log_signer(log).verifier();
    let witnesses: Vec<_> = gateway.witnesses.list.iter().map(|witness| witness.key.clone()).collect();
    let pieces = |path, note| Pieces {
        index: entry.index,
        leaf: &entry.leaf,
        leaf_hash: &entry.leaf_hash,
        path,
        note,
    };
    let newest = prove(pieces(hashes(&answer.path)?, &answer.checkpoint), key, &witnesses)?;
    let Ok((size, note)) = cosigned_checkpoint(gateway, log, entry.index, 1).await else { return Ok(newest) };
    let Ok((path, _)) = inclusion(gateway, log, entry.index, size).await else { return Ok(newest) };
    prove(pieces(path, &note), key, &witnesses)
}

fn hashes(path: &[Vec<u8>]) -> Result<Vec<Hash>, Unproved> {
    path.iter().map(|hash| hash.as_slice().try_into().map_err(|_| Unproved::Length)).collect()
}

fn drawn(
    visit: &Visit,
    asked: &Which,
    answer: &GetEntryResponse,
    proved: &Result<Proof, Unproved>,
) -> Response {
    let text = visit.text;
    let entry = answer.entry.clone().unwrap_or_default();
    let title = format!("{} {}", text.entry, entry.index);
    let content = html! {
        p.steps {
            @if let Some(before) = entry.index.checked_sub(1) {
                a rel="prev" href=(entry_link(visit, &asked.log, before)) { (text.previous) }
            }
            a rel="next" href=(entry_link(visit, &asked.log, entry.index + 1)) { (text.following) }
        }
        h1 { (title) }
        @if let Some(receipt) = &answer.receipt { p.lead { (recorded_as(visit, receipt.index)) } }
        section aria-labelledby="fields" {
            h2 #fields { (text.fields) }
            (facts(visit, &entry))
        }
        @match proved {
            Err(_) => { p.verdict.bad role="alert" { (text.not_proved) } },
            Ok(proof) => (proof_sections(visit, &entry, proof)),
        }
        @if !entry.outside_jurisdiction { (parts::form(visit, &asked.log, entry.index)) }
    };
    page(visit, Place::Search, &title, &content)
}

/// The fields in words.
pub(super) fn facts(visit: &Visit, entry: &Entry) -> Markup {
    let (text, language) = (visit.text, visit.language);
    let kind = kind(entry);
    html! {
        @if entry.outside_jurisdiction {
            p { (text.outside_lead) }
        } @else {
            dl.facts {
                dt { (text.time) } dd { (time(entry)) }
                @if !entry.method.is_empty() {
                    dt { (text.deed) }
                    dd { (words::method(&entry.method, language)) " " code { (entry.method) } }
                }
                dt { (text.kind) } dd { (words::kind(kind, language)) }
                dt { (text.requester) } dd { (organization(visit, &entry.requester, text.none)) }
                dt { (text.holder) } dd { (organization(visit, &entry.holder, text.none_or_several)) }
                dt { (text.purpose) } dd { (purpose(visit, entry)) }
                dt { (text.outcome) } dd {
                    (words::outcome(kind, &entry.method, entry.outcome, language))
                }
                dt { (text.records) } dd { (categories(visit, entry)) }
            }
            p.note { (text.sealed) }
        }
        dl.facts { dt { (text.leaf_hash) } dd { code.long { (hex(&entry.leaf_hash)) } } }
    }
}

fn proof_sections(visit: &Visit, entry: &Entry, proof: &Proof) -> Markup {
    let (text, size) = (visit.text, proof.checkpoint.size());
    let words = visit.language.pick(
        format!("番号{}は、署名された{size}件のツリーに含まれています。", proof.index),
        format!("Entry {} is in the signed tree of {size} entries.", proof.index),
    );
    html! {
        section aria-labelledby="proof" {
            h2 #proof { (text.proof) }
            p.verdict.good { strong { (text.proved) } " – " (words) }
            p { (text.proof_read) }
            figure tabindex="0" role="region" aria-labelledby="proof" { (ladder::drawing(proof, text)) }
            details { summary { (text.path_table) } (path_table(visit, proof)) }
        }
        section aria-labelledby="checkpoint" {
            h2 #checkpoint { (text.checkpoint) }
            pre tabindex="0" role="region" aria-labelledby="checkpoint" { (proof.note) }
            h3 { (text.cosignatures) }
            (cosigned_by(visit, &proof.cosignatures))
        }
        @if let Some(written) = proof.text(&entry.leaf).filter(|_| !entry.leaf.is_empty()) {
            section aria-labelledby="check" {
                h2 #check { (text.check_yourself) }
                p { (text.check_lead) }
                pre.command tabindex="0" role="region" aria-labelledby="check" {
                    "pmh-audit receipt entry.tlog-proof --vkey " (vkey(visit, proof))
                }
                details {
                    summary { (text.proof_text) }
                    pre tabindex="0" role="region" aria-label=(text.proof_text) { (written) }
                }
            }
        }
    }
}

fn path_table(visit: &Visit, proof: &Proof) -> Markup {
    let text = visit.text;
    html! { table {
        thead { tr { th scope="col" { (text.level) } th scope="col" { (text.side) } th scope="col" { (text.hash) } } }
        tbody {
            @for (level, step) in (1..).zip(&proof.steps) { tr {
                th scope="row" { (level) }
                td { (if step.side == Side::Left { text.left } else { text.right }) }
                td { code.long { (hex(&step.sibling)) } }
            } }
            tr { th scope="row" { (text.top) } td {} td { code.long { (hex(proof.checkpoint.root())) } } }
        }
    } }
}

fn cosigned_by(visit: &Visit, cosignatures: &[Cosignature]) -> Markup {
    let text = visit.text;
    html! {
        @if cosignatures.is_empty() {
            p { (text.cosigned_none) }
        } @else {
            table {
                thead { tr { th scope="col" { (text.witness) } th scope="col" { (text.cosigned_at) } } }
                tbody { @for cosignature in cosignatures { tr {
                    th scope="row" { code { (cosignature.witness().name()) } }
                    td { (second(cosignature.time())) " – " (text.verified) }
                } } }
            }
        }
    }
}

fn vkey(visit: &Visit, proof: &Proof) -> String {
    let (gateway, auth) = visit.gateway().log_keys();
    let key = if proof.checkpoint.origin() == auth.name() { auth } else { gateway };
    key.to_string()
}

/// Seconds since 1970, in Japan.
pub(super) fn second(at: u64) -> String {
    let at = i64::try_from(at).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
    at.map(words::instant).unwrap_or_default()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
