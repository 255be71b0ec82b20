//! A sandbox to talk to.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context as _, Result};
use pmh_client::{Endpoint, Gateway, Issuer, LogKeys, Terminal, connect};
use pmh_testkit::card::FakeCard;
use pmh_testkit::pki::{DevPki, Identity, LeafRequest};
use pmh_testkit::sandbox::Sandbox;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::binary::pmh;
use crate::clock;
use crate::counter::{Counter, TestCard};
use crate::names;
use crate::server::{limits, serving};

/// A running sandbox: its file, its keys, and its dev PKI if it gives one.
pub struct Target {
    dir: PathBuf,
    sandbox: Sandbox,
    keys: LogKeys,
    pki: DevPki,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("address", &self.sandbox.address).finish_non_exhaustive()
    }
}

impl Target {
    /// The sandbox that `PMH_TARGET` names, or else one that is started for this run and ends with it.
    pub async fn shared() -> Result<Self> {
        let target = Self::load(&shared_file()?)?;
        serving(&target).await.context("the sandbox of this run")?;
        Ok(target)
    }

    /// Reads `sandbox.json`. Cards and terminals beyond those listed need the dev PKI that its `pki` names.
    pub fn load(file: &Path) -> Result<Self> {
        let sandbox = Sandbox::load(file)?;
        let dir = file.parent().context("the sandbox's directory")?.to_owned();
        let pki = DevPki::load(&dir.join(&sandbox.pki))?;
        let keys = LogKeys { gateway: sandbox.log_vkey.parse()?, auth: sandbox.auth_log_vkey.parse()? };
        Ok(Self { dir, sandbox, keys, pki })
    }

    /// The file.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Authorities of cards and institutions.
    pub fn pki(&self) -> &DevPki {
        &self.pki
    }

    /// Verification keys of the logs.
    pub fn keys(&self) -> &LogKeys {
        &self.keys
    }

    /// A terminal of the file, by its id.
    pub fn listed(&self, terminal: &str) -> Result<Endpoint> {
        let (_, found) =
            self.sandbox.terminal(terminal).with_context(|| format!("no terminal {terminal}"))?;
        let read = |path: &str| fs::read(self.dir.join(path)).with_context(|| path.to_owned());
        let (roots, chain, key) = (read(&self.sandbox.ca)?, read(&found.cert)?, read(&found.key)?);
        Ok(Endpoint::from_pem(&self.sandbox.address, &self.sandbox.server_name, &roots, &chain, &key)?)
    }

    /// A certificate as asked for, sound or not.
    pub fn endpoint(&self, request: &LeafRequest) -> Result<Endpoint> {
        Ok(self.endpoint_of(&self.pki.leaf(request)?))
    }

    /// A connection with any identity.
    pub fn endpoint_of(&self, identity: &Identity) -> Endpoint {
        Endpoint {
            address: self.sandbox.address.clone(),
            server_name: self.sandbox.server_name.clone(),
            roots: vec![CertificateDer::from(self.pki.root().to_vec())],
            chain: identity.chain().iter().map(|der| CertificateDer::from(der.clone())).collect(),
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key().to_vec())),
        }
    }

    /// A new terminal of an organization (`<kind>:<code>`), so that no scenario uses up another's rate.
    pub fn desk(&self, organization: &str) -> Result<Endpoint> {
        let urn = format!("urn:x-pmh:org:{organization}");
        // A minute old, in case the gateway's clock is behind ours.
        self.endpoint(&LeafRequest::new(&urn, &format!("desk-{}", names::fresh()), clock::now() - 60))
    }

    /// A gateway as a new terminal of an organization sees it.
    pub async fn gateway(&self, organization: &str) -> Result<Gateway> {
        self.connect(&self.desk(organization)?).await
    }

    /// A gateway behind an endpoint.
    pub async fn connect(&self, endpoint: &Endpoint) -> Result<Gateway> {
        Ok(Gateway::new(connect(endpoint).await?, endpoint.identity()?, self.keys.clone()))
    }

    /// A counter of an organization, with a terminal of its own.
    pub async fn counter(&self, organization: &str) -> Result<Counter> {
        self.counter_at(&self.desk(organization)?).await
    }

    /// A counter behind an endpoint.
    pub async fn counter_at(&self, endpoint: &Endpoint) -> Result<Counter> {
        let channel = connect(endpoint).await?;
        let terminal = Terminal::new(channel, endpoint.identity()?, self.keys.clone());
        Ok(Counter::new(terminal.with_issuer(self.sandbox.issuer.clone())))
    }

    /// An issuer, with a terminal of its own.
    pub async fn issuer(&self, organization: &str) -> Result<Issuer> {
        let endpoint = self.desk(organization)?;
        Ok(Issuer::new(connect(&endpoint).await?, endpoint.identity()?, self.keys.clone()))
    }

    /// A card of the file, by its name.
    pub fn card(&self, name: &str) -> Result<TestCard> {
        let card = self.sandbox.card(name).with_context(|| format!("no card {name}"))?;
        let loaded = FakeCard::load(&self.dir.join(&card.cert), &self.dir.join(&card.key), &card.pin)?;
        Ok(TestCard::new(loaded))
    }

    /// The first terminal of the file: enough to ask for health.
    pub(crate) async fn any_gateway(&self) -> Result<Gateway> {
        let first = self.sandbox.organizations.iter().flat_map(|org| &org.terminals).next();
        self.connect(&self.listed(&first.context("no terminals")?.id)?).await
    }
}

/// Where the sandbox of this run is, once one is needed.
static STARTED: Mutex<Option<PathBuf>> = Mutex::new(None);

fn shared_file() -> Result<PathBuf> {
    if let Some(file) = std::env::var_os("PMH_TARGET") {
        return Ok(file.into());
    }
    let mut started = STARTED.lock().map_err(|_| anyhow::anyhow!("the sandbox did not start"))?;
    if let Some(file) = &*started {
        return Ok(file.clone());
    }
    let file = start_watched()?;
    *started = Some(file.clone());
    Ok(file)
}

/// Starts a sandbox under a shell that holds a pipe from us: when this process ends, however it ends, the pipe closes
/// and the shell sends SIGTERM. A test binary has no last line of its own in which to do that.
fn start_watched() -> Result<PathBuf> {
    let dir = std::env::temp_dir().join(format!("pmh-conformance-{}", names::fresh()));
    fs::create_dir(&dir)?;
    let mut shell = Command::new("sh")
        .args(["-c", WATCHED, "sh"])
        .arg(pmh()?)
        .arg(&dir)
        .arg(limits(&dir)?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("sh")?;
    let mut ready = String::new();
    BufReader::new(shell.stdout.take().context("stdout")?).read_line(&mut ready)?;
    anyhow::ensure!(ready.trim() == "ready", "the sandbox did not start");
    // The other end of the pipe lives as long as this process.
    std::mem::forget(shell.stdin.take());
    Ok(dir.join(Sandbox::FILE))
}

const WATCHED: &str = r#"
"$1" sandbox --dir "$2" --listen 127.0.0.1:0 --limits "$3" >"$2/stdout.log" 2>"$2/stderr.log" </dev/null &
server=$!
tries=0
while [ ! -s "$2/sandbox.json" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 2400 ] || ! kill -0 "$server" 2>/dev/null; then
        cat "$2/stderr.log" >&2
        kill "$server" 2>/dev/null
        exit 1
    fi
    sleep 0.05
done
echo ready
exec >/dev/null
read -r _
kill -TERM "$server"
wait "$server"
rm -rf "$2"
"#;
