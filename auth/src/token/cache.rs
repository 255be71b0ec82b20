//! Signatures already checked.

use std::time::Duration;

use moka::sync::Cache;

use super::verifier::{SignedToken, TokenVerifier, Verified};
use super::{MAX_TOKEN, TokenError};
use crate::crypto::sha256;
use crate::peer::ClientIdentity;

/// Most tokens remembered at once.
pub const CACHE_CAPACITY: u64 = 50_000;

/// Remembers tokens whose signature was good, by SHA-256 of their text, for a minute at most.
///
/// Only the signature is remembered. Times, binding and the key's standing are looked at on every call, so a cached
/// token ends with its `exp` and with its key.
pub struct TokenCache {
    signed: Cache<[u8; 32], SignedToken>,
}

impl TokenCache {
    /// An empty cache for up to `capacity` tokens; [`CACHE_CAPACITY`] is the usual one.
    pub fn new(capacity: u64) -> Self {
        Self { signed: Cache::builder().max_capacity(capacity).time_to_live(LONGEST).build() }
    }

    /// The same answer as [`TokenVerifier::verify`], sooner.
    pub fn verify(
        &self,
        verifier: &TokenVerifier,
        token: &str,
        peer: &ClientIdentity,
        now: i64,
    ) -> Result<Verified, TokenError> {
        self.decode_signed(verifier, token)?.check(peer, now)
    }

    /// The same answer as [`TokenVerifier::decode_signed`], sooner.
    pub fn decode_signed(&self, verifier: &TokenVerifier, token: &str) -> Result<SignedToken, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::Invalid);
        }
        let key = sha256(&[token.as_bytes()]);
        if let Some(signed) = self.signed.get(&key).filter(|signed| verifier.knows(signed.kid())) {
            return Ok(signed);
        }
        let signed = verifier.decode_signed(token)?;
        self.signed.insert(key, signed.clone());
        Ok(signed)
    }

    /// How many tokens are remembered, after pending evictions.
    pub fn len(&self) -> u64 {
        self.signed.run_pending_tasks();
        self.signed.entry_count()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

const LONGEST: Duration = Duration::from_mins(1);
