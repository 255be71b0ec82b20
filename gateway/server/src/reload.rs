//! Rule books and thresholds change without a restart: SIGHUP reads their files again.
//!
//! A book is taken whole or not at all. A file that cannot be read, or that contradicts itself, leaves the old book in
//! force; log and metric say so, because an operator who sent the signal believes otherwise.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use metrics::counter;
use pmh_domain::{checkup::urgent::UrgentRules, vaccination::RuleBook};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Listens for SIGHUP from now on, so that no signal ends the program meanwhile.
pub(crate) fn hangups() -> Result<Signal> {
    signal(SignalKind::hangup()).context("SIGHUP")
}

/// Does something at every SIGHUP, until the program stops.
pub(crate) async fn on_hangup(mut hangups: Signal, stop: CancellationToken, again: impl Fn() + Send) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            told = hangups.recv() => if told.is_none() { return },
        }
        again();
    }
}

/// Takes the book in the file, or keeps the one in force.
pub(crate) fn again(book: &ArcSwap<RuleBook>, file: &Path) {
    let outcome = match read(file) {
        Ok(new) => {
            tracing::info!(old = book.load().version(), new = new.version(), "vaccination rules read again");
            book.store(Arc::new(new));
            "taken"
        }
        Err(error) => {
            let in_force = book.load().version().to_owned();
            tracing::error!(
                in_force,
                error = format!("{error:#}"),
                "vaccination rules refused: the old ones stay"
            );
            "refused"
        }
    };
    counter!("pmh_vaccination_rules_reloads_total", "outcome" => outcome).increment(1);
}

/// Takes the thresholds in the file, or keeps those in force.
pub(crate) fn thresholds_again(thresholds: &ArcSwap<UrgentRules>, file: &Path) {
    let outcome = match read_thresholds(file) {
        Ok(new) => {
            tracing::info!("EPDS thresholds read again");
            thresholds.store(Arc::new(new));
            "taken"
        }
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "EPDS thresholds refused: the old ones stay");
            "refused"
        }
    };
    counter!("pmh_checkup_thresholds_reloads_total", "outcome" => outcome).increment(1);
}

/// Municipalities' own thresholds from a file, beside the common ones.
pub(crate) fn read_thresholds(file: &Path) -> Result<UrgentRules> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    UrgentRules::parse(&text).context("checkup.thresholds")
}

/// A rule book from a file.
pub(crate) fn read(file: &Path) -> Result<RuleBook> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    RuleBook::parse(&text).context("vaccination.rules")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[tokio::test]
    async fn a_hangup_is_a_word_to_read_again_and_ends_nothing() {
        let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let listening = on_hangup(hangups().unwrap(), stop.clone(), move || sender.send(()).unwrap());
        let listening = tokio::spawn(listening);
        for _ in 0..2 {
            let me = std::process::id().to_string();
            assert!(std::process::Command::new("kill").args(["-HUP", &me]).status().unwrap().success());
            told.recv().await.unwrap();
        }
        stop.cancel();
        listening.await.unwrap();
    }

    #[test]
    fn a_good_book_is_taken_and_a_bad_one_leaves_the_old_in_force_and_is_counted() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules.json");
        let embedded = RuleBook::embedded().unwrap();
        let book = ArcSwap::from_pointee(embedded.clone());
        let text = include_str!("../../domain/data/vaccination/rules.json");
        let renamed = text.replacen(embedded.version(), "2099-04-01", 1);
        metrics::with_local_recorder(&recorder, || {
            fs::write(&file, &renamed).unwrap();
            again(&book, &file);
            assert_eq!(book.load().version(), "2099-04-01");
            for bad in ["", "{}", &renamed.replacen("\"HIB\"", "\"NOSUCH\"", 1)] {
                fs::write(&file, bad).unwrap();
                again(&book, &file);
                assert_eq!(book.load().version(), "2099-04-01");
            }
            fs::remove_file(&file).unwrap();
            again(&book, &file);
            assert_eq!(book.load().version(), "2099-04-01");
        });
        let said = handle.render();
        assert!(said.contains("pmh_vaccination_rules_reloads_total{outcome=\"taken\"} 1"), "{said}");
        assert!(said.contains("pmh_vaccination_rules_reloads_total{outcome=\"refused\"} 4"), "{said}");
    }

    #[test]
    fn thresholds_are_taken_whole_or_not_at_all() {
        let (hachioji, day) = ("municipality:132012", jiff::civil::date(2026, 11, 22));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("thresholds.csv");
        let with = |total: &str| {
            let header = "issuer,since,until,epds_total_at_least,epds_item10_at_least,source,confidence";
            fs::write(&file, format!("{header}\n{hachioji},2026-04-01,,{total},1,own,ours\n")).unwrap();
        };
        let issuer = format!("urn:x-pmh:org:{hachioji}");
        let issuer = pmh_domain::organization::OrganizationId::parse_urn(&issuer).unwrap().issuer().unwrap();
        let thresholds = ArcSwap::from_pointee(UrgentRules::with([]));
        let common = thresholds.load().on(issuer, day).cloned();
        with("8");
        thresholds_again(&thresholds, &file);
        let own = thresholds.load().on(issuer, day).cloned();
        assert_ne!(own, common);
        for bad in ["0", "31", "many"] {
            with(bad);
            thresholds_again(&thresholds, &file);
            assert_eq!(thresholds.load().on(issuer, day).cloned(), own, "{bad}");
        }
        fs::remove_file(&file).unwrap();
        thresholds_again(&thresholds, &file);
        assert_eq!(thresholds.load().on(issuer, day).cloned(), own);
    }
}
