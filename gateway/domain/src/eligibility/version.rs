//! The opaque version of an answer.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Caller, Consent, GroupResult, Question, Rules, Tier, View};
use crate::codes::SchemeGroup;
use crate::entitlement::CareType;
use crate::time::DateRange;

/// Bytes of the digest kept: enough that two answers never meet by chance.
const LENGTH: usize = 16;

/// What a version covers. The results carry entitlements and watermarks, but
/// only those the caller may see: a version over hidden facts would tell a
/// clinic without consent that something has changed.
#[derive(Serialize)]
struct Covered<'a> {
    salt: &'a [u8],
    rules: &'a str,
    caller: &'a Caller,
    period: DateRange,
    care: Option<CareType>,
    groups: Vec<SchemeGroup>,
    consent: &'a Consent,
    tier: Tier,
    view: View,
    results: &'a [GroupResult],
}

/// `None` only if the results cannot be encoded; then nothing is ever called
/// unchanged, which is the safe side.
pub(super) fn version(question: &Question, rules: &Rules, results: &[GroupResult]) -> Option<String> {
    let covered = Covered {
        salt: &question.version_salt,
        rules: &rules.version,
        caller: &question.caller,
        period: question.period,
        care: question.care,
        groups: question.groups.iter().copied().collect(),
        consent: &question.consent,
        tier: question.tier,
        view: question.view,
        results,
    };
    let digest = Sha256::digest(postcard::to_allocvec(&covered).ok()?);
    digest.get(..LENGTH).map(|kept| URL_SAFE_NO_PAD.encode(kept))
}
