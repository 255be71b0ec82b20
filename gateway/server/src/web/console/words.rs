//! The log's numbers and names in plain words, as an auditor reads them.

use jiff::{Timestamp, tz::Offset};
use pmh_audit::{
    Kind,
    registry::{Method, Purpose},
};
use pmh_proto::common::Reason;

use super::language::Language;
use crate::rpc::status::reason_name;

/// What an entry records.
pub(super) fn kind(kind: Kind, language: Language) -> &'static str {
    let known = KINDS.iter().find(|(known, ..)| *known == kind);
    known.map_or_else(|| kind.name(), |(_, ja, en)| language.pick(*ja, *en))
}

/// What was done.
pub(super) fn method(name: &str, language: Language) -> &str {
    let known = METHODS.iter().find(|(known, ..)| known.name() == Some(name));
    known.map_or(name, |(_, ja, en)| language.pick(*ja, *en))
}

/// For what.
pub(super) fn purpose(purpose: Purpose, language: Language) -> &'static str {
    let known = PURPOSES.iter().find(|(known, ..)| *known == purpose);
    known.map_or(language.pick("記載なし", "not stated"), |(_, ja, en)| language.pick(*ja, *en))
}

/// A class of record by its name.
pub(super) fn category(name: &str, language: Language) -> &str {
    let known = CATEGORIES.iter().find(|(known, ..)| *known == name);
    known.map_or(name, |(_, ja, en)| language.pick(*ja, *en))
}

/// How it ended: a refusal by its reason, what an answer said by its words.
pub(super) fn outcome(kind: Kind, method: &str, outcome: u32, language: Language) -> String {
    if matches!(kind, Kind::Refusal | Kind::RefusalSummary) {
        let reason = i32::try_from(outcome).ok().and_then(|number| Reason::try_from(number).ok());
        let name = reason.map_or("?", reason_name);
        return language.pick(format!("拒否：{name}"), format!("refused: {name}"));
    }
    let states = language.pick(ANSWERS_JA, ANSWERS_EN);
    let state = usize::try_from(outcome).ok().and_then(|place| states.get(place));
    match (outcome, state) {
        (0, _) => language.pick("完了", "done").to_owned(),
        (_, Some(state)) if Method::from_name(method) == Some(Method::VERIFY_ELIGIBILITY) => {
            (*state).to_owned()
        }
        _ => outcome.to_string(),
    }
}

/// Why a page is refused, and what to do.
pub(super) fn reason(reason: Reason, language: Language) -> &'static str {
    let (ja, en) = match reason {
        Reason::RoleNotAllowed => (
            "この画面は監査機関のためのものです。貴機関の種別では利用できません。",
            "This page is for auditors. Your kind of organization may not use it.",
        ),
        Reason::OrgIdentityMissing => (
            "証明書が登録済みの機関を示していません。運用者にお問い合わせください。",
            "Your certificate names no registered organization. Ask the operator.",
        ),
        Reason::OrgSuspended => ("貴機関の利用は停止されています。", "Your organization is suspended."),
        Reason::InvalidFields => {
            ("入力を確認してください。", "Something you entered cannot be read. Please correct it.")
        }
        Reason::IndividualNumberForbidden => (
            "個人番号と思われる値は受け付けません。入力を削除してください。",
            "A value looks like an individual number, which may not be entered. Remove it.",
        ),
        Reason::NotFound => ("該当する記録はありません。", "There is no such entry that you may see."),
        Reason::OutsideJurisdiction => (
            "この記録は貴機関の管轄外です。この要求は記録されました。",
            "This entry is outside your jurisdiction. The request was recorded.",
        ),
        Reason::Erased => ("消去されています。", "It was erased."),
        Reason::RateLimited | Reason::Connections => (
            "短時間に要求が集中しています。しばらくしてからやり直してください。",
            "Too many requests in a short time. Wait a moment and try again.",
        ),
        Reason::TryAgain | Reason::Deadline => (
            "いま応答できません。何も表示していません。しばらくしてからやり直してください。",
            "No answer at the moment, and nothing was shown. Try again shortly.",
        ),
        Reason::AuditUnavailable => (
            "記録を残せないため表示できません。しばらくしてからやり直してください。",
            "The view cannot be recorded, so nothing is shown. Try again shortly.",
        ),
        Reason::MessageSize => ("送信された内容が大きすぎます。", "What was sent is too large."),
        Reason::Unimplemented => ("このページはありません。", "There is no such page."),
        _ => (
            "システム側の誤りです。問い合わせ番号を運用者にお伝えください。",
            "An error on our side. Give the request id to the operator.",
        ),
    };
    language.pick(ja, en)
}

/// What is wrong with a field.
pub(super) fn rule(rule: Reason, language: Language) -> &'static str {
    let (ja, en) = match rule {
        Reason::Required => ("入力してください", "is required"),
        Reason::Width => ("長すぎます", "is too long"),
        Reason::Characters => ("使えない文字があります", "has characters that may not be used"),
        Reason::Date => ("日付として読めません", "is not a date"),
        _ => ("値が正しくありません", "is not a value known here"),
    };
    language.pick(ja, en)
}

/// Date, hour, minute and second in Japan.
pub(super) fn instant(at: Timestamp) -> String {
    Offset::constant(9).to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A span of time in its largest two units.
pub(super) fn span(seconds: u64, language: Language) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => language.pick(format!("{seconds}秒"), format!("{seconds} s")),
        (0, 0, _) => language
            .pick(format!("{minutes}分{}秒", seconds % 60), format!("{minutes} min {} s", seconds % 60)),
        (0, ..) => language.pick(format!("{hours}時間{minutes}分"), format!("{hours} h {minutes} min")),
        _ => language.pick(format!("{days}日{hours}時間"), format!("{days} d {hours} h")),
    }
}

const KINDS: &[(Kind, &str, &str)] = &[
    (Kind::Disclosure, "開示", "disclosure"),
    (Kind::Refusal, "拒否", "refusal"),
    (Kind::AuditorQuery, "監査人の閲覧", "auditor's query"),
    (Kind::CitizenQuery, "本人の閲覧", "citizen's query"),
    (Kind::HandoffOffer, "引き継ぎの申し出", "handoff offered"),
    (Kind::HandoffAccept, "引き継ぎの受諾", "handoff accepted"),
    (Kind::HandoffReturn, "引き継ぎの返還", "handoff returned"),
    (Kind::Erasure, "消去", "erasure"),
    (Kind::KeyOrPolicyChange, "鍵・方針の変更", "key or policy change"),
    (Kind::LogStart, "ログの開始", "log start"),
    (Kind::DeliveryOutcome, "送達の結果", "delivery outcome"),
    (Kind::Write, "登録", "write"),
    (Kind::PresentationOrToken, "カードの提示・トークン", "presentation or token"),
    (Kind::BulkChunk, "一括登録", "bulk chunk"),
    (Kind::RegistryChange, "登録関係の変更", "registry change"),
    (Kind::Replay, "再送", "replay"),
    (Kind::HandoffDecline, "引き継ぎの辞退", "handoff declined"),
    (Kind::HandoffWithdraw, "引き継ぎの取り下げ", "handoff withdrawn"),
    (Kind::HandoffConfirm, "引き継ぎの確認", "handoff confirmed"),
    (Kind::HandoffClose, "引き継ぎの終了", "handoff closed"),
    (Kind::RefusalSummary, "拒否の集計", "summary of refusals"),
];

const METHODS: &[(Method, &str, &str)] = &[
    (Method::BEGIN_PRESENTATION, "カード提示の開始", "began a presentation"),
    (Method::COMPLETE_PRESENTATION, "カードの提示", "presented a card"),
    (Method::RENEW_TOKEN, "トークンの更新", "renewed a token"),
    (Method::NARROW_PRESENCE, "同意範囲の縮小", "narrowed a consent"),
    (Method::END_PRESENCE, "提示の終了", "ended a presence"),
    (Method::PUT_ORGANIZATION, "機関の登録", "registered an organization"),
    (Method::GET_ORGANIZATION, "機関の照会", "read an organization"),
    (Method::LIST_ORGANIZATIONS, "機関一覧の照会", "listed organizations"),
    (Method::SUSPEND_ORGANIZATION, "機関の利用停止", "suspended an organization"),
    (Method::RESUME_ORGANIZATION, "機関の利用再開", "resumed an organization"),
    (Method::PUT_COMPETENCE, "所管の登録", "registered a competence"),
    (Method::LIST_COMPETENCES, "所管一覧の照会", "listed competences"),
    (Method::PUT_RESIDENTS, "住民の登録", "registered residents"),
    (Method::LINK_CREDENTIAL, "カードと住民の結び付け", "linked a card"),
    (Method::PROPOSE_LINK, "結び付けの申請", "proposed a link"),
    (Method::DECIDE_LINK, "結び付けの判断", "decided about a link"),
    (Method::MOVE_RESIDENT, "転出入の登録", "registered a move"),
    (Method::PUT_RELATION, "保護者の登録", "registered a guardian"),
    (Method::PUT_RESTRICTION, "情報の保護の設定", "set a protection"),
    (Method::LIST_LINK_PROPOSALS, "申請一覧の照会", "listed proposals"),
    (Method::VERIFY_ELIGIBILITY, "受給資格の確認", "verified eligibility"),
    (Method::PUT_ENTITLEMENTS, "受給資格の登録", "registered entitlements"),
    (Method::LIST_ENTITLEMENTS, "登録した資格の照会", "listed entitlements"),
    (Method::ADVANCE_WATERMARK, "基準時点の更新", "advanced a watermark"),
    (Method::GET_ENTRY, "記録の閲覧", "opened an entry"),
    (Method::SEARCH_ENTRIES, "記録の検索", "searched the log"),
    (Method::GET_RECEIPT, "受領証の再取得", "fetched a receipt again"),
    (Method::REQUEST_PERSON_SEARCH, "対象者検索の申請", "requested a search by person"),
    (Method::APPROVE_PERSON_SEARCH, "対象者検索の承認", "approved a search by person"),
    (Method::OPEN_PARTS, "封印の開示", "opened sealed parts"),
    (Method::LIST_MY_ACCESSES, "本人による履歴の閲覧", "read one's own list"),
    (Method::QUESTION_ACCESS, "本人からの質問", "asked about an access"),
    (Method::ANSWER_QUESTION, "質問への回答", "answered a question"),
    (Method::LIST_QUESTIONS, "質問一覧の照会", "listed questions"),
    (Method::EXPORT_ENTRIES, "ログの書き出し", "exported the log"),
    (Method::READ_ENTRY_BUNDLE, "ログの束の取得", "read a bundle of entries"),
    (Method::ERASE_PERSON, "対象者の情報の消去", "erased a person's parts"),
    (Method::PUT_LEGAL_HOLD, "消去の禁止", "set a legal hold"),
    (Method::RELEASE_LEGAL_HOLD, "消去の禁止の解除", "released a legal hold"),
    (Method::PUT_ACCESS_DELAY, "本人への表示の延期", "delayed what a person is shown"),
];

const PURPOSES: &[(Purpose, &str, &str)] = &[
    (Purpose::TREATMENT, "診療", "treatment"),
    (Purpose::HEALTHCARE_PAYMENT, "医療費の支払い・助成", "payment of care"),
    (Purpose::PUBLIC_HEALTH, "公衆衛生", "public health"),
    (Purpose::COORDINATION_OF_CARE, "自治体間の引き継ぎ", "coordination of care"),
    (Purpose::PATIENT_REQUEST, "本人の求め", "the person's own request"),
    (Purpose::EMERGENCY_TREATMENT, "救急の診療", "emergency treatment"),
    (Purpose::BREAK_GLASS, "緊急開示", "emergency access"),
    (Purpose::SYSTEM_ADMINISTRATION, "システムの管理", "system administration"),
];

const CATEGORIES: &[(&str, &str, &str)] = &[
    ("subsidy", "医療費助成", "subsidies"),
    ("vaccination", "予防接種", "vaccinations"),
    ("checkup", "健診", "checkups"),
    ("handoff", "引き継ぎ", "handoffs"),
    ("identity", "本人・家族の登録", "identity"),
    ("registry", "機関の登録", "organizations"),
    ("audit", "閲覧の記録", "the log"),
];

/// States of an eligibility answer by their numbers, from 0.
const ANSWERS_JA: [&str; 5] = ["完了", "回答", "変更なし", "カード未登録", "本人確認の食い違い"];
const ANSWERS_EN: [&str; 5] = ["done", "answered", "unchanged", "card not linked", "identity conflict"];

#[cfg(test)]
mod tests {
    use pmh_audit::registry::Categories;

    use super::*;

    #[test]
    fn what_an_auditor_can_choose_has_words() {
        for known in Kind::KNOWN {
            assert!(KINDS.iter().any(|(kind, ..)| kind == known), "{known:?}");
        }
        for known in Purpose::KNOWN {
            assert!(PURPOSES.iter().any(|(purpose, ..)| purpose == known), "{known:?}");
        }
        for name in Categories::from_bits(u32::MAX).names() {
            assert!(CATEGORIES.iter().any(|(known, ..)| *known == name), "{name}");
        }
    }

    #[test]
    fn outcomes_are_words_where_they_have_some() {
        let of = |kind, method, number| outcome(kind, method, number, Language::En);
        assert_eq!(of(Kind::Refusal, "VerifyEligibility", 3), "refused: TOKEN_EXPIRED");
        assert_eq!(of(Kind::Disclosure, "VerifyEligibility", 3), "card not linked");
        assert_eq!(of(Kind::Write, "PutRelation", 0), "done");
        assert_eq!(of(Kind::Write, "PutRelation", 7), "7");
    }

    #[test]
    fn spans_have_two_units() {
        let of = |seconds| span(seconds, Language::En);
        assert_eq!([of(7), of(67), of(3_700), of(90_000)], ["7 s", "1 min 7 s", "1 h 1 min", "1 d 1 h"]);
    }
}
