//! Which gateway, and who we are there: a sandbox's terminal, or a client configuration.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use pmh_client::{ConnectError, Endpoint, Issuer, LogKeys, Terminal, connect};
use pmh_testkit::card::FakeCard;
use pmh_testkit::sandbox::{Sandbox, SandboxVisit};
use serde::Deserialize;

use crate::cli::card::HeldCard;
use crate::sandbox::log_keys;

/// `--sandbox DIR --as TERMINAL_ID` or `--config FILE`.
#[derive(Debug, clap::Args)]
pub struct AccessArgs {
    /// Directory of a running sandbox.
    #[arg(long, value_name = "DIR", required_unless_present = "config", conflicts_with = "config")]
    sandbox: Option<PathBuf>,
    /// Terminal of the sandbox to be.
    #[arg(long = "as", value_name = "TERMINAL_ID", conflicts_with = "config")]
    terminal: Option<String>,
    /// TOML file: address, server_name, ca, cert, key, log_vkey, auth_log_vkey, optionally issuer, and for a
    /// counter a table [card] with cert, key and pin_file. Paths are relative to the file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// A gateway that we may become somebody at.
pub enum Place {
    /// One that `pmh sandbox` keeps running.
    Sandbox(Box<SandboxPlace>),
    /// Any.
    Configured(Box<Configured>),
}

/// A sandbox and the terminal chosen for it.
pub struct SandboxPlace {
    dir: PathBuf,
    sandbox: Sandbox,
    terminal: Option<String>,
}

/// A client configuration and where its paths begin.
pub struct Configured {
    dir: PathBuf,
    config: ClientConfig,
}

/// Everything a connection needs; nothing was sent yet.
pub struct Access {
    endpoint: Endpoint,
    keys: LogKeys,
    issuer: Option<String>,
}

/// A card, and the visit that it stands for in a sandbox.
pub struct PlacedCard {
    /// The card with its PIN.
    pub card: HeldCard,
    /// The sandbox's scenario; a configured card has none.
    pub visit: Option<SandboxVisit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientConfig {
    address: String,
    server_name: String,
    issuer: Option<String>,
    ca: PathBuf,
    cert: PathBuf,
    key: PathBuf,
    log_vkey: String,
    auth_log_vkey: String,
    card: Option<CardConfig>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CardConfig {
    cert: PathBuf,
    key: PathBuf,
    pin_file: PathBuf,
}

impl AccessArgs {
    /// Reads the sandbox's description or the configuration.
    pub fn place(&self) -> Result<Place> {
        match (&self.sandbox, &self.config) {
            (Some(dir), _) => {
                let sandbox = Sandbox::load(&dir.join(Sandbox::FILE)).context("--sandbox")?;
                let (dir, terminal) = (dir.clone(), self.terminal.clone());
                Ok(Place::Sandbox(Box::new(SandboxPlace { dir, sandbox, terminal })))
            }
            (None, Some(file)) => {
                Ok(Place::Configured(Box::new(Configured::load(file).context("--config")?)))
            }
            (None, None) => anyhow::bail!("--sandbox or --config is needed"),
        }
    }
}

impl Place {
    /// A card: the sandbox's of this name, or the configured one.
    pub fn card(&self, name: Option<&str>) -> Result<PlacedCard> {
        match self {
            Self::Sandbox(place) => place.card(name.context("--card names a card of the sandbox")?),
            Self::Configured(place) => place.card(),
        }
    }

    /// What a connection needs. `usual` is the terminal to be where none was named.
    pub fn access(&self, usual: Option<&str>) -> Result<Access> {
        match self {
            Self::Sandbox(place) => {
                let id =
                    place.terminal.as_deref().or(usual).context("--as names a terminal of the sandbox")?;
                place.access(id)
            }
            Self::Configured(place) => place.access(),
        }
    }
}

impl SandboxPlace {
    fn card(&self, name: &str) -> Result<PlacedCard> {
        let Some(known) = self.sandbox.card(name) else {
            let names: Vec<&str> = self.sandbox.cards.iter().map(|card| card.name.as_str()).collect();
            anyhow::bail!("no such card; the sandbox has {}", names.join(", "));
        };
        let card = FakeCard::load(&self.dir.join(&known.cert), &self.dir.join(&known.key), &known.pin)?;
        Ok(PlacedCard { card: HeldCard::new(card, &known.pin), visit: Some(known.visit.clone()) })
    }

    fn access(&self, id: &str) -> Result<Access> {
        let Some((_, terminal)) = self.sandbox.terminal(id) else {
            let organizations = self.sandbox.organizations.iter();
            let ids: Vec<&str> =
                organizations.flat_map(|known| &known.terminals).map(|known| known.id.as_str()).collect();
            anyhow::bail!("no such terminal; the sandbox has {}", ids.join(", "));
        };
        let endpoint = Endpoint::from_pem(
            &self.sandbox.address,
            &self.sandbox.server_name,
            &read(&self.dir.join(&self.sandbox.ca))?,
            &read(&self.dir.join(&terminal.cert))?,
            &read(&self.dir.join(&terminal.key))?,
        )?;
        let issuer = (!self.sandbox.issuer.is_empty()).then(|| self.sandbox.issuer.clone());
        Ok(Access { endpoint, keys: log_keys(&self.sandbox)?, issuer })
    }
}

impl Configured {
    fn load(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let config = toml::from_str(&text)?;
        Ok(Self { dir: file.parent().map(Path::to_owned).unwrap_or_default(), config })
    }

    fn card(&self) -> Result<PlacedCard> {
        let card = self.config.card.as_ref().context("the configuration has no table [card]")?;
        let pin = read(&self.dir.join(&card.pin_file))?;
        let pin = String::from_utf8(pin).context("the PIN file is not text")?;
        let pin = pin.trim_end();
        let card = FakeCard::load(&self.dir.join(&card.cert), &self.dir.join(&card.key), pin)?;
        Ok(PlacedCard { card: HeldCard::new(card, pin), visit: None })
    }

    fn access(&self) -> Result<Access> {
        let config = &self.config;
        let endpoint = Endpoint::from_pem(
            &config.address,
            &config.server_name,
            &read(&self.dir.join(&config.ca))?,
            &read(&self.dir.join(&config.cert))?,
            &read(&self.dir.join(&config.key))?,
        )?;
        let gateway = config.log_vkey.parse().context("log_vkey")?;
        let auth = config.auth_log_vkey.parse().context("auth_log_vkey")?;
        Ok(Access { endpoint, keys: LogKeys { gateway, auth }, issuer: config.issuer.clone() })
    }
}

impl Access {
    /// Whose certificate it is, `<kind>:<code>`.
    pub fn organization(&self) -> Result<String> {
        Ok(self.endpoint.identity()?.organization().to_string())
    }

    /// Connects as a counter's terminal.
    pub async fn terminal(&self) -> Result<Terminal, ConnectError> {
        let channel = connect(&self.endpoint).await?;
        let identity = self.endpoint.identity().map_err(|_| ConnectError::Address)?;
        let terminal = Terminal::new(channel, identity, self.keys.clone());
        Ok(match &self.issuer {
            Some(issuer) => terminal.with_issuer(issuer),
            None => terminal,
        })
    }

    /// Connects as an issuer.
    pub async fn issuer(&self) -> Result<Issuer, ConnectError> {
        let channel = connect(&self.endpoint).await?;
        let identity = self.endpoint.identity().map_err(|_| ConnectError::Address)?;
        Ok(Issuer::new(channel, identity, self.keys.clone()))
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}
