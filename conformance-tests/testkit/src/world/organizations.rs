//! Who takes part, who is competent, and who has delivered.

use jiff::civil::Date;

use super::{Competence, Days, Organization, Watermark};
use crate::{Error, Result};

/// Codes the world speaks of more than once. Institution codes come from the public lists of the
/// 地方厚生局 (2025-08-09) and its open data on 施設基準; municipality codes from the ministry's table.
pub mod code {
    /// 東京慈恵会医科大学附属病院 (real code).
    pub const TOKYO_CLINIC: &str = "1310310243";
    /// A pharmacy in Tokyo that 小児慢性 certificates here designate (real code; our source has no name).
    pub const TOKYO_PHARMACY: &str = "1340153221";
    /// A pharmacy in Tokyo that they do not designate (real code; our source has no name).
    pub const OTHER_PHARMACY: &str = "1340155812";
    /// 横浜市立市民病院 (real code).
    pub const KANAGAWA_CLINIC: &str = "1419811373";
    /// 東京都.
    pub const TOKYO: &str = "prefecture:130001";
    /// 神奈川県.
    pub const KANAGAWA: &str = "prefecture:140007";
    /// 八王子市.
    pub const HACHIOJI: &str = "municipality:132012";
    /// 町田市.
    pub const MACHIDA: &str = "municipality:132098";
    /// Payer number 52 + 13 + 601 + check digit: computed in the published form of 東京都's 54136015,
    /// 38136016 and 51136018.
    pub const PAYER_52_TOKYO: &str = "52136017";
    /// The same form for 神奈川県; computed.
    pub const PAYER_52_KANAGAWA: &str = "52146016";
    /// Published by 八王子市 for 法別 88.
    pub const PAYER_88_HACHIOJI: &str = "88138243";
}

pub(super) fn all() -> Vec<Organization> {
    let organization = |kind, code, name, terminals| Organization { kind, code, name, terminals };
    vec![
        organization(
            "clinic",
            code::TOKYO_CLINIC,
            "東京慈恵会医科大学附属病院",
            &["tokyo-clinic-1", "tokyo-clinic-2"],
        ),
        organization("pharmacy", code::TOKYO_PHARMACY, "都内の指定薬局（名称未収録）", &["tokyo-pharmacy-1"]),
        organization(
            "pharmacy",
            code::OTHER_PHARMACY,
            "都内の指定外薬局（名称未収録）",
            &["other-pharmacy-1"],
        ),
        organization("clinic", code::KANAGAWA_CLINIC, "横浜市立市民病院", &["kanagawa-clinic-1"]),
        organization("municipality", "132012", "八王子市", &["hachioji-1", "hachioji-2"]),
        organization("municipality", "132098", "町田市", &["machida-1"]),
        organization("prefecture", "130001", "東京都", &["tokyo-1"]),
        organization("prefecture", "140007", "神奈川県", &["kanagawa-1"]),
        organization("app", "test-app", "市民アプリ〔架空〕", &["app-1"]),
        organization("auditor", "test-auditor", "監査人〔架空〕", &["auditor-1", "auditor-2"]),
        organization("auditor", "tokyo-auditor", "東京都内監査人〔架空〕", &["tokyo-auditor-1"]),
        organization("operator", "test-operator", "運用者〔架空〕", &["operator-1", "operator-2"]),
    ]
}

pub(super) fn competences(days: &Days) -> Result<Vec<Competence>> {
    let since = Date::new(2015, 1, 1).map_err(|_| Error::Date)?.min(days.today);
    let chronic = |issuer, payer_numbers| Competence {
        issuer,
        law_no: "52",
        group: "52",
        name_ja: "小児慢性特定疾病医療支援",
        name_en: "Chronic paediatric diseases",
        since,
        until: None,
        payer_numbers,
    };
    let child = |issuer, payer_numbers| Competence {
        issuer,
        law_no: "88",
        group: "88-13",
        name_ja: "乳幼児医療費助成（マル乳）",
        name_en: "Infants and small children (Tokyo)",
        since,
        until: None,
        payer_numbers,
    };
    Ok(vec![
        chronic(code::TOKYO, &[code::PAYER_52_TOKYO]),
        chronic(code::KANAGAWA, &[code::PAYER_52_KANAGAWA]),
        child(code::HACHIOJI, &[code::PAYER_88_HACHIOJI]),
        // 町田市's payer number is in none of our sources, and it delivers nothing here.
        child(code::MACHIDA, &[]),
    ])
}

/// 町田市 is absent: it never delivered. 神奈川県 fell silent five days ago.
pub(super) fn watermarks() -> Vec<Watermark> {
    vec![
        Watermark { issuer: code::TOKYO, law_no: "52", age_hours: 1 },
        Watermark { issuer: code::HACHIOJI, law_no: "88", age_hours: 1 },
        Watermark { issuer: code::KANAGAWA, law_no: "52", age_hours: 120 },
    ]
}
