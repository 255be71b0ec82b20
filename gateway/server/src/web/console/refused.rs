//! A refusal as a page: the reason of the call, in words; never an internal text.

use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use pmh_proto::common::Reason;
use tonic::Code;

use super::{
    guard,
    language::Language,
    page::bare,
    text::Text,
    visit::{Visit, language_of},
    words,
};
use crate::rpc::status::{Refusal, reason_name};

/// The page of a refusal that happens before there is a visit.
pub(in crate::web) async fn refusal_page(headers: &HeaderMap, refusal: &Refusal) -> Response {
    guard::protect(page(language_of(headers), refusal)).await
}

/// The page of a refusal.
pub(super) fn page(language: Language, refusal: &Refusal) -> Response {
    let text = Text::of(language);
    let retry_after = refusal.retry_after().map(|delay| delay.as_secs().max(1));
    let content = html! {
        h1 { (text.refused_title) }
        p.lead { (words::reason(refusal.reason(), language)) }
        @if !refusal.fields().is_empty() {
            h2 { (text.wrong_fields) }
            ul { @for field in refusal.fields() {
                li { (field_name(&field.path, text)) ": " (words::rule(field.reason, language)) }
            } }
        }
        dl.facts {
            dt { (text.reason) } dd { code { (reason_name(refusal.reason())) } }
            @if let Some(seconds) = retry_after { dt { (text.retry_after) } dd { (seconds) } }
            @if let Some(id) = refusal.request_id() { dt { (text.request_id) } dd { code { (id) } } }
        }
        // Who may not come in is not sent round in a circle.
        @if status(refusal.code()) != StatusCode::FORBIDDEN { (start(text, language)) }
    };
    (status(refusal.code()), Html(bare(language, text.refused_title, &content).into_string())).into_response()
}

/// Something of another site asked for a page here.
pub(super) fn from_elsewhere(headers: &HeaderMap) -> Response {
    let language = language_of(headers);
    let text = Text::of(language);
    let content = html! {
        h1 { (text.elsewhere_title) }
        p.lead { (text.elsewhere) }
        (start(text, language))
    };
    let page = bare(language, text.elsewhere_title, &content).into_string();
    (StatusCode::FORBIDDEN, Html(page)).into_response()
}

/// For addresses that are none.
pub(super) async fn no_such_page(visit: Visit) -> Response {
    let content = html! { h1 { (visit.text.no_such_page) } (start(visit.text, visit.language)) };
    let page = bare(visit.language, visit.text.no_such_page, &content).into_string();
    (StatusCode::NOT_FOUND, Html(page)).into_response()
}

fn start(text: &Text, language: Language) -> Markup {
    html! { p { a href={ "/?lang=" (language.tag()) } { (text.to_start) } } }
}

/// The form's own label for a field of the contract.
fn field_name<'a>(path: &'a str, text: &Text) -> &'a str {
    match path {
        "from" => text.from,
        "to" => text.to,
        "requester" => text.requester,
        "holder" => text.holder,
        "outcome" => text.outcome,
        "case_reference" => text.case,
        "parts" => text.parts,
        "warrant" => text.warrant,
        "index" => text.index,
        other => other,
    }
}

fn status(code: Code) -> StatusCode {
    match code {
        Code::InvalidArgument => StatusCode::BAD_REQUEST,
        Code::Unauthenticated | Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound | Code::Unimplemented => StatusCode::NOT_FOUND,
        Code::FailedPrecondition | Code::Aborted | Code::AlreadyExists => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The reason of a form that cannot be read at all.
pub(super) fn unreadable() -> Refusal {
    Refusal::new(Reason::InvalidFields)
}
