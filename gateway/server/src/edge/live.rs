//! Every live connection, and the hand that ends it.
//!
//! Revocation has a stopwatch (P11): an open connection of a suspended organization or a revoked certificate ends at
//! once, whatever it is doing. The lock is taken when a connection begins and ends, never during a call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pmh_auth::organization::OrganizationUrn;
use pmh_auth::peer::ClientIdentity;
use pmh_proto::common::Reason;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{ConnectionId, EdgeLimits, Peer};

/// The registry of live connections.
#[derive(Debug)]
pub struct Live {
    total: usize,
    per_organization: usize,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    last_id: u64,
    seats: HashMap<u64, Taken>,
    /// How many connections each holds; those without a name share the share of one.
    organizations: HashMap<Option<OrganizationUrn>, usize>,
}

#[derive(Debug)]
struct Taken {
    peer: Option<Arc<Peer>>,
    cut: CancellationToken,
}

/// Who sits on a connection.
#[derive(Clone, Debug)]
pub(super) enum Party {
    /// A named organization, whose standing is asked on every call.
    Known(Arc<Peer>),
    /// Every call is answered with this reason. The connection stays, so that a vendor reads the reason instead of
    /// guessing at a closed socket.
    Barred(Reason),
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    live: Arc<Live>,
    id: u64,
    organization: Option<OrganizationUrn>,
    /// Cancelled when the connection must end now.
    pub(super) cut: CancellationToken,
}

/// No place left; the connection is closed without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many connections")]
pub(super) struct Full;

impl Live {
    pub(super) fn new(limits: &EdgeLimits) -> Arc<Self> {
        Arc::new(Self {
            total: limits.max_connections,
            per_organization: limits.max_connections_per_organization,
            table: Mutex::default(),
        })
    }

    /// Seats a connection. `identity` is what its certificate says; without one it is barred.
    pub(super) fn seat(
        self: &Arc<Self>,
        identity: Option<ClientIdentity>,
        now: Instant,
    ) -> Result<(Party, Seat), Full> {
        let mut table = self.table();
        if table.seats.len() >= self.total {
            return Err(Full);
        }
        let id = table.last_id + 1;
        let organization = identity.as_ref().map(|identity| identity.organization().clone());
        let held = table.organizations.get(&organization).copied().unwrap_or(0);
        let party = match (identity, held.checked_sub(self.per_organization)) {
            (Some(identity), None) => Party::Known(Arc::new(Peer::new(identity, ConnectionId(id), now))),
            (None, None) => Party::Barred(Reason::OrgIdentityMissing),
            (_, Some(surplus)) if surplus < self.per_organization => Party::Barred(Reason::Connections),
            (_, Some(_)) => return Err(Full),
        };
        *table.organizations.entry(organization.clone()).or_default() += 1;
        let cut = CancellationToken::new();
        table.last_id = id;
        table.seats.insert(id, Taken { peer: party.peer().cloned(), cut: cut.clone() });
        Ok((party, Seat { live: Arc::clone(self), id, organization, cut }))
    }

    /// Ends every connection whose peer fits, at once, and says how many those were.
    ///
    /// Calls under way on them fail at the caller with UNAVAILABLE; what they had already committed stays committed.
    /// `fits` runs under the registry's lock: it must not ask the registry.
    pub fn end(&self, fits: impl Fn(&Peer) -> bool) -> usize {
        self.cut_all(|taken| taken.peer.as_deref().is_some_and(&fits))
    }

    /// How many connections there are, barred ones included.
    pub fn count(&self) -> usize {
        self.table().seats.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.count() >= self.total
    }

    pub(super) fn end_all(&self) -> usize {
        self.cut_all(|_| true)
    }

    fn cut_all(&self, fits: impl Fn(&Taken) -> bool) -> usize {
        // Cancelling wakes tasks that will want the lock, so it happens after the lock is gone.
        let cuts: Vec<_> =
            self.table().seats.values().filter(|taken| fits(taken)).map(|taken| taken.cut.clone()).collect();
        cuts.iter().for_each(CancellationToken::cancel);
        cuts.len()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Nothing under this lock can leave the table half changed, so a panic elsewhere does not spoil it.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Party {
    pub(super) fn peer(&self) -> Option<&Arc<Peer>> {
        match self {
            Self::Known(peer) => Some(peer),
            Self::Barred(_) => None,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut table = self.live.table();
        table.seats.remove(&self.id);
        if let Some(held) = table.organizations.get_mut(&self.organization) {
            *held -= 1;
            if *held == 0 {
                table.organizations.remove(&self.organization);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(total: usize, per_organization: usize) -> EdgeLimits {
        let (max_connections, max_connections_per_organization) = (total, per_organization);
        EdgeLimits { max_connections, max_connections_per_organization, ..EdgeLimits::default() }
    }

    fn barred(seated: &Result<(Party, Seat), Full>) -> Option<Reason> {
        match seated {
            Ok((Party::Barred(reason), _)) => Some(*reason),
            _ => None,
        }
    }

    #[tokio::test]
    async fn connections_without_a_name_share_the_share_of_one_organization() {
        let live = Live::new(&limits(100, 1));
        let seat = || live.seat(None, Instant::now());
        let first = seat();
        assert_eq!(barred(&first), Some(Reason::OrgIdentityMissing));
        let second = seat();
        assert_eq!(barred(&second), Some(Reason::Connections));
        assert_eq!(seat().unwrap_err(), Full);
        drop((first, second));
        assert_eq!(live.count(), 0);
        assert_eq!(barred(&seat()), Some(Reason::OrgIdentityMissing));
    }

    #[tokio::test]
    async fn the_total_holds_and_all_can_be_ended() {
        let live = Live::new(&limits(2, 10));
        let seats: Vec<_> = (0..2).map(|_| live.seat(None, Instant::now()).unwrap()).collect();
        assert!(live.is_full());
        assert_eq!(live.seat(None, Instant::now()).unwrap_err(), Full);
        assert_eq!(live.end(|_| true), 0, "nobody to name");
        assert_eq!(live.end_all(), 2);
        assert!(seats.iter().all(|(_, seat)| seat.cut.is_cancelled()));
    }
}
