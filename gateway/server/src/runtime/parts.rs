//! What the configuration names, read and checked: keys, certificates, trust, rules, places.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use pmh_audit::SigningKey;
use pmh_auth::{
    card::{CardCas, CardProfile, RevocationList, Revocations},
    directory::DirectoryTrust,
    keys::KeyRing,
    oid::PolicyOid,
    reader::ReaderTrust,
};
use pmh_domain::{checkup::urgent::UrgentRules, organization::OrganizationId, vaccination::RuleBook};
use pmh_store::{Clock, Location, LogSettings, StoreKeys, default_checkpoint_file};
use pmh_witness::feed::WitnessUrl;
use rustls::{ClientConfig, RootCertStore, sign::CertifiedKey};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use zeroize::Zeroizing;

use crate::{
    config::{Config, TlsConfig, WitnessPeer, is_postgres},
    ops::{
        auditor::jurisdiction::{Area, Jurisdictions},
        log::Log,
        witnessing::{Witness, Witnesses},
    },
    reload, system,
};

/// One certificate for every name: terminals know us by the name they expect,
/// and there is nothing else here to choose.
#[derive(Debug)]
struct OwnCertificate(Arc<CertifiedKey>);

impl rustls::server::ResolvesServerCert for OwnCertificate {
    fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

pub(crate) fn own_certificate(tls: &TlsConfig) -> Result<Arc<dyn rustls::server::ResolvesServerCert>> {
    let chain = certificates(&tls.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).context("tls.key")?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let certified = CertifiedKey::from_der(chain, key, &provider).context("tls.certificate")?;
    Ok(Arc::new(OwnCertificate(Arc::new(certified))))
}

/// Roots that organizations' certificates lead to.
pub(crate) fn roots(tls: &TlsConfig) -> Result<Vec<CertificateDer<'static>>> {
    let roots: Vec<_> = tls.client_roots.iter().map(|path| certificates(path)).collect::<Result<_>>()?;
    Ok(roots.concat())
}

pub(super) fn witnesses(config: &Config, now_us: i64) -> Result<Witnesses> {
    let list: Vec<Witness> =
        config.log.witnesses.iter().map(|peer| witness(config, peer)).collect::<Result<_>>()?;
    if usize::try_from(config.log.witness_quorum)? > list.len() {
        bail!("log.witness_quorum is larger than the number of witnesses");
    }
    let stop_after = config.log.stop_unwitnessed_minutes.map(|minutes| Duration::from_mins(minutes.into()));
    let period = Duration::from_secs(config.log.witness_period_seconds.max(1).into());
    Ok(Witnesses::new(list, config.log.witness_quorum, period, stop_after, now_us))
}

fn witness(config: &Config, peer: &WitnessPeer) -> Result<Witness> {
    let mut roots = RootCertStore::empty();
    for path in &peer.roots {
        roots.add_parsable_certificates(certificates(path)?);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(
            certificates(&config.tls.certificate)?,
            PrivateKeyDer::from_pem_file(&config.tls.key).context("tls.key")?,
        )
        .context("tls.certificate")?;
    let url = WitnessUrl::parse(&peer.url, Arc::new(tls)).context("log.witnesses.url")?;
    Ok(Witness { url, key: peer.key.parse().context("log.witnesses.key")? })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    read().with_context(|| format!("certificates in {}", path.display()))
}

pub(super) fn card_authorities(config: &Config) -> Result<CardCas> {
    let authorities: Vec<Vec<u8>> =
        config.cards.authorities.iter().map(|path| bytes(path)).collect::<Result<_>>()?;
    Ok(CardCas::from_der(authorities.iter().map(Vec::as_slice))?)
}

pub(super) fn card_profile(config: &Config) -> Result<CardProfile> {
    let policies: Result<Vec<PolicyOid>, _> =
        config.cards.policies.iter().map(|policy| PolicyOid::parse(policy)).collect();
    Ok(CardProfile::new(policies.context("cards.policies")?))
}

pub(super) fn revocations(config: &Config, authorities: &CardCas) -> Result<Revocations> {
    let mut revocations = Revocations::none();
    for path in &config.cards.revocation_lists {
        let list = RevocationList::from_der(&bytes(path)?, authorities, system::now_s())
            .with_context(|| format!("revocation list {}", path.display()))?;
        revocations.install(list).context("cards.revocation_lists")?;
    }
    Ok(revocations)
}

pub(super) fn readers(config: &Config) -> Result<ReaderTrust> {
    let mut roots = Vec::new();
    for path in &config.readers.authorities {
        roots.extend(certificates(path)?);
    }
    // Without authorities no reader is trusted, whatever its policy; 2.999 is the arc for examples.
    let policy = if config.readers.policy.is_empty() { "2.999" } else { &config.readers.policy };
    let policy = PolicyOid::parse(policy).context("readers.policy")?;
    Ok(ReaderTrust::new(roots.iter().map(AsRef::as_ref), policy)?)
}

pub(super) fn directory(config: &Config) -> Result<Option<DirectoryTrust>> {
    let Some(directory) = &config.directory else { return Ok(None) };
    let key = rustls_pki_types::SubjectPublicKeyInfoDer::from_pem_file(&directory.public_key)
        .context("directory.public_key")?;
    Ok(Some(DirectoryTrust::new(&directory.issuer, &key)?))
}

pub(super) fn rule_book(config: &Config) -> Result<RuleBook> {
    match &config.vaccination.rules {
        Some(file) => reload::read(file),
        None => RuleBook::embedded().cloned().context("the embedded rule book"),
    }
}

pub(super) fn urgent_rules(config: &Config) -> Result<UrgentRules> {
    match &config.checkup.thresholds {
        Some(file) => reload::read_thresholds(file),
        None => Ok(UrgentRules::with([])),
    }
}

pub(super) fn jurisdictions(config: &Config) -> Result<Jurisdictions> {
    let mut jurisdictions = Jurisdictions::default();
    for auditor in &config.auditors {
        let organization =
            OrganizationId::parse_urn(&auditor.organization).context("auditors.organization")?;
        let areas: Result<Vec<Area>, _> = auditor.jurisdiction.iter().map(|area| Area::parse(area)).collect();
        jurisdictions.grant(&organization, areas.context("auditors.jurisdiction")?);
    }
    Ok(jurisdictions)
}

fn location(database: &str) -> Result<Location> {
    if is_postgres(database) {
        let verified = database.split(['?', '&']).skip(1).any(|pair| pair == "sslmode=verify-full");
        if !is_local(database) && !verified {
            bail!("a PostgreSQL server on another host needs sslmode=verify-full");
        }
        return Ok(Location::Postgres(database.to_owned()));
    }
    Ok(Location::Sqlite(database.into()))
}

/// Whether a server is on this machine: by a name that is no other's beginning, or by its socket.
fn is_local(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = authority.split('/').next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let name = host.split(':').next().unwrap_or_default();
    let socket = query.split('&').find_map(|pair| pair.strip_prefix("host="));
    match socket {
        Some(socket) => socket.starts_with('/') || socket.starts_with("%2F") || socket.starts_with("%2f"),
        None => ["", "localhost", "127.0.0.1"].contains(&name),
    }
}

pub(super) fn store_keys(keys: &KeyRing, role: &str) -> StoreKeys {
    StoreKeys {
        wrapping: *keys.application(&format!("{role}/wrapping")),
        index: *keys.application(&format!("{role}/index")),
    }
}

/// What the store of one log is opened with.
pub(super) fn log_settings(config: &Config, log: Log, keys: &KeyRing, clock: &Clock) -> Result<LogSettings> {
    let (location, checkpoint_file) = log_place(config, log)?;
    if checkpoint_file.is_none() {
        tracing::warn!(?log, "no file for the last checkpoint: a restored database goes unnoticed at start");
    }
    Ok(LogSettings {
        location,
        signer: log_signer(config, log)?,
        keys: store_keys(keys, log.role()),
        clock: Arc::clone(clock),
        checkpoint_file,
    })
}

/// Where a log's database is, and the file of its last checkpoint.
pub(super) fn log_place(config: &Config, log: Log) -> Result<(Location, Option<PathBuf>)> {
    let (database, named) = match log {
        Log::Gateway => (&config.database.gateway, &config.log.gateway_checkpoint),
        Log::Auth => (&config.database.auth, &config.log.auth_checkpoint),
    };
    let location = location(database)?;
    let file = named.clone().or_else(|| default_checkpoint_file(&location));
    Ok((location, file))
}

pub(super) fn log_signer(config: &Config, log: Log) -> Result<SigningKey> {
    let (origin, seed) = match log {
        Log::Gateway => (&config.log.gateway_origin, &config.log.gateway_seed),
        Log::Auth => (&config.log.auth_origin, &config.log.auth_seed),
    };
    let seed = secret(seed).with_context(|| format!("log seed {}", seed.display()))?;
    Ok(SigningKey::from_seed(origin, &seed)?)
}

/// 64 hexadecimal digits in a file.
pub(crate) fn secret(path: &Path) -> Result<Zeroizing<[u8; 32]>> {
    let text = Zeroizing::new(text(path)?);
    let digits = text.trim().as_bytes();
    let mut secret = Zeroizing::new([0; 32]);
    if digits.len() != 64 {
        bail!("not 64 hexadecimal digits");
    }
    for (byte, pair) in secret.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair)?;
        *byte = u8::from_str_radix(pair, 16).context("not hexadecimal")?;
    }
    Ok(secret)
}

pub(super) fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

pub(super) fn bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inconsistent_rule_book_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rules.json");
        let mut config: Config = toml::from_str(include_str!("../../../../pmh.example.toml")).unwrap();
        assert_eq!(rule_book(&config).unwrap().version(), RuleBook::embedded().unwrap().version());
        let book = include_str!("../../../domain/data/vaccination/rules.json");
        config.vaccination.rules = Some(file.clone());
        std::fs::write(&file, book).unwrap();
        assert!(rule_book(&config).is_ok());
        std::fs::write(&file, book.replacen("\"HEPB\"", "\"HIB\"", 1)).unwrap();
        let error = format!("{:#}", rule_book(&config).unwrap_err());
        assert!(error.starts_with("vaccination.rules: HIB"), "{error}");
    }

    #[test]
    fn thresholds_that_cannot_be_meant_are_refused_by_row() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("thresholds.csv");
        let mut config: Config = toml::from_str(include_str!("../../../../pmh.example.toml")).unwrap();
        assert!(urgent_rules(&config).is_ok());
        config.checkup.thresholds = Some(file.clone());
        assert!(urgent_rules(&config).is_err(), "a file that is named must be there");
        let with = |row: &str| {
            let header = "issuer,since,until,epds_total_at_least,epds_item10_at_least,source,confidence";
            std::fs::write(&file, format!("{header}\n{row}\n")).unwrap();
            urgent_rules(&config).map(|_| ()).map_err(|error| format!("{error:#}"))
        };
        assert_eq!(with("municipality:132012,2026-04-01,,8,1,own,ours"), Ok(()));
        let error = with("municipality:132012,2026-04-01,,0,1,own,ours").unwrap_err();
        assert!(error.starts_with("checkup.thresholds: row 1: the total"), "{error}");
    }

    #[test]
    fn only_this_machine_may_be_spoken_to_in_clear() {
        for local in [
            "postgres://u:p@localhost/pmh",
            "postgres://127.0.0.1:5432/pmh",
            "postgresql:///pmh?host=/run/postgresql",
            "postgres://u@localhost:5432/pmh?sslmode=disable",
        ] {
            assert!(location(local).is_ok(), "{local}");
        }
        for remote in [
            "postgres://localhost.example/pmh",
            "postgres://u:localhost@db.example/pmh",
            "postgres://localhost/pmh?host=db.example",
            "postgres://u:sslmode=verify-full@db.example/pmh",
            "postgres://db.example/sslmode=verify-full",
        ] {
            assert!(location(remote).is_err(), "{remote}");
        }
        assert!(location("postgres://db.example/pmh?sslmode=verify-full").is_ok());
        assert!(matches!(location("data/gateway.db"), Ok(Location::Sqlite(_))));
    }
}
