//! An identifier, and the forms in which a program may let it slip.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// One identifier.
#[derive(Clone)]
pub(super) struct Canary {
    /// What it is, for whoever reads the failure.
    pub(super) what: &'static str,
    forms: Vec<Form>,
}

/// Bytes to search for.
#[derive(Clone)]
pub(super) struct Form {
    pub(super) name: &'static str,
    bytes: Vec<u8>,
}

impl Canary {
    /// Something that could be guessed, so that a digest without salt gives it away too.
    pub(super) fn new(what: &'static str, value: impl AsRef<[u8]>) -> Self {
        let digest = Sha256::digest(value.as_ref());
        let mut canary = Self::random(what, value);
        canary.forms.push(form("its digest", digest.as_slice()));
        canary.forms.push(form("its digest in hex", hex(&digest).as_bytes()));
        canary
    }

    /// Something that nobody could guess; its digest may stand in for it.
    pub(super) fn random(what: &'static str, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        assert!(value.len() >= 7, "too short to be one of a kind: {what}");
        let lower = hex(value);
        let mut forms = vec![
            form("itself", value),
            form("hex", lower.as_bytes()),
            form("HEX", lower.to_uppercase().as_bytes()),
            form("a list of numbers", list(value).as_bytes()),
            form("escaped bytes", value.escape_ascii().to_string().as_bytes()),
        ];
        // Wherever it stands in a longer text: the characters that its neighbours have no part in.
        for shift in 0..3 {
            for (name, engine) in [("base64", STANDARD_NO_PAD), ("base64url", URL_SAFE_NO_PAD)] {
                let text = engine.encode([&[0; 2][..shift], value].concat());
                let inner = text.get(shift * 3 / 2 + usize::from(shift > 0)..text.len() - 2).unwrap();
                forms.push(form(name, inner.as_bytes()));
            }
        }
        Self { what, forms }
    }

    pub(super) fn form_in(&self, bytes: &[u8]) -> Option<&Form> {
        self.forms.iter().find(|form| position(bytes, &form.bytes).is_some())
    }

    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        self.form_in(bytes).is_some()
    }
}

impl Form {
    /// What stands around it: everything here is invented, so it may be shown.
    pub(super) fn around(&self, bytes: &[u8]) -> String {
        let at = position(bytes, &self.bytes).unwrap_or_default();
        let until = bytes.len().min(at + self.bytes.len() + 200);
        String::from_utf8_lossy(&bytes[at.saturating_sub(300)..until]).into_owned()
    }
}

fn form(name: &'static str, bytes: &[u8]) -> Form {
    Form { name, bytes: bytes.to_vec() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn list(bytes: &[u8]) -> String {
    bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}

/// Boyer and Moore's idea in Horspool's form: a trace is long, and it is read for each form.
fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let last = wanted.len().checked_sub(1)?;
    let mut skip = [wanted.len(); 256];
    for (at, byte) in wanted[..last].iter().enumerate() {
        skip[usize::from(*byte)] = last - at;
    }
    let mut at = 0;
    while let Some(window) = bytes.get(at..at + wanted.len()) {
        if window == wanted {
            return Some(at);
        }
        at += skip[usize::from(window[last])];
    }
    None
}

#[test]
fn each_form_of_an_identifier_is_found() {
    let [canary, other] = ["カナリア4711", "きゃなりー0815"].map(|value| Canary::new("test", value));
    let value = "カナリア4711".as_bytes();
    let forms: [Vec<u8>; 9] = [
        value.to_vec(),
        hex(value).into_bytes(),
        hex(value).to_uppercase().into_bytes(),
        format!("{value:?}").into_bytes(),
        format!("b\"{}\"", value.escape_ascii()).into_bytes(),
        Sha256::digest(value).to_vec(),
        STANDARD_NO_PAD.encode([b"before", value, b"after"].concat()).into_bytes(),
        STANDARD_NO_PAD.encode([b"before.", value, b"after"].concat()).into_bytes(),
        URL_SAFE_NO_PAD.encode([b"before..", value, b"after"].concat()).into_bytes(),
    ];
    for form in forms {
        let text = [b"much before ", form.as_slice(), b" much after"].concat();
        assert!(canary.is_in(&text), "{}", String::from_utf8_lossy(&text));
        assert!(!other.is_in(&text), "{}", String::from_utf8_lossy(&text));
    }
}
