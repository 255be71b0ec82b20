//! The dev PKI: who vouches for cards, organizations, readers and the directory.
//!
//! ```text
//! JPKI-TEST gen 1 (RSA-2048)   JPKI-TEST gen 2 (RSA-2048, same DN)   JPKI-TEST gen 3 (P-384, same DN)
//!    └ card certificates
//! Institution root (P-384) ─ issuing CA (P-256) ─ server, terminal and reader certificates
//! Directory signing key (P-256)
//! ```
//!
//! CAs with RSA keys are made when first asked for: a key costs up to a second in an unoptimised
//! build, and most tests need none.

mod authority;
mod card_ca;
mod crl;
mod defects;
mod der;
mod files;
mod institution;
pub mod oid;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use rcgen::KeyPair;

pub use authority::{DAY, YEAR};
pub use card_ca::{CardRequest, Generation};
pub use crl::CrlRequest;
pub use defects::{CardDefect, LeafDefect, Verdict};
pub use institution::{Identity, LeafRequest};

pub(crate) use authority::Algorithm;
use authority::Authority;
use institution::Institution;

use crate::directory::Directory;
use crate::reader::Reader;
use crate::{Result, pem};

/// All authorities of a sandbox or a test.
pub struct DevPki {
    made_at: i64,
    card_cas: [OnceLock<Authority>; 3],
    institution: Institution,
    directory: Directory,
}

impl std::fmt::Debug for DevPki {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevPki").field("made_at", &self.made_at).finish_non_exhaustive()
    }
}

impl DevPki {
    /// Fresh authorities, valid from well before `now` (Unix seconds) to years after it.
    pub fn generate(now: i64) -> Result<Self> {
        Ok(Self {
            made_at: now,
            card_cas: Default::default(),
            institution: Institution::generate(now)?,
            directory: Directory::generate()?,
        })
    }

    /// Certificate of a card CA, DER.
    pub fn card_ca(&self, generation: Generation) -> Result<&[u8]> {
        Ok(self.card_authority(generation)?.certificate())
    }

    /// Certificates of all card CAs, DER, oldest first: what a gateway pins.
    pub fn card_cas(&self) -> Result<Vec<Vec<u8>>> {
        Generation::ALL.into_iter().map(|generation| Ok(self.card_ca(generation)?.to_vec())).collect()
    }

    /// SHA-256 of the card CA's SubjectPublicKeyInfo.
    pub fn card_ca_key_id(&self, generation: Generation) -> Result<[u8; 32]> {
        Ok(self.card_authority(generation)?.key_id())
    }

    /// Certificate of the institution root, DER: what servers and clients trust.
    pub fn root(&self) -> &[u8] {
        self.institution.root.certificate()
    }

    /// Certificate of the institution root, PEM.
    pub fn root_pem(&self) -> String {
        pem::encode("CERTIFICATE", self.root())
    }

    /// The issuing CA, PEM: what reader certificates lead to directly.
    pub fn issuing_pem(&self) -> String {
        pem::encode("CERTIFICATE", self.issuing())
    }

    /// Certificate of the issuing CA, DER.
    pub fn issuing(&self) -> &[u8] {
        self.institution.issuing.certificate()
    }

    /// A server certificate for DNS names and IP addresses, valid `days` from `issued_at`.
    pub fn server(&self, names: &[&str], issued_at: i64, days: u16) -> Result<Identity> {
        self.institution.server(names, issued_at, days)
    }

    /// A client certificate of one day for a terminal of an organization
    /// (`urn:x-pmh:org:<kind>:<code>`).
    pub fn terminal(&self, organization: &str, terminal: &str, issued_at: i64) -> Result<Identity> {
        self.leaf(&LeafRequest::new(organization, terminal, issued_at))
    }

    /// A client certificate as asked for, sound or not.
    pub fn leaf(&self, request: &LeafRequest) -> Result<Identity> {
        self.institution.client(request)
    }

    /// A face reader that can sign assertions, valid one day.
    pub fn reader(&self, serial: &str, issued_at: i64) -> Result<Reader> {
        Ok(Reader::new(serial, self.institution.reader(serial, issued_at, 1)?))
    }

    /// The credential directory.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// A revocation list of a card CA, DER.
    pub fn card_crl(&self, generation: Generation, request: &CrlRequest) -> Result<Vec<u8>> {
        crl::sign(self.card_authority(generation)?, request)
    }

    /// A revocation list of the issuing CA, DER.
    pub fn institution_crl(&self, request: &CrlRequest) -> Result<Vec<u8>> {
        crl::sign(&self.institution.issuing, request)
    }

    /// A list in a card CA's name by a key nobody pinned, DER: a loader must keep its last good one.
    pub fn forged_card_crl(&self, generation: Generation, request: &CrlRequest) -> Result<Vec<u8>> {
        crl::sign(&self.impostor(generation)?, request)
    }

    pub(crate) fn issue_card(&self, request: &CardRequest, key: &KeyPair) -> Result<Vec<u8>> {
        let authority = self.card_authority(request.generation)?;
        card_ca::issue(authority, || self.impostor(request.generation), request, key)
    }

    fn impostor(&self, generation: Generation) -> Result<Authority> {
        self.new_card_authority(generation)
    }

    fn card_authority(&self, generation: Generation) -> Result<&Authority> {
        let [first, second, third] = &self.card_cas;
        let cell = match generation {
            Generation::Rsa1 => first,
            Generation::Rsa2 => second,
            Generation::P384 => third,
        };
        if let Some(authority) = cell.get() {
            return Ok(authority);
        }
        let made = self.new_card_authority(generation)?;
        // Of two threads the first wins; the loser's key is forgotten before anybody saw it.
        Ok(cell.get_or_init(|| made))
    }

    fn new_card_authority(&self, generation: Generation) -> Result<Authority> {
        let params = card_ca::card_ca_params(generation, self.made_at)?;
        Authority::root(params, generation.algorithm().generate()?)
    }
}
