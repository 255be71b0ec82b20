//! A forecast as a table.

use jiff::ToSpan as _;
use jiff::civil::Date;
use pmh_domain::vaccination::{
    Forecast, GivenDose, NextDose, SeriesStatus, finding_line, standing_line, status_line,
};

use super::forecast::Answer;
use crate::cli::output::{Language, table};

/// The lines of the page.
pub(super) fn lines(answer: &Answer<'_>, language: Language) -> Vec<String> {
    let shown: Vec<&Forecast> = answer.series.iter().filter(|series| is_near(series, answer.on)).collect();
    let titles = language.pick(
        ["", "ワクチン", "状態", "次回", "最短", "推奨", "最終日", "標準時期超過", "接種済み"],
        ["", "vaccine", "status", "next", "earliest", "recommended", "latest", "overdue", "given"],
    );
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    rows.extend(shown.iter().map(|series| row(series, language)));
    let mut lines = table(&rows);
    lines.push(String::new());
    lines.extend(shown.iter().flat_map(|series| problems(series, language)));
    lines.extend(closing(answer, language));
    lines
}

/// A newborn's shingles vaccine helps nobody to read the page; JSON holds it.
fn is_near(series: &Forecast, on: Date) -> bool {
    let horizon = on.saturating_add(15.years());
    let is_near = series.next.as_ref().is_some_and(|next| next.earliest <= horizon);
    let is_hidden = matches!(series.status, SeriesStatus::NotForPerson | SeriesStatus::AgedOut);
    !series.given.is_empty() || is_near || (series.next.is_none() && !is_hidden)
}

fn row(series: &Forecast, language: Language) -> Vec<String> {
    let next = series.next.as_ref();
    let date =
        |of: fn(&NextDose) -> Option<Date>| next.and_then(of).map_or_else(String::new, |day| day.to_string());
    let unconfirmed = series.rules.iter().any(|rule| !rule.is_confirmed());
    let given: Vec<_> = series
        .given
        .iter()
        .map(|dose| language.of(&standing_line(dose.standing, dose.on)).to_owned())
        .collect();
    vec![
        if unconfirmed { "*".to_owned() } else { String::new() },
        language.of(&series.name).to_owned(),
        language.of(&status_line(series.status)).to_owned(),
        next.map_or_else(String::new, |next| number(next, language)),
        date(|next| Some(next.earliest)),
        date(|next| Some(next.recommended)),
        date(|next| next.latest),
        date(|next| next.overdue),
        given.join(language.pick("、", ", ")),
    ]
}

fn number(next: &NextDose, language: Language) -> String {
    let booster = if next.booster { language.pick("（追加）", " (booster)") } else { "" };
    match language {
        Language::Ja => format!("{}回目{booster}", next.no),
        Language::En => format!("dose {}{booster}", next.no),
    }
}

fn problems(series: &Forecast, language: Language) -> Vec<String> {
    let name = language.of(&series.name);
    let said = |dose: &GivenDose| {
        let on = dose.on;
        let findings = dose.findings.iter();
        let lines = findings
            .map(|finding| (language.of(&finding_line(finding)).to_owned(), finding.rule.id().to_owned()));
        lines.map(|(line, rule)| format!("! {name} {on}  {line} [{rule}]")).collect::<Vec<_>>()
    };
    series.given.iter().flat_map(said).collect()
}

fn closing(answer: &Answer<'_>, language: Language) -> Vec<String> {
    let (version, policy) = (answer.rules_version, answer.policy.name());
    match language {
        Language::Ja => vec![
            format!("規則 {version}、年齢の数え方 {policy}。入力された接種歴のみで判定しています。"),
            "* 出典を再確認していない規則を含みます（pmh vaccine rules）。".to_owned(),
            "非公式。臨床での使用は不可。".to_owned(),
        ],
        Language::En => vec![
            format!("Rules {version}, ages by {policy}; judged on the doses given here alone."),
            "* rests on a rule not checked against its source (pmh vaccine rules).".to_owned(),
            answer.rules_status.to_owned(),
        ],
    }
}
