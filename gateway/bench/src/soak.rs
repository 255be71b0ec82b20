//! The tests whose counts are small in CI, at the size that the promises state.
//!
//! They are tests like all others; this only runs them with `PMH_TEST_SCALE=full` and without hiding what they print:
//! counts and seeds.

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

/// Runs every suite, also after a failure; fails if one failed.
pub(crate) fn run() -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for [package, only] in SUITES {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["test", "--locked", "--release", "--package", package]);
        command.args((!only.is_empty()).then_some(only));
        command.args(["--", "--nocapture", "--test-threads", "1"]).env("PMH_TEST_SCALE", "full");
        if !command.status().context("cargo test")?.success() {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

/// Package, and the tests of it to which size matters; nothing: all of them.
const SUITES: [[&str; 2]; 2] = [["pmh-store", ""], ["pmh-conformance", "kill"]];
