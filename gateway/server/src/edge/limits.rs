//! What one caller may take from all others.
//!
//! Limits act before anything is logged, so nobody fills the log from outside (design §6.9). Buckets are per process:
//! they protect this machine, they are not a quota.

use std::hash::Hash;
use std::sync::Arc;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use pmh_auth::organization::OrganizationUrn;
use pmh_proto::common::Reason;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::methods::Shape;
use super::{EdgeLimits, Peer, Rate};
use crate::rpc::status::Refusal;

/// The limits of one process.
#[derive(Debug)]
pub(super) struct Limits {
    in_flight: Arc<Semaphore>,
    organizations: Buckets<OrganizationUrn>,
    terminals: Buckets<[u8; 32]>,
}

/// The right to be under way. Held until the answer's last byte, or a stream would count for nothing.
#[derive(Debug)]
pub(super) struct Permit(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

impl Limits {
    pub(super) fn new(limits: &EdgeLimits) -> Self {
        Self {
            in_flight: Arc::new(Semaphore::new(limits.max_in_flight.min(Semaphore::MAX_PERMITS))),
            organizations: Buckets::new(limits.organization_rate),
            terminals: Buckets::new(limits.presentation_rate),
        }
    }

    /// Admits a call, or says RATE_LIMITED (the caller's own doing) or TRY_AGAIN (everybody's).
    pub(super) fn admit(&self, peer: &Peer, shape: Shape) -> Result<Permit, Refusal> {
        let identity = peer.identity();
        self.organizations.take(identity.organization())?;
        if shape == Shape::Presentation {
            // The certificate stands for the terminal: one terminal without a name is still one.
            self.terminals.take(identity.thumbprint())?;
        }
        let permit = Arc::clone(&self.in_flight).try_acquire_owned();
        permit.map(Permit).map_err(|_| Refusal::new(Reason::TryAgain))
    }

    /// Drops buckets that are full again. Certificates come and go, so the terminals' would only grow.
    pub(super) fn forget_idle(&self) {
        self.organizations.0.retain_recent();
        self.terminals.0.retain_recent();
    }
}

#[derive(Debug)]
struct Buckets<K: Hash + Eq + Clone>(DefaultKeyedRateLimiter<K>);

impl<K: Hash + Eq + Clone> Buckets<K> {
    fn new(rate: Rate) -> Self {
        Self(RateLimiter::keyed(Quota::per_second(rate.per_second).allow_burst(rate.burst)))
    }

    fn take(&self, key: &K) -> Result<(), Refusal> {
        self.0.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            Refusal::new(Reason::RateLimited).with_retry_after(wait)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_for_its_own_key_alone() {
        let buckets = Buckets::new(Rate::new(1, 3));
        let took = (0..10).filter(|_| buckets.take(&"a").is_ok()).count();
        // A machine that stalls for a second here would hand out a fourth token.
        assert!((3..10).contains(&took), "{took}");
        assert!(buckets.take(&"b").is_ok());
    }

    #[test]
    fn an_empty_bucket_says_when_to_come_back() {
        let buckets = Buckets::new(Rate::new(1, 1));
        let refusal = (0..10).find_map(|_| buckets.take(&"a").err()).unwrap();
        assert_eq!(refusal.reason(), Reason::RateLimited);
        assert_eq!(refusal.to_rpc_status().details.len(), 2, "ErrorInfo and RetryInfo");
    }
}
