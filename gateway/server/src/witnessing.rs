//! Every ten seconds, or as configured, each witness is shown what has grown; how long ago a quorum spoke is told.
//!
//! | metric | kind | labels |
//! |---|---|---|
//! | `pmh_log_witness_age_seconds` | gauge | none: since a quorum had cosigned all there was of both logs |
//! | `pmh_log_witness_shown_total` | counter | `log`, `witness`, `outcome`: `cosigned`, `failed`, `ahead` |
//!
//! The health service `pmh.audit.v1.Witnesses` says the same: NOT_SERVING after fifteen minutes without a quorum.
//! `ahead` means that a witness has seen more of this log than the database holds: stop, and find out why.

use std::sync::Arc;

use metrics::{counter, gauge};
use tokio::task::JoinSet;

use crate::{
    edge::Readiness,
    ops::{
        Gateway,
        log::Log,
        witnessing::{Heard, Quorum, Shown, Unshown, Witness, show},
    },
    upkeep::ticks,
};

/// Shows both logs until the program ends.
pub(crate) async fn follow_witnesses(gateway: &Arc<Gateway>, readiness: &Readiness) {
    if gateway.witnesses.list.is_empty() {
        return std::future::pending().await;
    }
    let mut rounds = ticks(gateway.witnesses.period);
    loop {
        rounds.tick().await;
        let time_us = gateway.now_us();
        if let (Some(records), Some(cards)) =
            tokio::join!(round(gateway, Log::Gateway), round(gateway, Log::Auth))
        {
            gateway.witnesses.hear(Heard { time_us, gateway: records, auth: cards });
        }
        let now_us = gateway.now_us();
        let age = gateway.witnesses.age(now_us);
        let is_late = gateway.witnesses.quorum(now_us) == Some(Quorum::Late);
        if is_late {
            tracing::warn!(seconds = age.as_secs(), "too few witnesses have cosigned");
        }
        gauge!("pmh_log_witness_age_seconds").set(age.as_secs_f64());
        readiness.witnesses(!is_late).await;
    }
}

/// Shows one log to everybody; its size, if a quorum has now cosigned all of it.
async fn round(gateway: &Arc<Gateway>, log: Log) -> Option<u64> {
    let head = gateway.reader(log).head().await.ok()?;
    if head.0 == 0 {
        return Some(0);
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
    (cosigned >= gateway.witnesses.quorum).then_some(head.0)
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
