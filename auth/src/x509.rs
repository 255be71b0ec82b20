//! What both certificate profiles ask of the parser: everything once, nothing left over, nothing unknown.

use x509_parser::extensions::{GeneralName, ParsedExtension, X509Extension};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::oid::PolicyOid;

/// The certificate cannot be read, or says something twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The extensions of one certificate, each at most once.
pub(crate) struct Extensions<'a> {
    all: &'a [X509Extension<'a>],
}

/// Parses one DER certificate without trailing bytes.
pub(crate) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, Malformed> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(Malformed),
    }
}

impl<'a> Extensions<'a> {
    /// Refuses a certificate with an extension twice or one that does not parse.
    pub(crate) fn of(certificate: &'a X509Certificate<'a>) -> Result<Self, Malformed> {
        let all = certificate.tbs_certificate.extensions();
        let twice =
            all.iter().enumerate().any(|(i, one)| all.iter().skip(i + 1).any(|two| one.oid == two.oid));
        let garbled = all
            .iter()
            .any(|extension| matches!(extension.parsed_extension(), ParsedExtension::ParseError { .. }));
        if twice || garbled { Err(Malformed) } else { Ok(Self { all }) }
    }

    /// The first value that `pick` recognizes.
    pub(crate) fn find<'s, T>(&'s self, pick: impl FnMut(&'s ParsedExtension<'a>) -> Option<T>) -> Option<T> {
        self.all.iter().map(X509Extension::parsed_extension).find_map(pick)
    }

    /// Whether a critical extension exists that `known` does not recognize.
    pub(crate) fn has_critical_beside(&self, known: impl Fn(&ParsedExtension<'a>) -> bool) -> bool {
        self.all.iter().any(|extension| extension.critical && !known(extension.parsed_extension()))
    }

    /// Key usage bits, if the extension exists.
    pub(crate) fn key_usage(&self) -> Option<&x509_parser::extensions::KeyUsage> {
        self.find(|parsed| match parsed {
            ParsedExtension::KeyUsage(usage) => Some(usage),
            _ => None,
        })
    }

    /// Whether basic constraints say that this is a CA; absent means no.
    pub(crate) fn is_ca(&self) -> bool {
        self.find(|parsed| match parsed {
            ParsedExtension::BasicConstraints(constraints) => Some(constraints.ca),
            _ => None,
        })
        .unwrap_or(false)
    }

    /// The alternative names of the subject.
    pub(crate) fn subject_names(&self) -> &[GeneralName<'a>] {
        self.find(|parsed| match parsed {
            ParsedExtension::SubjectAlternativeName(names) => Some(names.general_names.as_slice()),
            _ => None,
        })
        .unwrap_or_default()
    }

    /// Whether the policies list one of `wanted`.
    pub(crate) fn has_policy(&self, wanted: &[PolicyOid]) -> bool {
        self.find(|parsed| match parsed {
            ParsedExtension::CertificatePolicies(policies) => Some(policies),
            _ => None,
        })
        .is_some_and(|policies| {
            policies.iter().any(|policy| wanted.iter().any(|oid| oid.is(policy.policy_id.as_bytes())))
        })
    }
}

/// A serial number as bytes: positive, without leading zero. `None` for zero and negative numbers.
pub(crate) fn positive_serial(raw: &[u8]) -> Option<&[u8]> {
    let negative = raw.first().is_some_and(|byte| byte & 0x80 != 0);
    let start = raw.iter().position(|byte| *byte != 0)?;
    if negative { None } else { raw.get(start..) }
}

/// The uncompressed point inside a DER SubjectPublicKeyInfo; whether it lies on a curve is the key's question.
pub(crate) fn public_point(spki: &[u8]) -> Option<Vec<u8>> {
    match SubjectPublicKeyInfo::from_der(spki) {
        Ok(([], info)) => Some(info.subject_public_key.data.to_vec()),
        _ => None,
    }
}
