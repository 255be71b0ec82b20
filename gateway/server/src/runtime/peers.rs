//! The gateways of other municipalities, from their configuration.

use anyhow::{Context as _, Result};
use pmh_audit::{Policy, VerifierKey};
use pmh_client::{Endpoint, LogKeys, Retry, connect_lazy};
use pmh_domain::organization::OrganizationId;

use super::parts::bytes;
use crate::{
    config::{HandoffConfig, HandoffPeer},
    ops::handoff::{Links, Peer},
};

/// All of them. Nobody is called yet: a peer that is away keeps nobody from starting.
pub(super) fn links(config: &HandoffConfig) -> Result<Links> {
    let peers = config.peers.iter().map(peer).collect::<Result<Vec<_>>>().context("handoff.peers")?;
    Links::new(peers).context("handoff.peers: a municipality is served by two of them")
}

fn peer(config: &HandoffPeer) -> Result<Peer> {
    let short = |urn: &String| -> Result<String> { Ok(OrganizationId::parse_urn(urn)?.to_string()) };
    let key: VerifierKey = config.log_key.parse().context("log_key")?;
    let policy = match &config.witness_policy {
        Some(file) => Some(Policy::parse(&bytes(file)?).context("witness_policy")?),
        None => None,
    };
    Ok(Peer {
        municipalities: config.municipalities.iter().map(short).collect::<Result<_>>()?,
        organization: short(&config.organization)?,
        policy,
        witnesses: config.witnesses,
        client: client(config, &key)?,
        key,
    })
}

fn client(config: &HandoffPeer, key: &VerifierKey) -> Result<pmh_client::Gateway> {
    let roots: Vec<Vec<u8>> = config.roots.iter().map(|file| bytes(file)).collect::<Result<_>>()?;
    let endpoint = Endpoint::from_pem(
        &config.address,
        &config.server_name,
        &roots.concat(),
        &bytes(&config.certificate)?,
        &bytes(&config.key)?,
    )?;
    let identity = endpoint.identity()?;
    // The outbox has its own pauses; only the gateway log of a peer is ever asked for.
    let keys = LogKeys { gateway: key.clone(), auth: key.clone() };
    Ok(pmh_client::Gateway::new(connect_lazy(&endpoint)?, identity, keys).with_retry(Retry::NEVER))
}
