//! The client side of the gateway's TLS: 1.3 only, `h2` only, the dev root and nothing else.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::pki::Identity;
use crate::{Result, pem};

/// A client configuration that trusts `roots` (DER) and shows `identity`, or no certificate at all
/// to learn what a gateway says to that.
pub fn client_config(roots: &[Vec<u8>], identity: Option<&Identity>) -> Result<ClientConfig> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(CertificateDer::from(root.as_slice()).into_owned())?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(store);
    let mut config = match identity {
        Some(identity) => {
            let chain = identity.chain().iter().map(|der| CertificateDer::from(der.clone())).collect();
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key().to_vec()));
            builder.with_client_auth_cert(chain, key)?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    // The gateway sends no tickets; asking for resumption would only hide it if it did.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// The same from PEM texts, as they stand in the files that `sandbox.json` names.
pub fn client_config_from_pem(roots: &[u8], chain: &[u8], key: &[u8]) -> Result<ClientConfig> {
    client_config(&pem::certificates(roots)?, Some(&Identity::from_pem(chain, key)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::DevPki;

    #[test]
    fn a_configuration_speaks_h2_and_needs_a_sound_key() {
        let pki = DevPki::generate(1_800_000_000).unwrap();
        let terminal = pki.terminal("urn:x-pmh:org:clinic:1310310243", "desk-1", 1_800_000_000).unwrap();
        let root = pki.root_pem();
        let made = |key: &str| {
            client_config_from_pem(root.as_bytes(), terminal.chain_pem().as_bytes(), key.as_bytes())
        };
        assert_eq!(made(&terminal.key_pem()).unwrap().alpn_protocols, [b"h2".to_vec()]);
        let other = pki.terminal("urn:x-pmh:org:clinic:1310310243", "desk-2", 1_800_000_000).unwrap();
        assert!(made(&other.key_pem()).is_err(), "a key of another certificate is refused");
        assert!(client_config(&[], None).unwrap().client_auth_cert_resolver.has_certs().eq(&false));
    }
}
