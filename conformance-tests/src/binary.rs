//! Where the workspace's own binary is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, bail};

/// The `pmh` that Cargo puts beside the test executables; built if it is not there.
pub(crate) fn pmh() -> Result<&'static Path> {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found);
    }
    let found = find()?;
    Ok(FOUND.get_or_init(|| found))
}

fn find() -> Result<PathBuf> {
    // target/<profile>/deps/conformance-<hash>
    let test = std::env::current_exe().context("this executable's path")?;
    let profile = test.parent().and_then(Path::parent).context("target/<profile>/deps")?;
    let binary = profile.join("pmh");
    if !binary.exists() {
        build(profile.ends_with("release"))?;
    }
    if binary.exists() { Ok(binary) } else { bail!("{} was not built", binary.display()) }
}

fn build(release: bool) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--locked", "--package", "pmh", "--bin", "pmh"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    if release {
        command.arg("--release");
    }
    let status = command.status().context("cargo build")?;
    if status.success() { Ok(()) } else { bail!("the gateway does not build") }
}
