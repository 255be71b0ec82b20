//! All symmetric keys from one master secret: HKDF-SHA-256 with one label per purpose.
//!
//! Signing keys are apart ([`crate::token::TokenSigner`]): the gateway role holds none.

use zeroize::Zeroizing;

use crate::challenge::ChallengeKey;
use crate::crypto::{self, Key};
use crate::pairwise::{CredentialHashes, EncryptedSubjects, Pairwise, SubjectRefs};

/// The derived keys of one installation. Wiped when dropped; has no `Debug` on purpose.
///
/// Losing the master secret loses the link between cards and records; leaking it links all pairwise ids.
pub struct KeyRing {
    master: Key,
    pairwise_epoch: u16,
}

impl KeyRing {
    /// Takes the master secret and the epoch that new pairwise ids use (1 and up; 0 is read as 1).
    pub fn from_master(master: Zeroizing<[u8; 32]>, pairwise_epoch: u16) -> Self {
        Self { master, pairwise_epoch: pairwise_epoch.max(1) }
    }

    /// Pairwise ids of every epoch so far.
    pub fn pairwise(&self) -> Pairwise {
        Pairwise::new(self.pairwise_epoch, |epoch| {
            crypto::derive(&self.master, &[b"pairwise", &epoch.to_be_bytes()])
        })
    }

    /// The gateway's own ids of persons.
    pub fn subject_refs(&self) -> SubjectRefs {
        SubjectRefs::new(self.derive("subject-ref"))
    }

    /// The encrypted subject inside tokens.
    pub fn encrypted_subjects(&self) -> EncryptedSubjects {
        EncryptedSubjects::new(self.derive("esub"))
    }

    /// Sealing of the state between Begin and Complete; the hourly keys come from it.
    pub fn challenge(&self) -> ChallengeKey {
        ChallengeKey::new(self.derive("challenge"))
    }

    /// Keyed hashes of credentials.
    pub fn credential_hashes(&self) -> CredentialHashes {
        CredentialHashes::new(self.derive("credential"))
    }

    /// A key for blind index columns of a database.
    pub fn index(&self) -> Zeroizing<[u8; 32]> {
        self.derive("index")
    }

    /// A key for a purpose that this crate does not know. The label is the purpose; one label, one use.
    pub fn application(&self, label: &str) -> Zeroizing<[u8; 32]> {
        crypto::derive(&self.master, &[b"application", label.as_bytes()])
    }

    fn derive(&self, label: &str) -> Key {
        crypto::derive(&self.master, &[label.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_has_its_own_key() {
        let ring = KeyRing::from_master(Zeroizing::new([7; 32]), 2);
        let keys = [
            ring.index(),
            ring.application("replay"),
            ring.application("index"),
            ring.derive("esub"),
            ring.derive("subject-ref"),
            ring.derive("credential"),
            ring.derive("challenge"),
        ];
        for (i, key) in keys.iter().enumerate() {
            assert!(keys.iter().skip(i + 1).all(|other| other != key));
        }
    }
}
