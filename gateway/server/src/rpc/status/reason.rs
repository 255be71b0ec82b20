//! What each [`Reason`] means on the wire: code, text, name, advice. The contract's comments are the source.

use std::time::Duration;

use pmh_proto::common::Reason;
use tonic::Code;

/// The name that travels in `ErrorInfo.reason`: the proto name without `REASON_`.
pub fn reason_name(reason: Reason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("REASON_").unwrap_or(name)
}

/// The reason that travels as `name`.
pub fn reason_named(name: &str) -> Option<Reason> {
    Reason::from_str_name(&format!("REASON_{name}"))
}

/// Whether the reason belongs to a row and never to a call.
pub(super) fn row_reason(reason: Reason) -> bool {
    reason == Reason::Unspecified || reason as i32 >= Reason::Required as i32
}

/// The gRPC code of a reason, as `reason.proto` states it.
pub(super) fn code(reason: Reason) -> Code {
    match reason {
        Reason::TokenMissing
        | Reason::TokenInvalid
        | Reason::TokenExpired
        | Reason::TokenBinding
        | Reason::ChallengeInvalid
        | Reason::CardSignature
        | Reason::CardCertType
        | Reason::CardCertMalformed
        | Reason::CardCertUntrusted
        | Reason::CardCertExpired
        | Reason::CardCertRevoked
        | Reason::ReaderNotTrusted
        | Reason::OrgIdentityMissing
        | Reason::CertRevoked => Code::Unauthenticated,

        Reason::RoleNotAllowed
        | Reason::ScopeMissing
        | Reason::PurposeNotAllowed
        | Reason::ConsentRequired
        | Reason::AcrTooLow
        | Reason::TierLimited
        | Reason::OrgSuspended
        | Reason::SubjectMismatch
        | Reason::IssuerMismatch
        | Reason::OutsideJurisdiction
        | Reason::ProofInvalid
        | Reason::SecondPersonNeeded => Code::PermissionDenied,

        Reason::RateLimited | Reason::Connections | Reason::MessageSize => Code::ResourceExhausted,

        Reason::InvalidFields
        | Reason::IndividualNumberForbidden
        | Reason::UnknownFields
        | Reason::StreamOrder => Code::InvalidArgument,

        Reason::PresenceEnded
        | Reason::StateNotAllowed
        | Reason::Erased
        | Reason::NotCosigned
        | Reason::LegalHold => Code::FailedPrecondition,
        Reason::NotFound => Code::NotFound,
        Reason::IdempotencyKeyReused => Code::AlreadyExists,
        Reason::VersionConflict => Code::Aborted,

        Reason::AuditUnavailable | Reason::TryAgain | Reason::RevocationStale => Code::Unavailable,
        Reason::Deadline => Code::DeadlineExceeded,
        Reason::Unimplemented => Code::Unimplemented,

        Reason::Internal
        | Reason::Unspecified
        | Reason::Required
        | Reason::Width
        | Reason::Characters
        | Reason::CheckDigit
        | Reason::UnknownCode
        | Reason::CodeNotCurrent
        | Reason::Date
        | Reason::IntervalReversed
        | Reason::DateOutOfRange
        | Reason::DuplicateRow
        | Reason::HistoryKeyConflict
        | Reason::ResidentUnknown
        | Reason::DoseNumberTaken
        | Reason::UnknownItem
        | Reason::OtherKind
        | Reason::Unit
        | Reason::Method
        | Reason::Impossible
        | Reason::Implausible
        | Reason::Contradiction
        | Reason::TotalMismatch
        | Reason::Incomplete
        | Reason::Withheld
        | Reason::Age
        | Reason::VersionDisputed
        | Reason::BatchClosed
        | Reason::TicketNumberTaken
        | Reason::TicketClosed
        | Reason::TicketsExhausted
        | Reason::TicketHolderUnknown
        | Reason::Value => Code::Internal,
    }
}

/// The constant text of a reason, for a developer's eyes; screens take theirs from the reason.
pub(super) fn message(reason: Reason) -> &'static str {
    match reason {
        Reason::TokenMissing => "this call needs a presence token",
        Reason::TokenInvalid => "the token is not valid",
        Reason::TokenExpired => "the token has expired; renew it",
        Reason::TokenBinding => "the token belongs to another terminal or organization",
        Reason::ChallengeInvalid => "the challenge is not valid; begin again",
        Reason::CardSignature => "the signature of the card does not fit the text",
        Reason::CardCertType => "not a user-authentication certificate",
        Reason::CardCertMalformed => "the card's certificate cannot be used",
        Reason::CardCertUntrusted => "the card's certificate was not issued by a known authority",
        Reason::CardCertExpired => "the card's certificate ended more than three months ago",
        Reason::CardCertRevoked => "the card's certificate was revoked",
        Reason::ReaderNotTrusted => "this verification needs the assertion of a registered reader",
        Reason::OrgIdentityMissing => "the client certificate names no registered organization",
        Reason::CertRevoked => "the client certificate was revoked",
        Reason::RoleNotAllowed => "your kind of organization may not call this method",
        Reason::ScopeMissing => "the token does not have the scope",
        Reason::PurposeNotAllowed => "the purpose is not allowed here or not in the token",
        Reason::ConsentRequired => "the patient's consent does not cover this",
        Reason::AcrTooLow => "the holder must be verified more strongly",
        Reason::TierLimited => "this presence does not open this",
        Reason::OrgSuspended => "your organization is suspended",
        Reason::SubjectMismatch => "the request names another person or organization than the caller's own",
        Reason::IssuerMismatch => "the issuer is not competent for the scheme, or not the caller",
        Reason::OutsideJurisdiction => "this is not within your jurisdiction",
        Reason::ProofInvalid => "the receipt does not prove the message",
        Reason::SecondPersonNeeded => "a second person must agree, at another terminal",
        Reason::RateLimited => "too many calls; wait as RetryInfo says",
        Reason::Connections => "too many connections of this organization",
        Reason::MessageSize => "the message is too large",
        Reason::InvalidFields => "fields break their format; see BadRequest",
        Reason::IndividualNumberForbidden => "a value looks like an individual number, which may not enter",
        Reason::UnknownFields => {
            "the message has fields unknown to this contract, or is not in canonical order"
        }
        Reason::StreamOrder => "a bulk stream begins with its header, exactly one",
        Reason::PresenceEnded => "the presence has ended; present the card again",
        Reason::StateNotAllowed => "the present state does not allow this",
        Reason::NotFound => "there is no such thing that you may see",
        Reason::IdempotencyKeyReused => "the idempotency key was used with another body",
        Reason::VersionConflict => "it was changed meanwhile; read again, then retry",
        Reason::Erased => "it was erased",
        Reason::LegalHold => "a legal hold forbids the erasure",
        Reason::NotCosigned => "fewer witnesses have cosigned the log than are asked for",
        Reason::AuditUnavailable => "the log cannot take the entry; nothing was disclosed or changed",
        Reason::TryAgain => "not available at the moment; nothing was disclosed",
        Reason::RevocationStale => "the revocation list is too old to trust a card",
        Reason::Deadline => "not finished in time; retry with the same key",
        Reason::Unimplemented => "no such method in this version",
        Reason::Internal
        | Reason::Unspecified
        | Reason::Required
        | Reason::Width
        | Reason::Characters
        | Reason::CheckDigit
        | Reason::UnknownCode
        | Reason::CodeNotCurrent
        | Reason::Date
        | Reason::IntervalReversed
        | Reason::DateOutOfRange
        | Reason::DuplicateRow
        | Reason::HistoryKeyConflict
        | Reason::ResidentUnknown
        | Reason::DoseNumberTaken
        | Reason::UnknownItem
        | Reason::OtherKind
        | Reason::Unit
        | Reason::Method
        | Reason::Impossible
        | Reason::Implausible
        | Reason::Contradiction
        | Reason::TotalMismatch
        | Reason::Incomplete
        | Reason::Withheld
        | Reason::Age
        | Reason::VersionDisputed
        | Reason::BatchClosed
        | Reason::TicketNumberTaken
        | Reason::TicketClosed
        | Reason::TicketsExhausted
        | Reason::TicketHolderUnknown
        | Reason::Value => "an error on our side; the request id finds it in our log",
    }
}

/// When to come back if nobody knows better. A message that is too large stays too large: no advice.
pub(super) fn usual_retry(reason: Reason) -> Option<Duration> {
    match reason {
        Reason::RateLimited | Reason::TryAgain | Reason::AuditUnavailable => Some(Duration::from_secs(1)),
        Reason::Connections => Some(Duration::from_secs(10)),
        Reason::RevocationStale => Some(Duration::from_mins(5)),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Every value of the enum, found by its numbers so that a new one cannot be forgotten here.
    pub(in crate::rpc::status) fn all() -> Vec<Reason> {
        (0..1000).filter_map(|number| Reason::try_from(number).ok()).collect()
    }

    pub(in crate::rpc::status) fn call_reasons() -> impl Iterator<Item = Reason> {
        all().into_iter().filter(|reason| !row_reason(*reason))
    }

    #[test]
    fn every_reason_of_a_call_says_its_code_in_the_contract() {
        let contract = include_str!("../../../../../proto/pmh/common/v1/reason.proto");
        for reason in call_reasons() {
            let (before, _) = contract.split_once(&format!("  {} = ", reason.as_str_name())).unwrap();
            let comment = before.rsplit("\n\n").next().unwrap().rsplit(";\n").next().unwrap();
            let documented = comment.trim_start().trim_start_matches("// ").split('.').next().unwrap();
            let code = format!("{:?}", code(reason)).to_uppercase();
            assert_eq!(documented.replace('_', ""), code, "{reason:?}");
        }
    }

    #[test]
    fn texts_are_distinct_so_that_a_search_finds_one_reason() {
        let mut texts: Vec<_> = call_reasons().map(message).collect();
        let count = texts.len();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), count);
    }
}
