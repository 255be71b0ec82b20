//! The PKI as a directory, so that a sandbox can be stopped and started again.

use std::path::Path;
use std::sync::OnceLock;

use rcgen::KeyPair;
use serde::{Deserialize, Serialize};

use super::authority::Authority;
use super::institution::{Institution, issuing_params, root_params};
use super::{Algorithm, DevPki, Generation, card_ca};
use crate::directory::Directory;
use crate::{Error, Result, pem};

/// What is not in the certificates.
#[derive(Serialize, Deserialize)]
struct Manifest {
    version: u32,
    made_at: i64,
}

impl DevPki {
    /// Writes every authority to `dir`: `<name>.pem` for anybody, `<name>.key.pem` (PKCS#8) for the
    /// owner only. All three card CAs are made if they were not.
    pub fn save(&self, dir: &Path) -> Result<()> {
        pem::create_dir(dir)?;
        for generation in Generation::ALL {
            save(dir, generation.stem(), self.card_authority(generation)?)?;
        }
        save(dir, ROOT, &self.institution.root)?;
        save(dir, ISSUING, &self.institution.issuing)?;
        pem::write_public(&dir.join(DIRECTORY_PUBLIC), self.directory.public_key_pem().as_bytes())?;
        pem::write_secret(&dir.join(DIRECTORY_KEY), self.directory.key_pem().as_bytes())?;
        let manifest = Manifest { version: 1, made_at: self.made_at };
        pem::write_public(&dir.join(MANIFEST), &serde_json::to_vec_pretty(&manifest)?)
    }

    /// Reads back what [`DevPki::save`] wrote.
    pub fn load(dir: &Path) -> Result<Self> {
        let manifest: Manifest = serde_json::from_slice(&pem::read(&dir.join(MANIFEST))?)?;
        if manifest.version != 1 {
            return Err(Error::SandboxVersion);
        }
        let now = manifest.made_at;
        let card_ca = |generation: Generation| {
            let params = card_ca::card_ca_params(generation, now)?;
            Ok::<_, Error>(OnceLock::from(load(dir, generation.stem(), generation.algorithm(), params)?))
        };
        let [first, second, third] = Generation::ALL;
        Ok(Self {
            made_at: now,
            card_cas: [card_ca(first)?, card_ca(second)?, card_ca(third)?],
            institution: Institution {
                root: load(dir, ROOT, Algorithm::P384, root_params(now)?)?,
                issuing: load(dir, ISSUING, Algorithm::P256, issuing_params(now)?)?,
            },
            directory: Directory::from_pkcs8(&pem::private_key(&pem::read(&dir.join(DIRECTORY_KEY))?)?)?,
        })
    }
}

const ROOT: &str = "institution-root";
const ISSUING: &str = "institution-issuing";
const DIRECTORY_PUBLIC: &str = "directory.pub.pem";
const DIRECTORY_KEY: &str = "directory.key.pem";
const MANIFEST: &str = "pki.json";

fn save(dir: &Path, stem: &str, authority: &Authority) -> Result<()> {
    let certificate = pem::encode("CERTIFICATE", authority.certificate());
    pem::write_public(&dir.join(format!("{stem}.pem")), certificate.as_bytes())?;
    let key = pem::encode("PRIVATE KEY", authority.key().serialized_der());
    pem::write_secret(&dir.join(format!("{stem}.key.pem")), key.as_bytes())
}

fn load(dir: &Path, stem: &str, algorithm: Algorithm, params: rcgen::CertificateParams) -> Result<Authority> {
    let text = pem::read(&dir.join(format!("{stem}.pem")))?;
    let certificate = pem::certificates(&text)?.into_iter().next().ok_or(Error::Content)?;
    let key: KeyPair =
        algorithm.load(&pem::private_key(&pem::read(&dir.join(format!("{stem}.key.pem")))?)?)?;
    Ok(Authority::stored(params, key, certificate))
}
