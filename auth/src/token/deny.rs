//! What was withdrawn before its time.

use std::collections::HashSet;

use super::TokenError;
use super::verifier::Verified;

/// Names that are refused although their tokens verify. The owner drops entries once the tokens have expired.
#[derive(Clone, Debug, Default)]
pub struct DenyList {
    tokens: HashSet<[u8; 16]>,
    presences: HashSet<[u8; 16]>,
    keys: HashSet<String>,
}

impl DenyList {
    /// Refuses one token, whatever its signature's spelling.
    pub fn revoke_token(&mut self, jti: [u8; 16]) {
        self.tokens.insert(jti);
    }

    /// Refuses every token of a presence that ended. A narrowed presence goes on under a new public id, and its old one
    /// is listed here.
    pub fn end_presence(&mut self, presence_id: [u8; 16]) {
        self.presences.insert(presence_id);
    }

    /// Refuses every token of a key.
    pub fn retire_key(&mut self, kid: &str) {
        self.keys.insert(kid.to_owned());
    }

    /// Refuses a token that, or whose presence or key, is listed.
    pub fn check(&self, token: &Verified) -> Result<(), TokenError> {
        let claims = token.claims();
        if self.presences.contains(&claims.pres.id.0) {
            return Err(TokenError::PresenceEnded);
        }
        if self.tokens.contains(&claims.jti.0) || self.keys.contains(token.kid()) {
            return Err(TokenError::Revoked);
        }
        Ok(())
    }
}
