//! `pmh.presence.v1.PresenceService`.

use pmh_auth::names::{Tier, UserVerification};
use pmh_proto::{
    common::Reason,
    presence::{self as pb, presence_service_server::PresenceService},
};
use prost::Message as _;
use prost_types::Timestamp;
use tonic::{Request, Response, Status};

use super::{
    fields::{self, Fields},
    service::Service,
    status::Refusal,
};
use crate::ops::{
    Call,
    presence::{Beginning, Completed, Completion, PresenceAnswer, PresenceCall, begin, change, complete},
};

#[tonic::async_trait]
impl PresenceService for Service {
    async fn begin_presentation(
        &self,
        request: Request<pb::BeginPresentationRequest>,
    ) -> Result<Response<pb::BeginPresentationResponse>, Status> {
        let (call, message) = self.open("/pmh.presence.v1.PresenceService/BeginPresentation", request)?;
        let outcome = self.begin(&call, message);
        self.answer(&call, outcome).await
    }

    async fn complete_presentation(
        &self,
        request: Request<pb::CompletePresentationRequest>,
    ) -> Result<Response<pb::CompletePresentationResponse>, Status> {
        let (call, message) = self.open("/pmh.presence.v1.PresenceService/CompletePresentation", request)?;
        let outcome = self.complete(&call, message).await;
        self.answer(&call, outcome).await
    }

    async fn renew_token(
        &self,
        request: Request<pb::RenewTokenRequest>,
    ) -> Result<Response<pb::RenewTokenResponse>, Status> {
        let (call, message) = self.open("/pmh.presence.v1.PresenceService/RenewToken", request)?;
        let act_for = (!message.act_for.is_empty()).then_some(message.act_for);
        let wish = PresenceCall::Renew { act_for };
        let outcome = self.change(&call, &message.presence, wish, encode_renewed).await;
        let outcome = outcome.and_then(|kept| self.decode(kept));
        self.answer(&call, outcome).await
    }

    async fn narrow_presence(
        &self,
        request: Request<pb::NarrowPresenceRequest>,
    ) -> Result<Response<pb::NarrowPresenceResponse>, Status> {
        let (call, message) = self.open("/pmh.presence.v1.PresenceService/NarrowPresence", request)?;
        let mut checked = Fields::default();
        let drop = purposes(&mut checked, "drop_purposes", &message.drop_purposes);
        check_groups(&mut checked, "withdraw_groups", &message.withdraw_groups);
        let wish = PresenceCall::Narrow { withdraw: message.withdraw_groups.clone(), drop };
        let outcome = match checked.finish() {
            Err(refusal) => Err(refusal),
            Ok(()) => self.change(&call, &message.presence, wish, encode_narrowed).await,
        };
        let outcome = outcome.and_then(|kept| self.decode(kept));
        self.answer(&call, outcome).await
    }

    async fn end_presence(
        &self,
        request: Request<pb::EndPresenceRequest>,
    ) -> Result<Response<pb::EndPresenceResponse>, Status> {
        let (call, message) = self.open("/pmh.presence.v1.PresenceService/EndPresence", request)?;
        let encode = |_: &PresenceAnswer| pb::EndPresenceResponse::default().encode_to_vec();
        let outcome = self.change(&call, &message.presence, PresenceCall::End, encode).await;
        let outcome = outcome.and_then(|kept| self.decode(kept));
        self.answer(&call, outcome).await
    }
}

impl Service {
    fn begin(
        &self,
        call: &Call,
        message: pb::BeginPresentationRequest,
    ) -> Result<pb::BeginPresentationResponse, Refusal> {
        let permit = self.permit(call)?;
        let wish = beginning(message)?;
        let begun = begin(&self.gateway, call, &permit, wish)?;
        Ok(pb::BeginPresentationResponse {
            to_be_signed: begun.to_be_signed,
            sealed_state: begun.sealed_state,
            expires_at: Some(seconds(begun.expires_at)),
        })
    }

    async fn complete(
        &self,
        call: &Call,
        message: pb::CompletePresentationRequest,
    ) -> Result<pb::CompletePresentationResponse, Refusal> {
        let permit = self.permit(call)?;
        let completion = completion(message)?;
        let answer = complete(&self.gateway, call, permit, completion, encode_completed).await?;
        self.decode(answer)
    }

    async fn change(
        &self,
        call: &Call,
        handle: &[u8],
        wish: PresenceCall,
        encode: impl Fn(&PresenceAnswer) -> Vec<u8> + Send + 'static,
    ) -> Result<(Vec<u8>, Option<pmh_audit::Receipt>), Refusal> {
        let permit = self.permit(call)?;
        if handle.len() != HANDLE_BYTES {
            return Err(Refusal::invalid_fields(vec![]).with_field("presence", Reason::Width));
        }
        change(&self.gateway, call, permit, handle, wish, encode).await
    }
}

fn beginning(message: pb::BeginPresentationRequest) -> Result<Beginning, Refusal> {
    let mut checked = Fields::default();
    let offer = message.offer.unwrap_or_default();
    let terminal = checked.identifier("terminal_id", &message.terminal_id, 64);
    let purposes = purposes(&mut checked, "purposes", &message.purposes);
    if purposes.is_empty() && message.purposes.is_empty() {
        checked.wrong("purposes", Reason::Required);
    }
    match message.scopes.len() {
        0 => checked.wrong("scopes", Reason::Required),
        1..=MAX_SCOPES => {}
        _ => checked.wrong("scopes", Reason::Width),
    }
    check_groups(&mut checked, "offer.groups", &offer.groups);
    let text_sha256: Option<[u8; 32]> = match offer.text_sha256.len() {
        0 => Some([0; 32]),
        _ => offer.text_sha256.try_into().map_err(|_| checked.wrong("offer.text_sha256", Reason::Width)).ok(),
    };
    let wanted = verification(&mut checked, "wanted", message.wanted);
    checked.finish()?;
    let (Some(terminal), Some(consent_text_sha256), Some(wanted)) = (terminal, text_sha256, wanted) else {
        return Err(Refusal::new(Reason::Internal));
    };
    Ok(Beginning {
        terminal,
        purposes,
        scopes: message.scopes,
        consent_text_sha256,
        offered: offer.groups,
        wanted,
    })
}

fn completion(message: pb::CompletePresentationRequest) -> Result<Completion, Refusal> {
    let mut checked = Fields::default();
    let jpki = message.jpki.unwrap_or_default();
    if message.sealed_state.len() > pmh_auth::challenge::MAX_SEALED {
        return Err(Refusal::new(Reason::ChallengeInvalid));
    }
    if jpki.certificate_der.is_empty() {
        checked.wrong("jpki.certificate_der", Reason::Required);
    } else if jpki.certificate_der.len() > pmh_auth::card::MAX_CERTIFICATE {
        checked.wrong("jpki.certificate_der", Reason::Width);
    }
    if jpki.signature.len() > pmh_auth::card::MAX_SIGNATURE {
        checked.wrong("jpki.signature", Reason::Width);
    }
    let used = verification(&mut checked, "used", message.used);
    let granted = message.answer.unwrap_or_default().groups;
    check_groups(&mut checked, "answer.groups", &granted);
    checked.finish()?;
    Ok(Completion {
        sealed_state: message.sealed_state,
        certificate: jpki.certificate_der,
        signature: jpki.signature,
        used: used.ok_or_else(|| Refusal::new(Reason::Internal))?,
        granted,
        reader: message.reader.map(|reader| (reader.jws, reader.certificate_der)),
        act_for: (!message.act_for.is_empty()).then_some(message.act_for),
    })
}

fn encode_completed(completed: &Completed) -> Vec<u8> {
    let mut notices = Vec::new();
    if completed.unlinked {
        notices.push(pb::Notice::NewCredentialUnlinked.into());
    }
    if completed.tier == Tier::Grace {
        notices.push(pb::Notice::CardInGrace.into());
    }
    let dependants = completed.dependants.iter().cloned();
    pb::CompletePresentationResponse {
        token: Some(token(&completed.token)),
        presence: completed.handle.to_vec(),
        presence_until: Some(seconds(completed.until)),
        tier: tier(completed.tier).into(),
        notices,
        dependants: dependants.map(|(child, birth_date)| pb::Dependant { child, birth_date }).collect(),
        receipt: None,
    }
    .encode_to_vec()
}

fn encode_renewed(answer: &PresenceAnswer) -> Vec<u8> {
    let token = match answer {
        PresenceAnswer::Token(issued) => Some(token(issued)),
        PresenceAnswer::Groups(_) | PresenceAnswer::Ended => None,
    };
    pb::RenewTokenResponse { token, receipt: None }.encode_to_vec()
}

fn encode_narrowed(answer: &PresenceAnswer) -> Vec<u8> {
    let groups = match answer {
        PresenceAnswer::Groups(groups) => groups.clone(),
        PresenceAnswer::Token(_) | PresenceAnswer::Ended => Vec::new(),
    };
    pb::NarrowPresenceResponse { groups, receipt: None }.encode_to_vec()
}

fn token(issued: &pmh_auth::token::IssuedToken) -> pb::AccessToken {
    pb::AccessToken { token: issued.token.clone(), expires_at: Some(seconds(issued.expires_at)) }
}

fn tier(tier: Tier) -> pb::Tier {
    match tier {
        Tier::Full => pb::Tier::Full,
        Tier::Grace | Tier::Btg => pb::Tier::Grace,
        Tier::Tap => pb::Tier::Tap,
    }
}

fn purposes(checked: &mut Fields, path: &str, numbers: &[i32]) -> Vec<pmh_auth::names::Purpose> {
    let mut found = Vec::new();
    if numbers.len() > MAX_SCOPES {
        checked.wrong(path, Reason::Width);
    }
    for (position, number) in numbers.iter().enumerate().take(MAX_SCOPES) {
        match fields::purpose(*number) {
            Some(purpose) => found.push(purpose),
            None => checked.wrong(format!("{path}[{position}]"), Reason::Value),
        }
    }
    found
}

fn check_groups(checked: &mut Fields, path: &str, groups: &[String]) {
    if groups.len() > MAX_GROUPS {
        checked.wrong(path, Reason::Width);
    }
    for (position, group) in groups.iter().enumerate().take(MAX_GROUPS) {
        if group != "*" && pmh_domain::codes::SchemeGroup::parse(group).is_err() {
            checked.wrong(format!("{path}[{position}]"), Reason::UnknownCode);
        }
    }
}

fn verification(checked: &mut Fields, path: &str, number: i32) -> Option<UserVerification> {
    Some(match checked.word::<pb::UserVerification>(path, number)? {
        pb::UserVerification::Unspecified => return None,
        pb::UserVerification::Pin => UserVerification::Pin,
        pb::UserVerification::Device => UserVerification::Device,
        pb::UserVerification::Face => UserVerification::Face,
        pb::UserVerification::Visual => UserVerification::Visual,
        pb::UserVerification::Tap => UserVerification::Tap,
    })
}

pub(super) fn seconds(unix: i64) -> Timestamp {
    Timestamp { seconds: unix, nanos: 0 }
}

/// Length of a presence handle.
const HANDLE_BYTES: usize = 32;
const MAX_SCOPES: usize = 16;
const MAX_GROUPS: usize = 64;
