//! What a receptionist and a doctor read, in Japanese and English.

use jiff::civil::Date;

use super::facts::Answer;
use super::finding::{Finding, FindingKind, Verdict};
use super::forecast::{SeriesStatus, Standing};
use crate::eligibility::Text;

/// The large word on the screen.
pub fn verdict_line(verdict: Verdict) -> Text {
    match verdict {
        Verdict::Ok => Text::new("接種できます", "May be given"),
        Verdict::Warn => Text::new("医師の確認が必要です", "For the doctor to decide"),
        Verdict::Block => Text::new("接種できません", "Must not be given"),
    }
}

/// One finding as a sentence, with the next possible day where there is one.
pub fn finding_line(finding: &Finding) -> Text {
    let mut line = kind_line(finding.kind);
    if let Some(answer) = finding.answer {
        line = joined(&line, &answer_line(answer));
    }
    if let Some(other) = &finding.other {
        line = joined(&line, &Text::new(other.to_string(), other.to_string()));
    }
    match (finding.allowed_from, finding.until) {
        (Some(day), _) => {
            Text::new(format!("{}。{}から可", line.ja, day), format!("{}; from {day}", line.en))
        }
        (None, Some(day)) => {
            Text::new(format!("{}。{}まで", line.ja, day), format!("{}; until {day}", line.en))
        }
        (None, None) => line,
    }
}

fn joined(line: &Text, what: &Text) -> Text {
    Text::new(format!("{}（{}）", line.ja, what.ja), format!("{} ({})", line.en, what.en))
}

fn kind_line(kind: FindingKind) -> Text {
    let (ja, en) = match kind {
        FindingKind::TooEarly => ("対象期間の前です", "Before the routine window"),
        FindingKind::TooLate => ("対象期間を過ぎています", "After the routine window"),
        FindingKind::NotInForce => {
            ("この日は定期接種の制度の期間外です", "The programme is not in force on this day")
        }
        FindingKind::NotForPerson => (
            "この方は対象者ではないか、対象か確認できません",
            "Not meant for this person, or not known to be",
        ),
        FindingKind::MinimumAge => ("この回の接種年齢に達していません", "Younger than this dose asks"),
        FindingKind::Interval => ("前の回からの間隔が足りません", "Too soon after an earlier dose"),
        FindingKind::IntervalPhysician => (
            "通常の間隔に足りません（医師が必要と認めた場合のみ可）",
            "Shorter than the general interval; only if a doctor finds it necessary",
        ),
        FindingKind::LiveInterval => {
            ("注射生ワクチンどうしの間隔が足りません", "Too close to another injected live vaccine")
        }
        FindingKind::SeriesComplete => ("必要な回数の接種が済んでいます", "The series takes no more doses"),
        FindingKind::BrandMixed => {
            ("別の製剤で開始しています", "Begun with a product that may not be mixed with this one")
        }
        FindingKind::ReplacedProduct => {
            ("別の混合ワクチンで開始しています", "Begun with a product that stands for this one")
        }
        FindingKind::LaterDose => {
            ("この日の接種を加えると、後の接種が無効になります", "It would make a later dose invalid")
        }
        FindingKind::DoseNumber => {
            ("申告された回数と記録が一致しません", "The dose number differs from the record")
        }
        FindingKind::AfterAdvised => ("推奨される時期を過ぎています", "After the advised period"),
        FindingKind::ErrorDoseBefore => {
            ("無効となった接種から間もない接種です", "Soon after a dose that does not count")
        }
        FindingKind::Contraindication => {
            ("予診の回答に確認事項があります", "An answer of the questionnaire speaks against it")
        }
        FindingKind::NotScreened => ("予診票の回答がありません", "The questionnaire has not been taken"),
        FindingKind::LotExpired => ("ワクチンの有効期限が切れています", "The lot has expired"),
        FindingKind::ResidenceUnknown => {
            ("住民登録地が確認できません", "Where the person lives is not known")
        }
        FindingKind::NoAuthorization => {
            ("有効な予防接種依頼書がありません", "No valid letter of the home municipality")
        }
        FindingKind::HistoryIncomplete => (
            "接種歴がそろっていない可能性があります。母子健康手帳で確認してください",
            "The history may be incomplete: check the handbook",
        ),
        FindingKind::OutsideProgramme => (
            "特例・臨時接種の要件は市区町村に確認してください",
            "Ask the municipality whether the exception applies",
        ),
        FindingKind::RecordedInError => ("間違い接種として記録されています", "Recorded as given in error"),
    };
    Text::new(ja, en)
}

/// A state of a series.
pub fn status_line(status: SeriesStatus) -> Text {
    let (ja, en) = match status {
        SeriesStatus::Due => ("接種時期", "due"),
        SeriesStatus::Overdue => ("標準時期を経過", "overdue"),
        SeriesStatus::Complete => ("完了", "complete"),
        SeriesStatus::Contraindicated => ("接種不適当", "contraindicated"),
        SeriesStatus::NotYet => ("時期前", "not yet"),
        SeriesStatus::AgedOut => ("対象期間終了", "aged out"),
        SeriesStatus::OtherProduct => ("別製剤で実施", "another product"),
        SeriesStatus::NotForPerson => ("対象外", "not for this person"),
    };
    Text::new(ja, en)
}

/// What a given dose counts for.
pub fn standing_line(standing: Standing, on: Date) -> Text {
    match standing {
        Standing::Valid { no } => Text::new(format!("{on} {no}回目"), format!("{on} dose {no}")),
        Standing::Invalid => Text::new(format!("{on} 無効"), format!("{on} does not count")),
        Standing::OtherEpisode => Text::new(format!("{on} 別の妊娠"), format!("{on} another pregnancy")),
        Standing::NoSeries => Text::new(on.to_string(), on.to_string()),
    }
}

/// An answer of the questionnaire.
pub fn answer_line(answer: Answer) -> Text {
    let (ja, en) = match answer {
        Answer::Fever => ("37.5℃以上の発熱", "fever of 37.5 °C or more"),
        Answer::AcuteIllness => ("重篤な急性疾患", "a serious acute illness"),
        Answer::Anaphylaxis => ("成分によるアナフィラキシーの既往", "anaphylaxis to an ingredient"),
        Answer::Pregnant => ("妊娠中", "pregnant"),
        Answer::Immunosuppressed => ("免疫機能の異常・抑制", "impaired immune function"),
        Answer::Intussusception => ("腸重積症の既往・消化管障害", "intussusception or a defect favouring it"),
        Answer::Keloid => ("ケロイドの既往", "keloid"),
        Answer::ChronicDisease => ("基礎疾患", "a chronic disease"),
        Answer::EarlierReaction => {
            ("以前の接種後の発熱・アレルギー症状", "fever or rash after an earlier vaccination")
        }
        Answer::Convulsion => ("けいれんの既往", "convulsion"),
        Answer::FamilyImmunodeficiency => ("近親者の先天性免疫不全", "immune deficiency in the family"),
        Answer::Allergy => ("成分へのアレルギーのおそれ", "possible allergy to an ingredient"),
        Answer::BloodProduct => {
            ("6か月以内の輸血・ガンマグロブリン", "transfusion or gamma globulin within six months")
        }
        Answer::Exposure => {
            ("1か月以内の感染症患者との接触", "contact with measles, rubella, chickenpox or mumps")
        }
    };
    Text::new(ja, en)
}
