//! `pmh.toml`: one file, unknown keys refused, secrets by path only.
//!
//! Every key with unit and default is in `pmh.example.toml`, which a test
//! parses. Relative paths are relative to the file.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::edge::EdgeLimits;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `host:port` to listen on.
    pub listen: String,
    /// Issuer URL of tokens and challenges.
    pub issuer: String,
    /// Which role this process plays. Only `all` in this version.
    #[serde(default)]
    pub role: Role,
    /// Whether gRPC reflection answers. Default: true.
    #[serde(default = "yes")]
    pub reflection: bool,
    /// URN of the operator to enrol while the register is empty.
    pub operator: String,
    /// Databases.
    pub database: DatabaseConfig,
    /// TLS of the listener.
    pub tls: TlsConfig,
    /// Keys of the installation.
    pub keys: KeyConfig,
    /// Logs.
    pub log: LogConfig,
    /// Cards.
    pub cards: CardConfig,
    /// Registered readers.
    #[serde(default)]
    pub readers: ReaderConfig,
    /// The credential directory.
    pub directory: Option<DirectoryConfig>,
    /// What each auditor may read. One that is not listed sees hashes only.
    #[serde(default)]
    pub auditors: Vec<AuditorConfig>,
    /// Citizens' questions about entries.
    #[serde(default)]
    pub questions: QuestionConfig,
    /// Vaccination.
    #[serde(default)]
    pub vaccination: VaccinationConfig,
    /// Checkups.
    #[serde(default)]
    pub checkup: CheckupConfig,
    /// Handoffs with municipalities that another gateway serves.
    #[serde(default)]
    pub handoff: HandoffConfig,
    /// Limits of the edge.
    #[serde(default)]
    pub edge: EdgeLimits,
    /// The HTTPS listener with the auditors' pages. Absent: off.
    pub web: Option<WebConfig>,
}

/// Role of a process (design.md §5.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Auth and gateway in one process, with two databases.
    #[default]
    All,
}

/// Where the two databases are: a path (SQLite) or a `postgres://` URL.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// Records and their log.
    pub gateway: String,
    /// Cards, persons, presences and their log.
    pub auth: String,
}

impl std::fmt::Debug for DatabaseConfig {
    /// A URL may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseConfig(..)")
    }
}

/// Certificates of the listener, PEM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// Our chain, leaf first.
    pub certificate: PathBuf,
    /// Our key, PKCS#8.
    pub key: PathBuf,
    /// Roots that organizations' certificates lead to.
    pub client_roots: Vec<PathBuf>,
}

/// Secrets of the installation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// 32 bytes as 64 hexadecimal digits. Losing it loses the link between cards and records.
    pub master: PathBuf,
    /// Signs tokens: P-256, PKCS#8 PEM.
    pub token: PathBuf,
    /// Epoch of pairwise ids, from 1. Default: 1.
    #[serde(default = "first_epoch")]
    pub pairwise_epoch: u16,
}

/// Origins and seeds of the logs. An origin never changes and is never used again.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// Origin of the gateway log, for example `audit.pmh.example/gateway`.
    pub gateway_origin: String,
    /// Ed25519 seed, 64 hexadecimal digits.
    pub gateway_seed: PathBuf,
    /// Origin of the auth log.
    pub auth_origin: String,
    /// Ed25519 seed, 64 hexadecimal digits.
    pub auth_seed: PathBuf,
    /// File of the last signed checkpoint: a database older than it is refused. Default: `<database>.checkpoint`
    /// beside a SQLite file; none for PostgreSQL.
    pub gateway_checkpoint: Option<PathBuf>,
    /// The same of the auth log.
    pub auth_checkpoint: Option<PathBuf>,
    /// Who cosigns both logs.
    #[serde(default)]
    pub witnesses: Vec<WitnessPeer>,
    /// So many of them make a quorum; without one for fifteen minutes there is a warning. Default: 0.
    #[serde(default)]
    pub witness_quorum: u32,
    /// Seconds between two rounds. Default: 10.
    #[serde(default = "ten")]
    pub witness_period_seconds: u32,
    /// Ordinary disclosures are refused after so many minutes without a quorum. Default: never, because a counter must
    /// not stop for somebody else's server.
    pub stop_unwitnessed_minutes: Option<u32>,
    /// Whether the content of entries goes when the period of its class of record is over. Default: false.
    #[serde(default)]
    pub retention: bool,
}

/// A witness of our logs (C2SP tlog-witness). It sees our own certificate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessPeer {
    /// `https://host[:port][/prefix]`; `http://` for this machine alone.
    pub url: String,
    /// Its verifier key.
    pub key: String,
    /// Roots that its certificate leads to, PEM.
    #[serde(default)]
    pub roots: Vec<PathBuf>,
}

/// Card authorities and lists.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardConfig {
    /// Pinned authorities, DER; several may bear one name.
    pub authorities: Vec<PathBuf>,
    /// Certificate policies accepted.
    pub policies: Vec<String>,
    /// Revocation lists, DER. Without a fresh one no card opens more than grace.
    #[serde(default)]
    pub revocation_lists: Vec<PathBuf>,
}

/// Face readers and the like.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReaderConfig {
    /// Authorities of reader certificates, PEM. Empty: no reader is trusted.
    #[serde(default)]
    pub authorities: Vec<PathBuf>,
    /// Policy of reader certificates, as a dotted object identifier.
    #[serde(default)]
    pub policy: String,
}

/// Who may say which card follows which.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryConfig {
    /// `iss` of its batches.
    pub issuer: String,
    /// ES256 public key, PEM.
    pub public_key: PathBuf,
}

/// One auditor's jurisdiction.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditorConfig {
    /// URN of the auditor.
    pub organization: String,
    /// Each `everything`, a prefecture's two digits, or an issuer as `<kind>:<code>`.
    pub jurisdiction: Vec<String>,
}

/// The HTTPS listener. Certificates, register and limits are those of the calls.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebConfig {
    /// `host:port` to listen on.
    pub listen: String,
}

/// By which rules doses are judged.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaccinationConfig {
    /// Rule book, JSON, read at start; an inconsistent one is refused. Absent: the one in this program.
    pub rules: Option<PathBuf>,
}

/// What checkups are judged by.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckupConfig {
    /// Municipalities' own EPDS thresholds, CSV, read at start and on SIGHUP; a row that cannot be meant is refused.
    /// Absent: the common ones alone.
    pub thresholds: Option<PathBuf>,
}

/// Handoffs (里帰り出産).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandoffConfig {
    /// Gateways that serve other municipalities. One that no peer serves is served here.
    #[serde(default)]
    pub peers: Vec<HandoffPeer>,
}

/// Another municipality's gateway. What it says counts under its log key; the connection alone proves nothing.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandoffPeer {
    /// URNs of the municipalities that it serves; each of one peer alone.
    pub municipalities: Vec<String>,
    /// `host:port` of its calls.
    pub address: String,
    /// Name that its certificate must bear.
    pub server_name: String,
    /// Roots that its certificate leads to, PEM.
    pub roots: Vec<PathBuf>,
    /// Our chain for it, leaf first, PEM: of a municipality that it has registered.
    pub certificate: PathBuf,
    /// Our key, PKCS#8.
    pub key: PathBuf,
    /// URN by whose certificate it calls us.
    pub organization: String,
    /// Verifier key of its gateway log, named after its origin.
    pub log_key: String,
    /// C2SP tlog-policy that the checkpoints of its receipts must meet. Absent: the log's own word.
    pub witness_policy: Option<PathBuf>,
    /// How many witnesses must have cosigned the checkpoints that we send. Default: 0.
    #[serde(default)]
    pub witnesses: u32,
}

/// Citizens' questions about entries.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionConfig {
    /// Days that the organization that asked then has to answer; later questions alone are changed by it. Default: 30.
    pub answer_days: u16,
}

impl Default for QuestionConfig {
    fn default() -> Self {
        Self { answer_days: 30 }
    }
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not readable.
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] std::io::Error),
    /// Not TOML of this form. Never shows the text itself, which may hold a password.
    #[error("line {line}: {message}")]
    Form {
        /// Line of the file, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
}

impl ConfigError {
    fn at(text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
        Self::Form { line, message: error.message().to_owned() }
    }
}

impl Config {
    /// Reads a file; its relative paths become relative to it.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(file).map_err(|error| ConfigError::Read(file.to_owned(), error))?;
        let mut config: Self = toml::from_str(&text).map_err(|error| ConfigError::at(&text, &error))?;
        let base = file.parent().unwrap_or(Path::new("."));
        for path in config.paths() {
            *path = base.join(&path);
        }
        for database in [&mut config.database.gateway, &mut config.database.auth] {
            if !is_postgres(database) {
                *database = base.join(&database).to_string_lossy().into_owned();
            }
        }
        Ok(config)
    }

    fn paths(&mut self) -> Vec<&mut PathBuf> {
        let mut paths = vec![
            &mut self.tls.certificate,
            &mut self.tls.key,
            &mut self.keys.master,
            &mut self.keys.token,
            &mut self.log.gateway_seed,
            &mut self.log.auth_seed,
        ];
        paths.extend(&mut self.vaccination.rules);
        paths.extend(&mut self.checkup.thresholds);
        paths.extend(&mut self.log.gateway_checkpoint);
        paths.extend(&mut self.log.auth_checkpoint);
        paths.extend(self.log.witnesses.iter_mut().flat_map(|witness| &mut witness.roots));
        paths.extend(&mut self.tls.client_roots);
        paths.extend(&mut self.cards.authorities);
        paths.extend(&mut self.cards.revocation_lists);
        paths.extend(&mut self.readers.authorities);
        for peer in &mut self.handoff.peers {
            paths.extend(&mut peer.roots);
            paths.extend([&mut peer.certificate, &mut peer.key]);
            paths.extend(&mut peer.witness_policy);
        }
        paths.extend(self.directory.as_mut().map(|directory| &mut directory.public_key));
        paths
    }
}

/// Whether a database is a PostgreSQL URL; anything else is a SQLite file.
pub fn is_postgres(database: &str) -> bool {
    database.starts_with("postgres://") || database.starts_with("postgresql://")
}

fn yes() -> bool {
    true
}

fn ten() -> u32 {
    10
}

fn first_epoch() -> u16 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_parses_and_shows_the_defaults() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pmh.example.toml");
        let config = Config::load(&file).unwrap();
        assert_eq!(config.edge, EdgeLimits::default());
        assert_eq!(config.questions.answer_days, QuestionConfig::default().answer_days);
        assert!(config.tls.key.is_absolute() || config.tls.key.starts_with(file.parent().unwrap()));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let text = include_str!("../../../pmh.example.toml");
        assert!(toml::from_str::<Config>(text).is_ok());
        for line in ["surprise = 1\n", "listen_on = \"x\"\n"] {
            assert!(toml::from_str::<Config>(&format!("{line}{text}")).is_err());
        }
    }

    #[test]
    fn an_error_names_the_line_and_not_the_password() {
        let text = include_str!("../../../pmh.example.toml")
            .replace("auth = \"data/auth.db\"", "auth = [\"postgres://u:secret@db/auth\"]");
        let error = toml::from_str::<Config>(&text).unwrap_err();
        let shown = ConfigError::at(&text, &error).to_string();
        assert!(shown.starts_with("line ") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_database_url_is_not_printed() {
        let text =
            include_str!("../../../pmh.example.toml").replace("data/auth.db", "postgres://u:secret@db/auth");
        let config: Config = toml::from_str(&text).unwrap();
        assert!(!format!("{config:?}").contains("secret"));
    }
}
