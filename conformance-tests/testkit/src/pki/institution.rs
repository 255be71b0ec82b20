//! The institution CA: root, issuing CA, and leaves for servers, terminals and readers.
//!
//! Leaves are as the edge wants them: P-256, URI SANs, clientAuth only, a short life.

use std::net::IpAddr;

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose,
    NameConstraints, SanType,
};

use super::authority::{
    Algorithm, Authority, DAY, YEAR, ca_params, extension, leaf_params, name, policies, serial,
};
use super::defects::LeafDefect;
use super::{der, oid};
use crate::{Error, Result, pem};

/// A certificate chain and its key: what a TLS peer or a signer holds.
#[derive(Clone)]
pub struct Identity {
    chain: Vec<Vec<u8>>,
    key: Vec<u8>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.chain.len()).finish_non_exhaustive()
    }
}

impl Identity {
    /// From DER: the chain, leaf first, and the PKCS#8 key.
    pub fn from_der(chain: Vec<Vec<u8>>, key: Vec<u8>) -> Self {
        Self { chain, key }
    }

    /// From PEM texts: the chain, leaf first, and the PKCS#8 key.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self> {
        Ok(Self { chain: pem::certificates(chain)?, key: pem::private_key(key)? })
    }

    /// The leaf, DER.
    pub fn certificate(&self) -> &[u8] {
        self.chain.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// Leaf and issuing CA, DER.
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// The key, PKCS#8 DER.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Leaf and issuing CA, PEM.
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|certificate| pem::encode("CERTIFICATE", certificate)).collect()
    }

    /// The key, PKCS#8 PEM.
    pub fn key_pem(&self) -> String {
        pem::encode("PRIVATE KEY", &self.key)
    }
}

/// What an organization's client certificate is to say.
#[derive(Debug, Clone)]
pub struct LeafRequest {
    /// `urn:x-pmh:org:<kind>:<code>`.
    pub organization: String,
    /// Terminal id; the certificate carries it as `urn:x-pmh:term:<id>`.
    pub terminal: Option<String>,
    /// First second of validity, Unix seconds.
    pub issued_at: i64,
    /// Days of validity, 1 to 398.
    pub days: u16,
    /// What is to be wrong with it.
    pub defect: Option<LeafDefect>,
}

impl LeafRequest {
    /// A sound certificate of one day for one terminal.
    pub fn new(organization: &str, terminal: &str, issued_at: i64) -> Self {
        Self {
            organization: organization.to_owned(),
            terminal: Some(terminal.to_owned()),
            issued_at,
            days: 1,
            defect: None,
        }
    }

    /// The same with one defect.
    #[must_use]
    pub fn with(mut self, defect: LeafDefect) -> Self {
        self.defect = Some(defect);
        self
    }

    /// The same for another number of days.
    #[must_use]
    pub fn for_days(mut self, days: u16) -> Self {
        self.days = days;
        self
    }
}

/// Root and issuing CA.
pub(crate) struct Institution {
    pub(crate) root: Authority,
    pub(crate) issuing: Authority,
}

impl Institution {
    pub(crate) fn generate(now: i64) -> Result<Self> {
        let root = Authority::root(root_params(now)?, Algorithm::P384.generate()?)?;
        let issuing = root.subordinate(issuing_params(now)?, Algorithm::P256.generate()?)?;
        Ok(Self { root, issuing })
    }

    /// A certificate for a gateway reachable under `names`, each a DNS name or an IP address.
    pub(crate) fn server(&self, names: &[&str], issued_at: i64, days: u16) -> Result<Identity> {
        let mut params = Self::leaf(names.first().copied().unwrap_or("localhost"), issued_at, days)?;
        params.subject_alt_names = names.iter().map(|name| host(name)).collect::<Result<_>>()?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.finish(&params, &Algorithm::P256.generate()?)
    }

    /// A client certificate; see [`LeafRequest`].
    pub(crate) fn client(&self, request: &LeafRequest) -> Result<Identity> {
        let common_name = request.terminal.as_deref().unwrap_or("organization");
        let mut params = Self::leaf(common_name, request.issued_at, request.days)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let mut uris = vec![request.organization.clone()];
        uris.extend(request.terminal.iter().map(|id| format!("urn:x-pmh:term:{id}")));
        let mut key = Algorithm::P256;
        if let Some(defect) = request.defect {
            spoil(&mut params, &mut uris, &mut key, defect, request)?;
        }
        params.subject_alt_names = uris.iter().map(|uri| self::uri(uri)).collect::<Result<_>>()?;
        let key = key.generate()?;
        if request.defect == Some(LeafDefect::UnknownCaSameName) {
            return Self::generate(request.issued_at)?.finish(&params, &key);
        }
        self.finish(&params, &key)
    }

    /// A face reader's certificate: the reader policy, no EKU, no organization, so that it opens no connection.
    pub(crate) fn reader(&self, serial: &str, issued_at: i64, days: u16) -> Result<Identity> {
        let mut params = Self::leaf(serial, issued_at, days)?;
        params.subject_alt_names = vec![uri(&format!("urn:x-pmh:reader:{serial}"))?];
        params.custom_extensions.push(policies(oid::READER_POLICY_DER, false));
        self.finish(&params, &Algorithm::P256.generate()?)
    }

    fn leaf(common_name: &str, issued_at: i64, days: u16) -> Result<CertificateParams> {
        let name = name(&[(DnType::OrganizationName, "PMH-TEST"), (DnType::CommonName, common_name)])?;
        // The last second is inclusive (RFC 5280 §4.1.2.5), so a day is 86,399 seconds after the first.
        let life = (issued_at, issued_at + i64::from(days) * DAY - 1);
        let mut params = leaf_params(name, life)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.is_ca = IsCa::ExplicitNoCa;
        Ok(params)
    }

    fn finish(&self, params: &CertificateParams, key: &KeyPair) -> Result<Identity> {
        let leaf = self.issuing.issue(params, key)?;
        let chain = vec![leaf, self.issuing.certificate().to_vec()];
        Ok(Identity { chain, key: key.serialized_der().to_vec() })
    }
}

pub(crate) fn root_params(now: i64) -> Result<CertificateParams> {
    let name = name(&[
        (DnType::CountryName, "JP"),
        (DnType::OrganizationName, "PMH-TEST"),
        (DnType::CommonName, "PMH-TEST Institution Root"),
    ])?;
    ca_params(name, (now - YEAR, now + 19 * YEAR), Some(1))
}

pub(crate) fn issuing_params(now: i64) -> Result<CertificateParams> {
    let name = name(&[
        (DnType::CountryName, "JP"),
        (DnType::OrganizationName, "PMH-TEST"),
        (DnType::CommonName, "PMH-TEST Institution Issuing CA"),
    ])?;
    ca_params(name, (now - YEAR, now + 9 * YEAR), Some(0))
}

fn spoil(
    params: &mut CertificateParams,
    uris: &mut Vec<String>,
    key: &mut Algorithm,
    defect: LeafDefect,
    request: &LeafRequest,
) -> Result<()> {
    let at = |seconds: i64| super::authority::instant(request.issued_at + seconds);
    match defect {
        LeafDefect::Expired => (params.not_before, params.not_after) = (at(-2 * DAY)?, at(-DAY)?),
        LeafDefect::NotYetValid => (params.not_before, params.not_after) = (at(DAY)?, at(2 * DAY)?),
        LeafDefect::ValidTooLong => params.not_after = at(399 * DAY)?,
        LeafDefect::NoOrganization => uris.retain(|uri| !uri.starts_with("urn:x-pmh:org:")),
        LeafDefect::TwoOrganizations => uris.push("urn:x-pmh:org:operator:second".to_owned()),
        LeafDefect::TwoTerminals => uris.push("urn:x-pmh:term:second".to_owned()),
        LeafDefect::MalformedOrganization => {
            for uri in uris.iter_mut().take(1) {
                *uri = uri.to_ascii_uppercase();
            }
        }
        LeafDefect::ServerAuth => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth],
        LeafDefect::ClientAndServerAuth => {
            params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        }
        LeafDefect::NoExtendedKeyUsage => params.extended_key_usages.clear(),
        LeafDefect::NoDigitalSignature => params.key_usages = vec![KeyUsagePurpose::KeyAgreement],
        LeafDefect::KeyCertSign => params.key_usages.push(KeyUsagePurpose::KeyCertSign),
        LeafDefect::Ca => params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained),
        LeafDefect::Rsa2048 => *key = Algorithm::Rsa2048,
        LeafDefect::ShortSerial => params.serial_number = Some(serial(7)?),
        LeafDefect::LongSerial => params.serial_number = Some(serial(21)?),
        LeafDefect::NameConstraints => {
            let permitted_subtrees = vec![GeneralSubtree::DnsName("test".to_owned())];
            params.name_constraints =
                Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
        }
        LeafDefect::UnknownCriticalExtension => {
            params.custom_extensions.push(extension(oid::EXAMPLE_ARCS, der::tlv(0x05, &[]), true));
        }
        LeafDefect::UnknownCaSameName => {}
    }
    Ok(())
}

fn uri(text: &str) -> Result<SanType> {
    Ok(SanType::URI(text.try_into()?))
}

fn host(text: &str) -> Result<SanType> {
    Ok(match text.parse::<IpAddr>() {
        Ok(address) => SanType::IpAddress(address),
        Err(_) => SanType::DnsName(text.try_into().map_err(|_| Error::Content)?),
    })
}
