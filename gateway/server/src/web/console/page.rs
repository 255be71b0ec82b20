//! The frame around every page.

use axum::response::{Html, IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, html};

use super::{language::Language, text::Text, visit::Visit};

/// Which page of the menu is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Search,
    Checkpoints,
    Activity,
}

/// A whole page of the menu.
pub(super) fn page(visit: &Visit, place: Place, title: &str, content: &Markup) -> Response {
    let text = visit.text;
    let identity = visit.peer.identity();
    let menu = [
        (Place::Search, "/", text.search),
        (Place::Checkpoints, "/checkpoints", text.checkpoints),
        (Place::Activity, "/activity", text.activity),
    ];
    let header = html! {
        nav aria-label=(text.pages) {
            ul { @for (known, path, name) in menu {
                li {
                    a href=(visit.link(path, &[])) aria-current=[(known == place).then_some("page")] { (name) }
                }
            } }
        }
        a.language href=(visit.translated()) lang=(visit.language.other().tag())
            hreflang=(visit.language.other().tag()) { (text.other_language) }
    };
    let footer = html! {
        p { (text.watched) }
        p {
            (text.signed_in) ": " code { (identity.organization().short()) }
            @if let Some(terminal) = identity.terminal() { " / " code { (terminal) } }
        }
    };
    Html(frame(visit.language, title, &header, content, &footer).into_string()).into_response()
}

/// A page outside the menu: whoever reads it may be nobody's auditor.
pub(super) fn bare(language: Language, title: &str, content: &Markup) -> Markup {
    frame(language, title, &html! {}, content, &html! {})
}

fn frame(language: Language, title: &str, header: &Markup, content: &Markup, footer: &Markup) -> Markup {
    let text = Text::of(language);
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " – " (text.console) }
                link rel="icon" type="image/svg+xml" href="/icon.svg";
                link rel="stylesheet" href="/style.css";
            }
            body {
                a.skip href="#content" { (text.skip) }
                header { div.wide {
                    a.brand href={ "/?lang=" (language.tag()) } { (text.console) }
                    (header)
                } }
                main #content tabindex="-1" { div.wide { (content) } }
                footer { div.wide { (footer) } }
            }
        }
    }
}
