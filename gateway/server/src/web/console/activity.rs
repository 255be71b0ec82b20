//! Entries a day of each organization that asked, as bars and as a table.
//!
//! A summary of entries tells more than hashes do: it is a search like any other, with the jurisdiction applied, and an
//! entry before it is drawn.

use std::collections::BTreeMap;

use axum::{
    extract::{Query, rejection::QueryRejection},
    response::Response,
};
use jiff::{Timestamp, ToSpan as _, civil::Date};
use maud::{Markup, html};
use pmh_domain::time::tokyo_date;
use pmh_proto::{audit::SearchEntriesRequest, common::Reason};
use pmh_store::Filter;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{
    bars::bars,
    form::{day, field, log_number},
    page::{Place, page},
    refused,
    search::{organization, recorded_as},
    visit::{SEARCH_ENTRIES, Visit},
};
use crate::{
    ops::{
        self,
        auditor::{Found, Search, Seen},
        log::Log,
    },
    rpc::status::Refusal,
};

/// What is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    log: String,
    from: String,
    to: String,
}

/// Counts of one period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Activity {
    /// By `<kind>:<code>` and day.
    counts: BTreeMap<String, BTreeMap<Date, u64>>,
    outside: u64,
    is_cut: bool,
}

/// The page; without a period, the last two weeks.
pub(super) async fn show(visit: Visit, asked: Result<Query<Asked>, QueryRejection>) -> Response {
    let Ok(Query(asked)) = asked else { return visit.refuse(&refused::unreadable()) };
    let asked = asked.or_lately(tokyo_date(visit.gateway().now()));
    let Some((message, period)) = asked.request() else { return misread(&visit).await };
    let call = match visit.permitted(SEARCH_ENTRIES, &message).await {
        Ok(call) => call,
        Err(refused) => return refused,
    };
    let us = |at: Option<prost_types::Timestamp>| at.map(|at| at.seconds.saturating_mul(1_000_000));
    let search = Search {
        log: if asked.log == "auth" { Log::Auth } else { Log::Gateway },
        from_us: us(message.from),
        to_us: us(message.to),
        filter: Filter::default(),
        person_search_id: None,
        limit: COUNTED,
        after: None,
    };
    match ops::auditor::search(visit.gateway(), &call, &search, Activity::of).await {
        Err(refusal) => visit.refused(&call, refusal).await,
        Ok(recorded) => {
            let (activity, proof) = recorded.into_parts();
            drawn(&visit, &asked, &period, &activity, proof.map(|proof| proof.index))
        }
    }
}

/// A refusal of a period that is none, recorded like the search it would have been.
async fn misread(visit: &Visit) -> Response {
    match visit.permitted(SEARCH_ENTRIES, &SearchEntriesRequest::default()).await {
        Err(refused) => refused,
        Ok(call) => {
            let refusal = Refusal::invalid_fields(Vec::new())
                .with_field("from", Reason::Date)
                .with_field("to", Reason::Date);
            visit.refused(&call, refusal).await
        }
    }
}

impl Asked {
    fn or_lately(mut self, today: Date) -> Self {
        if self.from.is_empty() && self.to.is_empty() {
            self.from = today.checked_sub(13.days()).unwrap_or(today).to_string();
            self.to = today.to_string();
        }
        self
    }

    /// The request and its days, at most a quarter of a year; `None` if that is no period.
    fn request(&self) -> Option<(SearchEntriesRequest, Vec<Date>)> {
        let (from, to) = (day(&self.from, 0)??, day(&self.to, 1)??);
        let (first, last): (Date, Date) = (self.from.parse().ok()?, self.to.parse().ok()?);
        let period: Vec<Date> = first.series(1.day()).take_while(|day| *day <= last).take(DAYS + 1).collect();
        let request = SearchEntriesRequest {
            log: log_number(&self.log),
            from: Some(from),
            to: Some(to),
            ..SearchEntriesRequest::default()
        };
        (1..=DAYS).contains(&period.len()).then_some((request, period))
    }
}

impl Activity {
    fn of(found: &Found) -> Self {
        let mut activity = Self { is_cut: found.next.is_some(), ..Self::default() };
        for seen in &found.entries {
            let Seen::Whole(_, leaf) = seen else {
                activity.outside += 1;
                continue;
            };
            let requester = leaf.requester.as_ref().map(ToString::to_string).unwrap_or_default();
            let at = i64::try_from(leaf.time_us).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
            let day = tokyo_date(at.unwrap_or_default());
            *activity.counts.entry(requester).or_default().entry(day).or_default() += 1;
        }
        activity
    }

    fn most(&self) -> u64 {
        self.counts.values().flat_map(BTreeMap::values).copied().max().unwrap_or_default()
    }
}

/// One line for each organization and day, in order.
impl ops::Response for Activity {
    fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for (requester, days) in &self.counts {
            for (day, count) in days {
                digest.update(format!("{requester} {day} {count}\n"));
            }
        }
        digest.update(format!("outside {}\ncut {}\n", self.outside, self.is_cut));
        digest.finalize().into()
    }
}

fn drawn(
    visit: &Visit,
    asked: &Asked,
    period: &[Date],
    activity: &Activity,
    recorded: Option<u64>,
) -> Response {
    let text = visit.text;
    let logs = [("gateway", text.log_gateway), ("auth", text.log_auth)];
    let content = html! {
        h1 { (text.activity_title) }
        p.lead { (text.activity_lead) @if let Some(index) = recorded { " " (recorded_as(visit, index)) } }
        form.search action="/activity" method="get" {
            input type="hidden" name="lang" value=(visit.language.tag());
            div.field {
                label for="log" { (text.log) }
                select #log name="log" {
                    @for (value, words) in logs { option value=(value) selected[value == asked.log] { (words) } }
                }
            }
            (field("from", text.from, "date", &asked.from, None))
            (field("to", text.to, "date", &asked.to, None))
            div.act { button type="submit" { (text.show) } }
        }
        @if activity.is_cut { p.verdict.bad { (text.activity_cut) } }
        @if activity.counts.is_empty() { p { (text.activity_empty) } } @else {
            (picture(visit, period, activity))
            (table(visit, period, activity))
        }
        @if activity.outside > 0 { p { (text.activity_outside) ": " (activity.outside) } }
    };
    page(visit, Place::Activity, text.activity_title, &content)
}

fn picture(visit: &Visit, period: &[Date], activity: &Activity) -> Markup {
    let (text, most) = (visit.text, activity.most());
    let ends = period.first().zip(period.last());
    html! {
        p.scale {
            @if let Some((first, last)) = ends { (first) " – " (last) " · " }
            (text.per_day_most) ": " (most)
        }
        ul.multiples { @for (requester, days) in &activity.counts {
            @let counts: Vec<u64> = period.iter().map(|day| days.get(day).copied().unwrap_or_default()).collect();
            @let total: u64 = counts.iter().sum();
            li {
                p.who { (organization(visit, requester, text.unnamed)) span.total { (total) } }
                (bars(&counts, most, &format!("{requester}: {} {total}", text.total)))
            }
        } }
    }
}

fn table(visit: &Visit, period: &[Date], activity: &Activity) -> Markup {
    let text = visit.text;
    html! {
        h2 #table { (text.activity_table) }
        div.scroll tabindex="0" role="region" aria-labelledby="table" { table.days {
            thead { tr {
                th scope="col" { (text.organization) }
                th.number scope="col" { (text.total) }
                @for day in period { th.number scope="col" { (day.strftime("%m-%d")) } }
            } }
            tbody { @for (requester, days) in &activity.counts { tr {
                th scope="row" { (organization(visit, requester, text.unnamed)) }
                td.number { (days.values().sum::<u64>()) }
                @for day in period { td.number { (days.get(day).copied().unwrap_or_default()) } }
            } } }
        } }
    }
}

/// Entries that one view counts.
const COUNTED: usize = 20_000;
/// A quarter of a year: a bar is still a bar.
const DAYS: usize = 92;

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(from: &str, to: &str) -> Asked {
        Asked { log: String::new(), from: from.to_owned(), to: to.to_owned() }
    }

    #[test]
    fn a_period_has_its_last_day_and_an_end() {
        let (request, days) = asked("2026-04-01", "2026-04-02").request().unwrap();
        assert_eq!(days.len(), 2);
        assert_eq!(request.to.unwrap().seconds - request.from.unwrap().seconds, 2 * 86_400);
        for (from, to) in [
            ("2026-04-02", "2026-04-01"),
            ("2026-01-01", "2026-12-31"),
            ("x", "2026-01-01"),
            ("", "2026-01-01"),
        ] {
            assert!(asked(from, to).request().is_none(), "{from} {to}");
        }
        let lately = asked("", "").or_lately("2026-11-22".parse().unwrap());
        assert_eq!(lately.from, "2026-11-09");
    }
}
