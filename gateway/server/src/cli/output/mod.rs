//! The one place that prints.

mod language;
mod table;
mod witnesses;

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _, stderr, stdout};

pub use language::{Language, LanguageArgs};
pub use table::table;
pub use witnesses::{witnesses_json, witnesses_line};

/// Prints a line for the person or program that called.
pub fn line(text: impl std::fmt::Display) {
    let written = writeln!(stdout().lock(), "{text}");
    // A reader that has left, such as `head`, has what it wanted. Any other failure lost the answer, and exit 0
    // would say that it was given.
    if written.is_err_and(|error| error.kind() != ErrorKind::BrokenPipe) {
        aside("pmh: standard output cannot be written");
        std::process::exit(2);
    }
}

/// Prints one JSON document on one line.
pub fn json(document: &impl serde::Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string(document)?);
    Ok(())
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Prints a line beside the answer: progress, hints, problems.
pub fn aside(text: impl std::fmt::Display) {
    // There is no third place to say that the second is closed.
    let _ = writeln!(stderr().lock(), "{text}");
}
