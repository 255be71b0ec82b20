//! The log's numbers in plain words.

use pmh_audit::registry::{Categories, Method, Purpose};
use pmh_audit::{Kind, Leaf};
use pmh_proto::common::Reason;

use crate::cli::output::Language;

/// What was done: 何を. A look at the list that is not the reader's own is a guardian's.
pub(super) fn what(leaf: &Leaf, own: bool, language: Language) -> String {
    if leaf.method == Method::LIST_MY_ACCESSES && !own {
        return language.pick("保護者がこの一覧を閲覧", "a guardian read this list").to_owned();
    }
    if leaf.kind == Kind::Erasure {
        return language
            .pick("これより前の記録の内容を消去", "erased the content of earlier entries")
            .to_owned();
    }
    let known = DEEDS.iter().find(|(method, ..)| *method == leaf.method);
    let mut text = match known {
        Some((_, ja, en)) => language.pick(*ja, *en).to_owned(),
        None => leaf.method.name().unwrap_or("?").to_owned(),
    };
    if leaf.kind == Kind::Replay {
        text.push_str(language.pick("（再送）", " (sent again)"));
    }
    text
}

/// For what: なぜ.
pub(super) fn why(purpose: Purpose, language: Language) -> &'static str {
    let known = PURPOSES.iter().find(|(known, ..)| *known == purpose);
    known.map_or(language.pick("記載なし", "not stated"), |(_, ja, en)| language.pick(*ja, *en))
}

/// Which classes of record.
pub(super) fn which(categories: Categories, language: Language) -> String {
    let known = CLASSES.iter().filter(|(known, ..)| categories.contains(*known));
    let names: Vec<&str> = known.map(|(_, ja, en)| language.pick(*ja, *en)).collect();
    names.join(language.pick("、", ", "))
}

/// How it ended.
pub(super) fn outcome(leaf: &Leaf, language: Language) -> String {
    if leaf.kind != Kind::Refusal {
        return language.pick("実施", "done").to_owned();
    }
    let reason = Reason::try_from(i32::from(leaf.outcome)).ok();
    let reason = reason.map_or("", |reason| reason.as_str_name().trim_start_matches("REASON_"));
    match language {
        Language::Ja => format!("拒否（見られていません） {reason}"),
        Language::En => format!("refused, nothing was shown {reason}"),
    }
}

const DEEDS: &[(Method, &str, &str)] = &[
    (Method::COMPLETE_PRESENTATION, "カードを提示", "your card was presented"),
    (Method::RENEW_TOKEN, "提示の続きとして利用許可を更新", "renewed the permission of a presentation"),
    (Method::NARROW_PRESENCE, "同意の範囲を縮小", "narrowed what was agreed to"),
    (Method::END_PRESENCE, "提示を終了", "ended the presentation"),
    (Method::VERIFY_ELIGIBILITY, "医療費助成の資格を確認", "checked your medical subsidies"),
    (Method::LIST_ENTITLEMENTS, "登録した資格を確認", "read the rights it registered"),
    (Method::LINK_CREDENTIAL, "カードと住民の登録を結び付け", "linked your card to your registration"),
    (Method::PROPOSE_LINK, "カードと受給者証の結び付けを申請", "proposed to link your card"),
    (Method::DECIDE_LINK, "カードの結び付けを判断", "decided about the link of your card"),
    (Method::MOVE_RESIDENT, "転出・転入を登録", "registered a move"),
    (Method::PUT_RELATION, "保護者の登録または終了", "registered or ended a guardian"),
    (Method::PUT_RESTRICTION, "情報の保護を設定または解除", "set or lifted a protection"),
    (Method::LIST_MY_ACCESSES, "この一覧を閲覧", "read this list"),
    (Method::QUESTION_ACCESS, "閲覧の理由をたずねた", "asked why it was accessed"),
    (Method::ANSWER_QUESTION, "たずねられたことに回答", "answered a question"),
    (Method::OPEN_PARTS, "監査のため記録の詳細を確認", "opened the details for an audit"),
    (Method::GET_RECEIPT, "記録の証明を再取得", "fetched a proof again"),
    (Method::ERASE_PERSON, "記録の内容の消去を申請", "asked for the content of entries to be erased"),
];

const PURPOSES: &[(Purpose, &str, &str)] = &[
    (Purpose::TREATMENT, "診療", "treatment"),
    (Purpose::HEALTHCARE_PAYMENT, "医療費の支払い・助成", "payment of care"),
    (Purpose::PUBLIC_HEALTH, "公衆衛生", "public health"),
    (Purpose::COORDINATION_OF_CARE, "自治体間の引き継ぎ", "coordination between municipalities"),
    (Purpose::PATIENT_REQUEST, "本人の求め", "the person's own request"),
    (Purpose::EMERGENCY_TREATMENT, "救急の診療", "emergency treatment"),
    (Purpose::BREAK_GLASS, "緊急の開示", "emergency access"),
    (Purpose::SYSTEM_ADMINISTRATION, "システムの管理", "system administration"),
];

const CLASSES: &[(Categories, &str, &str)] = &[
    (Categories::SUBSIDY, "医療費助成", "subsidies"),
    (Categories::VACCINATION, "予防接種", "vaccinations"),
    (Categories::CHECKUP, "健診", "checkups"),
    (Categories::HANDOFF, "引き継ぎ", "handoffs"),
    (Categories::IDENTITY, "本人・家族の登録", "identity and family"),
    (Categories::REGISTRY, "機関の登録", "organizations"),
    (Categories::AUDIT, "閲覧の記録", "the record of accesses"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_and_class_has_words_in_both_languages() {
        for purpose in Purpose::KNOWN {
            assert!(
                PURPOSES.iter().any(|(known, ja, en)| known == purpose && !ja.is_empty() && !en.is_empty())
            );
        }
        let all = Categories::from_bits(0x7f);
        assert_eq!(which(all, Language::Ja).split('、').count(), all.names().count());
        assert_eq!(why(Purpose::NONE, Language::Ja), "記載なし");
    }
}
