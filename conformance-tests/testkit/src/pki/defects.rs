//! Everything that can be wrong with one certificate, as values a test can enumerate.

/// What a verifier must do with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Take it.
    Accept,
    /// Refuse it for its shape, before any signature is checked.
    RefuseProfile,
    /// Refuse it because no pinned CA signed it.
    RefuseUntrusted,
    /// Refuse it for its dates.
    RefuseDates,
}

/// One thing wrong with a card certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CardDefect {
    /// Ended 120 days before [`CardRequest::issued_at`](super::CardRequest::issued_at), past the three
    /// months of grace (R-CCP-12).
    Expired,
    /// Begins a day after it.
    NotYetValid,
    /// Signed by a CA of the same name that nobody pinned (R-CCP-03).
    UnknownCaSameName,
    /// Signed by a key that is no CA's (R-CCP-04).
    SignedByLeaf,
    /// Policies critical, with the configured OID: no defect, must be accepted (R-CCP-05).
    CriticalPolicies,
    /// Policies critical, with another OID (R-CCP-05).
    CriticalForeignPolicies,
    /// Policies with another OID.
    ForeignPolicies,
    /// The real policy in a test configuration (the mirror image of R-CCP-06).
    ProductionPolicies,
    /// No policies.
    NoPolicies,
    /// A signature certificate (署名用): its policy, nonRepudiation and person attributes (R-CCP-01).
    SignatureType,
    /// Person attributes alone.
    PersonAttributes,
    /// nonRepudiation (R-CCP-07).
    NonRepudiation,
    /// keyCertSign (R-CCP-07).
    KeyCertSign,
    /// cRLSign.
    CrlSign,
    /// keyUsage without digitalSignature.
    NoDigitalSignature,
    /// No keyUsage.
    NoKeyUsage,
    /// cA=true (R-CCP-07).
    Ca,
    /// RSA-1024 (R-CCP-08).
    Rsa1024,
    /// RSA-3072 (R-CCP-08).
    Rsa3072,
    /// RSA-2048 with e=3 (R-CCP-08).
    RsaExponent3,
    /// P-256 (R-CCP-08).
    P256,
    /// SHA-1 under an RSA CA, SHA-256 under the P-384 CA (R-CCP-08).
    WeakHash,
    /// keyUsage twice (R-CCP-10).
    DuplicateExtension,
    /// A critical extension nobody knows (R-CCP-09).
    UnknownCriticalExtension,
    /// Valid longer than the profile allows.
    ValidTooLong,
    /// A serial of 21 bytes.
    LongSerial,
    /// More than 4 KiB (R-CCP-15).
    Oversized,
}

impl CardDefect {
    /// All of them.
    pub const ALL: [Self; 27] = [
        Self::Expired,
        Self::NotYetValid,
        Self::UnknownCaSameName,
        Self::SignedByLeaf,
        Self::CriticalPolicies,
        Self::CriticalForeignPolicies,
        Self::ForeignPolicies,
        Self::ProductionPolicies,
        Self::NoPolicies,
        Self::SignatureType,
        Self::PersonAttributes,
        Self::NonRepudiation,
        Self::KeyCertSign,
        Self::CrlSign,
        Self::NoDigitalSignature,
        Self::NoKeyUsage,
        Self::Ca,
        Self::Rsa1024,
        Self::Rsa3072,
        Self::RsaExponent3,
        Self::P256,
        Self::WeakHash,
        Self::DuplicateExtension,
        Self::UnknownCriticalExtension,
        Self::ValidTooLong,
        Self::LongSerial,
        Self::Oversized,
    ];

    /// What a verifier with the test policy configured must do.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::CriticalPolicies => Verdict::Accept,
            Self::Expired | Self::NotYetValid => Verdict::RefuseDates,
            Self::UnknownCaSameName | Self::SignedByLeaf => Verdict::RefuseUntrusted,
            _ => Verdict::RefuseProfile,
        }
    }
}

/// One thing wrong with an organization's client certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeafDefect {
    /// Ended a day before [`LeafRequest::issued_at`](super::LeafRequest::issued_at).
    Expired,
    /// Begins a day after it.
    NotYetValid,
    /// Valid 399 days (R-TLS-09).
    ValidTooLong,
    /// Signed by a CA of the same name that nobody trusts.
    UnknownCaSameName,
    /// No organization URI (R-TLS-11).
    NoOrganization,
    /// Two organization URIs (R-TLS-11).
    TwoOrganizations,
    /// Two terminal URIs.
    TwoTerminals,
    /// An organization URI in capital letters.
    MalformedOrganization,
    /// EKU serverAuth instead of clientAuth (R-TLS-14).
    ServerAuth,
    /// EKU clientAuth and serverAuth.
    ClientAndServerAuth,
    /// No EKU (R-TLS-14).
    NoExtendedKeyUsage,
    /// keyUsage without digitalSignature.
    NoDigitalSignature,
    /// keyCertSign beside digitalSignature.
    KeyCertSign,
    /// cA=true.
    Ca,
    /// An RSA-2048 key (R-TLS-13).
    Rsa2048,
    /// A serial of 7 bytes.
    ShortSerial,
    /// A serial of 21 bytes.
    LongSerial,
    /// nameConstraints in a leaf.
    NameConstraints,
    /// A critical extension nobody knows.
    UnknownCriticalExtension,
}

impl LeafDefect {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Expired,
        Self::NotYetValid,
        Self::ValidTooLong,
        Self::UnknownCaSameName,
        Self::NoOrganization,
        Self::TwoOrganizations,
        Self::TwoTerminals,
        Self::MalformedOrganization,
        Self::ServerAuth,
        Self::ClientAndServerAuth,
        Self::NoExtendedKeyUsage,
        Self::NoDigitalSignature,
        Self::KeyCertSign,
        Self::Ca,
        Self::Rsa2048,
        Self::ShortSerial,
        Self::LongSerial,
        Self::NameConstraints,
        Self::UnknownCriticalExtension,
    ];

    /// What the edge must do.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Expired | Self::NotYetValid => Verdict::RefuseDates,
            Self::UnknownCaSameName => Verdict::RefuseUntrusted,
            _ => Verdict::RefuseProfile,
        }
    }
}
