//! One request for a page: who asks, for what, in which language.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Uri, request::Parts};
use pmh_proto::common::Reason;
use prost::Message;
use sha2::{Digest as _, Sha256};

use super::{language::Language, refused, text::Text};
use crate::{
    edge::{CallInfo, Peer},
    ops::{Call, Gateway},
    rpc::{Service, status::Refusal},
};

/// Who asks.
pub(super) struct Visit {
    pub(super) service: Service,
    pub(super) peer: Arc<Peer>,
    info: CallInfo,
    pub(super) language: Language,
    pub(super) text: &'static Text,
    pub(super) uri: Uri,
}

impl Visit {
    /// The call of the contract that this visit makes.
    pub(super) fn call<M: Message>(&self, path: &'static str, message: &M) -> Call {
        let sha256 = Sha256::digest(message.encode_to_vec()).into();
        Call::new(&self.service.gateway, Arc::clone(&self.peer), self.info, path, &[], sha256)
    }

    /// A call that the policy permits, for pages that are drawn without one of the contract's answers.
    pub(super) async fn permitted<M: Message>(
        &self,
        path: &'static str,
        message: &M,
    ) -> Result<Call, Response> {
        let call = self.call(path, message);
        match self.service.permit(&call) {
            Ok(_) => Ok(call),
            Err(refusal) => Err(self.refused(&call, refusal).await),
        }
    }

    /// A refusal, recorded like every other.
    pub(super) async fn refused(&self, call: &Call, refusal: Refusal) -> Response {
        let refusal = self.service.gateway.record_refusal(call, refusal).await;
        self.refuse(&refusal)
    }

    /// A refusal of what was never a call.
    pub(super) fn refuse(&self, refusal: &Refusal) -> Response {
        refused::page(self.language, refusal)
    }

    /// The address of a page, in this language.
    pub(super) fn link(&self, path: &str, query: &[(&str, &str)]) -> String {
        let given = query.iter().filter(|(_, value)| !value.is_empty());
        let all: Vec<(&str, &str)> = given.copied().chain([("lang", self.language.tag())]).collect();
        format!("{path}?{}", serde_urlencoded::to_string(all).unwrap_or_default())
    }

    /// The address of this page in the other language.
    pub(super) fn translated(&self) -> String {
        let query = self.uri.query().unwrap_or_default();
        let mut pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
        pairs.retain(|(name, _)| name != "lang");
        pairs.push(("lang".to_owned(), self.language.other().tag().to_owned()));
        // What answers a form has no address of its own.
        let path = if self.uri.path() == "/entry/parts" { "/" } else { self.uri.path() };
        format!("{path}?{}", serde_urlencoded::to_string(pairs).unwrap_or_default())
    }

    pub(super) fn gateway(&self) -> &Arc<Gateway> {
        &self.service.gateway
    }
}

impl FromRequestParts<Arc<Gateway>> for Visit {
    type Rejection = Nobody;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Nobody> {
        let peer = parts.extensions.get().cloned().ok_or(Nobody)?;
        let info = parts.extensions.get().copied().ok_or(Nobody)?;
        let language = Language::choose(&asked_language(parts.uri.query()), &parts.headers);
        Ok(Self {
            service: Service { gateway: Arc::clone(gateway) },
            peer,
            info,
            language,
            text: Text::of(language),
            uri: parts.uri.clone(),
        })
    }
}

/// The listener puts caller and call into every request. If it has not, nobody is served.
#[derive(Debug)]
pub(super) struct Nobody;

impl IntoResponse for Nobody {
    fn into_response(self) -> Response {
        refused::page(Language::Ja, &Refusal::new(Reason::OrgIdentityMissing))
    }
}

/// The language of an answer that is made before there is a visit.
pub(super) fn language_of(headers: &HeaderMap) -> Language {
    Language::choose("", headers)
}

fn asked_language(query: Option<&str>) -> String {
    let pairs: Vec<(String, String)> =
        query.and_then(|query| serde_urlencoded::from_str(query).ok()).unwrap_or_default();
    pairs.into_iter().find(|(name, _)| name == "lang").map(|(_, value)| value).unwrap_or_default()
}

/// Paths of the calls, which are the keys of the policy table.
pub(super) const SEARCH_ENTRIES: &str = "/pmh.audit.v1.AuditService/SearchEntries";
pub(super) const GET_ENTRY: &str = "/pmh.audit.v1.AuditService/GetEntry";
pub(super) const OPEN_PARTS: &str = "/pmh.audit.v1.AuditService/OpenParts";
