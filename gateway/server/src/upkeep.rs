//! What a log needs beside its appends: its tiles made, what was erased followed up, and somebody who reads all of it
//! again.
//!
//! | metric | kind | labels |
//! |---|---|---|
//! | `pmh_log_tiles_stored_total` | counter | `log` |
//! | `pmh_log_tiles_different_total` | counter | `log`: stored tiles that are not those of the entries |
//! | `pmh_log_scrub_position` | gauge | `log`: entries that the present reading has passed |
//! | `pmh_log_scrub_rounds_total` | counter | `log`: whole readings without a defect |
//! | `pmh_log_scrub_defects_total` | counter | `log`, `table` |
//! | `pmh_handoff_overdue` | gauge | `side`: reports and wishes that nobody at home has read within their time |
//! | `pmh_log_retention_erased_total` | counter | `log`: entries whose content went because their period was over |
//!
//! Anything but zero in `different` and `defects` means that somebody or something changed the database.

use std::{sync::Arc, time::Duration};

use metrics::{counter, gauge};
use pmh_domain::handoff::Side;
use pmh_store::{Fault, Scan};

use crate::ops::{
    Gateway,
    births::spread_births,
    erasure::retention::Retention,
    handoff::{count_overdue, deliver_due},
    log::Log,
};

/// Keeps one log until the program ends.
pub(crate) async fn keep_log(gateway: &Gateway, log: Log) {
    tokio::join!(make_tiles(gateway, log), scrub(gateway, log), retain(gateway, log));
}

/// Finishes erasures that a crash or a reader cut short; begins at start.
pub(crate) async fn follow_erasures(gateway: &Gateway) {
    let mut tick = ticks(Duration::from_secs(10));
    loop {
        tick.tick().await;
        if let Err(fault) = gateway.follow_erasures().await {
            tracing::warn!(error = %fault, "erasures not finished");
        }
    }
}

/// What handoffs tell other municipalities leaves within a second, and again until it has arrived.
pub(crate) async fn deliver_handoffs(gateway: &Arc<Gateway>) {
    let mut tick = ticks(Duration::from_millis(500));
    loop {
        tick.tick().await;
        if let Err(fault) = spread_births(gateway).await {
            tracing::warn!(error = %fault, "births not entered by handoffs");
        }
        if let Err(fault) = deliver_due(gateway).await {
            tracing::warn!(error = %fault, "messages of handoffs not sent");
        }
    }
}

/// An alarm that nobody reads must not be silent either: operators see how many there are, and of nobody.
pub(crate) async fn count_overdue_handoffs(gateway: &Gateway) {
    let mut tick = ticks(Duration::from_secs(15));
    loop {
        tick.tick().await;
        for (side, name) in [(Side::Home, "home"), (Side::Stay, "stay")] {
            match count_overdue(gateway, side).await {
                #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
                Ok(count) => gauge!("pmh_handoff_overdue", "side" => name).set(count as f64),
                Err(fault) => tracing::warn!(error = %fault, "overdue reports not counted"),
            }
        }
    }
}

/// Content whose period is over goes, where the operator wants that; once a day, beginning at start.
async fn retain(gateway: &Gateway, log: Log) {
    if gateway.retention == Retention::Off {
        return;
    }
    let mut day = ticks(DAY);
    loop {
        day.tick().await;
        match gateway.retain(log).await {
            Ok(erased) => counter!("pmh_log_retention_erased_total", "log" => log.role()).increment(erased),
            Err(fault) => tracing::warn!(error = %fault, ?log, "retention not finished"),
        }
    }
}

/// Tiles follow the commits within a second. Proofs do not wait for them.
async fn make_tiles(gateway: &Gateway, log: Log) {
    let mut keeper = match log {
        Log::Gateway => gateway.store.tile_keeper(),
        Log::Auth => gateway.auth.tile_keeper(),
    };
    let mut second = ticks(Duration::from_secs(1));
    loop {
        second.tick().await;
        match keeper.catch_up(|| gateway.attempt()).await {
            Ok(made) => {
                counter!("pmh_log_tiles_stored_total", "log" => log.role()).increment(made.stored);
                counter!("pmh_log_tiles_different_total", "log" => log.role()).increment(made.different);
            }
            Err(fault) => tracing::warn!(error = %fault, ?log, "tiles not made"),
        }
    }
}

/// Reads the log again and again, each round spread over a day, and begins at start.
async fn scrub(gateway: &Gateway, log: Log) {
    let mut day = ticks(DAY);
    loop {
        day.tick().await;
        if let Err(fault) = scrub_once(gateway, log).await {
            tracing::warn!(error = %fault, ?log, "log not read again");
        }
    }
}

async fn scrub_once(gateway: &Gateway, log: Log) -> Result<(), Fault> {
    let mut scan = Scan::begin(gateway.reader(log).clone()).await?;
    let a_second = (scan.size() / SECONDS).max(LEAST_A_SECOND);
    let mut second = ticks(Duration::from_secs(1));
    let mut told = 0;
    loop {
        second.tick().await;
        let goes_on = scan.step(a_second).await?;
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; 2^53 entries are far")]
        gauge!("pmh_log_scrub_position", "log" => log.role()).set(scan.position() as f64);
        for defect in scan.defects().iter().skip(told) {
            tracing::error!(?log, %defect, "the stored log is not what was committed");
            counter!("pmh_log_scrub_defects_total", "log" => log.role(), "table" => defect.table())
                .increment(1);
        }
        told = scan.defects().len();
        if !goes_on {
            break;
        }
    }
    if scan.defects().is_empty() {
        counter!("pmh_log_scrub_rounds_total", "log" => log.role()).increment(1);
    }
    Ok(())
}

/// A clock that never hurries to make up for what it missed.
pub(crate) fn ticks(period: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks
}

const DAY: Duration = Duration::from_hours(24);
/// A round takes less than the day that it has.
const SECONDS: u64 = 80_000;
/// A small log is read within minutes: 256 entries cost a millisecond.
const LEAST_A_SECOND: u64 = 256;
