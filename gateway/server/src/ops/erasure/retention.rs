//! Erasure by age, where the operator has switched it on: each class of record by its own period.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::Offset};
use pmh_audit::{DetailBody, Kind, Leaf, References, registry};
use pmh_domain::{
    retention::{ends_on, shortest_years},
    time::tokyo_date,
};
use pmh_store::{Concluding, Conclusion, Draft, Fault, Reply, Retained, RetentionStep};

use super::rows;
use crate::ops::{Carried, Gateway, bulk::detail_salt, call::nobody, log::Log};

/// Whether age erases. Off unless configured: the periods are ours, and nobody has confirmed them
/// ([`pmh_domain::retention`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// Content stays until somebody asks for its erasure.
    Off,
    /// Content goes when the period of its classes is over and no hold forbids it.
    On,
}

impl Gateway {
    /// One pass along a log, step by step; gives how many entries lost their content.
    pub async fn retain(&self, log: Log) -> Result<u64, Fault> {
        let today = tokyo_date(self.now());
        let Some(young_from_us) = young_from(today) else { return Ok(0) };
        let is_over: Arc<dyn Fn(&Leaf) -> bool + Send + Sync> = Arc::new(move |leaf| is_over(leaf, today));
        let (mut from, mut erased) = (0, 0);
        loop {
            // Holds are put in the gateway's database: while they cover anybody, the other log keeps everybody's.
            if matches!(log, Log::Auth) && self.store.reader().holds_anybody().await? {
                return Ok(erased);
            }
            let step = RetentionStep { from, young_from_us, is_over: Arc::clone(&is_over) };
            let retained = self.retention_step(log, step).await?;
            erased += retained.erased.len() as u64;
            match retained.next {
                Some(next) => from = next,
                None => return Ok(erased),
            }
        }
    }

    async fn retention_step(&self, log: Log, step: RetentionStep) -> Result<Retained, Fault> {
        let attempt = self.attempt();
        let salt = detail_salt(&attempt);
        let carried = Carried::default();
        let told = carried.clone();
        let conclude = move |concluding: Concluding<'_, Retained>| {
            let Concluding::Fresh(retained) = concluding else {
                return Conclusion::<()> { reply: Reply::Answer(Vec::new()), draft: None };
            };
            let draft = rows(&salt, &retained.erased).map(by_age);
            told.put(retained);
            Conclusion { reply: Reply::Answer(Vec::new()), draft }
        };
        let recorded = match log {
            Log::Gateway => self.store.retain(attempt, step, conclude).await?,
            Log::Auth => self.auth.retain(attempt, step, conclude).await?,
        };
        drop(recorded.into_parts());
        carried.take().ok_or(Fault::Unavailable("nothing concluded"))
    }
}

/// Whether the period of all classes of an entry is over. What shows that the log itself was changed stays.
fn is_over(leaf: &Leaf, today: Date) -> bool {
    if matches!(leaf.kind, Kind::Erasure | Kind::KeyOrPolicyChange | Kind::LogStart) {
        return false;
    }
    // A refusal may have come before any class was touched: it belongs to the log.
    let categories = if leaf.categories.bits() == 0 { registry::Categories::AUDIT } else { leaf.categories };
    let is_known = categories.names().count() == categories.bits().count_ones() as usize;
    let made = i64::try_from(leaf.time_us).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
    let ends = made.and_then(|made| ends_on(categories.names(), tokyo_date(made), today));
    is_known && ends.is_some_and(|ends| ends <= today)
}

/// Nothing from this instant on can be over.
fn young_from(today: Date) -> Option<u64> {
    let first = today.checked_sub(shortest_years(today).years()).ok()?;
    let begins = Offset::constant(9).to_timestamp(first.at(0, 0, 0, 0)).ok()?;
    u64::try_from(begins.as_microsecond()).ok()
}

/// The entry of a step: the gateway acted by itself.
fn by_age(rows: pmh_audit::part::Rows) -> Draft {
    Draft {
        kind: Kind::Erasure,
        method: registry::Method::NONE,
        purpose: registry::Purpose::SYSTEM_ADMINISTRATION,
        outcome: 0,
        categories: registry::Categories::AUDIT,
        holder: None,
        requester: None,
        references: References::default(),
        subject: None,
        actor: nobody(),
        detail: DetailBody { rows: Some(rows), ..DetailBody::default() },
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use pmh_audit::registry::{Categories, Method, Purpose};

    use super::*;

    fn leaf(kind: Kind, categories: Categories, made: &str) -> Leaf {
        let made: Timestamp = made.parse().unwrap();
        Leaf {
            kind,
            time_us: u64::try_from(made.as_microsecond()).unwrap(),
            event_id: [0; 16],
            method: Method::VERIFY_ELIGIBILITY,
            purpose: Purpose::NONE,
            outcome: 0,
            categories,
            holder: None,
            requester: None,
            refs: References::default(),
            subject: [0; 32],
            chain: [0; 32],
            actor: [0; 32],
            detail: [0; 32],
        }
    }

    #[test]
    fn a_day_in_tokyo_decides_and_some_kinds_never_end() {
        let today = date(2033, 11, 23);
        let over = |kind, categories, made| is_over(&leaf(kind, categories, made), today);
        // 2026-11-22 23:59 in Tokyo, and the first minute of the day after.
        assert!(over(Kind::Disclosure, Categories::SUBSIDY, "2026-11-22T14:59:59Z"));
        assert!(!over(Kind::Disclosure, Categories::SUBSIDY, "2026-11-22T15:00:00Z"));
        assert!(over(Kind::Refusal, Categories::NONE, "2026-11-22T14:59:59Z"));
        for kind in [Kind::Erasure, Kind::KeyOrPolicyChange, Kind::LogStart] {
            assert!(!over(kind, Categories::AUDIT, "2000-01-01T00:00:00Z"), "{kind}");
        }
        assert!(!over(Kind::Disclosure, Categories::VACCINATION, "2000-01-01T00:00:00Z"));
        let later = Categories::from_bits(1 << 20) | Categories::SUBSIDY;
        assert!(!over(Kind::Disclosure, later, "2000-01-01T00:00:00Z"));
    }

    #[test]
    fn nothing_young_is_over() {
        let today = date(2033, 11, 23);
        let young = young_from(today).unwrap();
        let mut entry = leaf(Kind::Disclosure, Categories::SUBSIDY, "2026-11-22T14:59:59Z");
        assert!(entry.time_us < young);
        entry.time_us = young;
        assert!(!is_over(&entry, today));
    }
}
