//! The gateway to be measured: a sandbox as `pmh sandbox` serves it, with the limit layer in the path and its numbers
//! raised, because all load here comes from one organization.

use std::path::{Path, PathBuf};

use anyhow::Result;
use pmh::sandbox::{SandboxOptions, open};
use tracing_subscriber::EnvFilter;

use crate::child::{announce, parent_gone};

/// The `[edge]` numbers that are raised, as TOML.
pub(crate) fn limits(connections: usize, concurrency: usize) -> String {
    format!(
        "max_connections_per_organization = {}\n\
         max_concurrent_streams = {}\n\
         max_in_flight = {}\n\
         organization_rate = {{ per_second = 1000000, burst = 1000000 }}\n\
         presentation_rate = {{ per_second = 100000, burst = 100000 }}\n",
        50.max(connections + 10),
        64.max(concurrency.div_ceil(connections) + 16),
        1024.max(concurrency * 2),
    )
}

/// Serves the sandbox in `dir` until the parent is gone.
pub(crate) async fn serve(dir: PathBuf, limits: &Path) -> Result<()> {
    // As the command `pmh` logs: a subscriber costs something on every call.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter).init();
    let limits = Some(std::fs::read_to_string(limits)?);
    let options = SandboxOptions { dir, listen: "127.0.0.1:0".to_owned(), limits, witnesses: Vec::new() };
    let running = Box::pin(open(&options)).await?;
    announce(&running.sandbox.address)?;
    parent_gone().await?;
    running.gateway.stop().await
}
