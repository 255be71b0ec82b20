//! Two municipalities, each with a gateway, a log and invented people of its own, that know each other as peers.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use pmh_client::{Gateway, LogKeys, Terminal};
use pmh_proto::handoff::{HandoffState, HandoffSummary, ListHandoffsRequest};
use pmh_testkit::{pki::DevPki, sandbox::Sandbox};
use tokio::time::interval;

use crate::{
    config::{Config, HandoffPeer},
    runtime::Running,
    sandbox::{self, SandboxOptions},
};

/// One municipality and its gateway, which runs or does not.
pub(super) struct Town {
    dir: PathBuf,
    sandbox: Sandbox,
    terminal: &'static str,
    peer: HandoffPeer,
    running: Option<Running>,
}

/// Home and the stay side.
pub(super) struct Towns {
    pub(super) home: Town,
    pub(super) stay: Town,
}

impl Towns {
    /// Fills both and starts them.
    pub(super) async fn open(folder: &Path) -> Result<Self> {
        let (home_dir, mut home) = filled(folder.join("home")).await?;
        let (stay_dir, mut stay) = filled(folder.join("stay")).await?;
        (home.address, stay.address) = (free_address()?, free_address()?);
        let to_home = peer((home_dir.as_path(), &home), HOME, STAY_TERMINAL);
        let to_stay = peer((stay_dir.as_path(), &stay), STAY, HOME_TERMINAL);
        let town = |dir, sandbox, terminal, peer| Town { dir, sandbox, terminal, peer, running: None };
        let mut towns = Self {
            home: town(home_dir, home, HOME_TERMINAL, to_stay),
            stay: town(stay_dir, stay, STAY_TERMINAL, to_home),
        };
        towns.home.start().await?;
        towns.stay.start().await?;
        Ok(towns)
    }

    /// Waits for what is to come about between them.
    pub(super) async fn until<T>(
        &self,
        what: &str,
        look: impl AsyncFn(&Self) -> Result<Option<T>>,
    ) -> Result<T> {
        let mut tick = interval(TICK);
        for _ in 0..PATIENCE {
            tick.tick().await;
            if let Some(seen) = look(self).await? {
                return Ok(seen);
            }
        }
        bail!("{what} did not come about")
    }

    /// Waits until so many reports wait on both sides for somebody who reads them.
    pub(super) async fn until_unread(&self, id: &str, count: u32) -> Result<()> {
        self.until("unread reports", async |towns| {
            let home = towns.home.handoff(id).await?;
            let stay = towns.stay.handoff(id).await?;
            let is_so =
                [home, stay].iter().flatten().filter(|known| known.unacknowledged == count).count() == 2;
            Ok(is_so.then_some(()))
        })
        .await
    }

    /// Stops both.
    pub(super) async fn close(mut self) -> Result<()> {
        self.home.stop().await?;
        self.stay.stop().await
    }
}

impl Town {
    /// Starts its gateway, on the directory and the address that it had before.
    pub(super) async fn start(&mut self) -> Result<()> {
        let mut config = Config::load(&self.dir.join(sandbox::CONFIG))?;
        config.listen.clone_from(&self.sandbox.address);
        config.log.witnesses.clear();
        config.log.witness_quorum = 0;
        config.handoff.peers = vec![self.peer.clone()];
        let mut tick = interval(TICK);
        for _ in 0..PATIENCE {
            tick.tick().await;
            // Whoever served here before leaves its databases a moment later.
            if let Ok(running) = Box::pin(Running::start(&config)).await {
                self.running = Some(running);
                return Ok(());
            }
        }
        self.running = Some(Box::pin(Running::start(&config)).await?);
        Ok(())
    }

    /// Stops it.
    pub(super) async fn stop(&mut self) -> Result<()> {
        match self.running.take() {
            Some(running) => running.stop().await,
            None => Ok(()),
        }
    }

    /// The gateway as the municipality's office sees it.
    pub(super) async fn office(&self) -> Result<Gateway> {
        self.gateway(self.terminal).await
    }

    /// A terminal at which cards are presented.
    pub(super) async fn window(&self, terminal: &str) -> Result<Terminal> {
        let gateway = self.gateway(terminal).await?;
        Ok(Terminal::new(gateway.channel().clone(), gateway.identity().clone(), self.keys()?))
    }

    async fn gateway(&self, terminal: &str) -> Result<Gateway> {
        Ok(Box::pin(sandbox::terminal(&self.dir, &self.sandbox, terminal)).await?.0)
    }

    /// What it knows of a handoff.
    async fn handoff(&self, id: &str) -> Result<Option<HandoffSummary>> {
        let listed = self.office().await?.call(&ListHandoffsRequest {}, None).await?.response;
        Ok(listed.handoffs.into_iter().find(|known| known.handoff_id == id))
    }

    /// Verification keys of its logs.
    pub(super) fn keys(&self) -> Result<LogKeys> {
        sandbox::log_keys(&self.sandbox)
    }

    /// Its card authorities.
    pub(super) fn pki(&self) -> Result<DevPki> {
        Ok(DevPki::load(&self.dir.join(&self.sandbox.pki))?)
    }

    /// Waits until it knows a handoff in a state, with nothing more to send.
    pub(super) async fn knows(&self, id: &str, state: HandoffState) -> Result<HandoffSummary> {
        let mut tick = interval(TICK);
        for _ in 0..PATIENCE {
            tick.tick().await;
            let known = self.handoff(id).await?;
            if let Some(known) = known.filter(|known| known.state() == state && known.unsent == 0) {
                return Ok(known);
            }
        }
        bail!("{} did not come about", state.as_str_name())
    }
}

async fn filled(dir: PathBuf) -> Result<(PathBuf, Sandbox)> {
    let options =
        SandboxOptions { dir, listen: "127.0.0.1:0".to_owned(), limits: None, witnesses: Vec::new() };
    let filled = Box::pin(sandbox::open(&options)).await?;
    filled.gateway.stop().await?;
    Ok((filled.dir, filled.sandbox))
}

/// How the other town reaches this one: the certificate that it is believed by is one of this town's terminals.
fn peer((dir, sandbox): (&Path, &Sandbox), municipality: &str, terminal: &str) -> HandoffPeer {
    HandoffPeer {
        municipalities: vec![municipality.to_owned()],
        address: sandbox.address.clone(),
        server_name: sandbox.server_name.clone(),
        roots: vec![dir.join(&sandbox.ca)],
        certificate: dir.join(format!("terminals/{terminal}.pem")),
        key: dir.join(format!("terminals/{terminal}.key.pem")),
        organization: municipality.to_owned(),
        log_key: sandbox.log_vkey.clone(),
        witness_policy: None,
        witnesses: 0,
    }
}

fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0").context("no free port")?.local_addr()?.to_string())
}

const HOME: &str = "urn:x-pmh:org:municipality:132012";
/// 町田市.
pub(super) const STAY: &str = "urn:x-pmh:org:municipality:132098";
const HOME_TERMINAL: &str = "hachioji-1";
pub(super) const STAY_TERMINAL: &str = "machida-1";
const TICK: Duration = Duration::from_millis(100);
/// Half a minute.
const PATIENCE: usize = 300;
