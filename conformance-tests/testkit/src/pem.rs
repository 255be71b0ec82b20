//! PEM sections and key files.

use std::fs;
use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use crate::{Error, Result};

/// One PEM section (RFC 7468 §2: lines of 64 characters).
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = body.as_str();
    while let Some((line, tail)) = rest.split_at_checked(64) {
        text.push_str(line);
        text.push('\n');
        rest = tail;
    }
    if !rest.is_empty() {
        text.push_str(rest);
        text.push('\n');
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

/// All certificates of a PEM text, in order.
pub(crate) fn certificates(text: &[u8]) -> Result<Vec<Vec<u8>>> {
    CertificateDer::pem_slice_iter(text)
        .map(|section| section.map(|der| der.to_vec()).map_err(|_| Error::Content))
        .collect()
}

/// The PKCS#8 key of a PEM text.
pub(crate) fn private_key(text: &[u8]) -> Result<Vec<u8>> {
    PrivatePkcs8KeyDer::from_pem_slice(text)
        .map(|key| key.secret_pkcs8_der().to_vec())
        .map_err(|_| Error::Content)
}

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })
}

/// Writes a file that anybody may read.
pub(crate) fn write_public(path: &Path, content: &[u8]) -> Result<()> {
    fs::write(path, content).map_err(|source| Error::File { path: path.to_owned(), source })
}

/// Writes a file that only its owner may read, from the first byte on: setting the mode afterwards
/// would leave a moment in which another user of a shared machine can open it.
pub(crate) fn write_secret(path: &Path, content: &[u8]) -> Result<()> {
    let fail = |source| Error::File { path: path.to_owned(), source };
    match fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(fail(source)),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).and_then(|mut file| file.write_all(content)).map_err(fail)
}

/// Creates a directory and its parents.
pub(crate) fn create_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|source| Error::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(der in prop::collection::vec(any::<u8>(), 1..300)) {
            let text = encode("CERTIFICATE", &der);
            prop_assert!(text.lines().all(|line| line.len() <= 64));
            prop_assert_eq!(certificates(text.as_bytes()).unwrap(), vec![der]);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_is_for_its_owner_only_even_when_it_replaces_an_open_one() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.pem");
        fs::write(&path, "old").unwrap();
        write_secret(&path, b"new").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }
}
