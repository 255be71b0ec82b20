//! One issuer with its key, and tokens for one clinic's terminal.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::pki::{CLINIC, SAMPLE_IDENTITY};
use super::{NOW, Signer, counting};
use crate::keys::KeyRing;
use crate::names::{Acr, CredentialKind, Purpose, Tier, scope};
use crate::organization::OrganizationUrn;
use crate::token::{
    Consent, Consented, IssuedToken, Purposes, Scopes, Seconds, TokenRequest, TokenSigner, TokenVerifier,
    Version,
};

pub(crate) const ISSUER: &str = "https://auth.pmh.example";

pub(crate) struct Issuer {
    /// The same key twice: the product's signer, and one that writes anything.
    pub(crate) product: TokenSigner,
    pub(crate) raw: Signer,
    pub(crate) keys: KeyRing,
}

pub(crate) static ISSUING: LazyLock<Issuer> = LazyLock::new(|| {
    let raw = Signer::generate();
    Issuer {
        product: TokenSigner::from_pkcs8_der(ISSUER, raw.pkcs8()).unwrap(),
        raw,
        keys: KeyRing::from_master(Zeroizing::new([7; 32]), 1),
    }
});

pub(crate) fn verifier() -> TokenVerifier {
    TokenVerifier::new(ISSUER, ISSUING.product.key_set().clone())
}

/// A full presence of a PIN-verified card at the sample terminal, everything consented to.
pub(crate) fn request() -> TokenRequest {
    let person = [0x42; 16];
    TokenRequest {
        organization: OrganizationUrn::parse(CLINIC).unwrap(),
        thumbprint: *SAMPLE_IDENTITY.thumbprint(),
        sub: ISSUING.keys.pairwise().sub(&person, CLINIC),
        subject_ref: ISSUING.keys.subject_refs().subject_ref(&person),
        scopes: Scopes::new([scope::ELIGIBILITY_READ.to_owned(), scope::LINK_PROPOSE.to_owned()]).unwrap(),
        purposes: Purposes::new([Purpose::Treat, Purpose::Hpaymt]).unwrap(),
        consent: Consent {
            ver: Version,
            grants: vec![Consented::All],
            until: Seconds::new(NOW + 3600).unwrap(),
            r#ref: "c-1".to_owned(),
        },
        acr: Acr::Pin,
        auth_time: NOW,
        presence_id: [5; 16],
        tier: Tier::Full,
        credential: CredentialKind::Card,
        actor: None,
        relation: None,
        break_glass: None,
        not_after: NOW + 86_400,
    }
}

pub(crate) fn issue(request: &TokenRequest) -> IssuedToken {
    issue_with(request, &mut counting())
}

pub(crate) fn issue_with(request: &TokenRequest, random: &mut dyn FnMut(&mut [u8])) -> IssuedToken {
    ISSUING.product.issue(request, &ISSUING.keys.encrypted_subjects(), NOW, random).unwrap()
}

pub(crate) fn header() -> Value {
    json!({ "alg": "ES256", "typ": "at+jwt", "kid": ISSUING.product.kid() })
}

/// The claims of a sound token.
pub(crate) fn claims() -> Value {
    part(&issue(&request()).token, 1)
}

/// Header (0) or claims (1) of a token.
pub(crate) fn part(token: &str, number: usize) -> Value {
    serde_json::from_slice(&BASE64.decode(token.split('.').nth(number).unwrap()).unwrap()).unwrap()
}
