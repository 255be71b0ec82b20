//! A presence as a terminal holds it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pmh_audit::Verified;
use pmh_proto::presence::{AccessToken, Dependant, Notice, Tier};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::error::Error;

/// A card was presented here: what the terminal keeps until the patient leaves.
#[non_exhaustive]
pub struct Presence {
    /// The current token.
    pub token: Token,
    /// Handle for renewing, narrowing and ending; as secret as the token.
    pub handle: Zeroizing<Vec<u8>>,
    /// Until when tokens can be renewed, Unix seconds.
    pub until: i64,
    /// What it opens.
    pub tier: Tier,
    /// Things to say to the patient.
    pub notices: Vec<Notice>,
    /// Children the holder may act for.
    pub dependants: Vec<Dependant>,
    /// Proof that the presentation was recorded.
    pub proof: Verified,
}

/// A token, and whom it is about.
#[non_exhaustive]
pub struct Token {
    /// Compact JWS.
    pub secret: Zeroizing<String>,
    /// When it ends, Unix seconds.
    pub expires_at: i64,
    /// The subject, as this organization knows it.
    pub sub: String,
    /// The guardian who acts for the subject, if one does.
    pub actor: Option<String>,
}

impl Presence {
    /// The token as it is sent.
    pub fn bearer(&self) -> &str {
        &self.token.secret
    }
}

impl Token {
    /// Reads what a holder of the token needs. The signature is the gateway's business; what this terminal relies on
    /// is proved by the receipts.
    pub(crate) fn read(token: Option<AccessToken>) -> Result<Self, Error> {
        let token = token.ok_or(Error::Contract("token"))?;
        let claims = claims(&token.token).ok_or(Error::Contract("the token's subject"))?;
        let expires_at = token.expires_at.ok_or(Error::Contract("token.expires_at"))?.seconds;
        Ok(Self {
            secret: token.token.into(),
            expires_at,
            sub: claims.sub,
            actor: claims.act.and_then(|act| act.sub),
        })
    }
}

impl fmt::Debug for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence")
            .field("tier", &self.tier)
            .field("notices", &self.notices)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    act: Option<Act>,
}

#[derive(Deserialize)]
struct Act {
    sub: Option<String>,
}

/// The subject that a token names, if it can be read.
pub(crate) fn subject_of(token: &str) -> Option<String> {
    claims(token).map(|claims| claims.sub)
}

fn claims(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_, Some(claims), Some(_), None) = (parts.next()?, parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use prost_types::Timestamp;

    use super::*;

    fn token(claims: &str) -> Result<Token, Error> {
        let text = format!("e30.{}.AA", URL_SAFE_NO_PAD.encode(claims));
        let expires_at = Some(Timestamp { seconds: 7, nanos: 0 });
        Token::read(Some(AccessToken { token: text, expires_at }))
    }

    #[test]
    fn subject_and_guardian_are_read() {
        let read = token(r#"{"sub":"p1_child","act":{"sub":"p1_mother"},"v":1}"#).unwrap();
        assert_eq!(
            (read.sub.as_str(), read.actor.as_deref(), read.expires_at),
            ("p1_child", Some("p1_mother"), 7)
        );
        assert!(token(r#"{"sub":"p1_x"}"#).unwrap().actor.is_none());
    }

    #[test]
    fn a_token_without_subject_breaks_the_contract() {
        for bad in ["{}", "[]", "", r#"{"sub":1}"#] {
            assert!(matches!(token(bad), Err(Error::Contract(_))), "{bad:?}");
        }
        assert!(matches!(Token::read(None), Err(Error::Contract(_))));
    }

    #[test]
    fn debug_shows_neither_token_nor_subject() {
        let shown = format!("{:?}", token(r#"{"sub":"canary"}"#).unwrap());
        assert!(!shown.contains("canary") && !shown.contains("e30"), "{shown}");
    }
}
