//! The search form: what was typed, the request it makes, and the form again.

use jiff::{ToSpan as _, civil::Date, tz::Offset};
use maud::{Markup, html};
use pmh_audit::{
    Kind,
    registry::{Categories, Method, Purpose},
};
use pmh_proto::{
    audit::{Log, SearchEntriesRequest},
    common::Reason,
};
use serde::{Deserialize, Serialize};

use super::{visit::Visit, words};
use crate::rpc::status::{Refusal, reason_name, reason_named};

/// What was typed; every field may be empty.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Form {
    pub(super) log: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) requester: String,
    pub(super) holder: String,
    pub(super) method: String,
    pub(super) purpose: String,
    pub(super) kind: String,
    pub(super) category: String,
    pub(super) outcome: String,
    pub(super) case: String,
    pub(super) break_glass: String,
    pub(super) page: String,
}

impl Form {
    /// The request of the contract; what the contract checks is left to it.
    pub(super) fn request(&self) -> Result<SearchEntriesRequest, Refusal> {
        let trimmed = |text: &str| text.trim().to_owned();
        Ok(SearchEntriesRequest {
            log: log_number(&self.log),
            from: day(&self.from, 0).ok_or_else(|| wrong("from", Reason::Date))?,
            to: day(&self.to, 1).ok_or_else(|| wrong("to", Reason::Date))?,
            requester: trimmed(&self.requester),
            holder: trimmed(&self.holder),
            method: trimmed(&self.method),
            purpose: trimmed(&self.purpose),
            outcome: outcome(&self.outcome).ok_or_else(|| wrong("outcome", Reason::Value))?,
            kind: kind(&self.kind).ok_or_else(|| wrong("kind", Reason::Value))?,
            category: trimmed(&self.category),
            case_reference: trimmed(&self.case),
            break_glass: !self.break_glass.is_empty(),
            page_token: self.page.clone(),
            page_size: PAGE,
            ..SearchEntriesRequest::default()
        })
    }

    /// The address of another page of the same search.
    pub(super) fn link(&self, visit: &Visit, page: &str) -> String {
        let fields = [
            ("log", &*self.log),
            ("from", &self.from),
            ("to", &self.to),
            ("requester", &self.requester),
            ("holder", &self.holder),
            ("method", &self.method),
            ("purpose", &self.purpose),
            ("kind", &self.kind),
            ("category", &self.category),
            ("outcome", &self.outcome),
            ("case", &self.case),
            ("break_glass", &self.break_glass),
            ("page", page),
        ];
        visit.link("/search", &fields)
    }

    /// The conditions in words.
    pub(super) fn told(&self, visit: &Visit) -> String {
        let (text, language) = (visit.text, visit.language);
        let kind = Kind::KNOWN.iter().find(|kind| kind.name() == self.kind);
        let told = [
            (text.log, if self.log == "auth" { text.log_auth } else { "" }),
            (text.from, &self.from),
            (text.to, &self.to),
            (text.requester, &self.requester),
            (text.holder, &self.holder),
            (text.method, words::method(&self.method, language)),
            (
                text.purpose,
                Purpose::from_name(&self.purpose).map_or("", |known| words::purpose(known, language)),
            ),
            (text.kind, kind.map_or("", |kind| words::kind(*kind, language))),
            (text.category, words::category(&self.category, language)),
            (text.outcome, &self.outcome),
            (text.case, &self.case),
            (text.break_glass, if self.break_glass.is_empty() { "" } else { "✓" }),
        ];
        let told: Vec<String> = told
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}{}{value}", language.pick("：", ": ")))
            .collect();
        if told.is_empty() { text.no_conditions.to_owned() } else { told.join(" · ") }
    }

    /// The form, filled in as it was.
    pub(super) fn render(&self, visit: &Visit) -> Markup {
        let (text, language) = (visit.text, visit.language);
        let named = |name: &'static str| match words::method(name, language) {
            words if words == name => (name, name.to_owned()),
            words => (name, format!("{words} ({name})")),
        };
        let methods: Vec<(&str, String)> =
            Method::KNOWN.iter().filter_map(|method| method.name()).map(named).collect();
        let purposes =
            Purpose::KNOWN.iter().filter_map(|known| Some((known.name()?, words::purpose(*known, language))));
        let logs = [("gateway", text.log_gateway), ("auth", text.log_auth)];
        html! {
            form.search action="/search" method="get" {
                input type="hidden" name="lang" value=(language.tag());
                (choice("log", text.log, None, logs, &self.log))
                (field("from", text.from, "date", &self.from, None))
                (field("to", text.to, "date", &self.to, None))
                (field("requester", text.requester, "text", &self.requester, Some(text.organization_hint)))
                (field("holder", text.holder, "text", &self.holder, Some(text.holder_hint)))
                (choice("method", text.method, Some(text.any),
                    methods.iter().map(|(name, words)| (*name, &**words)), &self.method))
                (choice("purpose", text.purpose, Some(text.any), purposes, &self.purpose))
                (choice("kind", text.kind, Some(text.any),
                    Kind::KNOWN.iter().map(|kind| (kind.name(), words::kind(*kind, language))), &self.kind))
                (choice("category", text.category, Some(text.any),
                    Categories::from_bits(u32::MAX).names().map(|name| (name, words::category(name, language))),
                    &self.category))
                (field("outcome", text.outcome, "text", &self.outcome, Some(text.outcome_hint)))
                (field("case", text.case, "text", &self.case, None))
                div.check {
                    input #break_glass type="checkbox" name="break_glass" value="1"
                        checked[!self.break_glass.is_empty()];
                    label for="break_glass" { (text.break_glass) }
                }
                div.act { button type="submit" { (text.do_search) } }
            }
        }
    }
}

/// One line of text with its label; the hint is read with it.
pub(super) fn field(name: &str, label: &str, kind: &str, value: &str, hint: Option<&str>) -> Markup {
    let described = hint.map(|_| format!("{name}-hint"));
    html! {
        div.field {
            label for=(name) { (label) }
            input id=(name) name=(name) type=(kind) value=(value) maxlength="64" autocomplete="off"
                spellcheck="false" aria-describedby=[described.as_deref()];
            @if let Some(hint) = hint { p.hint id=[described.as_deref()] { (hint) } }
        }
    }
}

fn choice<'a>(
    name: &str,
    label: &str,
    any: Option<&str>,
    options: impl IntoIterator<Item = (&'a str, &'a str)>,
    chosen: &str,
) -> Markup {
    html! {
        div.field {
            label for=(name) { (label) }
            select id=(name) name=(name) {
                @if let Some(any) = any { option value="" { (any) } }
                @for (value, words) in options {
                    option value=(value) selected[value == chosen] { (words) }
                }
            }
        }
    }
}

/// Which log a form names; the gateway's if none.
pub(super) fn log_number(name: &str) -> i32 {
    if name == "auth" { Log::Auth.into() } else { Log::Gateway.into() }
}

/// The beginning of a day in Japan, so many days later. `Some(None)` if nothing was typed.
#[expect(clippy::option_option, reason = "nothing typed is something else than no date")]
pub(super) fn day(text: &str, later: i64) -> Option<Option<prost_types::Timestamp>> {
    if text.is_empty() {
        return Some(None);
    }
    let day = text.parse::<Date>().ok().filter(|_| text.len() == ISO_DATE)?;
    let start = day.checked_add(later.days()).ok()?.at(0, 0, 0, 0);
    let instant = Offset::constant(9).to_timestamp(start).ok()?;
    Some(Some(prost_types::Timestamp { seconds: instant.as_second(), nanos: 0 }))
}

/// A number, or a refusal by the name of its reason.
#[expect(clippy::option_option, reason = "nothing typed is something else than no outcome")]
fn outcome(text: &str) -> Option<Option<u32>> {
    match text.trim() {
        "" => Some(None),
        text => {
            let named = || reason_named(text).filter(|known| reason_name(*known) == text);
            text.parse().ok().or_else(|| u32::try_from(i32::from(named()?)).ok()).map(Some)
        }
    }
}

fn kind(name: &str) -> Option<u32> {
    match name {
        "" => Some(0),
        name => Kind::KNOWN.iter().find(|kind| kind.name() == name).map(|kind| u8::from(*kind).into()),
    }
}

fn wrong(path: &str, rule: Reason) -> Refusal {
    Refusal::invalid_fields(Vec::new()).with_field(path, rule)
}

const PAGE: u32 = 50;
const ISO_DATE: usize = "2026-04-01".len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_what_it_means() {
        let form = Form {
            from: "2026-04-01".to_owned(),
            to: "2026-04-01".to_owned(),
            outcome: "TOKEN_EXPIRED".to_owned(),
            kind: "refusal".to_owned(),
            ..Form::default()
        };
        let request = form.request().unwrap();
        assert_eq!(request.to.unwrap().seconds - request.from.unwrap().seconds, 86_400);
        assert_eq!((request.outcome, request.kind), (Some(3), 2));
    }

    #[test]
    fn what_cannot_be_read_names_its_field_and_not_the_value() {
        let of = |form: Form| form.request().unwrap_err().fields()[0].path.clone();
        let text = || "<b>".to_owned();
        assert_eq!(of(Form { from: text(), ..Form::default() }), "from");
        assert_eq!(of(Form { to: "2026-4-1".to_owned(), ..Form::default() }), "to");
        assert_eq!(of(Form { outcome: text(), ..Form::default() }), "outcome");
        assert_eq!(of(Form { kind: text(), ..Form::default() }), "kind");
    }
}
