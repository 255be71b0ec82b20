//! The state that travels: sealed at Begin, opened at Complete.

use zeroize::Zeroizing;

use super::{LIFETIME, MAX_SEALED, TbsError, ToBeSigned, scopes_digest};
use crate::Random;
use crate::crypto::{self, Key, SEAL_OVERHEAD};
use crate::names::{Purpose, UserVerification};
use crate::peer::ClientIdentity;
use crate::wire::{Garbled, Reader, put_text};

/// What a terminal wishes at Begin, after the policy agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What for; at least one, without repetition.
    pub purposes: Vec<Purpose>,
    /// What the token shall open.
    pub scopes: Vec<String>,
    /// Consent items offered to the holder: scheme groups.
    pub offered: Vec<String>,
    /// [`consent_digest`](super::consent_digest) of the dialogue.
    pub consent_digest: [u8; 32],
    /// How the holder shall be verified.
    pub wanted: UserVerification,
}

/// An outstanding challenge: all that Complete needs to know of Begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    to_be_signed: ToBeSigned,
    scopes: Vec<String>,
    offered: Vec<String>,
}

/// The state is not acceptable. Expired, forged, of another organization and used before are one answer, so that a
/// thief learns nothing from it (R-CRD-06).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the challenge is not valid")]
pub struct ChallengeError;

impl ChallengeError {
    /// The public reason.
    pub const fn reason(self) -> &'static str {
        "CHALLENGE_INVALID"
    }
}

impl From<Garbled> for ChallengeError {
    fn from(_: Garbled) -> Self {
        Self
    }
}

impl Challenge {
    /// Makes a new challenge for the caller. `now` is Unix seconds; presentation id and nonce come from `random`.
    pub fn new(issuer: &str, peer: &ClientIdentity, wish: Wish, now: i64, random: Random<'_>) -> Self {
        let (mut presentation_id, mut nonce) = ([0; 16], [0; 32]);
        random(&mut presentation_id);
        random(&mut nonce);
        let mut purposes = wish.purposes;
        purposes.sort_unstable_by_key(|purpose| purpose.as_str());
        purposes.dedup();
        let to_be_signed = ToBeSigned {
            issuer: issuer.to_owned(),
            presentation_id,
            nonce,
            organization: peer.organization().as_str().to_owned(),
            thumbprint: *peer.thumbprint(),
            terminal: peer.terminal().unwrap_or_default().to_owned(),
            purposes,
            scopes_digest: scopes_digest(&wish.scopes),
            consent_digest: wish.consent_digest,
            issued_at: now,
            expires_at: now.saturating_add(LIFETIME),
            wanted: wish.wanted,
        };
        Self { to_be_signed, scopes: wish.scopes, offered: wish.offered }
    }

    /// The content of the text to be signed.
    pub fn to_be_signed(&self) -> &ToBeSigned {
        &self.to_be_signed
    }

    /// The bytes that the card signs.
    pub fn encode(&self) -> Result<Vec<u8>, TbsError> {
        self.to_be_signed.encode()
    }

    /// The scopes asked for.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// The consent items offered; an answer may name no others.
    pub fn offered(&self) -> &[String] {
        &self.offered
    }

    /// What the replay guard stores: SHA-256 of the nonce.
    pub fn nonce_hash(&self) -> [u8; 32] {
        crypto::sha256(&[&self.to_be_signed.nonce])
    }

    fn to_bytes(&self) -> Result<Vec<u8>, ChallengeError> {
        let text = self.to_be_signed.encode().map_err(|_| ChallengeError)?;
        let mut out = u16::try_from(text.len()).map_err(|_| ChallengeError)?.to_be_bytes().to_vec();
        out.extend_from_slice(&text);
        for list in [&self.scopes, &self.offered] {
            out.push(u8::try_from(list.len()).map_err(|_| ChallengeError)?);
            list.iter().try_for_each(|item| put_text(&mut out, item))?;
        }
        Ok(out)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, ChallengeError> {
        let mut reader = Reader::new(bytes);
        let length = reader.u16()?;
        let to_be_signed = ToBeSigned::decode(reader.bytes(length.into())?).map_err(|_| ChallengeError)?;
        let mut list = || -> Result<Vec<String>, Garbled> {
            let count = reader.u8()?;
            (0..count).map(|_| reader.text().map(str::to_owned)).collect()
        };
        let (scopes, offered) = (list()?, list()?);
        reader.end()?;
        Ok(Self { to_be_signed, scopes, offered })
    }
}

/// Seals and opens states. All auth replicas share it; the sealing key changes every hour.
pub struct ChallengeKey(Key);

impl ChallengeKey {
    pub(crate) fn new(master: Key) -> Self {
        Self(master)
    }

    /// The opaque state for the terminal: hour, then AES-256-GCM-SIV; at most 1 KiB.
    ///
    /// Fails only when the wish is too long, for example with hundreds of consent items.
    pub fn seal(&self, challenge: &Challenge, random: Random<'_>) -> Result<Vec<u8>, ChallengeError> {
        let hour = hour_of(challenge.to_be_signed.issued_at)?;
        let plain = Zeroizing::new(challenge.to_bytes()?);
        if plain.len() + SEAL_OVERHEAD + HOUR_LENGTH > MAX_SEALED {
            return Err(ChallengeError);
        }
        let mut nonce = [0; 12];
        random(&mut nonce);
        let sealed = crypto::gcm_siv_seal(&self.hourly(hour), nonce, LABEL, &plain);
        Ok([&hour.to_be_bytes()[..], &sealed].concat())
    }

    /// Opens a state that `peer` brings back at `now`: same organization, same certificate, not expired.
    pub fn open(&self, sealed: &[u8], peer: &ClientIdentity, now: i64) -> Result<Challenge, ChallengeError> {
        if sealed.len() > MAX_SEALED {
            return Err(ChallengeError);
        }
        let (hour, text) = sealed.split_first_chunk::<HOUR_LENGTH>().ok_or(ChallengeError)?;
        let plain = crypto::gcm_siv_open(&self.hourly(u32::from_be_bytes(*hour)), LABEL, text);
        let challenge = Challenge::from_bytes(&plain.map_err(|_| ChallengeError)?)?;
        let text = &challenge.to_be_signed;
        let ours = text.organization == peer.organization().as_str()
            && text.thumbprint == *peer.thumbprint()
            && text.terminal == peer.terminal().unwrap_or_default();
        let current = text.issued_at <= now.saturating_add(REPLICA_SKEW) && now < text.expires_at;
        if ours && current { Ok(challenge) } else { Err(ChallengeError) }
    }

    fn hourly(&self, hour: u32) -> Key {
        crypto::derive(&self.0, &[b"hour", &hour.to_be_bytes()])
    }
}

fn hour_of(instant: i64) -> Result<u32, ChallengeError> {
    u32::try_from(instant.div_euclid(3600)).map_err(|_| ChallengeError)
}

const HOUR_LENGTH: usize = 4;
const LABEL: &[u8] = b"pmh-challenge-v1";
/// Begin and Complete may reach different replicas.
const REPLICA_SKEW: i64 = 5;
