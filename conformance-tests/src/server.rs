//! `pmh sandbox` as a process that can be killed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use pmh_testkit::sandbox::Sandbox;
use tokio::time::Instant;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::binary::pmh;
use crate::target::Target;

/// A sandbox in its own directory. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    dir: PathBuf,
    child: Option<Child>,
}

impl Server {
    /// Starts a sandbox in `dir`, on a free port, and waits until it serves.
    pub async fn start(dir: &Path) -> Result<Self> {
        let mut server = Self { dir: dir.to_owned(), child: None };
        server.launch("127.0.0.1:0").await?;
        Ok(server)
    }

    /// Starts it again in the same directory and on the same port.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill()?;
        let address = Sandbox::load(&self.file())?.address;
        self.launch(&address).await
    }

    /// What to talk to.
    pub fn target(&self) -> Result<Target> {
        Target::load(&self.file())
    }

    /// `kill -9`.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().context("kill -9")?;
            child.wait().context("waiting for a killed server")?;
        }
        Ok(())
    }

    /// SIGTERM, and how the server ended; an error if it has not within `patience`.
    pub async fn terminate(&mut self, patience: Duration) -> Result<ExitStatus> {
        let mut child = self.child.take().context("the server is not running")?;
        signal("-TERM", child.id())?;
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            tokio::time::sleep(POLL).await;
        }
        child.kill()?;
        child.wait()?;
        bail!("the server did not end within {patience:?} after SIGTERM")
    }

    fn file(&self) -> PathBuf {
        self.dir.join(Sandbox::FILE)
    }

    async fn launch(&mut self, listen: &str) -> Result<()> {
        let mut command = Command::new(pmh()?);
        command.arg("sandbox").arg("--dir").arg(&self.dir).args(["--listen", listen]);
        command.arg("--limits").arg(limits(&self.dir)?);
        self.child = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().context("pmh sandbox")?);
        let deadline = Instant::now() + START;
        loop {
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().transpose()) {
                bail!("the sandbox ended by itself: {}", status?);
            }
            match self.serves().await {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() >= deadline => {
                    return Err(error.context("the sandbox does not serve"));
                }
                Err(_) => tokio::time::sleep(POLL).await,
            }
        }
    }

    async fn serves(&self) -> Result<()> {
        serving(&self.target()?).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing is left to tell when even this fails.
        let _ = self.kill();
    }
}

/// Whether a gateway says that it serves.
pub(crate) async fn serving(target: &Target) -> Result<()> {
    let gateway = target.any_gateway().await?;
    let answer = HealthClient::new(gateway.channel().clone()).check(HealthCheckRequest::default()).await?;
    match answer.into_inner().status() {
        ServingStatus::Serving => Ok(()),
        other => bail!("health: {}", other.as_str_name()),
    }
}

/// A suite is one organization's year in a minute: its limits are raised, not removed.
pub(crate) fn limits(dir: &Path) -> Result<PathBuf> {
    let file = dir.join("suite-limits.toml");
    std::fs::write(&file, LIMITS)?;
    Ok(file)
}

/// There is no safe call for it in the standard library.
fn signal(name: &str, process: u32) -> Result<()> {
    let status = Command::new("kill").args([name, &process.to_string()]).status().context("kill")?;
    if status.success() { Ok(()) } else { bail!("kill {name} failed") }
}

const LIMITS: &str = "\
max_connections_per_organization = 500
organization_rate = { per_second = 20000, burst = 20000 }
presentation_rate = { per_second = 1000, burst = 1000 }
drain = 10
";
const POLL: Duration = Duration::from_millis(20);
/// Three card authorities with RSA keys are made in an unoptimised build, beside everything else a machine does.
const START: Duration = Duration::from_mins(2);
