//! The credential directory's word: which certificate follows which, and whose it is.
//!
//! A stand-in for the corresponding-number service of J-LIS. Nothing else ever joins two credentials: names, birth
//! dates and addresses never do.

use serde::Deserialize;

use crate::jws::{self, Es256Key};
use crate::token::Bytes;
use crate::x509;

/// The directory whose batches are accepted.
pub struct DirectoryTrust {
    issuer: String,
    key: Es256Key,
}

/// A batch whose signature, issuer and time were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryBatch {
    id: String,
    issued_at: i64,
    items: Vec<DirectoryItem>,
}

/// One line of a batch. Credentials are named by
/// [digest](crate::card::VerifiedCard::credential_digest); no serial number travels.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum DirectoryItem {
    /// A certificate follows another of the same holder.
    Renewal {
        /// The earlier one.
        old: Bytes<32>,
        /// The later one.
        new: Bytes<32>,
    },
    /// A certificate belongs to a resident of an issuer.
    Resident {
        /// The certificate.
        credential: Bytes<32>,
        /// Municipality or prefecture as `<kind>:<code>`.
        issuer: String,
        /// That issuer's own key of the person.
        resident_key: String,
    },
}

/// Why a batch is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The configured key is not a P-256 public key.
    #[error("the directory's key cannot be used")]
    Key,
    /// Not signed by the directory, or unreadable.
    #[error("the batch was not signed by the directory")]
    Signature,
    /// Signed for or by somebody else.
    #[error("the batch comes from another directory")]
    Issuer,
    /// From the future.
    #[error("the batch is dated in the future")]
    Times,
}

impl DirectoryError {
    /// The public reason.
    pub const fn reason(self) -> &'static str {
        "TOKEN_INVALID"
    }
}

impl DirectoryTrust {
    /// Takes the directory's name and its SubjectPublicKeyInfo (DER, P-256).
    pub fn new(issuer: &str, public_key: &[u8]) -> Result<Self, DirectoryError> {
        let point = x509::public_point(public_key).ok_or(DirectoryError::Key)?;
        let key = Es256Key::from_point(&point).map_err(|_| DirectoryError::Key)?;
        Ok(Self { issuer: issuer.to_owned(), key })
    }

    /// Verifies a batch. It may be old: applying it twice or late ends in the same state (R-REN-02).
    pub fn verify(&self, jws: &str, now: i64) -> Result<DirectoryBatch, DirectoryError> {
        let claims: Claims = jws::open(jws, TYPE, MAX_JWS, |kid| kid.is_none().then_some(&self.key))
            .map_err(|_| DirectoryError::Signature)?;
        if claims.iss != self.issuer {
            return Err(DirectoryError::Issuer);
        }
        if claims.iat > now.saturating_add(SKEW) {
            return Err(DirectoryError::Times);
        }
        Ok(DirectoryBatch { id: claims.jti, issued_at: claims.iat, items: claims.items })
    }
}

impl DirectoryBatch {
    /// The directory's own id of the batch.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Unix seconds.
    pub fn issued_at(&self) -> i64 {
        self.issued_at
    }

    /// The lines, in their order.
    pub fn items(&self) -> &[DirectoryItem] {
        &self.items
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    iat: i64,
    jti: String,
    items: Vec<DirectoryItem>,
}

const TYPE: &str = "pmh-directory+jwt";
const MAX_JWS: usize = 1024 * 1024;
const SKEW: i64 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Signer, b64};

    fn trust(signer: &Signer) -> DirectoryTrust {
        DirectoryTrust::new("directory.test", &signer.public_key()).unwrap()
    }

    fn claims(iss: &str, iat: i64) -> serde_json::Value {
        serde_json::json!({ "iss": iss, "iat": iat, "jti": "b-1", "items": [
            { "kind": "renewal", "old": b64(&[0; 32]), "new": b64(&[255; 32]) },
            { "kind": "resident", "credential": b64(&[255; 32]), "issuer": "municipality:131237", "resident_key": "R-1" },
        ] })
    }

    #[test]
    fn a_signed_batch_is_read() {
        let signer = Signer::generate();
        let jws =
            signer.jws(&serde_json::json!({ "alg": "ES256", "typ": TYPE }), &claims("directory.test", 100));
        let batch = trust(&signer).verify(&jws, 1_000).unwrap();
        assert_eq!((batch.id(), batch.issued_at(), batch.items().len()), ("b-1", 100, 2));
        assert_eq!(batch.items()[0], DirectoryItem::Renewal { old: Bytes([0; 32]), new: Bytes([255; 32]) });
    }

    #[test]
    fn r_ren_07_a_batch_signed_by_another_key_is_refused() {
        let header = serde_json::json!({ "alg": "ES256", "typ": TYPE });
        let jws = Signer::generate().jws(&header, &claims("directory.test", 100));
        assert_eq!(trust(&Signer::generate()).verify(&jws, 1_000), Err(DirectoryError::Signature));
    }

    #[test]
    fn another_directory_another_type_and_another_time_are_refused() {
        let signer = Signer::generate();
        let header = serde_json::json!({ "alg": "ES256", "typ": TYPE });
        let verify = |header, claims| trust(&signer).verify(&signer.jws(header, &claims), 1_000);
        assert_eq!(verify(&header, claims("other.test", 100)), Err(DirectoryError::Issuer));
        assert_eq!(verify(&header, claims("directory.test", 1_006)), Err(DirectoryError::Times));
        let reader = serde_json::json!({ "alg": "ES256", "typ": "pmh-reader+jwt" });
        assert_eq!(verify(&reader, claims("directory.test", 100)), Err(DirectoryError::Signature));
    }
}
