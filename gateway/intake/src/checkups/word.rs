//! Cells of a checkup that hold one of a few words.

use pmh_domain::checkup::{
    gestation::{GestationBasis, GestationalAge},
    judgement::{Disposition, Finding},
    kind::CheckupKind,
};

pub(crate) fn kind(text: &str) -> Option<CheckupKind> {
    let plain = |word: &str| word.replace(['〜', '～', '~'], "-");
    CheckupKind::ALL.into_iter().find(|kind| kind.name() == text || plain(kind.ja()) == plain(text))
}

pub(super) fn finding(text: &str) -> Option<Finding> {
    Some(match text {
        "NONE" | "所見なし" | "異常なし" | "なし" | "無" => Finding::None,
        "PRESENT" | "所見あり" | "異常あり" | "あり" | "有" => Finding::Present,
        "NOT_EXAMINED" | "未実施" | "未検" => Finding::NotExamined,
        "UNKNOWN" | "不明" => Finding::Unknown,
        _ => return None,
    })
}

pub(super) fn disposition(text: &str) -> Option<Disposition> {
    Some(match text {
        "NOTHING" | "異常なし" => Disposition::Nothing,
        "UNDER_TREATMENT" | "既医療" => Disposition::UnderTreatment,
        "GUIDANCE" | "要指導" => Disposition::Guidance,
        "OBSERVATION" | "要経過観察" | "要観察" => Disposition::Observation,
        "DETAILED_EXAMINATION" | "要精密検査" | "要精検" => Disposition::DetailedExamination,
        "TREATMENT" | "要医療" | "要治療" => Disposition::Treatment,
        _ => return None,
    })
}

pub(super) fn disposition_name(word: Disposition) -> &'static str {
    match word {
        Disposition::Nothing => "NOTHING",
        Disposition::UnderTreatment => "UNDER_TREATMENT",
        Disposition::Guidance => "GUIDANCE",
        Disposition::Observation => "OBSERVATION",
        Disposition::DetailedExamination => "DETAILED_EXAMINATION",
        Disposition::Treatment => "TREATMENT",
    }
}

pub(super) fn basis(text: &str) -> Option<GestationBasis> {
    Some(match text {
        "LAST_PERIOD" | "最終月経" => GestationBasis::LastPeriod,
        "ULTRASOUND" | "超音波" | "超音波計測" => GestationBasis::Ultrasound,
        "CONCEPTION" | "胚移植日" | "採卵日" | "排卵日" => GestationBasis::Conception,
        "UNKNOWN" | "不明" => GestationBasis::Unknown,
        _ => return None,
    })
}

pub(super) fn basis_name(word: GestationBasis) -> &'static str {
    match word {
        GestationBasis::LastPeriod => "LAST_PERIOD",
        GestationBasis::Ultrasound => "ULTRASOUND",
        GestationBasis::Conception => "CONCEPTION",
        GestationBasis::Unknown => "UNKNOWN",
    }
}

/// `28w3d`, `28週3日`. A week without a day says less than the record needs, so it is not read.
pub(super) fn gestation(text: &str) -> Option<String> {
    let text = text.replace('週', "w").replace('日', "d");
    GestationalAge::parse(&text).ok().map(|age| age.to_string())
}

/// The minus of officers' keyboards; whether it is a grade is the rules' to say.
pub(super) fn grade(text: &str) -> String {
    match text {
        "−" | "ー" | "―" | "‐" => "-".to_owned(),
        other => other.to_owned(),
    }
}
