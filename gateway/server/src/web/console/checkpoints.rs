//! Checkpoints of both logs: the newest, what the witnesses said, and that each one led to the next.
//!
//! Everything here is a hash, a size or a signature, so to look at it is no entry. Who may look is still the policy's
//! to say: the page is part of the console, and the console is for whoever may search.

use axum::response::Response;
use maud::{Markup, html};
use pmh_audit::{Hash, tree::verify_consistency};
use pmh_proto::audit::SearchEntriesRequest;
use pmh_store::{Fault, StoredCosignature};

use super::{
    entry::{hex, second},
    page::{Place, page},
    visit::{SEARCH_ENTRIES, Visit},
    words,
};
use crate::{
    ops::{
        Gateway,
        log::{Log, checkpoint, consistency},
        unavailable,
    },
    rpc::status::Refusal,
};

/// The page.
pub(super) async fn show(visit: Visit) -> Response {
    let call = match visit.permitted(SEARCH_ENTRIES, &SearchEntriesRequest::default()).await {
        Ok(call) => call,
        Err(refused) => return refused,
    };
    let gateway = visit.gateway();
    let read =
        async { Ok((State::read(gateway, Log::Gateway).await?, State::read(gateway, Log::Auth).await?)) };
    let text = visit.text;
    match read.await {
        Err(refusal) => visit.refused(&call, refusal).await,
        Ok((records, cards)) => {
            let content = html! {
                h1 { (text.checkpoints_title) }
                p.lead { (text.checkpoints_lead) }
                (records.render(&visit, text.log_gateway, "gateway"))
                (cards.render(&visit, text.log_auth, "auth"))
            };
            page(&visit, Place::Checkpoints, text.checkpoints_title, &content)
        }
    }
}

/// What is known of one log.
struct State {
    note: String,
    size: u64,
    now: u64,
    quorum: u32,
    /// Size of the newest tree that a quorum cosigned.
    quorum_at: Option<u64>,
    /// Name and newest line of each configured witness.
    witnesses: Vec<(String, Option<StoredCosignature>)>,
    history: Vec<Past>,
}

/// One earlier checkpoint.
struct Past {
    size: u64,
    root: Hash,
    cosigned: usize,
    leads_on: Leads,
}

/// Whether a checkpoint is the beginning of the next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leads {
    Newest,
    Verified,
    Broken,
}

impl State {
    async fn read(gateway: &Gateway, log: Log) -> Result<Self, Refusal> {
        let reader = gateway.reader(log);
        let told = |fault: Fault| unavailable(&fault);
        let (size, _) = reader.head().await.map_err(told)?;
        let mut witnesses = Vec::new();
        for witness in &gateway.witnesses.list {
            let line = reader.newest_cosigned_by(&witness.key.to_string()).await.map_err(told)?;
            witnesses.push((witness.key.name().to_owned(), line));
        }
        let quorum = gateway.witnesses.quorum;
        let keys: Vec<String> =
            gateway.witnesses.list.iter().map(|witness| witness.key.to_string()).collect();
        let quorum_at = match quorum {
            0 => None,
            _ => reader.newest_cosigned(1, &keys, quorum).await.map_err(told)?.map(|known| known.size),
        };
        let note = if size == 0 { String::new() } else { checkpoint(gateway, log).await? };
        let now = u64::try_from(gateway.now_s()).unwrap_or_default();
        let history = history(gateway, log, size).await?;
        Ok(Self { note, size, now, quorum, quorum_at, witnesses, history })
    }

    fn render(&self, visit: &Visit, name: &str, id: &str) -> Markup {
        let text = visit.text;
        html! {
            section aria-labelledby=(id) {
                h2 id=(id) { (name) }
                h3 { (text.newest) }
                pre tabindex="0" role="region" aria-label=(text.newest) { (self.note) }
                h3 { (text.cosignatures) }
                (self.quorum(visit))
                (self.witnesses(visit))
                h3 { (text.history) }
                (self.history(visit))
            }
        }
    }

    fn quorum(&self, visit: &Visit) -> Markup {
        let text = visit.text;
        let (state, reached) = match (self.quorum, self.quorum_at) {
            (0, _) => (text.quorum_unset, None),
            (_, None) => (text.quorum_missing, Some(false)),
            (_, Some(_)) => (text.quorum_reached, Some(true)),
        };
        let (wanted, known) = (self.quorum, self.witnesses.len());
        html! {
            p.verdict.good[reached == Some(true)].bad[reached == Some(false)] {
                strong { (state) } " – " (visit.language.pick(
                    format!("設定された証人{known}のうち{wanted}の連署が必要"),
                    format!("{wanted} of {known} configured witnesses wanted"),
                ))
                @if let Some(size) = self.quorum_at {
                    (visit.language.pick(
                        format!("。{size}件まで連署済み、その後の記録は{}件。", self.size.saturating_sub(size)),
                        format!("; {size} entries cosigned, {} since.", self.size.saturating_sub(size)),
                    ))
                }
            }
        }
    }

    fn witnesses(&self, visit: &Visit) -> Markup {
        let text = visit.text;
        if self.witnesses.is_empty() {
            return html! { p { (text.no_witnesses) } };
        }
        html! { table {
            thead { tr {
                th scope="col" { (text.witness) }
                th.number scope="col" { (text.last_cosigned) }
                th.number scope="col" { (text.behind) }
                th scope="col" { (text.cosigned_at) }
                th scope="col" { (text.age) }
            } }
            tbody { @for (name, line) in &self.witnesses { tr {
                th scope="row" { code { (name) } }
                @match line {
                    None => { td colspan="4" { (text.never) } },
                    Some(line) => {
                        td.number { (line.size) }
                        td.number { (self.size.saturating_sub(line.size)) }
                        td { (second(line.time_s)) }
                        td { (words::span(self.now.saturating_sub(line.time_s), visit.language)) }
                    },
                }
            } } }
        } }
    }

    fn history(&self, visit: &Visit) -> Markup {
        let text = visit.text;
        let is_broken = self.history.iter().any(|past| past.leads_on == Leads::Broken);
        html! {
            @if is_broken {
                p.verdict.bad role="alert" { (text.history_broken) }
            } @else {
                p { (text.history_lead) }
            }
            table {
                thead { tr {
                    th.number scope="col" { (text.size) }
                    th scope="col" { (text.root) }
                    th.number scope="col" { (text.cosignature_count) }
                    th scope="col" { (text.consistent) }
                } }
                tbody { @for past in &self.history { tr {
                    th.number scope="row" { (past.size) }
                    td { code.long { (hex(&past.root)) } }
                    td.number { (past.cosigned) }
                    td { (match past.leads_on {
                        Leads::Newest => text.newest,
                        Leads::Verified => text.verified,
                        Leads::Broken => text.failed,
                    }) }
                } } }
            }
        }
    }
}

/// The newest checkpoints, newest first, each held against the one after it.
async fn history(gateway: &Gateway, log: Log, size: u64) -> Result<Vec<Past>, Refusal> {
    let reader = gateway.reader(log);
    // One batch has at least one entry, so so many entries back there are enough or all.
    let mut roots = Vec::new();
    let mut reach = SHOWN as u64;
    while roots.len() < SHOWN && roots.first().is_none_or(|(first, _)| *first > 1) && reach < 2 * size.max(1)
    {
        reach = reach.saturating_mul(4);
        let range = size.saturating_sub(reach)..size;
        roots = reader.roots(range).await.map_err(|fault| unavailable(&fault))?;
    }
    let mut newer: Option<(u64, Hash)> = None;
    let mut history = Vec::new();
    for (size, root) in roots.into_iter().rev().take(SHOWN) {
        let cosigned = reader.cosignatures(size).await.map_err(|fault| unavailable(&fault))?.len();
        let leads_on = match newer {
            None => Leads::Newest,
            Some((next, next_root)) => {
                let path = consistency(gateway, log, size, next).await?;
                let verified = verify_consistency(size, next, &path, &root, &next_root);
                if verified.is_ok() { Leads::Verified } else { Leads::Broken }
            }
        };
        history.push(Past { size, root, cosigned, leads_on });
        newer = Some((size, root));
    }
    Ok(history)
}

const SHOWN: usize = 12;
