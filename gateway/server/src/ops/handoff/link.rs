//! Who serves which municipality: this gateway, or a peer whose log key is configured.

use std::collections::BTreeMap;

use pmh_audit::{Policy, VerifierKey};
use sha2::{Digest as _, Sha256};

use crate::ops::Gateway;

/// Another gateway.
pub struct Peer {
    /// Municipalities that it serves, `municipality:<code>`.
    pub municipalities: Vec<String>,
    /// By whose certificate it calls us, `<kind>:<code>`. The connection proves no more than that it may knock.
    pub organization: String,
    /// Key of its gateway log: what it says counts under this key alone.
    pub key: VerifierKey,
    /// Whose cosignatures its checkpoints need. Absent: the log's own word.
    pub policy: Option<Policy>,
    /// How many witnesses must have cosigned what we send it.
    pub witnesses: u32,
    /// The way to it.
    pub client: pmh_client::Gateway,
}

/// All peers.
#[derive(Default)]
pub struct Links {
    peers: Vec<Peer>,
    by_municipality: BTreeMap<String, usize>,
}

/// Who serves a municipality.
#[derive(Clone, Copy)]
pub(super) enum Link<'a> {
    /// This very gateway.
    Here,
    /// Another.
    Peer(&'a Peer),
}

impl Links {
    /// These peers. `None` if two of them claim one municipality.
    pub fn new(peers: Vec<Peer>) -> Option<Self> {
        let mut by_municipality = BTreeMap::new();
        for (place, peer) in peers.iter().enumerate() {
            for municipality in &peer.municipalities {
                if by_municipality.insert(municipality.clone(), place).is_some() {
                    return None;
                }
            }
        }
        Some(Self { peers, by_municipality })
    }
}

impl Gateway {
    /// Who serves a municipality; `None` if nobody does whom we know.
    pub(super) fn link(&self, municipality: &str) -> Option<Link<'_>> {
        let peer = self.handoffs.by_municipality.get(municipality);
        match peer.and_then(|place| self.handoffs.peers.get(*place)) {
            Some(peer) => Some(Link::Peer(peer)),
            None => self.registry().organizations.contains_key(municipality).then_some(Link::Here),
        }
    }

    /// SHA-256 of the origin of the log that a municipality's entries stand in.
    pub(super) fn origin_of(&self, municipality: &str) -> [u8; 32] {
        let name = match self.link(municipality) {
            Some(Link::Peer(peer)) => peer.key.name().to_owned(),
            Some(Link::Here) | None => self.log_keys().0.name().to_owned(),
        };
        Sha256::digest(name).into()
    }
}

impl Link<'_> {
    /// Whether a caller is this link's gateway. Nobody calls for a municipality that is served here.
    pub(super) fn is_caller(self, organization: &str) -> bool {
        matches!(self, Self::Peer(peer) if peer.organization == organization)
    }
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Links({})", self.peers.len())
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Peer(..)")
    }
}
