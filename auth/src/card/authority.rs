//! The pinned authorities that issue card certificates.

use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use x509_parser::prelude::X509Certificate;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use super::certificate::CardAlgorithm;
use crate::crypto::sha256;
use crate::x509::{self, Extensions};

/// The authorities whose cards are accepted. Several may share one name: each CA generation keeps the name and
/// changes the key, and then every key with that name is tried.
pub struct CardCas {
    all: Vec<CardCa>,
}

/// Why a set of authorities is refused at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// Not a certificate, or not a CA that signs certificates.
    #[error("a card authority is not a CA certificate")]
    NotAnAuthority,
    /// Key other than RSA-2048 with e=65537 or P-384.
    #[error("a card authority has a key that is not accepted")]
    Key,
    /// More than four with one name: each costs a signature check per forged card.
    #[error("more than four card authorities share one name")]
    TooMany,
}

impl CardCas {
    /// Reads and pins DER certificates. Their own validity is not checked: pinning them is the decision, and cards of
    /// an expired generation expire by themselves.
    pub fn from_der<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, AuthorityError> {
        let all = certificates.into_iter().map(CardCa::from_der).collect::<Result<Vec<_>, _>>()?;
        let crowded = all
            .iter()
            .any(|ca| all.iter().filter(|other| other.subject == ca.subject).count() > MAX_SAME_NAME);
        if crowded { Err(AuthorityError::TooMany) } else { Ok(Self { all }) }
    }

    /// Those whose name is byte for byte `name`.
    pub(super) fn named<'s>(&'s self, name: &[u8]) -> impl Iterator<Item = &'s CardCa> {
        self.all.iter().filter(move |ca| ca.subject == name)
    }
}

/// One pinned authority.
pub(super) struct CardCa {
    subject: Vec<u8>,
    key: Vec<u8>,
    algorithm: CardAlgorithm,
    key_id: [u8; 32],
    signs_lists: bool,
}

impl CardCa {
    fn from_der(der: &[u8]) -> Result<Self, AuthorityError> {
        let certificate = x509::parse(der).map_err(|_| AuthorityError::NotAnAuthority)?;
        let extensions = Extensions::of(&certificate).map_err(|_| AuthorityError::NotAnAuthority)?;
        let usage = extensions.key_usage().ok_or(AuthorityError::NotAnAuthority)?;
        if !extensions.is_ca() || !usage.key_cert_sign() {
            return Err(AuthorityError::NotAnAuthority);
        }
        let info = certificate.public_key();
        Ok(Self {
            subject: certificate.subject().as_raw().to_vec(),
            key: info.subject_public_key.data.to_vec(),
            algorithm: CardAlgorithm::of_key(info).ok_or(AuthorityError::Key)?,
            key_id: sha256(&[info.raw]),
            signs_lists: usage.crl_sign(),
        })
    }

    /// SHA-256 of the authority's SubjectPublicKeyInfo: tells generations of one name apart.
    pub(super) fn key_id(&self) -> &[u8; 32] {
        &self.key_id
    }

    pub(super) fn signs_lists(&self) -> bool {
        self.signs_lists
    }

    /// Whether this authority made `signature` over `message`.
    pub(super) fn signed(&self, algorithm: CardAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        self.algorithm == algorithm && algorithm.verifies(&self.key, message, signature)
    }
}

impl CardAlgorithm {
    /// The algorithm of a public key, if it is one of ours: exactly RSA-2048 with e=65537, or P-384.
    pub(super) fn of_key(info: &SubjectPublicKeyInfo<'_>) -> Option<Self> {
        match info.algorithm.algorithm.to_id_string().as_str() {
            "1.2.840.113549.1.1.1" => is_rsa_2048_f4(info).then_some(Self::Rsa2048),
            "1.2.840.10045.2.1" => is_p384(info).then_some(Self::P384),
            _ => None,
        }
    }

    /// The algorithm of a signature by a CA: SHA-256 with RSA, or ECDSA with SHA-384.
    pub(super) fn of_signature(identifier: &AlgorithmIdentifier<'_>) -> Option<Self> {
        match identifier.algorithm.to_id_string().as_str() {
            "1.2.840.113549.1.1.11" => Some(Self::Rsa2048),
            "1.2.840.10045.4.3.3" => Some(Self::P384),
            _ => None,
        }
    }

    /// Whether `signature` over `message` verifies under `key` (the contents of the SPKI's bit string).
    pub(super) fn verifies(self, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa2048 => {
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(message, signature)
            }
            Self::P384 => UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, key).verify(message, signature),
        }
        .is_ok()
    }
}

/// The signature algorithm that the certificate names, if it names the same one inside and outside the signed part.
pub(super) fn signature_algorithm(certificate: &X509Certificate<'_>) -> Option<CardAlgorithm> {
    let (inner, outer) = (&certificate.tbs_certificate.signature, &certificate.signature_algorithm);
    if inner == outer { CardAlgorithm::of_signature(inner) } else { None }
}

fn is_rsa_2048_f4(info: &SubjectPublicKeyInfo<'_>) -> bool {
    match info.parsed() {
        Ok(x509_parser::public_key::PublicKey::RSA(key)) => {
            let modulus = x509::positive_serial(key.modulus);
            let full = modulus.is_some_and(|m| m.len() == 256 && m.first().is_some_and(|b| b & 0x80 != 0));
            full && key.try_exponent().is_ok_and(|exponent| exponent == 65_537)
        }
        _ => false,
    }
}

fn is_p384(info: &SubjectPublicKeyInfo<'_>) -> bool {
    let curve = info.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
    let point = &info.subject_public_key.data;
    curve.is_some_and(|oid| oid.to_id_string() == "1.3.132.0.34")
        && point.len() == 97
        && point.first() == Some(&4)
}

const MAX_SAME_NAME: usize = 4;
