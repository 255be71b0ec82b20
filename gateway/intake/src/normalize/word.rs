//! Cells that hold one of a few words.

use crate::field::Care;
use crate::row::{Area, Scope, Sex};
use unicode_normalization::UnicodeNormalization;

/// Yes or no, in the ways officers mark it. `●` is not among them: converters write it for lost characters.
pub fn flag(text: &str) -> Option<bool> {
    match key(text).as_str() {
        "1" | "true" | "yes" | "y" | "はい" | "有" | "あり" | "有り" | "する" | "該当" | "対象" | "○"
        | "〇" | "◯" => Some(true),
        "0" | "false" | "no" | "n" | "いいえ" | "無" | "なし" | "無し" | "しない" | "非該当" | "対象外"
        | "×" => Some(false),
        _ => None,
    }
}

/// Administrative sex; 1 and 2 as in the registration API, 0 and 9 as unknown.
pub fn sex(text: &str) -> Option<Sex> {
    match key(text).as_str() {
        "1" | "男" | "男性" | "male" | "m" => Some(Sex::Male),
        "2" | "女" | "女性" | "female" | "f" => Some(Sex::Female),
        "0" | "9" | "不明" | "unknown" => Some(Sex::Unknown),
        _ => None,
    }
}

/// 入外区分. Numbers are left to the mapping: systems number them differently.
pub fn care(text: &str) -> Option<Care> {
    match key(text).as_str() {
        "入院" | "入" | "inpatient" => Some(Care::Inpatient),
        "外来" | "通院" | "入院外" | "外" | "outpatient" => Some(Care::Outpatient),
        "調剤" | "薬局" | "pharmacy" => Some(Care::Pharmacy),
        "入外" | "両方" | "共通" | "すべて" | "全て" | "入院外来" | "入院・外来" | "any" => {
            Some(Care::Any)
        }
        _ => None,
    }
}

/// 算定単位.
pub fn scope(text: &str) -> Option<Scope> {
    match key(text).as_str() {
        "医療機関ごと" | "医療機関別" | "医療機関毎" | "per_institution" => {
            Some(Scope::PerInstitution)
        }
        "合算" | "全医療機関" | "医療機関合算" | "across" => Some(Scope::Across),
        _ => None,
    }
}

/// 適用地域.
pub fn area(text: &str) -> Option<Area> {
    match key(text).as_str() {
        "全国" | "anywhere" => Some(Area::Anywhere),
        "県内" | "都内" | "府内" | "道内" | "都道府県内" | "prefecture" => {
            Some(Area::Prefecture)
        }
        "市内" | "区内" | "町内" | "村内" | "市町村内" | "市区町村内" | "municipality" => {
            Some(Area::Municipality)
        }
        _ => None,
    }
}

fn key(text: &str) -> String {
    text.trim().nfkc().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_any_width_and_case() {
        for text in ["1", "１", "はい", "有", "TRUE", "ｔｒｕｅ", "○", " 該当 "] {
            assert_eq!(flag(text), Some(true), "{text}");
        }
        for text in ["0", "０", "いいえ", "無", "False", "×", "非該当"] {
            assert_eq!(flag(text), Some(false), "{text}");
        }
        assert_eq!(
            (sex("２"), sex("男性"), sex("不明")),
            (Some(Sex::Female), Some(Sex::Male), Some(Sex::Unknown))
        );
        assert_eq!((care("入院外"), care("入院")), (Some(Care::Outpatient), Some(Care::Inpatient)));
        assert_eq!((scope("合算"), area("都内")), (Some(Scope::Across), Some(Area::Prefecture)));
    }

    #[test]
    fn other_words_are_not_guessed() {
        for text in ["", "2", "-1", "●", "有無", "yes!", "1.0"] {
            assert_eq!(flag(text), None, "{text}");
        }
        assert_eq!((sex("3"), care("1"), scope("1"), area("隣県")), (None, None, None, None));
    }
}
