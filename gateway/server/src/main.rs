//! The command `pmh`.

use std::process::ExitCode;

use clap::Parser as _;
use pmh::cli::{Cli, output, run};

/// Memory goes from thread to thread with every call, which the system's allocator makes dear.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(cli)));
    outcome.unwrap_or_else(|error| {
        output::aside(format_args!("pmh: {error:#}"));
        ExitCode::from(2)
    })
}

/// JSON where `PMH_LOG_FORMAT=json`, else text; `RUST_LOG` chooses what.
fn log_to_stderr() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter);
    let json = std::env::var("PMH_LOG_FORMAT").is_ok_and(|format| format == "json");
    if json { log.json().init() } else { log.init() }
}
