//! Every ten seconds, or as configured, each witness is shown what has grown; how long ago a quorum spoke is told.
//!
//! | metric | kind | labels |
//! |---|---|---|
//! | `pmh_log_witness_age_seconds` | gauge | none: since a quorum had cosigned all there was of both logs |
//! | `pmh_log_witness_shown_total` | counter | `log`, `witness`, `outcome`: `cosigned`, `failed`, `ahead` |
//!
//! The health service `pmh.audit.v1.Witnesses` says the same: NOT_SERVING after fifteen minutes without a quorum.
//! `ahead` means that a witness has seen more of this log than the database holds: stop, and find out why.

use std::{sync::Arc, time::Duration};

use metrics::{counter, gauge};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    edge::Readiness,
    ops::{
        Gateway,
        log::Log,
        witnessing::{Shown, Unshown, Witness, show},
    },
    upkeep::ticks,
};

/// Shows both logs until the program ends.
pub(crate) async fn follow_witnesses(gateway: &Arc<Gateway>, readiness: &Readiness) {
    if gateway.witnesses.list.is_empty() {
        return std::future::pending().await;
    }
    let mut rounds = ticks(gateway.witnesses.period);
    let mut heard = Instant::now();
    loop {
        rounds.tick().await;
        let began = Instant::now();
        let (records, cards) = tokio::join!(round(gateway, Log::Gateway), round(gateway, Log::Auth));
        if records && cards {
            heard = began;
        }
        let age = heard.elapsed();
        if age > WARN_AFTER {
            tracing::warn!(seconds = age.as_secs(), "too few witnesses have cosigned");
        }
        gauge!("pmh_log_witness_age_seconds").set(age.as_secs_f64());
        readiness.witnesses(age <= WARN_AFTER).await;
        gateway.witnesses.set_stopped(gateway.witnesses.stop_after.is_some_and(|after| age > after));
    }
}

/// Shows one log to everybody; whether a quorum has now cosigned all of it.
async fn round(gateway: &Arc<Gateway>, log: Log) -> bool {
    let Ok(head) = gateway.reader(log).head().await else { return false };
    if head.0 == 0 {
        return true;
    }
    let mut shown = JoinSet::new();
    for witness in &gateway.witnesses.list {
        let (gateway, witness) = (Arc::clone(gateway), witness.clone());
        shown.spawn(async move { show_if_grown(&gateway, log, &witness, head).await });
    }
    let mut cosigned = 0_u32;
    while let Some(done) = shown.join_next().await {
        cosigned += u32::from(done.unwrap_or(false));
    }
    cosigned >= gateway.witnesses.quorum
}

async fn show_if_grown(gateway: &Gateway, log: Log, witness: &Witness, head: (u64, pmh_audit::Hash)) -> bool {
    let shown = show(gateway, log, witness, head).await;
    if matches!(shown, Ok(Shown::Before)) {
        return true;
    }
    let outcome = match &shown {
        Ok(_) => "cosigned",
        Err(Unshown::Ahead(_)) => {
            tracing::error!(?log, "a witness has seen more of this log than the database holds");
            "ahead"
        }
        Err(trouble) => {
            tracing::warn!(?log, witness = witness.key.name(), error = %trouble, "not cosigned");
            "failed"
        }
    };
    let name = witness.key.name().to_owned();
    counter!("pmh_log_witness_shown_total", "log" => log.role(), "witness" => name, "outcome" => outcome)
        .increment(1);
    shown.is_ok()
}

/// audit.md §2.6.
const WARN_AFTER: Duration = Duration::from_mins(15);
