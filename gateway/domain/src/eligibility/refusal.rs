//! The receptionist's line when there is no answer at all.

use super::words::Text;

/// The receptionist's line when there is no answer at all: a refusal by its
/// reason (`google.rpc.ErrorInfo.reason`), or `UNREACHABLE`. Says whose side it
/// is on and what to do, that it says nothing about the right, and that paper
/// counts. Unknown reasons get the gateway's line.
pub fn refusal_line(reason: &str) -> Text {
    let side = side_of(reason);
    let (ja, en) = match reason {
        "TOKEN_EXPIRED" | "PRESENCE_ENDED" | "TOKEN_MISSING" => {
            ("カードをもう一度読み取ってください。", "Present the card again.")
        }
        "ACR_TOO_LOW" => ("暗証番号の入力をお願いしてください。", "Ask for the PIN."),
        "CARD_CERT_EXPIRED" => (
            "カードの電子証明書が期限切れです。市区町村の窓口での更新をご案内ください。",
            "The card's certificate has expired; it is renewed at the municipality.",
        ),
        "CARD_CERT_REVOKED" => (
            "カードの電子証明書が失効しています。市区町村の窓口への相談をご案内ください。",
            "The card's certificate was revoked; the municipality can help.",
        ),
        _ => side.advice(),
    };
    side.opening().then(&Text::new(ja, en)).then(&Text::new(
        "この表示は受給資格の有無を示すものではありません。紙の受給者証は通常どおり使えます。",
        "This says nothing about the right; the paper certificate counts as always.",
    ))
}

/// Whose side a refusal is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Card,
    Consent,
    Terminal,
    Network,
    Gateway,
}

fn side_of(reason: &str) -> Side {
    match reason {
        "CARD_SIGNATURE"
        | "CARD_CERT_TYPE"
        | "CARD_CERT_MALFORMED"
        | "CARD_CERT_UNTRUSTED"
        | "CARD_CERT_EXPIRED"
        | "CARD_CERT_REVOKED"
        | "ACR_TOO_LOW"
        | "TIER_LIMITED" => Side::Card,
        "CONSENT_REQUIRED" => Side::Consent,
        "TOKEN_MISSING"
        | "TOKEN_INVALID"
        | "TOKEN_EXPIRED"
        | "TOKEN_BINDING"
        | "CHALLENGE_INVALID"
        | "READER_NOT_TRUSTED"
        | "ORG_IDENTITY_MISSING"
        | "CERT_REVOKED"
        | "ROLE_NOT_ALLOWED"
        | "SCOPE_MISSING"
        | "PURPOSE_NOT_ALLOWED"
        | "ORG_SUSPENDED"
        | "SUBJECT_MISMATCH"
        | "ISSUER_MISMATCH"
        | "OUTSIDE_JURISDICTION"
        | "PROOF_INVALID"
        | "SECOND_PERSON_NEEDED"
        | "ERASED"
        | "NOT_COSIGNED"
        | "LEGAL_HOLD"
        | "RATE_LIMITED"
        | "CONNECTIONS"
        | "MESSAGE_SIZE"
        | "INVALID_FIELDS"
        | "INDIVIDUAL_NUMBER_FORBIDDEN"
        | "UNKNOWN_FIELDS"
        | "STREAM_ORDER"
        | "PRESENCE_ENDED"
        | "STATE_NOT_ALLOWED"
        | "NOT_FOUND"
        | "IDEMPOTENCY_KEY_REUSED"
        | "VERSION_CONFLICT"
        | "UNIMPLEMENTED" => Side::Terminal,
        "UNREACHABLE" | "DEADLINE" => Side::Network,
        _ => Side::Gateway,
    }
}

impl Side {
    fn opening(self) -> Text {
        match self {
            Self::Card => Text::new(
                "カード側の理由で確認できませんでした。",
                "The card's side kept this from being checked.",
            ),
            Self::Consent => Text::new(
                "同意の範囲外のため確認できませんでした。",
                "The patient's consent does not cover this.",
            ),
            Self::Terminal => Text::new(
                "この窓口の端末・設定側の理由で確認できませんでした。",
                "This institution's terminal or settings kept this from being checked.",
            ),
            Self::Network => Text::new(
                "通信または確認システムに届かず、確認できませんでした。",
                "The network or the gateway could not be reached.",
            ),
            Self::Gateway => Text::new(
                "確認システム側の理由で確認できませんでした。",
                "The gateway's side kept this from being checked.",
            ),
        }
    }

    fn advice(self) -> (&'static str, &'static str) {
        match self {
            Self::Card => (
                "利用者証明用電子証明書の入ったカードか確かめ、もう一度読み取ってください。",
                "Make sure it is a card with a user certificate and present it again.",
            ),
            Self::Consent => (
                "必要であれば、同意の画面からやり直してください。",
                "If needed, begin again at the consent screen.",
            ),
            Self::Terminal => (
                "繰り返す場合は、システムの担当業者へ連絡してください。",
                "If it happens again, call your vendor.",
            ),
            Self::Network => ("少し待ってからもう一度お試しください。", "Wait a little and try again."),
            Self::Gateway => (
                "窓口の操作の誤りではありません。少し待ってからもう一度お試しください。",
                "It is no mistake of this institution. Wait a little and try again.",
            ),
        }
    }
}
