//! The search: form, result table, pages that never change.

use axum::{
    extract::{Query, rejection::QueryRejection},
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use maud::{Markup, html};
use pmh_audit::{Kind, registry::Purpose};
use pmh_proto::audit::{Entry, SearchEntriesRequest, SearchEntriesResponse};

use super::{
    entry::hex,
    form::Form,
    page::{Place, page},
    refused,
    visit::{SEARCH_ENTRIES, Visit},
    words,
};

/// The empty form. Asks nothing of the log, so there is nothing to record.
pub(super) async fn blank(visit: Visit) -> Response {
    if let Err(refused) = visit.permitted(SEARCH_ENTRIES, &SearchEntriesRequest::default()).await {
        return refused;
    }
    let text = visit.text;
    let content = html! {
        h1 { (text.search_title) }
        p.lead { (text.search_lead) }
        (Form::default().render(&visit))
    };
    page(&visit, Place::Search, text.search_title, &content)
}

/// A page of what fits.
pub(super) async fn results(visit: Visit, form: Result<Query<Form>, QueryRejection>) -> Response {
    let Ok(Query(form)) = form else { return visit.refuse(&refused::unreadable()) };
    let asked = form.request();
    let call = visit.call(SEARCH_ENTRIES, asked.as_ref().unwrap_or(&SearchEntriesRequest::default()));
    let found = match asked {
        // The policy first: who may not search learns nothing about the form either.
        Err(refusal) => visit.service.permit(&call).and(Err(refusal)),
        Ok(asked) => visit.service.search(&call, &asked).await,
    };
    match found {
        Ok(found) => shown(&visit, &form, &found).into_response(),
        Err(refusal) => visit.refused(&call, refusal).await,
    }
}

fn shown(visit: &Visit, form: &Form, found: &SearchEntriesResponse) -> Response {
    let text = visit.text;
    let next = &found.next_page_token;
    let content = html! {
        h1 { (text.results) }
        (summary(visit, found))
        details.conditions open[found.entries.is_empty()] {
            summary { (text.conditions) " – " (form.told(visit)) }
            (form.render(visit))
        }
        @if found.entries.is_empty() {
            p { (if next.is_empty() { text.no_results } else { text.no_results_here }) }
        } @else {
            (table(visit, form, &found.entries))
        }
        nav.paging aria-label=(text.results) {
            @if !next.is_empty() { a.button rel="next" href=(form.link(visit, next)) { (text.next_page) } }
            @if let Some(first) = found.entries.first() {
                span {
                    a href=(form.link(visit, &format!("{}.{}", first.index, found.tree_size))) { (text.this_page) }
                    " – " (text.this_page_why)
                }
            }
        }
    };
    page(visit, Place::Search, text.results, &content)
}

fn summary(visit: &Visit, found: &SearchEntriesResponse) -> Markup {
    let (count, size) = (found.entries.len(), found.tree_size);
    let recorded = found.receipt.as_ref().map(|receipt| receipt.index);
    html! {
        p.lead {
            (visit.language.pick(
                format!("署名された全{size}件のログを検索し、このページに{count}件を表示しています。"),
                format!("{count} entries on this page, found in a signed log of {size}."),
            ))
            @if let Some(index) = recorded { " " (recorded_as(visit, index)) }
        }
    }
}

/// That this very view is an entry, and which.
pub(super) fn recorded_as(visit: &Visit, index: u64) -> Markup {
    let words = visit
        .language
        .pick(format!("この閲覧は番号{index}として記録されました。"), format!("This view is entry {index}."));
    html! { span.recorded { (words) } }
}

fn table(visit: &Visit, form: &Form, entries: &[Entry]) -> Markup {
    let text = visit.text;
    html! {
        table.entries {
            caption.unseen { (text.results) }
            thead { tr {
                @for title in [text.index, text.time, text.deed, text.requester, text.holder, text.purpose,
                    text.outcome, text.records] { th scope="col" { (title) } }
            } }
            tbody { @for entry in entries { (row(visit, form, entry)) } }
        }
    }
}

fn row(visit: &Visit, form: &Form, entry: &Entry) -> Markup {
    let (text, language) = (visit.text, visit.language);
    let number = html! {
        th scope="row" {
            a href=(entry_link(visit, &form.log, entry.index)) {
                span.unseen { (text.entry) " " } (entry.index)
            }
        }
    };
    if entry.outside_jurisdiction {
        return html! { tr.outside {
            (number)
            td colspan="7" { (text.outside) " " code { (abbreviated(&entry.leaf_hash)) } }
        } };
    }
    let kind = kind(entry);
    let refused = matches!(kind, Kind::Refusal | Kind::RefusalSummary);
    html! { tr {
        (number)
        td.time data-label=(text.time) { (time(entry)) }
        td data-label=(text.deed) {
            @if !entry.method.is_empty() { (words::method(&entry.method, language)) " " }
            span.kind { (words::kind(kind, language)) }
        }
        td data-label=(text.requester) { (organization(visit, &entry.requester, text.none)) }
        td data-label=(text.holder) { (organization(visit, &entry.holder, text.none_or_several)) }
        td data-label=(text.purpose) { (purpose(visit, entry)) }
        td class=[refused.then_some("refused")] data-label=(text.outcome) {
            (words::outcome(kind, &entry.method, entry.outcome, language))
        }
        td data-label=(text.records) { (categories(visit, entry)) }
    } }
}

/// The address of an entry.
pub(super) fn entry_link(visit: &Visit, log: &str, index: u64) -> String {
    visit.link("/entry", &[("log", log), ("index", &index.to_string())])
}

/// An organization by its registered name and its code; `absent` if there is none.
pub(super) fn organization(visit: &Visit, short: &str, absent: &str) -> Markup {
    if short.is_empty() {
        return html! { span.none { (absent) } };
    }
    let registry = visit.gateway().registry();
    let name = registry.organizations.get(short).map(|known| known.name.clone()).unwrap_or_default();
    html! { @if !name.is_empty() { span.name { (name) } " " } code { (short) } }
}

pub(super) fn purpose(visit: &Visit, entry: &Entry) -> &'static str {
    let number = u16::try_from(entry.purpose).unwrap_or_default();
    words::purpose(Purpose(number), visit.language)
}

pub(super) fn categories(visit: &Visit, entry: &Entry) -> String {
    let names: Vec<&str> =
        entry.categories.iter().map(|name| words::category(name, visit.language)).collect();
    names.join(visit.language.pick("、", ", "))
}

pub(super) fn kind(entry: &Entry) -> Kind {
    Kind::from(u8::try_from(entry.kind).unwrap_or_default())
}

pub(super) fn time(entry: &Entry) -> String {
    let at = entry.time.as_ref().and_then(|at| Timestamp::new(at.seconds, at.nanos).ok());
    at.map(words::instant).unwrap_or_default()
}

/// Both ends of a hash: enough to compare with the eye.
pub(super) fn abbreviated(hash: &[u8]) -> String {
    let digits = hex(hash);
    match (digits.get(..6), digits.len().checked_sub(4).and_then(|end| digits.get(end..))) {
        (Some(first), Some(last)) => format!("{first}…{last}"),
        _ => digits,
    }
}
