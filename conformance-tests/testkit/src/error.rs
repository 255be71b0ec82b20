//! One error for a crate whose failures all mean the same: the test material could not be made.

use std::path::PathBuf;

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why test material could not be made, stored or read back.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A certificate or revocation list could not be built.
    #[error("the certificate could not be built")]
    Certificate(#[from] rcgen::Error),
    /// The cryptographic library refused a key or an operation.
    #[error("the cryptographic library refused the operation")]
    Crypto,
    /// A key is not of the kind that its use requires.
    #[error("the key is not of the expected kind")]
    KeyKind,
    /// A date lies outside what a certificate can express.
    #[error("the date lies outside the range of a certificate")]
    Date,
    /// A file could not be read or written.
    #[error("{path} could not be read or written")]
    File {
        /// The file in question; its name holds no person data.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file does not hold the PEM section or DER that its name promises.
    #[error("the file does not hold what its name promises")]
    Content,
    /// A JSON document could not be read or written.
    #[error("the JSON document is malformed")]
    Json(#[from] serde_json::Error),
    /// The sandbox file has a version this program does not know.
    #[error("the sandbox file has an unknown version")]
    SandboxVersion,
    /// A TLS configuration was refused.
    #[error("the TLS configuration was refused")]
    Tls(#[from] rustls::Error),
}

impl From<aws_lc_rs::error::Unspecified> for Error {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Crypto
    }
}

impl From<aws_lc_rs::error::KeyRejected> for Error {
    fn from(_: aws_lc_rs::error::KeyRejected) -> Self {
        Self::Crypto
    }
}
