//! Every sentence a receptionist or a vendor reads, in Japanese and English.
//!
//! Constant templates; only dates and instants are filled in. Two rules hold
//! for all of them: `NO_ENTITLEMENT` never says "no right", and whatever
//! failed, the paper certificate counts.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::{AnswerState, CounterAction, GroupResult, Outcome, Rule, Summary};
use crate::time::tokyo_minute;

/// A sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Text {
    /// Japanese.
    pub ja: Cow<'static, str>,
    /// English.
    pub en: Cow<'static, str>,
}

impl Text {
    /// Both languages.
    pub fn new(ja: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        Self { ja: ja.into(), en: en.into() }
    }

    pub(super) fn then(self, next: &Self) -> Self {
        Self::new([&*self.ja, &*next.ja].concat(), [&*self.en, &*next.en].join(" "))
    }
}

/// The large line on a screen.
pub fn action_line(action: CounterAction) -> Text {
    match action {
        CounterAction::ApplyHere => Text::new("この窓口で公費を適用", "Apply the subsidy here"),
        CounterAction::CollectShareThenReimburse => {
            Text::new("通常の自己負担を受領（後日、償還払い）", "Collect the normal share; reimbursed later")
        }
        CounterAction::NotDesignatedHere => {
            Text::new("当機関は指定外（この公費は適用しない）", "Not designated at this institution")
        }
        CounterAction::AskIssuer => Text::new("実施機関へ確認", "Ask the issuer"),
        CounterAction::UsePaper => Text::new("紙の受給者証で確認", "Go by the paper certificate"),
    }
}

/// What an outcome means, for a list or a manual.
pub fn outcome_line(outcome: Outcome) -> Text {
    match outcome {
        Outcome::CardLimited => Text::new(
            "カードの状態（証明書の期限切れ・かざし利用）により公費の情報は開けません",
            "The card's state (expired certificate, or a mere tap) does not open subsidies",
        ),
        Outcome::NotConsented => {
            Text::new("この制度の提供に同意がありません", "The patient did not consent to this scheme")
        }
        Outcome::Eligible => Text::new("有効な資格があります", "A right is in force"),
        Outcome::SourceStale => Text::new(
            "実施機関のデータが古いため確定できません（最後に分かっている資格を示します）",
            "The issuer's data is too old to say; the last known right is shown",
        ),
        Outcome::IssuerNotConnected => Text::new(
            "実施機関がこの制度のデータをまだ登録していません",
            "The issuer has not delivered data for this scheme yet",
        ),
        Outcome::Lapsed => {
            Text::new("登録された資格の期間が終わっています", "The registered right has ended")
        }
        Outcome::NotYetValid => {
            Text::new("登録された資格はまだ始まっていません", "The registered right has not begun yet")
        }
        Outcome::NoEntitlement => {
            Text::new("現時点で登録が見つかりません", "None was registered as of the time shown")
        }
    }
}

/// What a state of the whole answer means.
pub fn state_line(state: AnswerState) -> Text {
    match state {
        AnswerState::Answered => Text::new("制度ごとの結果です", "Results by scheme"),
        AnswerState::Unchanged => {
            Text::new("前回の結果から変更はありません", "Nothing has changed since the last answer")
        }
        AnswerState::NotLinked => Text::new(
            "カードは有効ですが、まだどの実施機関の登録とも結び付いていません",
            "The card is valid, but no issuer has linked it yet",
        ),
        AnswerState::IdentityConflict => Text::new(
            "カルテの生年月日または性別が登録と一致しません",
            "The chart's birth date or sex differs from the register",
        ),
    }
}

/// The receptionist's line for a row.
pub(super) fn rule_line(
    rule: Rule,
    as_of: Option<Timestamp>,
    lapsed_on: Option<Date>,
    starts_on: Option<Date>,
) -> Text {
    let day = |date: Option<Date>| date.map_or_else(|| "-".to_owned(), |date| date.to_string());
    let fill = |template: &'static str| -> Cow<'static, str> {
        if !template.contains('{') {
            return template.into();
        }
        let as_of = as_of.map_or_else(|| "-".to_owned(), tokyo_minute);
        let (ended, starts) = (day(lapsed_on), day(starts_on));
        template.replace("{as_of}", &as_of).replace("{ended}", &ended).replace("{starts}", &starts).into()
    };
    let (ja, en) = rule_template(rule);
    Text::new(fill(ja), fill(en))
}

fn rule_template(rule: Rule) -> (&'static str, &'static str) {
    match rule {
        Rule::InForce => (
            "この窓口で公費を適用してください。負担額は資格の内容に従ってください。",
            "Apply the subsidy at this window; the copayment follows the right shown.",
        ),
        Rule::AlwaysReimbursed => (
            "資格は有効ですが、常に償還払いの制度です。通常の自己負担を受領し、領収書をお渡しください。",
            "The right is in force, but always reimbursed: collect the normal share and give a receipt.",
        ),
        Rule::OutsidePrefecture => (
            "資格は有効ですが、実施機関の都道府県外では窓口で適用できません。通常の自己負担を受領し、領収書をお渡しください。",
            "The right is in force, but not applied at counters outside its prefecture: collect the normal share and give a receipt.",
        ),
        Rule::OutsideMunicipality => (
            "資格は有効ですが、実施機関の市区町村外では窓口で適用できません。通常の自己負担を受領し、領収書をお渡しください。",
            "The right is in force, but not applied at counters outside its municipality: collect the normal share and give a receipt.",
        ),
        Rule::NotYetValid => (
            "資格は{starts}からです。この日は通常の自己負担を受領してください。さかのぼって認められることがあるため、領収書の保管をご案内ください。",
            "The right begins on {starts}: collect the normal share for this day, and advise keeping the receipt, as rights may be granted retroactively.",
        ),
        Rule::NotDesignated => (
            "資格は有効ですが、当医療機関・薬局は指定に含まれていません。この公費は適用せず、指定の変更は実施機関へご案内ください。",
            "The right is in force, but this institution is not designated: do not apply it here; the issuer can change the designation.",
        ),
        Rule::CareNotCovered => (
            "資格は有効ですが、この制度は今回の診療区分（入院・外来など）を対象としていません。不明な点は実施機関へ確認してください。",
            "The right is in force, but its scheme does not cover this kind of care; ask the issuer if in doubt.",
        ),
        Rule::MunicipalityUnknown => (
            "資格は有効ですが、市区町村内だけで適用する制度で、この窓口の所在地が登録されていません。実施機関へ確認してください。",
            "The right is in force, but applied in its municipality only, and where this counter stands is not registered: ask the issuer.",
        ),
        Rule::Lapsed => (
            "登録された資格は{ended}までです（{as_of}時点）。更新の登録が遅れていることがあります。期限内の紙の受給者証があれば紙に従い、なければ実施機関へ確認してください。",
            "The registered right ended on {ended} (as of {as_of}). A renewal may not have arrived: a paper certificate that is still valid counts; otherwise ask the issuer.",
        ),
        Rule::StaleRightKnown => (
            "実施機関のデータは{as_of}時点のもので古くなっています。最後に分かっている資格を表示します。紙の受給者証で確認してください。",
            "The issuer's data is of {as_of} and too old; the last known right is shown. Check the paper certificate.",
        ),
        Rule::Stale => (
            "実施機関のデータは{as_of}時点のもので古くなっているため、資格の有無は分かりません。紙の受給者証で確認してください。",
            "The issuer's data is of {as_of} and too old to say anything about the right. Check the paper certificate.",
        ),
        Rule::NotConnected => (
            "実施機関がこの制度のデータをまだ登録していないため、資格の有無は分かりません。紙の受給者証で確認してください。",
            "The issuer has not delivered data for this scheme, which says nothing about the right. Check the paper certificate.",
        ),
        Rule::NotConsented => (
            "この制度の情報提供に同意がないため、資格の有無は分かりません。紙の受給者証があれば、それで確認してください。",
            "The patient did not consent to this scheme, which says nothing about the right. A paper certificate counts.",
        ),
        Rule::CardLimited => (
            "カードの電子証明書の期限切れ、または簡易な読み取りのため、公費の情報は開けません。資格の有無とは関係ありません。紙の受給者証で確認してください。",
            "The card's certificate has expired, or it was only tapped, so subsidies stay closed. This says nothing about the right: check the paper certificate.",
        ),
        Rule::NoneRegistered => (
            "{as_of}時点で登録が見つかりません。申請中・転入直後・さかのぼっての認定のことがあります。紙の受給者証があれば、それで確認してください。",
            "None was registered as of {as_of}. Applications, moves and retroactive grants happen: a paper certificate counts.",
        ),
        Rule::NoneLinked => (
            "この制度を担当する実施機関の登録と、まだ結び付いていません。申請中・転入直後のことがあります。紙の受給者証があれば、それで確認してください。",
            "No issuer in charge of this scheme has linked this person yet. Applications and moves happen: a paper certificate counts.",
        ),
        Rule::NoCounter => (
            "資格は有効です。受診の際は、医療機関の窓口でカードまたは紙の受給者証をご提示ください。",
            "The right is in force. Present the card or the paper certificate at the counter.",
        ),
    }
}

/// The two sentences of an answer with results: about the row that matters
/// most, and a word on the others if they differ.
pub(super) fn summary(results: &[GroupResult]) -> Summary {
    let Some(leading) = results.iter().map(|row| &row.first).min_by_key(|segment| segment.rule) else {
        return no_rows();
    };
    let others_differ = results.iter().any(|row| row.first.counter_action != leading.counter_action);
    let others =
        Text::new("ほかの制度は一覧の表示に従ってください。", "For the other schemes follow the list.");
    let receptionist = leading.instruction.clone();
    Summary {
        action: Some(leading.counter_action),
        headline: action_line(leading.counter_action),
        receptionist: if others_differ { receptionist.then(&others) } else { receptionist },
        vendor: vendor_line(leading.outcome).then(&ending_line(results)),
    }
}

fn no_rows() -> Summary {
    Summary {
        action: Some(CounterAction::UsePaper),
        headline: action_line(CounterAction::UsePaper),
        receptionist: Text::new(
            "照会できる制度が登録されていません。紙の受給者証で確認してください。",
            "No scheme is registered here yet. Check the paper certificate.",
        ),
        vendor: Text::new("カルテの公費情報は変更しないでください。", "Change nothing in the chart."),
    }
}

/// What the vendor's program does, by the leading outcome.
fn vendor_line(outcome: Outcome) -> Text {
    match outcome {
        Outcome::CardLimited => Text::new(
            "CARD_LIMITED：カルテの公費を変更せず、カードの更新案内を表示してください。",
            "CARD_LIMITED: keep the chart as it is and show the advice to renew the card.",
        ),
        Outcome::NotConsented => Text::new(
            "NOT_CONSENTED：資格喪失ではありません。カルテの公費を終了しないでください。",
            "NOT_CONSENTED is not a loss: do not end the subsidy in the chart.",
        ),
        Outcome::Eligible => Text::new(
            "ELIGIBLE：負担者番号・受給者番号を受け取ったまま保存し、次回は version を if_version に指定してください。",
            "ELIGIBLE: store payer and recipient number exactly as received; send version as if_version next time.",
        ),
        Outcome::SourceStale => Text::new(
            "SOURCE_STALE：as_of を表示し、カルテの公費は変更しないでください。",
            "SOURCE_STALE: show as_of and keep the chart as it is.",
        ),
        Outcome::IssuerNotConnected => Text::new(
            "ISSUER_NOT_CONNECTED：カルテの公費は変更しないでください。",
            "ISSUER_NOT_CONNECTED: keep the chart as it is.",
        ),
        Outcome::Lapsed => Text::new(
            "LAPSED：終了日は lapsed_on の日付とし、昨日などの推測の日付を入れないでください。",
            "LAPSED: end the right on the date given, never on a guessed one such as yesterday.",
        ),
        Outcome::NotYetValid => Text::new(
            "NOT_YET_VALID：開始日から有効な公費として登録できます。この日には適用しないでください。",
            "NOT_YET_VALID: it may be entered from its first day on; do not apply it on this day.",
        ),
        Outcome::NoEntitlement => Text::new(
            "NO_ENTITLEMENT：as_of とともに「登録が見つからない」と表示し、「資格なし」と表示しないでください。",
            "NO_ENTITLEMENT: show that none was registered as of as_of, never that there is no right.",
        ),
    }
}

/// Which rows may be ended in the chart: a vendor's default "update" must not
/// expire what was merely not shown.
fn ending_line(results: &[GroupResult]) -> Text {
    if results.iter().all(|row| row.first.authoritative) {
        return Text::new("全制度で authoritative=true です。", "All schemes are authoritative.");
    }
    Text::new(
        "authoritative=false の制度は、カルテの公費を自動で終了しないでください。",
        "Never end a subsidy in the chart where authoritative is false.",
    )
}

/// The two sentences of an answer that is a state and nothing else.
pub(super) fn summary_of_state(state: AnswerState) -> Summary {
    match state {
        AnswerState::Answered => no_rows(),
        AnswerState::Unchanged => Summary {
            action: None,
            headline: Text::new("前回から変更なし", "Unchanged"),
            receptionist: Text::new(
                "前回の確認結果から変更はありません。前回と同じ扱いにしてください。",
                "Nothing has changed since the last answer: proceed as then.",
            ),
            vendor: Text::new(
                "保存済みの回答をそのまま使用してください。",
                "Use the answer you have stored.",
            ),
        },
        AnswerState::NotLinked => Summary {
            action: Some(CounterAction::UsePaper),
            headline: action_line(CounterAction::UsePaper),
            receptionist: Text::new(
                "カードは有効ですが、まだ自治体の登録と結び付いていません。資格の有無とは関係ありません。紙の受給者証で確認してください。",
                "The card is valid but not linked to an issuer yet, which says nothing about the right. Check the paper certificate.",
            ),
            vendor: Text::new(
                "カルテの公費は変更せず、紙の受給者証があれば ProposeLink を送ってください。",
                "Keep the chart as it is; with the paper certificate in hand, call ProposeLink.",
            ),
        },
        AnswerState::IdentityConflict => Summary {
            action: Some(CounterAction::UsePaper),
            headline: action_line(CounterAction::UsePaper),
            receptionist: Text::new(
                "カルテの生年月日または性別が登録と一致しません。ご本人のカードとカルテかどうかを確かめ、紙の受給者証で確認してください。",
                "Birth date or sex in the chart differs from the register: make sure card and chart are this patient's, and check the paper certificate.",
            ),
            vendor: Text::new(
                "何も取り込まず、患者の取り違えの可能性を表示してください。実施機関には通知されます。",
                "Import nothing and show that the wrong chart may be open; the issuer is told.",
            ),
        },
    }
}
