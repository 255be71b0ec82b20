//! What many scenarios say.

use pmh_client::Error;
use pmh_conformance::{Target, Town};
use pmh_proto::common::Reason;

/// The sandbox of this run.
pub(crate) async fn target() -> Target {
    Target::shared().await.unwrap()
}

/// The sandbox and 八王子市 in it.
pub(crate) async fn town() -> (Target, Town) {
    let target = target().await;
    let town = Town::hachioji(&target).await.unwrap();
    (target, town)
}

/// The refusal in an error, by its reason.
#[track_caller]
pub(crate) fn reason<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Reason {
    let error = outcome.unwrap_err();
    match error.refused() {
        Some(refused) => refused.reason,
        None => panic!("not a refusal: {error:?}"),
    }
}

/// The fields that a refusal names, each with its reason.
#[track_caller]
pub(crate) fn fields<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Vec<(String, Reason)> {
    let error = outcome.unwrap_err();
    let refused = error.refused().unwrap_or_else(|| panic!("not a refusal: {error:?}"));
    assert_eq!(refused.reason, Reason::InvalidFields, "{refused:?}");
    refused.fields.iter().map(|field| (field.path.clone(), field.reason)).collect()
}

/// What a token is told whose presence has ended or was narrowed.
pub(crate) fn ended(reason: Reason) -> bool {
    matches!(reason, Reason::TokenInvalid | Reason::PresenceEnded)
}

/// An error as everything it says to the outside, to look for what it must not say.
pub(crate) fn spoken(error: &Error) -> String {
    let mut text = format!("{error:?}");
    if let Error::Refused(refused) = error {
        text.push_str(&refused.message);
    }
    text
}
