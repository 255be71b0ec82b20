//! A counter's terminal: present, renew, narrow, end, ask.

use pmh_audit::Kind;
use pmh_auth::challenge::{Offer, OfferError, ToBeSigned, verify_offer};
use pmh_auth::names;
use pmh_proto::common::Purpose;
use pmh_proto::eligibility::{VerifyEligibilityRequest, VerifyEligibilityResponse};
use pmh_proto::presence::{
    BeginPresentationRequest, BeginPresentationResponse, CompletePresentationRequest,
    CompletePresentationResponse, ConsentAnswer, ConsentOffer, EndPresenceRequest, EndPresenceResponse,
    JpkiCredential, NarrowPresenceRequest, NarrowPresenceResponse, RenewTokenRequest, RenewTokenResponse,
    UserVerification,
};
use sha2::{Digest as _, Sha256};
use tonic::transport::Channel;

use crate::call::Recorded;
use crate::card::Card;
use crate::error::Error;
use crate::gateway::{Gateway, LogKeys, Proven, Retry};
use crate::identity::Identity;
use crate::presence::{Presence, Token};
use crate::receipt::{ProofError, check_subject};

/// What the terminal asks of the patient and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presentation {
    /// Purposes the token is for.
    pub purposes: Vec<Purpose>,
    /// Scopes the token is for, for example `eligibility:read`.
    pub scopes: Vec<String>,
    /// The consent text on the screen.
    pub consent_text: String,
    /// Scheme groups offered there; `*` offers all subsidies.
    pub offered: Vec<String>,
    /// Groups the patient granted.
    pub granted: Vec<String>,
    /// How the holder is verified.
    pub verification: UserVerification,
    /// A child's handle from an earlier answer; `None` for the holder.
    pub act_for: Option<String>,
}

impl Presentation {
    /// For the rights of the patient, verified by PIN: everything in `offered` is shown and granted.
    pub fn for_eligibility(consent_text: &str, offered: &[&str]) -> Self {
        let offered: Vec<String> = offered.iter().map(|&group| group.to_owned()).collect();
        Self {
            purposes: vec![Purpose::Treat, Purpose::Hpaymt],
            scopes: vec![names::scope::ELIGIBILITY_READ.to_owned()],
            consent_text: consent_text.to_owned(),
            granted: offered.clone(),
            offered,
            verification: UserVerification::Pin,
            act_for: None,
        }
    }

    /// For a vaccination, verified by PIN: the history is looked at and the dose written down. Nothing is offered: the
    /// consent to the shot is the 予診票's.
    pub fn for_vaccination(text: &str) -> Self {
        let scopes = [names::scope::VACCINATION_READ, names::scope::VACCINATION_WRITE];
        Self {
            purposes: vec![Purpose::Treat],
            scopes: scopes.map(str::to_owned).to_vec(),
            consent_text: text.to_owned(),
            offered: Vec::new(),
            granted: Vec::new(),
            verification: UserVerification::Pin,
            act_for: None,
        }
    }

    /// To read checkups, verified by PIN, for treatment at a clinic or at the person's own request. Nothing is offered:
    /// what is agreed to is the scope, which stands in the text that the card signs.
    pub fn for_checkups(text: &str, purpose: Purpose) -> Self {
        Self {
            purposes: vec![purpose],
            scopes: vec![names::scope::CHECKUP_READ.to_owned()],
            ..Self::for_accesses(text)
        }
    }

    /// To examine at a clinic, verified by PIN: earlier checkups are read and today's is written down.
    pub fn for_examination(text: &str) -> Self {
        let scopes = [names::scope::CHECKUP_READ, names::scope::CHECKUP_WRITE];
        Self { scopes: scopes.map(str::to_owned).to_vec(), ..Self::for_checkups(text, Purpose::Treat) }
    }

    /// For a handoff's offer, verified by PIN: the mother binds it to herself at the stay side's window.
    pub fn for_handoff(text: &str) -> Self {
        Self {
            purposes: vec![Purpose::Pubhlth],
            scopes: vec![names::scope::HANDOFF_ACCEPT.to_owned()],
            ..Self::for_vaccination(text)
        }
    }

    /// To tell her municipality of a birth or a loss, verified by PIN: the mother agrees by the scope.
    pub fn for_birth(text: &str) -> Self {
        Self { scopes: vec![names::scope::BIRTH_NOTIFY.to_owned()], ..Self::for_vaccination(text) }
    }

    /// To show a facility what postpartum care her home municipality approved, verified by PIN.
    pub fn for_care(text: &str) -> Self {
        Self { scopes: vec![names::scope::CARE_VERIFY.to_owned()], ..Self::for_vaccination(text) }
    }

    /// For the person's own list of accesses, verified by PIN. Nothing is offered and nothing granted: it is a right.
    pub fn for_accesses(text: &str) -> Self {
        Self {
            purposes: vec![Purpose::Patrqt],
            scopes: vec![names::scope::ACCESS_READ.to_owned()],
            consent_text: text.to_owned(),
            offered: Vec::new(),
            granted: Vec::new(),
            verification: UserVerification::Pin,
            act_for: None,
        }
    }
}

/// What VerifyEligibility said, proved: [`Proven::response`] may be shown.
pub type Answer = Proven<VerifyEligibilityResponse>;

/// A terminal with its certificate.
#[derive(Debug, Clone)]
pub struct Terminal {
    gateway: Gateway,
    issuer: Option<String>,
}

impl Terminal {
    /// A terminal behind a channel that shows this identity's certificate.
    pub fn new(channel: Channel, identity: Identity, keys: LogKeys) -> Self {
        Self { gateway: Gateway::new(channel, identity, keys), issuer: None }
    }

    /// With the name of the auth service that a challenge must come from. Without it any service whose certificate
    /// the TLS connection accepted may name itself.
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// On behalf of a member of staff; see [`Gateway::with_operator`].
    pub fn with_operator(mut self, pseudonym: &str) -> Result<Self, Error> {
        self.gateway = self.gateway.with_operator(pseudonym)?;
        Ok(self)
    }

    /// With another retry.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.gateway = self.gateway.with_retry(retry);
        self
    }

    /// For calls beyond those below.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Has a card presented at `now` (Unix seconds) and opens a presence.
    pub async fn present(
        &self,
        card: &mut dyn Card,
        presentation: &Presentation,
        now: i64,
    ) -> Result<Presence, Error> {
        let begun = self.begin(presentation).await?;
        let challenge = self.check_challenge(&begun.to_be_signed, presentation, now)?;
        let request = complete(card, presentation, begun, &challenge)?;
        let Proven { response, proof } = self.gateway.call(&request, None).await?;
        opened(response, proof)
    }

    /// The challenge for a presentation. [`Self::present`] does all of it.
    pub async fn begin(&self, presentation: &Presentation) -> Result<BeginPresentationResponse, Error> {
        let request = BeginPresentationRequest {
            terminal_id: self.gateway.identity().terminal().unwrap_or_default().to_owned(),
            purposes: presentation.purposes.iter().map(|&purpose| purpose.into()).collect(),
            scopes: presentation.scopes.clone(),
            offer: Some(ConsentOffer {
                text_sha256: Sha256::digest(&presentation.consent_text).to_vec(),
                groups: sorted(&presentation.offered),
            }),
            wanted: presentation.verification.into(),
        };
        self.gateway.call_unrecorded(&request, None).await
    }

    /// Compares a challenge with what was asked and shown, before the card sees it (R-CRD-12).
    pub fn check_challenge(
        &self,
        to_be_signed: &[u8],
        presentation: &Presentation,
        now: i64,
    ) -> Result<ToBeSigned, OfferError> {
        let issuer = match &self.issuer {
            Some(issuer) => issuer.clone(),
            None => ToBeSigned::decode(to_be_signed)?.issuer,
        };
        let identity = self.gateway.identity();
        let expected = Offer {
            issuer,
            organization: identity.urn(),
            thumbprint: *identity.thumbprint(),
            terminal: identity.terminal().unwrap_or_default().to_owned(),
            purposes: presentation.purposes.iter().filter_map(|&purpose| purpose_name(purpose)).collect(),
            scopes: presentation.scopes.clone(),
            consent_shown: presentation.consent_text.clone(),
            consent_offered: presentation.offered.clone(),
            wanted: verification_name(presentation.verification).ok_or(OfferError::Request)?,
        };
        verify_offer(to_be_signed, &expected, now)
    }

    /// A new token; `act_for` opens the presence for a child from now on.
    pub async fn renew(
        &self,
        presence: &mut Presence,
        act_for: Option<&str>,
    ) -> Result<Proven<RenewTokenResponse>, Error> {
        let request = RenewTokenRequest {
            presence: presence.handle.to_vec(),
            act_for: act_for.unwrap_or_default().to_owned(),
        };
        let answer = self.gateway.call(&request, None).await?;
        let token = Token::read(answer.response.token.clone())?;
        about(&answer.proof, &token)?;
        presence.token = token;
        Ok(answer)
    }

    /// Withdraws consent to groups and drops purposes. Earlier tokens end at once: renew before asking again.
    pub async fn narrow(
        &self,
        presence: &Presence,
        withdraw_groups: &[&str],
        drop_purposes: &[Purpose],
    ) -> Result<Proven<NarrowPresenceResponse>, Error> {
        let request = NarrowPresenceRequest {
            presence: presence.handle.to_vec(),
            withdraw_groups: withdraw_groups.iter().map(|&group| group.to_owned()).collect(),
            drop_purposes: drop_purposes.iter().map(|&purpose| purpose.into()).collect(),
        };
        self.gateway.call(&request, None).await
    }

    /// The patient leaves. Tokens end at once; ending twice is no error.
    pub async fn end(&self, presence: &Presence) -> Result<Proven<EndPresenceResponse>, Error> {
        self.gateway.call(&EndPresenceRequest { presence: presence.handle.to_vec() }, None).await
    }

    /// What does this person hold? The answer is about the token's subject, for the stated purpose, or it is refused.
    pub async fn verify(
        &self,
        presence: &Presence,
        request: &VerifyEligibilityRequest,
    ) -> Result<Answer, Error> {
        let answer = self.call(presence, request).await?;
        let leaf = &answer.proof.leaf;
        if leaf.kind != Kind::Disclosure {
            return Err(ProofError::Kind.into());
        }
        if i32::from(leaf.purpose.0) != request.purpose {
            return Err(ProofError::Outcome.into());
        }
        if answer.response.subject != presence.token.sub {
            return Err(ProofError::Subject.into());
        }
        Ok(answer)
    }

    /// Any call with the presence's token, whose entry must be about the token's subject.
    pub async fn call<C: Recorded>(
        &self,
        presence: &Presence,
        request: &C,
    ) -> Result<Proven<C::Response>, Error> {
        let answer = self.gateway.call(request, Some(presence.bearer())).await?;
        check_subject(&answer.proof, &presence.token.sub)?;
        Ok(answer)
    }
}

/// The card's part.
fn complete(
    card: &mut dyn Card,
    presentation: &Presentation,
    begun: BeginPresentationResponse,
    challenge: &ToBeSigned,
) -> Result<CompletePresentationRequest, Error> {
    let signed = card.sign(&begun.to_be_signed)?;
    Ok(CompletePresentationRequest {
        sealed_state: begun.sealed_state,
        jpki: Some(JpkiCredential { certificate_der: signed.certificate_der, signature: signed.signature }),
        used: presentation.verification.into(),
        answer: Some(ConsentAnswer { groups: sorted(&presentation.granted) }),
        reader: card.assertion(challenge),
        act_for: presentation.act_for.clone().unwrap_or_default(),
    })
}

fn opened(response: CompletePresentationResponse, proof: pmh_audit::Verified) -> Result<Presence, Error> {
    let tier = response.tier();
    let notices = response.notices().collect();
    let token = Token::read(response.token)?;
    about(&proof, &token)?;
    Ok(Presence {
        token,
        handle: response.presence.into(),
        until: response.presence_until.ok_or(Error::Contract("presence_until"))?.seconds,
        tier,
        notices,
        dependants: response.dependants,
        proof,
    })
}

/// A presentation is about the token's subject, or about the guardian who acts for it.
fn about(proof: &pmh_audit::Verified, token: &Token) -> Result<(), ProofError> {
    check_subject(proof, &token.sub).or_else(|error| match &token.actor {
        Some(actor) => check_subject(proof, actor),
        None => Err(error),
    })
}

fn sorted(groups: &[String]) -> Vec<String> {
    let mut groups = groups.to_vec();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// The two vocabularies and the log's registry share their numbers.
fn purpose_name(purpose: Purpose) -> Option<names::Purpose> {
    u8::try_from(purpose as i32).ok().and_then(names::Purpose::from_number)
}

fn verification_name(verification: UserVerification) -> Option<names::UserVerification> {
    u8::try_from(verification as i32).ok().and_then(names::UserVerification::from_number)
}

#[cfg(test)]
mod tests {
    use pmh_audit::registry;

    use super::*;

    #[test]
    fn purposes_have_one_number_on_the_wire_in_tokens_and_in_the_log() {
        for number in 1..=5_u8 {
            let wire = Purpose::try_from(i32::from(number)).unwrap();
            let word = wire.as_str_name().strip_prefix("PURPOSE_").unwrap();
            assert_eq!(purpose_name(wire).unwrap().as_str(), word);
            assert_eq!(registry::Purpose(number.into()).name(), Some(word));
        }
    }

    #[test]
    fn verifications_have_one_number_on_the_wire_and_in_the_signed_text() {
        for number in 1..=5_u8 {
            let wire = UserVerification::try_from(i32::from(number)).unwrap();
            let word = wire.as_str_name().strip_prefix("USER_VERIFICATION_").unwrap().to_lowercase();
            assert_eq!(verification_name(wire).unwrap().as_str(), word);
        }
        assert_eq!(verification_name(UserVerification::Unspecified), None);
    }
}
