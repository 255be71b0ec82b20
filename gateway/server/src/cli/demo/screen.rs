//! The counter's screen, drawn in a terminal: one large line, one instruction, and a list where schemes differ.

use pmh_domain::eligibility::{CounterAction, Text, action_line, refusal_line};
use pmh_proto::{
    common,
    eligibility::{self as elig, EligibilityResult, VerifyEligibilityResponse},
};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::{super::output::Language, stage::Tone};

/// What the receptionist has before her eyes.
#[derive(Debug, Clone)]
pub(super) struct Screen {
    place: String,
    large: Text,
    instruction: Text,
    rows: Vec<Text>,
}

impl Screen {
    /// An answer as a counter shows it. The list appears only where the schemes differ: what is the same for all
    /// of them is said once, in the large line.
    pub(super) fn of(place: &str, answer: &VerifyEligibilityResponse) -> Self {
        let summary = answer.summary.clone().unwrap_or_default();
        let several = answer.results.len() > 1;
        Self {
            place: place.to_owned(),
            large: text(summary.headline.as_ref()),
            instruction: text(summary.receptionist.as_ref()),
            rows: if several { answer.results.iter().flat_map(row).collect() } else { Vec::new() },
        }
    }

    /// The screen when there is no answer, for a refusal's reason or `UNREACHABLE`.
    pub(super) fn without_answer(place: &str, reason: &str) -> Self {
        Self {
            place: place.to_owned(),
            large: action_line(CounterAction::UsePaper),
            instruction: refusal_line(reason),
            rows: Vec::new(),
        }
    }

    /// A screen that says just this.
    pub(super) fn plain(place: &str, large: Text, instruction: Text) -> Self {
        Self { place: place.to_owned(), large, instruction, rows: Vec::new() }
    }

    /// The large line.
    pub(super) fn large(&self) -> &Text {
        &self.large
    }

    /// The instruction.
    pub(super) fn instruction(&self) -> &Text {
        &self.instruction
    }

    /// The screen as lines of equal width.
    pub(super) fn draw(&self, language: Language, tone: Tone) -> Vec<String> {
        let rule = |left: char, right: char| format!("{left}{}{right}", "─".repeat(INNER + 2));
        let mut lines = vec![rule('┌', '┐'), framed(&self.place), rule('├', '┤'), framed("")];
        let large = wrap(language.of(&self.large), INNER - 2);
        lines.extend(large.iter().map(|part| framed_as(&format!("  {part}"), tone)));
        lines.push(framed(""));
        lines.extend(wrap(language.of(&self.instruction), INNER).iter().map(|part| framed(part)));
        if !self.rows.is_empty() {
            lines.push(rule('├', '┤'));
            lines.extend(
                self.rows.iter().flat_map(|row| wrap(language.of(row), INNER)).map(|part| framed(&part)),
            );
        }
        lines.push(rule('└', '┘'));
        lines
    }
}

/// Scheme and numbers, and below them what is to be done with it.
fn row(result: &EligibilityResult) -> [Text; 2] {
    let name = text(result.group_name.as_ref());
    let numbers = result.entitlements.first().map(numbers).unwrap_or_default();
    let action = action_line(action(result.counter_action()));
    [
        Text::new(format!("・{}{numbers}", name.ja), format!("· {}{numbers}", name.en)),
        Text::new(format!("　{}", action.ja), format!("  {}", action.en)),
    ]
}

fn numbers(right: &elig::Entitlement) -> String {
    format!("  {} / {}", right.payer_number, right.recipient_number)
}

fn action(action: elig::CounterAction) -> CounterAction {
    match action {
        elig::CounterAction::ApplyHere => CounterAction::ApplyHere,
        elig::CounterAction::CollectShareThenReimburse => CounterAction::CollectShareThenReimburse,
        elig::CounterAction::NotDesignatedHere => CounterAction::NotDesignatedHere,
        elig::CounterAction::AskIssuer => CounterAction::AskIssuer,
        elig::CounterAction::UsePaper | elig::CounterAction::Unspecified => CounterAction::UsePaper,
    }
}

/// A sentence of the contract.
fn text(text: Option<&common::Text>) -> Text {
    text.map_or_else(|| Text::new("", ""), |text| Text::new(text.ja.clone(), text.en.clone()))
}

fn framed(text: &str) -> String {
    framed_as(text, Tone::Plain)
}

fn framed_as(text: &str, tone: Tone) -> String {
    let padding = " ".repeat(INNER.saturating_sub(text.width()));
    format!("│ {}{padding} │", tone.paint(text))
}

/// Columns between the frame's sides, so that the whole fits 80.
const INNER: usize = 72;

/// Breaks a text into lines of at most `width` columns: at spaces, and between Japanese characters except before
/// closing and after opening punctuation (禁則処理). What cannot be broken keeps its length.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for unit in units(text) {
        let room = width.saturating_sub(line.width());
        if !line.is_empty() && unit.trim_end().width() > room {
            lines.push(line.trim_end().to_owned());
            line.clear();
        }
        line.push_str(&unit);
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// Parts that stay together, each with the spaces behind it.
fn units(text: &str) -> Vec<String> {
    let mut units: Vec<String> = Vec::new();
    let mut before = None;
    for next in text.chars() {
        match units.last_mut() {
            Some(unit) if before.is_some_and(|before| !may_break(before, next)) => unit.push(next),
            _ => units.push(next.to_string()),
        }
        before = Some(next);
    }
    units
}

fn may_break(before: char, next: char) -> bool {
    if next == ' ' {
        return false;
    }
    if before == ' ' {
        return true;
    }
    let wide = |c: char| c.width() == Some(2);
    (wide(before) || wide(next)) && !NOT_AT_START.contains(next) && !NOT_AT_END.contains(before)
}

const NOT_AT_START: &str = "、。，．・：；？！）」』】〕］ーっゃゅょッャュョ々%)";
const NOT_AT_END: &str = "（「『【〔［(";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_line_of_a_screen_is_equally_wide() {
        let reasons = ["UNREACHABLE", "TOKEN_BINDING", "CARD_CERT_EXPIRED"];
        for (reason, language) in
            reasons.into_iter().flat_map(|reason| [(reason, Language::Ja), (reason, Language::En)])
        {
            let screen = Screen::without_answer("東京都立〔架空〕病院 counter 1", reason);
            for line in screen.draw(language, Tone::Plain) {
                assert_eq!(line.width(), INNER + 4, "{line}");
            }
        }
    }

    #[test]
    fn no_line_begins_with_a_full_stop_or_ends_with_an_opening_bracket() {
        let text = "資格は有効です（都内）。通常の自己負担を受領し、領収書をお渡しください。";
        for width in 8..40 {
            for line in wrap(text, width) {
                assert!(!line.starts_with(['。', '、', '）']) && !line.ends_with('（'), "{width}: {line}");
            }
        }
    }

    #[test]
    fn words_and_numbers_are_not_torn() {
        assert_eq!(wrap("Ask the issuer now", 8), ["Ask the", "issuer", "now"]);
        assert_eq!(wrap("登録は2026-10-23までです", 12), ["登録は", "2026-10-23ま", "でです"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_too_wide(text in "[a-z 公費。（]{0,60}", width in 20_usize..60) {
            let lines = wrap(&text, width);
            let squeezed = |text: &str| text.split(' ').collect::<String>();
            prop_assert_eq!(squeezed(&lines.concat()), squeezed(&text));
            let longest = units(&text).iter().map(|unit| unit.trim_end().width()).max().unwrap_or_default();
            for line in lines {
                prop_assert!(line.width() <= width.max(longest), "{}", line);
            }
        }
    }
}
