//! The three test CAs for cards, and the certificates they issue.
//!
//! Like the CA certificates that J-LIS publishes they have equal DNs with two OUs and no CN, RSA-2048
//! with SHA-256, and a CRL point that is a directory name; card certificates have an opaque subject CN
//! and end on a birthday.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use rcgen::{DnType, IsCa, KeyPair, KeyUsagePurpose, PublicKeyData, SignatureAlgorithm};

use super::authority::{
    Algorithm, Authority, DAY, YEAR, ca_params, extension, instant, leaf_params, name, policies, second_unit,
    serial,
};
use super::defects::CardDefect;
use super::{der, oid};
use crate::{Error, Result};

/// Which card CA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Generation {
    /// RSA-2048, the older key.
    Rsa1,
    /// RSA-2048, the newer key; the DN is byte for byte that of [`Generation::Rsa1`].
    Rsa2,
    /// P-384, the next card.
    P384,
}

impl Generation {
    /// All three, oldest first.
    pub const ALL: [Self; 3] = [Self::Rsa1, Self::Rsa2, Self::P384];

    /// File name stem in a stored PKI.
    pub(crate) fn stem(self) -> &'static str {
        match self {
            Self::Rsa1 => "card-ca-1",
            Self::Rsa2 => "card-ca-2",
            Self::P384 => "card-ca-3",
        }
    }

    pub(crate) fn algorithm(self) -> Algorithm {
        match self {
            Self::Rsa1 | Self::Rsa2 => Algorithm::Rsa2048,
            Self::P384 => Algorithm::P384,
        }
    }

    /// Certificates of today's cards end on the 5th birthday after issue; the next card's last ten years.
    fn birthdays(self) -> i16 {
        match self {
            Self::Rsa1 | Self::Rsa2 => 5,
            Self::P384 => 10,
        }
    }
}

/// What a card certificate is to say.
#[derive(Debug, Clone, Copy)]
pub struct CardRequest {
    /// Which CA signs.
    pub generation: Generation,
    /// Holder's birth date: fixes the day on which the certificate ends, and is not in it.
    pub birth_date: Date,
    /// First second of validity, Unix seconds.
    pub issued_at: i64,
    /// What is to be wrong with it.
    pub defect: Option<CardDefect>,
}

impl CardRequest {
    /// A sound certificate.
    pub fn new(generation: Generation, birth_date: Date, issued_at: i64) -> Self {
        Self { generation, birth_date, issued_at, defect: None }
    }

    /// The same with one defect.
    #[must_use]
    pub fn with(mut self, defect: CardDefect) -> Self {
        self.defect = Some(defect);
        self
    }

    /// Last second of validity, Unix seconds: 23:59:59 in Tokyo of the fifth (tenth) birthday after issue.
    pub fn ends_at(&self) -> Result<i64> {
        let issued = tokyo_date(self.issued_at)?;
        let mut birthday = birthday_in(self.birth_date, issued.year())?;
        if birthday <= issued {
            birthday = birthday_in(self.birth_date, issued.year() + 1)?;
        }
        let last = birthday_in(self.birth_date, birthday.year() + self.generation.birthdays() - 1)?;
        let midnight = last.tomorrow().and_then(|day| day.to_zoned(TOKYO)).map_err(|_| Error::Date)?;
        Ok(midnight.timestamp().as_second() - 1)
    }

    /// When a certificate would have had to be issued so that it ended `ago` seconds before `now`,
    /// to the day.
    pub fn issued_so_that_it_ended(&self, now: i64, ago: i64) -> Result<Self> {
        let end = tokyo_date(now - ago)?;
        let years = self.generation.birthdays();
        let issue = end.checked_sub(jiff::Span::new().years(years)).map_err(|_| Error::Date)?;
        let issue = issue.tomorrow().and_then(|day| day.to_zoned(TOKYO)).map_err(|_| Error::Date)?;
        Ok(Self { birth_date: end, issued_at: issue.timestamp().as_second(), ..*self })
    }
}

const TOKYO: TimeZone = TimeZone::fixed(Offset::constant(9));

fn tokyo_date(unix_seconds: i64) -> Result<Date> {
    let instant = Timestamp::from_second(unix_seconds).map_err(|_| Error::Date)?;
    Ok(instant.to_zoned(TOKYO).date())
}

/// Born on 29 February, one ages with the end of the 28th in other years.
fn birthday_in(birth_date: Date, year: i16) -> Result<Date> {
    Date::new(year, birth_date.month(), birth_date.day())
        .or_else(|_| Date::new(year, 2, 28))
        .map_err(|_| Error::Date)
}

/// Parameters of the CA itself.
pub(crate) fn card_ca_params(generation: Generation, now: i64) -> Result<rcgen::CertificateParams> {
    let life = match generation {
        Generation::Rsa1 => (now - 4 * YEAR, now + 6 * YEAR),
        Generation::Rsa2 => (now - YEAR, now + 9 * YEAR),
        Generation::P384 => (now - YEAR, now + 19 * YEAR),
    };
    let mut params = ca_params(card_ca_name()?, life, Some(0))?;
    params.custom_extensions.push(revocation_point());
    Ok(params)
}

fn card_ca_name() -> Result<rcgen::DistinguishedName> {
    name(&[
        (DnType::CountryName, "JP"),
        (DnType::OrganizationName, "JPKI-TEST"),
        (DnType::OrganizationalUnitName, "JPKI-TEST for user authentication"),
        (second_unit(), "TEST Agency for Local Authority Information Systems"),
    ])
}

/// As on the real CAs, the CRL point is a directory name and no URL can be fetched from it.
fn revocation_point() -> rcgen::CustomExtension {
    let attribute = |arcs: &[u64], text: &str| {
        let pair = der::sequence(&[&der::tlv(6, &der::oid(arcs)), &der::tlv(0x13, text.as_bytes())]);
        der::tlv(0x31, &pair)
    };
    let directory = der::sequence(&[
        &attribute(&[2, 5, 4, 6], "JP"),
        &attribute(&[2, 5, 4, 10], "JPKI-TEST"),
        &attribute(oid::ORGANIZATIONAL_UNIT, "JPKI-TEST for user authentication"),
        &attribute(&[2, 5, 4, 3], "CRLDP"),
    ]);
    extension(oid::CRL_DISTRIBUTION_POINTS, der::directory_name_point(&directory), false)
}

/// Issues the certificate for `key`. `impostor` is a CA with the same name and a key nobody pinned.
pub(crate) fn issue(
    authority: &Authority,
    impostor: impl FnOnce() -> Result<Authority>,
    request: &CardRequest,
    key: &KeyPair,
) -> Result<Vec<u8>> {
    let mut params = sound_params(request)?;
    if let Some(defect) = request.defect {
        spoil(&mut params, defect, request)?;
    }
    match request.defect {
        Some(CardDefect::UnknownCaSameName) => impostor()?.issue(&params, key),
        Some(CardDefect::SignedByLeaf) => {
            // A leaf that calls itself by the CA's name; its own certificate is not a CA's.
            let leaf = request.generation.algorithm().generate()?;
            Authority::stored(card_ca_params(request.generation, request.issued_at)?, leaf, Vec::new())
                .issue(&params, key)
        }
        Some(CardDefect::WeakHash) => Ok(with_weak_hash(authority.issue(&params, key)?)),
        Some(defect) => match strange_key(defect)? {
            Some(strange) => authority.issue(&params, &strange),
            None => authority.issue(&params, key),
        },
        None => authority.issue(&params, key),
    }
}

fn sound_params(request: &CardRequest) -> Result<rcgen::CertificateParams> {
    let subject = name(&[(DnType::CountryName, "JP"), (DnType::CommonName, &opaque_name()?)])?;
    let mut params = leaf_params(subject, (request.issued_at, request.ends_at()?))?;
    // Shorter than the institution's 16 bytes, so that a verifier cannot mix up both profiles' lengths.
    params.serial_number = Some(serial(8)?);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.custom_extensions.push(policies(&der::oid(oid::TEST_USER_AUTHENTICATION_ARCS), false));
    params.custom_extensions.push(revocation_point());
    Ok(params)
}

/// `TEST` and 22 random letters and digits: like the real ones it says nothing about the holder.
fn opaque_name() -> Result<String> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut random = [0; 22];
    aws_lc_rs::rand::fill(&mut random)?;
    let letters = random.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32)));
    Ok("TEST".chars().chain(letters.map(|letter| char::from(*letter))).collect())
}

fn spoil(params: &mut rcgen::CertificateParams, defect: CardDefect, request: &CardRequest) -> Result<()> {
    use KeyUsagePurpose::{ContentCommitment, CrlSign, DigitalSignature, KeyCertSign};
    let policy = |arcs, critical| policies(&der::oid(arcs), critical);
    let mut replace_policies = |replacement: Option<rcgen::CustomExtension>| {
        params
            .custom_extensions
            .retain(|known| !known.oid_components().eq(policies(&[], false).oid_components()));
        params.custom_extensions.extend(replacement);
    };
    match defect {
        CardDefect::CriticalPolicies => {
            replace_policies(Some(policy(oid::TEST_USER_AUTHENTICATION_ARCS, true)));
        }
        CardDefect::CriticalForeignPolicies => replace_policies(Some(policy(oid::EXAMPLE_ARCS, true))),
        CardDefect::ForeignPolicies => replace_policies(Some(policy(oid::EXAMPLE_ARCS, false))),
        CardDefect::ProductionPolicies => {
            replace_policies(Some(policy(oid::PRODUCTION_USER_AUTHENTICATION_ARCS, false)));
        }
        CardDefect::NoPolicies => replace_policies(None),
        CardDefect::SignatureType => {
            replace_policies(Some(policy(oid::TEST_SIGNATURE_ARCS, false)));
            params.key_usages = vec![DigitalSignature, ContentCommitment];
            params.custom_extensions.push(person_attributes());
        }
        CardDefect::PersonAttributes => params.custom_extensions.push(person_attributes()),
        CardDefect::NonRepudiation => params.key_usages = vec![DigitalSignature, ContentCommitment],
        CardDefect::KeyCertSign => params.key_usages = vec![DigitalSignature, KeyCertSign],
        CardDefect::CrlSign => params.key_usages = vec![DigitalSignature, CrlSign],
        CardDefect::NoDigitalSignature => params.key_usages = vec![KeyUsagePurpose::KeyEncipherment],
        CardDefect::NoKeyUsage => params.key_usages.clear(),
        CardDefect::Ca => params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained),
        CardDefect::DuplicateExtension => {
            let usage = der::tlv(0x03, &[7, 0x80]);
            params.custom_extensions.push(extension(oid::KEY_USAGE, usage, true));
        }
        CardDefect::UnknownCriticalExtension => {
            params.custom_extensions.push(extension(oid::EXAMPLE_ARCS, der::tlv(0x05, &[]), true));
        }
        CardDefect::ValidTooLong => {
            let longest = match request.generation {
                Generation::Rsa1 | Generation::Rsa2 => 5 * YEAR + 150 * DAY,
                Generation::P384 => 11 * YEAR + 120 * DAY,
            };
            params.not_after = instant(request.issued_at + longest)?;
        }
        CardDefect::Expired => {
            params.not_before = instant(request.issued_at - 3 * YEAR)?;
            params.not_after = instant(request.issued_at - 120 * DAY)?;
        }
        CardDefect::NotYetValid => {
            params.not_before = instant(request.issued_at + DAY)?;
        }
        CardDefect::LongSerial => params.serial_number = Some(serial(21)?),
        CardDefect::Oversized => {
            let padding = der::tlv(0x04, &[0; 4096]);
            params.custom_extensions.push(extension(oid::EXAMPLE_ARCS, padding, false));
        }
        CardDefect::UnknownCaSameName
        | CardDefect::SignedByLeaf
        | CardDefect::WeakHash
        | CardDefect::Rsa1024
        | CardDefect::Rsa3072
        | CardDefect::RsaExponent3
        | CardDefect::P256 => {}
    }
    Ok(())
}

/// What a signature certificate carries and this system must never see: here, the invented 〔架空〕.
fn person_attributes() -> rcgen::CustomExtension {
    let content = der::other_name(&der::oid(oid::COMMON_NAME_ATTRIBUTE_ARCS), "架空 太郎〔架空〕");
    extension(oid::SUBJECT_ALT_NAME, content, false)
}

/// A public key no card has. Nobody holds its private half, and nobody needs it: the profile is
/// checked before any signature of the card.
struct StrangeKey {
    bytes: Vec<u8>,
    algorithm: &'static SignatureAlgorithm,
}

impl PublicKeyData for StrangeKey {
    fn der_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

fn strange_key(defect: CardDefect) -> Result<Option<StrangeKey>> {
    let rsa = |bytes| Some(StrangeKey { bytes, algorithm: &rcgen::PKCS_RSA_SHA256 });
    Ok(match defect {
        CardDefect::Rsa1024 => rsa(rsa_public_key(128, &[1, 0, 1])?),
        CardDefect::Rsa3072 => rsa(rsa_public_key(384, &[1, 0, 1])?),
        CardDefect::RsaExponent3 => rsa(rsa_public_key(256, &[3])?),
        CardDefect::P256 => {
            let other = Algorithm::P256.generate()?;
            Some(StrangeKey { bytes: other.der_bytes().to_vec(), algorithm: other.algorithm() })
        }
        _ => None,
    })
}

/// `RSAPublicKey` (RFC 8017 A.1.1) over a random odd number with its top bit set.
fn rsa_public_key(bytes: usize, exponent: &[u8]) -> Result<Vec<u8>> {
    let mut modulus = vec![0; bytes];
    aws_lc_rs::rand::fill(&mut modulus)?;
    if let Some(top) = modulus.first_mut() {
        *top |= 0x80;
    }
    if let Some(bottom) = modulus.last_mut() {
        *bottom |= 1;
    }
    Ok(der::sequence(&[&der::integer(&modulus), &der::integer(exponent)]))
}

/// Names a weaker hash in both places of the certificate: SHA-1 for RSA, SHA-256 for ECDSA (too weak
/// for P-384 in the profile). The signature is wrong as well, and the profile is checked first.
fn with_weak_hash(mut certificate: Vec<u8>) -> Vec<u8> {
    let rsa = (der::tlv(6, &der::oid(&[1, 2, 840, 113_549, 1, 1, 11])), 5);
    let ecdsa = (der::tlv(6, &der::oid(&[1, 2, 840, 10_045, 4, 3, 3])), 2);
    for (strong, weak) in [rsa, ecdsa] {
        let mut start = 0;
        while let Some(found) = find(certificate.get(start..).unwrap_or_default(), &strong) {
            start += found + strong.len();
            if let Some(last) = certificate.get_mut(start - 1) {
                *last = weak;
            }
        }
    }
    certificate
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
