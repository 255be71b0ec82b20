//! The auditors' pages over real mutual TLS: who gets them, what each view leaves in the log, what no page does.

use std::sync::Arc;

use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use pmh::sandbox::{self, SandboxOptions};
use pmh_audit::{Kind, Leaf, registry::Method};
use pmh_client::Gateway;
use pmh_proto::audit::{GetEntryRequest, SearchEntriesRequest};
use pmh_testkit::pki::Identity;
use pmh_testkit::sandbox::Sandbox;
use pmh_testkit::tls::client_config;
use rustls::ClientConfig;
use rustls_pki_types::{ServerName, pem::PemObject as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::rig::{AUDITOR, CLINIC, Person, at_clinic, uuid, world};

const PAGES: [&str; 5] = ["/", "/search", "/entry?index=0", "/checkpoints", "/activity"];

/// A terminal's browser.
pub(crate) struct Browser {
    config: Arc<ClientConfig>,
    sandbox: Sandbox,
}

/// What a page is.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    headers: http::HeaderMap,
    text: String,
}

impl Browser {
    fn of(organization: &str) -> Self {
        Self::with(Some(organization))
    }

    fn with(organization: Option<&str>) -> Self {
        Self::at(&world().dir, &world().sandbox, organization)
    }

    pub(crate) fn at(dir: &std::path::Path, sandbox: &Sandbox, organization: Option<&str>) -> Self {
        let read = |file: &str| std::fs::read(dir.join(file)).unwrap();
        let identity = organization.map(|organization| {
            let urn = format!("urn:x-pmh:org:{organization}");
            let known = sandbox.organizations.iter().find(|known| known.urn == urn).unwrap();
            Identity::from_pem(&read(&known.terminals[0].cert), &read(&known.terminals[0].key)).unwrap()
        });
        let root = rustls_pki_types::CertificateDer::from_pem_slice(&read(&sandbox.ca)).unwrap();
        let mut config = client_config(&[root.to_vec()], identity.as_ref()).unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { config: Arc::new(config), sandbox: sandbox.clone() }
    }

    async fn connect(&self) -> std::io::Result<http1::SendRequest<Full<Bytes>>> {
        let address = self.sandbox.web.strip_prefix("https://").unwrap();
        let socket = TcpStream::connect(address).await?;
        let name = ServerName::try_from(self.sandbox.server_name.clone()).unwrap();
        let stream = TlsConnector::from(Arc::clone(&self.config)).connect(name, socket).await?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> std::io::Result<Page> {
        let mut sender = self.connect().await?;
        Page::read(sender.send_request(request).await.map_err(std::io::Error::other)?).await
    }

    pub(crate) async fn get(&self, address: &str) -> Page {
        self.get_with(address, &[]).await
    }

    async fn get_with(&self, address: &str, headers: &[(&'static str, &str)]) -> Page {
        self.send(request("GET", address, headers, "")).await.unwrap()
    }

    pub(crate) async fn post(&self, address: &str, headers: &[(&'static str, &str)], form: &str) -> Page {
        let headers: Vec<_> =
            headers.iter().copied().chain([("content-type", "application/x-www-form-urlencoded")]).collect();
        self.send(request("POST", address, &headers, form)).await.unwrap()
    }
}

fn request(
    method: &str,
    address: &str,
    headers: &[(&'static str, &str)],
    body: &str,
) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(address).header(header::HOST, "gateway.pmh.test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::from(body.to_owned())).unwrap()
}

impl Page {
    async fn read(response: Response<hyper::body::Incoming>) -> std::io::Result<Self> {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Ok(Self { status: parts.status, headers: parts.headers, text })
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The entry that an English page says it is.
    fn recorded_as(&self) -> u64 {
        let (_, rest) = self.text.split_once("This view is entry ").unwrap();
        rest.split('.').next().unwrap().parse().unwrap()
    }

    fn table(&self) -> &str {
        let (_, rest) = self.text.split_once("<tbody>").unwrap();
        rest.split_once("</tbody>").unwrap().0
    }
}

async fn leaf(auditor: &Gateway, index: u64) -> Leaf {
    let message = GetEntryRequest { index, ..GetEntryRequest::default() };
    let entry = auditor.call(&message, None).await.unwrap().response.entry.unwrap();
    Leaf::decode(&entry.leaf).unwrap()
}

#[tokio::test]
async fn i21_every_view_is_an_entry_before_it_is_shown() {
    let (browser, auditor) = (Browser::of(AUDITOR), world().gateway(AUDITOR).await);
    for (address, method) in [
        ("/search?lang=en", Method::SEARCH_ENTRIES),
        ("/activity?lang=en", Method::SEARCH_ENTRIES),
        ("/entry?index=0&lang=en", Method::GET_ENTRY),
    ] {
        let page = browser.get(address).await;
        assert_eq!(page.status, StatusCode::OK, "{address}");
        let leaf = leaf(&auditor, page.recorded_as()).await;
        assert_eq!((leaf.kind, leaf.method), (Kind::AuditorQuery, method), "{address}");
        assert_eq!(leaf.requester.unwrap().as_str(), AUDITOR);
    }
}

#[tokio::test]
async fn only_auditors_get_pages() {
    let clinic = Browser::of(CLINIC);
    for address in PAGES {
        let page = clinic.get(address).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{address}");
        assert!(page.text.contains("ROLE_NOT_ALLOWED"), "{address}");
        assert!(!page.text.contains("<form") && !page.text.contains("<table"), "{address}");
    }
    let posted = clinic.post("/entry/parts", &OWN, "index=0&actor=1&warrant=w").await;
    assert!(posted.status == StatusCode::FORBIDDEN && posted.text.contains("ROLE_NOT_ALLOWED"));
}

/// In TLS 1.3 the client is done before the server looks at its certificate: the alert comes with the first read.
#[tokio::test]
async fn without_a_certificate_there_is_an_alert_and_no_page() {
    let error = Browser::with(None).send(request("GET", "/", &[], "")).await.err().unwrap();
    assert!(format!("{error:?}").contains("CertificateRequired"), "{error:?}");
}

#[tokio::test]
async fn another_protocol_is_refused_in_the_handshake() {
    let mut browser = Browser::of(AUDITOR);
    Arc::make_mut(&mut browser.config).alpn_protocols = vec![b"h2".to_vec()];
    assert!(browser.connect().await.is_err());
    Arc::make_mut(&mut browser.config).alpn_protocols.clear();
    assert!(browser.send(request("GET", "/", &[], "")).await.is_err());
}

#[tokio::test]
async fn every_answer_forbids_scripts_frames_caches_and_referrers() {
    let (auditor, clinic) = (Browser::of(AUDITOR), Browser::of(CLINIC));
    let mut pages = vec![
        clinic.get("/").await,
        auditor.get("/nowhere").await,
        auditor.get("/search?from=x").await,
        auditor.get("/style.css").await,
        auditor.get_with("/search", &[("sec-fetch-site", "cross-site")]).await,
    ];
    for address in PAGES {
        pages.push(auditor.get(address).await);
    }
    for page in pages {
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("script-src") && !policy.contains("unsafe"));
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        for scripted in ["<script", "javascript:", " onclick", " onload", " style="] {
            assert!(!page.text.contains(scripted), "{scripted}");
        }
    }
}

#[tokio::test]
async fn what_is_typed_comes_back_as_text_or_not_at_all() {
    let browser = Browser::of(AUDITOR);
    let hostile = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    let echoed = browser.get(&format!("/search?lang=en&case={hostile}")).await;
    assert_eq!(echoed.status, StatusCode::OK);
    assert!(echoed.text.contains("&quot;&gt;&lt;script&gt;alert(1)"));
    for field in
        ["requester", "holder", "method", "purpose", "kind", "category", "outcome", "from", "to", "page"]
    {
        let page = browser.get(&format!("/search?lang=en&{field}={hostile}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{field}");
        assert!(page.text.contains("INVALID_FIELDS") && !page.text.contains("alert"), "{field}");
    }
    for address in ["/search?log=", "/entry?index=0&log=", "/?lang=", "/activity?log="] {
        assert!(!browser.get(&format!("{address}{hostile}")).await.text.contains("<script"), "{address}");
    }
}

#[tokio::test]
async fn a_form_of_another_site_opens_nothing() {
    let mut person = Person::new();
    let (counter, presence) = at_clinic(&mut person, &["88-13"]).await;
    let index = counter.verify(&presence, &super::linking::question()).await.unwrap().proof.index;
    let (browser, auditor) = (Browser::of(AUDITOR), world().gateway(AUDITOR).await);
    let warrant = format!("w-{}", uuid());
    let form = format!("index={index}&actor=1&subject=1&detail=1&warrant={warrant}");
    let openings = async || {
        let search = SearchEntriesRequest { case_reference: warrant.clone(), ..Default::default() };
        auditor.call(&search, None).await.unwrap().response.entries.len()
    };
    for foreign in [
        &[("origin", "https://elsewhere.example")][..],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://gateway.pmh.test")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "null")],
        &[],
    ] {
        let page = browser.post("/entry/parts", foreign, &form).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{foreign:?}");
        assert_eq!(openings().await, 0, "{foreign:?}");
    }
    let opened = browser.post("/entry/parts?lang=en", &OWN, &form).await;
    assert_eq!(opened.status, StatusCode::OK);
    assert_eq!(opened.text.matches("fits the entry").count(), 3);
    assert!(opened.text.contains("tokyo-clinic-1"));
    assert_eq!(openings().await, 1);
}

#[tokio::test]
async fn a_link_of_another_site_leads_to_the_first_page_alone() {
    let browser = Browser::of(AUDITOR);
    let from_elsewhere = [("sec-fetch-site", "cross-site")];
    assert_eq!(browser.get_with("/", &from_elsewhere).await.status, StatusCode::OK);
    for address in PAGES.into_iter().skip(1) {
        assert_eq!(
            browser.get_with(address, &from_elsewhere).await.status,
            StatusCode::FORBIDDEN,
            "{address}"
        );
    }
}

#[tokio::test]
async fn parts_want_a_warrant_and_a_choice() {
    let browser = Browser::of(AUDITOR);
    for form in
        ["index=0&actor=1", "index=0&warrant=w", "index=x&actor=1&warrant=w", "index=0&actor=1&warrant=%20"]
    {
        let page = browser.post("/entry/parts?lang=en", &OWN, form).await;
        assert!(page.status == StatusCode::BAD_REQUEST && page.text.contains("INVALID_FIELDS"), "{form}");
    }
    let absent = browser.get("/entry?index=99999999&lang=en").await;
    assert!(absent.status == StatusCode::NOT_FOUND && absent.text.contains("NOT_FOUND"));
}

#[tokio::test]
async fn outside_the_jurisdiction_there_are_hashes_only() {
    let (tokyo, everywhere) = (Browser::of("auditor:tokyo-auditor"), Browser::of(AUDITOR));
    let kanagawa = everywhere.get("/search?lang=en&holder=prefecture:140007").await;
    let (_, rest) = kanagawa.table().split_once("/entry?index=").unwrap();
    let index: u64 = rest.split('&').next().unwrap().parse().unwrap();
    let page = tokyo.get(&format!("/entry?index={index}&lang=en")).await;
    assert!(page.text.contains("outside your jurisdiction") && page.text.contains("Proved"));
    assert!(!page.text.contains("prefecture:140007") && !page.text.contains("<fieldset"));
    assert!(!tokyo.get("/activity?lang=en").await.text.contains("prefecture:140007"));
    assert!(tokyo.get("/search?lang=en").await.text.contains("Outside your jurisdiction"));
    let form = format!("index={index}&actor=1&warrant=w");
    let refused = tokyo.post("/entry/parts?lang=en", &OWN, &form).await;
    assert!(refused.status == StatusCode::FORBIDDEN && refused.text.contains("OUTSIDE_JURISDICTION"));
}

#[tokio::test]
async fn a_past_page_never_changes() {
    let browser = Browser::of(AUDITOR);
    let first = browser.get("/search?lang=en&requester=municipality:132012&kind=bulk_chunk").await;
    let (_, rest) = first.text.split_once("page=").unwrap();
    let token = rest.split('&').next().unwrap();
    let address = format!("/search?lang=en&requester=municipality:132012&kind=bulk_chunk&page={token}");
    let (once, again) = (browser.get(&address).await, browser.get(&address).await);
    assert_eq!(once.table(), again.table());
    assert_eq!(once.table(), first.table());
}

#[tokio::test]
async fn both_languages_are_whole_pages_of_their_own() {
    let browser = Browser::of(AUDITOR);
    let english = browser.get_with("/", &[("accept-language", "en-GB,ja;q=0.5")]).await;
    assert!(english.text.contains("<html lang=\"en\">") && english.text.contains("Search the log"));
    let japanese = browser.get_with("/?lang=ja", &[("accept-language", "en")]).await;
    assert!(japanese.text.contains("<html lang=\"ja\">") && japanese.text.contains("閲覧記録を検索"));
}

#[tokio::test]
async fn a_browser_that_stays_connected_does_not_hold_the_drain() {
    let folder = tempfile::tempdir().unwrap();
    let options = SandboxOptions {
        dir: folder.path().join("sandbox"),
        listen: "127.0.0.1:0".to_owned(),
        limits: None,
        witnesses: Vec::new(),
    };
    let running = Box::pin(sandbox::open(&options)).await.unwrap();
    let browser = Browser::at(&running.dir, &running.sandbox, Some(AUDITOR));
    let mut sender = browser.connect().await.unwrap();
    let page = sender.send_request(request("GET", "/", &[], "")).await.unwrap();
    assert_eq!(Page::read(page).await.unwrap().status, StatusCode::OK);
    let drained = tokio::time::timeout(std::time::Duration::from_secs(20), running.gateway.stop());
    drained.await.expect("within the drain").unwrap();
    assert!(browser.connect().await.is_err());
}

/// As a page of ours posts it.
pub(crate) const OWN: [(&str, &str); 1] = [("sec-fetch-site", "same-origin")];
