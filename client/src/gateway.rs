//! One organization's way to a gateway: send, retry what is safe to repeat, check the receipt.

use std::time::Duration;

use http::uri::PathAndQuery;
use pmh_audit::{Verified, VerifierKey};
use pmh_proto::StrictCodec;
use prost::Message;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::call::{Call, Receipted as _, Recorded, Repeat, WhichLog};
use crate::error::Error;
use crate::identity::Identity;
use crate::presence::subject_of;
use crate::receipt::{Expected, check, check_answer, digest, response_digest};
use crate::refusal::Refused;

/// Verification keys of a gateway's logs.
#[derive(Debug, Clone)]
pub struct LogKeys {
    /// Of the log of disclosures and writes.
    pub gateway: VerifierKey,
    /// Of the log of presentations and tokens.
    pub auth: VerifierKey,
}

impl LogKeys {
    /// The key of one log.
    pub fn of(&self, log: WhichLog) -> &VerifierKey {
        match log {
            WhichLog::Gateway => &self.gateway,
            WhichLog::Auth => &self.auth,
        }
    }
}

/// How often and how long a call that is safe to repeat is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all, at least 1.
    pub attempts: u32,
    /// Pause before the second attempt, doubled for each further one, unless the gateway names its own.
    pub pause: Duration,
    /// A gateway that asks for a longer pause than this gets the last word.
    pub longest_pause: Duration,
}

impl Retry {
    /// One attempt: every failure is seen.
    pub const NEVER: Self = Self { attempts: 1, pause: Duration::ZERO, longest_pause: Duration::ZERO };
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 4, pause: Duration::from_millis(200), longest_pause: Duration::from_secs(5) }
    }
}

/// An answer whose receipt holds. The response still contains it, so that both can be kept as evidence.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Proven<R> {
    /// The answer.
    pub response: R,
    /// What its receipt proved.
    pub proof: Verified,
}

/// A gateway as one organization sees it. Cheap to clone; all clones share the connection.
#[derive(Debug, Clone)]
pub struct Gateway {
    channel: Channel,
    identity: Identity,
    keys: LogKeys,
    retry: Retry,
    operator: Option<MetadataValue<Ascii>>,
}

impl Gateway {
    /// A gateway behind a channel that shows this identity's certificate.
    pub fn new(channel: Channel, identity: Identity, keys: LogKeys) -> Self {
        Self { channel, identity, keys, retry: Retry::default(), operator: None }
    }

    /// Calls on behalf of a member of staff, whom a pseudonym names that only your organization can resolve. It is
    /// sealed into each entry and opened by warrant alone. At most 64 visible ASCII characters.
    pub fn with_operator(mut self, pseudonym: &str) -> Result<Self, Error> {
        let mut value: MetadataValue<Ascii> =
            pseudonym.parse().map_err(|_| Error::Contract("a pseudonym in visible ASCII"))?;
        value.set_sensitive(true);
        self.operator = Some(value);
        Ok(self)
    }

    /// With another retry.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Who we are.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whose logs we believe.
    pub fn keys(&self) -> &LogKeys {
        &self.keys
    }

    /// The channel, for services outside the contract such as health.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Calls a method whose answer carries a receipt, and checks it.
    pub async fn call<C: Recorded>(
        &self,
        request: &C,
        token: Option<&str>,
    ) -> Result<Proven<C::Response>, Error> {
        let response = self.call_unrecorded(request, token).await?;
        let proof = self.prove(request, &response)?;
        Ok(Proven { response, proof })
    }

    /// Calls a method and checks no receipt: for answers that say nothing about a person.
    pub async fn call_unrecorded<C: Call>(
        &self,
        request: &C,
        token: Option<&str>,
    ) -> Result<C::Response, Error> {
        let mut attempt = 1;
        loop {
            let error = match self.attempt(request, token).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            match self.pause_before_next::<C>(&error, attempt) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
            attempt += 1;
        }
    }

    fn prove<C: Recorded>(&self, request: &C, response: &C::Response) -> Result<Verified, Error> {
        let expected = Expected {
            requester: self.identity.organization(),
            method: C::method(),
            request: digest(request),
            response: response_digest(response),
        };
        let receipt = response.clone().take_receipt();
        let verified = check(receipt.as_ref(), self.keys.of(Call::log(request)), &expected)?;
        check_answer(&verified)?;
        Ok(verified)
    }

    async fn attempt<C: Call>(&self, request: &C, token: Option<&str>) -> Result<C::Response, Error> {
        let mut grpc = self.ready().await?;
        let codec = StrictCodec::<C, C::Response>::default();
        let mut sent = with_token(request.clone(), token)?;
        if let Some(operator) = &self.operator {
            sent.metadata_mut().insert("pmh-operator", operator.clone());
        }
        match grpc.unary(sent, PathAndQuery::from_static(C::PATH), codec).await {
            Ok(answer) => Ok(answer.into_inner()),
            Err(status) => Err(self.proved_failure(status, request, token)),
        }
    }

    /// A refusal that brings a receipt is believed only if the receipt holds.
    fn proved_failure<C: Call>(&self, status: Status, request: &C, token: Option<&str>) -> Error {
        let error = failure(status);
        let Some(refused) = error.refused().filter(|refused| refused.receipt.is_some()) else {
            return error;
        };
        let (key, organization) = (self.keys.of(C::LOG), self.identity.organization());
        let sub = token.and_then(subject_of);
        match refused.verify(key, organization, C::method(), digest(request), sub.as_deref()) {
            Ok(_) => error,
            Err(proof) => proof.into(),
        }
    }

    pub(crate) async fn ready(&self) -> Result<Grpc<Channel>, Error> {
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await.map_err(|error| failure(Status::from_error(error.into())))?;
        Ok(grpc)
    }

    pub(crate) fn retry(&self) -> Retry {
        self.retry
    }

    fn pause_before_next<C: Call>(&self, error: &Error, attempt: u32) -> Option<Duration> {
        match C::REPEAT {
            Repeat::Safe => self.retry.pause_after(error, attempt),
            Repeat::Never => None,
        }
    }
}

impl Retry {
    /// How long to wait after failed attempt number `attempt`; `None` to give up.
    pub(crate) fn pause_after(self, error: &Error, attempt: u32) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let doubled = self.pause.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
        let pause = match error {
            Error::Refused(refused) if refused.may_pass_later() => refused.retry_after.unwrap_or(doubled),
            Error::Broken(status) if passing(status.code()) => doubled,
            _ => return None,
        };
        (pause <= self.longest_pause).then_some(pause)
    }
}

/// A refusal, or a status that did not come from the gateway.
pub(crate) fn failure(status: Status) -> Error {
    match Refused::read(&status) {
        Some(refused) => Error::Refused(Box::new(refused)),
        None => Error::Broken(Box::new(status)),
    }
}

pub(crate) fn with_token<M: Message>(message: M, token: Option<&str>) -> Result<Request<M>, Error> {
    let mut request = Request::new(message);
    if let Some(token) = token {
        let mut value: MetadataValue<Ascii> =
            format!("Bearer {token}").parse().map_err(|_| Error::Contract("a token in visible ASCII"))?;
        value.set_sensitive(true);
        request.metadata_mut().insert("authorization", value);
    }
    Ok(request)
}

/// Codes of a connection that broke under a call, whatever the two libraries between made of it.
fn passing(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable | Code::DeadlineExceeded | Code::Unknown | Code::Internal | Code::Cancelled
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_double_end_and_stop_at_what_will_not_pass() {
        let retry =
            Retry { attempts: 4, pause: Duration::from_secs(1), longest_pause: Duration::from_secs(5) };
        let broken = |code| Error::Broken(Box::new(Status::new(code, "")));
        let pauses: Vec<_> =
            (1..=4).map(|attempt| retry.pause_after(&broken(Code::Unavailable), attempt)).collect();
        assert_eq!(pauses, [Some(1), Some(2), Some(4), None].map(|s| s.map(Duration::from_secs)));
        assert_eq!(retry.pause_after(&broken(Code::PermissionDenied), 1), None);
        assert_eq!(retry.pause_after(&Error::Contract("x"), 1), None);
        assert_eq!(Retry::NEVER.pause_after(&broken(Code::Unavailable), 1), None);
    }
}
