//! The list as people read it: いつ・どこが・何を・なぜ.

use jiff::Timestamp;
use pmh_audit::part::Audience;
use pmh_client::{MyAccess, MyAccesses};
use pmh_domain::time::tokyo_minute;
use pmh_proto::audit::{AccessDisplay, QuestionStatus};

use super::words;
use crate::cli::output::{Language, table};

/// Which of the two lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// What was done with data.
    Data,
    /// Where the card was presented.
    Presentations,
}

/// A table on a screen.
pub(super) fn screen(list: &MyAccesses, about: About, all: bool, language: Language) -> Vec<String> {
    let mut lines = vec![title(list, about, language).to_owned(), String::new()];
    let shown: Vec<&MyAccess> = wanted(list, all).collect();
    if shown.is_empty() {
        lines.push(language.pick("  記録はありません。", "  There is nothing.").to_owned());
    } else {
        let heads = language.pick(HEADS_JA, HEADS_EN).map(str::to_owned).to_vec();
        let rows: Vec<Vec<String>> =
            std::iter::once(heads).chain(shown.iter().map(|access| row(access, language))).collect();
        lines.extend(table(&rows).into_iter().map(|line| format!("  {line}")));
    }
    lines.extend(answers(&shown, language));
    lines.push(String::new());
    lines.extend(footer(list, about, all, language));
    lines
}

/// A page for paper: no columns that a narrow printer breaks, and what the page means.
pub(super) fn paper(
    list: &MyAccesses,
    about: About,
    all: bool,
    now: Timestamp,
    language: Language,
) -> Vec<String> {
    let printed = language.pick("作成", "printed");
    let mut lines =
        vec![title(list, about, language).to_owned(), format!("{printed}: {}", tokyo_minute(now)), rule()];
    let labels = language.pick(HEADS_JA, HEADS_EN);
    let shown: Vec<&MyAccess> = wanted(list, all).collect();
    for access in &shown {
        let cells = labels.iter().zip(row(access, language));
        for (label, cell) in cells.filter(|(_, cell)| !cell.is_empty()) {
            lines.push(format!("{label}: {cell}"));
        }
        lines.push(rule());
    }
    lines.extend(answers(&shown, language));
    lines.extend(footer(list, about, all, language));
    lines.extend(language.pick(MEANING_JA, MEANING_EN).map(str::to_owned));
    lines
}

/// One's own look-ups are there, but nobody asks for them.
pub(super) fn wanted(list: &MyAccesses, all: bool) -> impl Iterator<Item = &MyAccess> {
    list.accesses.iter().filter(move |access| all || !access.said.own_query)
}

/// When it was, as the log proves it.
pub(super) fn when(access: &MyAccess) -> Option<Timestamp> {
    let time_us = i64::try_from(access.record.as_ref()?.leaf.time_us).ok()?;
    Timestamp::from_microsecond(time_us).ok()
}

fn row(access: &MyAccess, language: Language) -> Vec<String> {
    let number = access.index.to_string();
    let Some(record) = &access.record else {
        return vec![
            String::new(),
            String::new(),
            hidden(access, language),
            String::new(),
            String::new(),
            number,
        ];
    };
    let leaf = &record.leaf;
    let time = when(access).map(tokyo_minute).unwrap_or_default();
    let requester = leaf.requester.as_ref().map(ToString::to_string).unwrap_or_default();
    let name = &access.said.requester_name;
    let who = if name.is_empty() { requester } else { name.clone() };
    let mut deed = words::what(leaf, access.said.own_query, language);
    let classes = words::which(leaf.categories, language);
    if !classes.is_empty() {
        deed = match language {
            Language::Ja => format!("{deed}（{classes}）"),
            Language::En => format!("{deed} ({classes})"),
        };
    }
    let why = words::why(leaf.purpose, language).to_owned();
    vec![time, who, deed, why, words::outcome(leaf, language), number]
}

fn hidden(access: &MyAccess, language: Language) -> String {
    let until = access.said.withheld_until.as_ref().and_then(|until| Timestamp::new(until.seconds, 0).ok());
    match (access.said.display(), until) {
        (AccessDisplay::Withheld, Some(until)) => {
            let (until, ground) = (tokyo_minute(until), &access.said.withheld_ground);
            match language {
                Language::Ja => format!("{until} まで法令により表示できません（{ground}）"),
                Language::En => format!("withheld by law until {until} ({ground})"),
            }
        }
        (AccessDisplay::Erased, _) => {
            language.pick("内容は消去されました", "the content was erased").to_owned()
        }
        _ => language.pick("ほかの方に関わる記録", "an entry that concerns others").to_owned(),
    }
}

fn answers(shown: &[&MyAccess], language: Language) -> Vec<String> {
    let mut lines = Vec::new();
    for access in shown {
        let Some(question) = &access.said.question else { continue };
        let due = question.due_time.as_ref().and_then(|due| Timestamp::new(due.seconds, 0).ok());
        let due = due.map(tokyo_minute).unwrap_or_default();
        let state = match (question.status(), language) {
            (QuestionStatus::Answered, Language::Ja) => format!("回答「{}」", question.answer),
            (QuestionStatus::Answered, Language::En) => format!("answered: \"{}\"", question.answer),
            (QuestionStatus::Overdue, Language::Ja) => {
                format!("期限（{due}）を過ぎましたが、回答がありません")
            }
            (QuestionStatus::Overdue, Language::En) => format!("no answer, though it was due at {due}"),
            (_, Language::Ja) => format!("回答待ち（期限 {due}）"),
            (_, Language::En) => format!("waiting for an answer until {due}"),
        };
        lines.push(match language {
            Language::Ja => format!("  番号 {} についてのおたずね: {state}", access.index),
            Language::En => format!("  your question about number {}: {state}", access.index),
        });
    }
    if !lines.is_empty() {
        lines.insert(0, String::new());
    }
    lines
}

fn title(list: &MyAccesses, about: About, language: Language) -> &'static str {
    match list.audience {
        _ if about == About::Presentations => {
            language.pick("あなたのカードが使われた記録", "Where your card was presented")
        }
        Audience::Person => language.pick("あなたの情報を扱った記録", "Who used your data"),
        Audience::Guardian => language.pick("お子さまの情報を扱った記録", "Who used your child's data"),
    }
}

fn footer(list: &MyAccesses, about: About, all: bool, language: Language) -> Vec<String> {
    let own = list.accesses.iter().filter(|access| access.said.own_query).count();
    let count = list.accesses.len();
    let mut lines = vec![match language {
        Language::Ja => format!("  全 {count} 件。抜けや入れ替えがないことを確認しました。"),
        Language::En => format!("  {count} entries in all; none is missing, none was exchanged (verified)."),
    }];
    if own > 0 && !all {
        lines.push(match language {
            Language::Ja => {
                format!("  うち、この一覧をご自身で見た {own} 件は省いています（--all で表示）。")
            }
            Language::En => format!("  {own} of them are your own looks at this list (--all shows them)."),
        });
    }
    if about == About::Presentations {
        return lines;
    }
    lines.push(
        language
            .pick(
                "  心当たりのない記録は、番号を添えて理由をたずねることができます。",
                "  You may ask why about any entry, by its number.",
            )
            .to_owned(),
    );
    lines
}

fn rule() -> String {
    "─".repeat(40)
}

const HEADS_JA: [&str; 6] = ["いつ", "どこが", "何を", "なぜ", "結果", "番号"];
const HEADS_EN: [&str; 6] = ["when", "who", "what", "why", "result", "number"];
const MEANING_JA: [&str; 3] = [
    "この一覧は、改ざんすると分かる記録から作成しました。",
    "記録されずに行われたことは、この一覧からは分かりません。",
    "お問い合わせは、この紙をお渡しした窓口へどうぞ。",
];
const MEANING_EN: [&str; 3] = [
    "This list was made from a log in which any change is noticed.",
    "What was done without being logged cannot be seen here.",
    "Please ask at the counter that gave you this page.",
];
