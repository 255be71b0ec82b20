//! The auditors' console: server-rendered pages without a line of script.
//!
//! A page is the answer of a call, drawn: it is asked of the same functions as the call over gRPC, under the same entry
//! of the policy table, so each search and each opened entry is in the log before it is on a screen, with the very
//! request and answer that a program would have got. What is shown beside it are hashes, which everybody may read.

mod activity;
mod bars;
mod checkpoints;
mod entry;
mod form;
mod guard;
mod ladder;
mod language;
mod page;
mod parts;
mod proof;
mod refused;
mod search;
mod text;
mod visit;
mod words;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};
use http::header::CONTENT_TYPE;

use crate::ops::Gateway;

pub(super) use refused::refusal_page;

/// The pages.
pub(super) fn routes(gateway: &Arc<Gateway>) -> Router {
    Router::new()
        .route("/", get(search::blank))
        .route("/search", get(search::results))
        .route("/entry", get(entry::show))
        .route("/entry/parts", post(parts::open))
        .route("/checkpoints", get(checkpoints::show))
        .route("/activity", get(activity::show))
        .route("/style.css", get(|| async { ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE) }))
        .route("/icon.svg", get(|| async { ([(CONTENT_TYPE, "image/svg+xml")], ICON) }))
        .fallback(refused::no_such_page)
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(middleware::from_fn(guard::same_site))
        .layer(middleware::map_response(guard::protect))
        .with_state(Arc::clone(gateway))
}

const STYLE: &str = include_str!("style.css");
const ICON: &str = include_str!("icon.svg");
const LARGEST_FORM: usize = 4096;
