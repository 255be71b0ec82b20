//! `pmh serve --role witness`: a witness of partners' logs, from its own small configuration file.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result, bail};
use pmh_audit::{
    VerifierKey,
    note::{CosigningKey, WitnessKey},
};
use pmh_auth::peer::{LeafProfile, OrganizationVerifier};
use pmh_store::{Location, WitnessStore};
use pmh_witness::{role::Witness, serve::serve};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{TlsConfig, is_postgres},
    runtime, system,
};

/// `witness.toml`. Every key is in `witness.example.toml`, which a test parses.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// `host:port` to listen on.
    pub listen: String,
    /// Name of the witness, as its verifier key has it; never used again for another key.
    pub name: String,
    /// Ed25519 seed, 64 hexadecimal digits. Not the seed of a log.
    pub seed: PathBuf,
    /// Its memory: a SQLite file or a `postgres://` URL. Never restored from a copy.
    pub database: String,
    /// Verifier keys of the logs that it watches.
    pub logs: Vec<String>,
    /// Certificates. Without them it listens on this machine alone, for a proxy that has them.
    pub tls: Option<TlsConfig>,
}

impl WitnessConfig {
    /// Reads a file; its relative paths become relative to it.
    pub fn load(file: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let mut config: Self = toml::from_str(&text).context("witness configuration")?;
        let base = file.parent().unwrap_or(Path::new("."));
        config.seed = base.join(&config.seed);
        if !is_postgres(&config.database) {
            config.database = base.join(&config.database).to_string_lossy().into_owned();
        }
        if let Some(tls) = &mut config.tls {
            tls.certificate = base.join(&tls.certificate);
            tls.key = base.join(&tls.key);
            tls.client_roots.iter_mut().for_each(|root| *root = base.join(&root));
        }
        Ok(config)
    }
}

/// A witness that listens and does not answer yet.
pub struct Opened {
    /// Where it listens.
    pub address: SocketAddr,
    /// What others put into their policies.
    pub key: WitnessKey,
    witness: Witness,
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Opened {
    /// Opens memory, key, certificates and listener.
    pub async fn open(config: &WitnessConfig) -> Result<Self> {
        let seed = runtime::secret(&config.seed).context("seed")?;
        let signer = CosigningKey::from_seed(&config.name, &seed).context("name")?;
        let key = signer.verifier().clone();
        let logs: Vec<VerifierKey> =
            config.logs.iter().map(|log| log.parse()).collect::<Result<_, _>>().context("logs")?;
        let location = if is_postgres(&config.database) {
            Location::Postgres(config.database.clone())
        } else {
            Location::Sqlite(PathBuf::from(&config.database))
        };
        let memory = WitnessStore::open(&location).await.context("database")?;
        let listener = TcpListener::bind(&config.listen).await.context("cannot listen")?;
        let address = listener.local_addr()?;
        let tls = match &config.tls {
            Some(tls) => Some(Arc::new(server_config(tls)?)),
            None if address.ip().is_loopback() => None,
            None => bail!("without [tls] a witness listens on 127.0.0.1 or [::1] only"),
        };
        let clock = Arc::new(|| u64::try_from(system::now_s()).unwrap_or_default());
        Ok(Self { address, key, witness: Witness::new(signer, logs, memory, clock), listener, tls })
    }

    /// Serves until told to stop.
    pub async fn serve(self, stop: CancellationToken) {
        serve(Arc::new(self.witness), self.listener, self.tls, stop).await;
    }
}

/// TLS 1.3 with client certificates, as at the gateway, but HTTP/1.1.
fn server_config(tls: &TlsConfig) -> Result<rustls::ServerConfig> {
    let clients = OrganizationVerifier::new(runtime::roots(tls)?, LeafProfile::default())
        .context("tls.client_roots")?;
    let own = runtime::own_certificate(tls)?;
    let mut config = crate::edge::server_config(own, Arc::new(clients))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_parses_and_an_unknown_key_does_not() {
        let text = include_str!("../../../witness.example.toml");
        let config: WitnessConfig = toml::from_str(text).unwrap();
        assert_eq!(config.logs.len(), 1);
        assert!(config.logs[0].parse::<VerifierKey>().is_ok());
        assert!(toml::from_str::<WitnessConfig>(&format!("surprise = 1\n{text}")).is_err());
    }

    #[tokio::test]
    async fn without_tls_only_this_machine_may_ask() {
        let dir = tempfile::TempDir::new().unwrap();
        std::fs::write(dir.path().join("seed.hex"), "09".repeat(32)).unwrap();
        let mut config = WitnessConfig {
            listen: "0.0.0.0:0".to_owned(),
            name: "witness.example/w1".to_owned(),
            seed: dir.path().join("seed.hex"),
            database: dir.path().join("witness.db").to_string_lossy().into_owned(),
            logs: vec![],
            tls: None,
        };
        assert!(Opened::open(&config).await.is_err());
        config.listen = "127.0.0.1:0".to_owned();
        let opened = Opened::open(&config).await.unwrap();
        assert_eq!(opened.key.name(), "witness.example/w1");
    }
}
