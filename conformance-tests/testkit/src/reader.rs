//! A face reader: a device whose word on how the holder was verified is signed.

use serde::Serialize;

use crate::pki::Identity;
use crate::{Result, jose};

/// A registered reader with its key and certificate.
#[derive(Debug, Clone)]
pub struct Reader {
    serial: String,
    identity: Identity,
}

/// Claims of a reader assertion.
#[derive(Serialize)]
struct Assertion<'a> {
    nonce: String,
    used: &'a str,
    reader: &'a str,
    iat: i64,
}

impl Reader {
    /// A reader from its serial and identity.
    pub fn new(serial: &str, identity: Identity) -> Self {
        Self { serial: serial.to_owned(), identity }
    }

    /// Serial, as in the assertion and in the certificate's `urn:x-pmh:reader:<serial>`.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// The reader's certificate, DER; it travels beside the assertion, not inside it.
    pub fn certificate(&self) -> &[u8] {
        self.identity.certificate()
    }

    /// Certificate and key.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Says under signature that the holder was verified by `used` (`face`, `visual`) for the
    /// challenge with `nonce` at `now` (Unix seconds). Compact JWS, ES256, `typ: pmh-reader+jwt`.
    pub fn assert(&self, nonce: &[u8], used: &str, now: i64) -> Result<String> {
        let claims = Assertion { nonce: jose::b64(nonce), used, reader: &self.serial, iat: now };
        jose::sign_es256(self.identity.key(), TYPE, &claims)
    }
}

const TYPE: &str = "pmh-reader+jwt";

#[cfg(test)]
mod tests {
    use x509_parser::prelude::{FromDer, X509Certificate};

    use crate::jose::tests::open;
    use crate::pki::DevPki;

    #[test]
    fn an_assertion_verifies_under_the_key_in_the_readers_certificate() {
        let reader = DevPki::generate(1_800_000_000).unwrap().reader("FR-TEST-01", 1_800_000_000).unwrap();
        let token = reader.assert(&[0xfb; 32], "face", 1_800_000_010).unwrap();
        let (_, certificate) = X509Certificate::from_der(reader.certificate()).unwrap();
        let (header, claims) = open(&token, &certificate.public_key().subject_public_key.data);
        assert_eq!(header, serde_json::json!({ "alg": "ES256", "typ": "pmh-reader+jwt" }));
        assert_eq!(
            claims,
            serde_json::json!({
                "nonce": "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s",
                "used": "face", "reader": "FR-TEST-01", "iat": 1_800_000_010
            })
        );
    }
}
