//! Every finding that this crate can make: its stable name, its weight, its sentence in two languages.

use crate::report::Severity;

/// Every remark of this crate. The names are part of the interface and do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant's meaning is its message below, in two languages")]
pub enum Code {
    BytesUnreadable,
    Gaiji,
    ReplacementMark,
    ControlCharacter,
    RaggedRow,
    RequiredBlank,
    SpreadsheetErrorValue,
    ScientificNotation,
    TrailingDecimal,
    TurnedIntoDate,
    LeadingZeroLost,
    WidthDiffers,
    WrongWidth,
    NotDigits,
    DateSerial,
    DateUnreadable,
    DateAmbiguous,
    DateImpossible,
    DateOutsideEra,
    PeriodReversed,
    ValueUnknown,
    CopaymentUnreadable,
    CopaymentAmbiguous,
    CopaymentScopeMissing,
    ConditionUnreadable,
    InstitutionCodeMissing,
    InstitutionCodeWithoutPrefecture,
    IndividualNumberForbidden,
    DuplicateRowId,
    ConflictingRows,
    RepeatedRow,
    DoseNumberOpen,
    DoseBeforeBirth,
    ProductMismatch,
    GaijiKept,
    Rewritten,
    WidthFolded,
}

/// A code's name, weight and sentences.
pub(crate) struct Words {
    pub(crate) name: &'static str,
    pub(crate) severity: Severity,
    pub(crate) ja: &'static str,
    pub(crate) en: &'static str,
}

impl Code {
    /// Stable UPPER_SNAKE name.
    pub const fn name(self) -> &'static str {
        self.words().name
    }

    #[expect(clippy::too_many_lines, reason = "a table; one place for every sentence")]
    pub(crate) const fn words(self) -> Words {
        use Severity::{Error, Info, Warning};
        let (name, severity, ja, en) = match self {
            Self::BytesUnreadable => (
                "BYTES_UNREADABLE",
                Error,
                "文字として読めないバイトがあります。元のデータから出力し直してください。",
                "The cell holds bytes that are no text in the file's encoding.",
            ),
            Self::Gaiji => (
                "GAIJI",
                Error,
                "外字があります。標準の文字に直すか、この列を対応表のignoreに指定してください。",
                "The cell holds a user-defined character (gaiji) that only the sender's machine can show.",
            ),
            Self::ReplacementMark => (
                "REPLACEMENT_MARK",
                Error,
                "変換できなかった文字の代わりの記号（〓・●・?など）があります。正しい文字に直してください。",
                "The cell holds a mark that stands for a character lost in conversion.",
            ),
            Self::ControlCharacter => (
                "CONTROL_CHARACTER",
                Error,
                "改行などの制御文字があります。取り除いてください。",
                "The cell holds a line break or another control character.",
            ),
            Self::RaggedRow => (
                "RAGGED_ROW",
                Error,
                "列の数が見出しと合いません。値の中の区切り文字や引用符を確かめてください。",
                "The row has another number of cells than the header.",
            ),
            Self::RequiredBlank => (
                "REQUIRED_BLANK",
                Error,
                "必須の項目が空です。空欄に意味があるときは対応表のvaluesで定めてください。",
                "A required cell is blank.",
            ),
            Self::SpreadsheetErrorValue => (
                "SPREADSHEET_ERROR_VALUE",
                Error,
                "表計算ソフトのエラー値（#REF!など）です。元の値を入れてください。",
                "The cell holds a spreadsheet error value.",
            ),
            Self::ScientificNotation => (
                "SCIENTIFIC_NOTATION",
                Error,
                "番号が指数表示（8.1E+07など）に変わり、下の桁が失われています。元の番号を入れてください。",
                "A spreadsheet turned the number into scientific notation; digits are lost.",
            ),
            Self::TrailingDecimal => (
                "TRAILING_DECIMAL",
                Error,
                "番号や金額の末尾に小数（.0）が付いています。元の値を入れてください。",
                "The number ends in .0, so a program kept it as a float.",
            ),
            Self::TurnedIntoDate => (
                "TURNED_INTO_DATE",
                Error,
                "表計算ソフトが値を日付に変えています。元の値を入れてください。",
                "A spreadsheet turned the value into a date.",
            ),
            Self::LeadingZeroLost => (
                "LEADING_ZERO_LOST",
                Error,
                "桁が足りません。先頭の0が消えていないか、元の台帳で確かめてください。",
                "Digits are missing; a spreadsheet probably removed leading zeros.",
            ),
            Self::WidthDiffers => (
                "WIDTH_DIFFERS",
                Warning,
                "ほかの行より桁が少ない番号です。先頭の0が消えていないか確かめてください。",
                "The number is shorter than in the other rows; leading zeros may be lost.",
            ),
            Self::WrongWidth => {
                ("WRONG_WIDTH", Error, "桁数が合いません。", "The number has the wrong number of digits.")
            }
            Self::NotDigits => (
                "NOT_DIGITS",
                Error,
                "数字以外の文字があります。",
                "The number holds something else than digits.",
            ),
            Self::DateSerial => (
                "DATE_SERIAL",
                Error,
                "日付が表計算ソフトの通し番号になっています。日付の形で入れてください。",
                "The date is a spreadsheet serial number.",
            ),
            Self::DateUnreadable => (
                "DATE_UNREADABLE",
                Error,
                "日付として読めません。2024-04-01やR6.4.1のように年月日を入れてください。",
                "The date has no year, month and day that can be read.",
            ),
            Self::DateAmbiguous => (
                "DATE_AMBIGUOUS",
                Error,
                "日付の読み方が決まりません。西暦4桁または元号を付けてください。",
                "The date can be read in more than one way.",
            ),
            Self::DateImpossible => {
                ("DATE_IMPOSSIBLE", Error, "暦にない日付です。", "There is no such day in the calendar.")
            }
            Self::DateOutsideEra => (
                "DATE_OUTSIDE_ERA",
                Error,
                "その元号の期間にない日付です。改元後の元号か西暦で入れてください。",
                "The day lies outside the era that is named.",
            ),
            Self::PeriodReversed => (
                "PERIOD_REVERSED",
                Error,
                "有効期間の終了が開始より前です。",
                "The period of validity ends before it begins.",
            ),
            Self::ValueUnknown => (
                "VALUE_UNKNOWN",
                Error,
                "この項目では使えない値です。対応表のvaluesで読み替えることもできます。",
                "The value is none of those known for this field; the mapping can translate it.",
            ),
            Self::CopaymentUnreadable => (
                "COPAYMENT_UNREADABLE",
                Error,
                "自己負担の値として読めません。金額・割合・回数を数字で入れてください。",
                "The copayment is no amount, share or count.",
            ),
            Self::CopaymentAmbiguous => (
                "COPAYMENT_AMBIGUOUS",
                Error,
                "割か%か決まりません。2割または20%のように単位を付けてください。",
                "The share could be tenths or percent; write the unit.",
            ),
            Self::CopaymentScopeMissing => (
                "COPAYMENT_SCOPE_MISSING",
                Error,
                "月の上限が医療機関ごとか合算かわかりません。「算定単位」の列か対応表の固定値で示してください。",
                "Whether a monthly limit counts per institution or across institutions is not stated.",
            ),
            Self::ConditionUnreadable => (
                "CONDITION_UNREADABLE",
                Error,
                "追加条件は「項目コード-条件コード」を;で区切って入れてください。",
                "Additional conditions are item-condition pairs separated by semicolons.",
            ),
            Self::InstitutionCodeMissing => (
                "INSTITUTION_CODE_MISSING",
                Error,
                "指定医療機関に10桁のコードがありません。",
                "A designated institution has no ten-digit code.",
            ),
            Self::InstitutionCodeWithoutPrefecture => (
                "INSTITUTION_CODE_WITHOUT_PREFECTURE",
                Error,
                "医療機関コードが7桁です。都道府県番号と点数表番号を加えた10桁にしてください。",
                "The institution code has seven digits; it is unique only with prefecture and fee table.",
            ),
            Self::IndividualNumberForbidden => (
                "INDIVIDUAL_NUMBER_FORBIDDEN",
                Error,
                "個人番号の可能性がある12桁の値です。個人番号は送信できません。",
                "The value looks like an individual number, which must not be sent.",
            ),
            Self::DuplicateRowId => (
                "DUPLICATE_ROW_ID",
                Error,
                "同じ行IDの行がほかにもあります。",
                "Another row has the same row id.",
            ),
            Self::ConflictingRows => (
                "CONFLICTING_ROWS",
                Error,
                "宛名番号・種別・サブキー・履歴キーが同じで内容の異なる行があります。正しい一行だけを残してください。",
                "Another row has the same key and history key but other content.",
            ),
            Self::RepeatedRow => {
                ("REPEATED_ROW", Warning, "同じ内容の行がほかにもあります。", "Another row says the same.")
            }
            Self::DoseNumberOpen => (
                "DOSE_NUMBER_OPEN",
                Error,
                "何期の何回目か決まりません。「1期1回目」のように期と回数を入れてください。",
                "Which dose of which period it was cannot be told; write both.",
            ),
            Self::DoseBeforeBirth => (
                "DOSE_BEFORE_BIRTH",
                Error,
                "接種日が生年月日より前です。どちらかの日付が違います。",
                "The shot lies before the birth date.",
            ),
            Self::ProductMismatch => (
                "PRODUCT_MISMATCH",
                Error,
                "製剤のコードがワクチンと合いません。ワクチンでない製剤か、別のワクチンの製剤です。",
                "The product's code is that of another vaccine, or of no vaccine.",
            ),
            Self::GaijiKept => (
                "GAIJI_KEPT",
                Warning,
                "外字があります。そのまま送りますが、ほかの機関では読めません。標準の文字に直すことをお勧めします。",
                "The text holds user-defined characters (gaiji); it is sent as it is, but nobody else can read them.",
            ),
            Self::Rewritten => (
                "REWRITTEN",
                Info,
                "決まった書き方に直して送ります。",
                "The value is sent in the contract's own form.",
            ),
            Self::WidthFolded => (
                "WIDTH_FOLDED",
                Info,
                "全角の英数字を半角として読みました。",
                "Full-width letters or digits were read as half-width.",
            ),
        };
        Words { name, severity, ja, en }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Finding;

    #[test]
    fn names_are_upper_snake_and_unique() {
        let names: std::collections::BTreeSet<_> = ALL_CODES.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), ALL_CODES.len());
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')));
    }

    #[test]
    fn every_sentence_can_be_written_in_cp932() {
        for code in ALL_CODES {
            let finding = Finding::new(Some("列"), code);
            let (_, _, lossy) = encoding_rs::SHIFT_JIS.encode(&finding.message_ja);
            assert!(!lossy, "{}", code.name());
            assert!(finding.message_ja.ends_with('。') && finding.message_en.is_ascii(), "{}", code.name());
        }
    }

    const ALL_CODES: [Code; 37] = [
        Code::BytesUnreadable,
        Code::Gaiji,
        Code::ReplacementMark,
        Code::ControlCharacter,
        Code::RaggedRow,
        Code::RequiredBlank,
        Code::SpreadsheetErrorValue,
        Code::ScientificNotation,
        Code::TrailingDecimal,
        Code::TurnedIntoDate,
        Code::LeadingZeroLost,
        Code::WidthDiffers,
        Code::WrongWidth,
        Code::NotDigits,
        Code::DateSerial,
        Code::DateUnreadable,
        Code::DateAmbiguous,
        Code::DateImpossible,
        Code::DateOutsideEra,
        Code::PeriodReversed,
        Code::ValueUnknown,
        Code::CopaymentUnreadable,
        Code::CopaymentAmbiguous,
        Code::CopaymentScopeMissing,
        Code::ConditionUnreadable,
        Code::InstitutionCodeMissing,
        Code::InstitutionCodeWithoutPrefecture,
        Code::IndividualNumberForbidden,
        Code::DuplicateRowId,
        Code::ConflictingRows,
        Code::RepeatedRow,
        Code::DoseNumberOpen,
        Code::DoseBeforeBirth,
        Code::ProductMismatch,
        Code::GaijiKept,
        Code::Rewritten,
        Code::WidthFolded,
    ];
}
