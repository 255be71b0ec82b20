//! Revocation lists.

use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber};

use super::authority::{Authority, DAY, instant};
use crate::Result;

/// What a revocation list is to say.
#[derive(Debug, Clone)]
pub struct CrlRequest {
    /// Serials, big-endian.
    pub revoked: Vec<Vec<u8>>,
    /// CRL number; a loader must refuse one that goes back.
    pub number: u64,
    /// thisUpdate, Unix seconds.
    pub this_update: i64,
    /// nextUpdate, Unix seconds.
    pub next_update: i64,
}

impl CrlRequest {
    /// A list made at `now` and good for a day.
    pub fn fresh(now: i64, number: u64) -> Self {
        Self { revoked: Vec::new(), number, this_update: now, next_update: now + DAY }
    }

    /// A list whose nextUpdate has been past for a day at `now`.
    pub fn stale(now: i64, number: u64) -> Self {
        Self { revoked: Vec::new(), number, this_update: now - 2 * DAY, next_update: now - DAY }
    }

    /// The same with further serials.
    #[must_use]
    pub fn revoking(mut self, serials: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.revoked.extend(serials);
        self
    }
}

pub(crate) fn sign(authority: &Authority, request: &CrlRequest) -> Result<Vec<u8>> {
    let revocation_time = instant(request.this_update)?;
    let revoked_certs = request
        .revoked
        .iter()
        .map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time,
            reason_code: None,
            invalidity_date: None,
        })
        .collect();
    let params = CertificateRevocationListParams {
        this_update: instant(request.this_update)?,
        next_update: instant(request.next_update)?,
        crl_number: SerialNumber::from(request.number),
        issuing_distribution_point: None,
        revoked_certs,
        key_identifier_method: KeyIdMethod::Sha256,
    };
    Ok(params.signed_by(&authority.issuer())?.der().to_vec())
}
