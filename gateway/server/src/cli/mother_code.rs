//! The code that a mother carries from home to the municipality of her stay: read aloud, copied by hand, typed again.

use std::{fmt, str::FromStr, sync::LazyLock};

use data_encoding::{Encoding, Specification};

use crate::system;

/// A code: 128 random bits, written in Crockford's base 32 in groups of four.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct MotherCode([u8; 16]);

impl MotherCode {
    /// A new one.
    pub(super) fn generate() -> Self {
        let mut code = [0; 16];
        system::fill(&mut code);
        Self(code)
    }

    /// As calls carry it.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        self.0.to_vec()
    }
}

pmh_domain::withheld!(MotherCode);

impl fmt::Display for MotherCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, symbol) in CROCKFORD.encode(&self.0).chars().enumerate() {
            if place > 0 && place % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{symbol}")?;
        }
        Ok(())
    }
}

impl FromStr for MotherCode {
    type Err = NotACode;

    fn from_str(text: &str) -> Result<Self, NotACode> {
        let decoded = CROCKFORD.decode(text.as_bytes()).map_err(|_| NotACode)?;
        decoded.try_into().map(Self).map_err(|_| NotACode)
    }
}

/// What was typed is no code.
#[derive(Debug, thiserror::Error)]
#[error("not as `offer` printed it: 26 letters and digits")]
pub(super) struct NotACode;

/// <https://www.crockford.com/base32.html>: no letter that looks like a digit, and those are read as the digit.
#[expect(clippy::expect_used, reason = "a constant, which every test below builds")]
static CROCKFORD: LazyLock<Encoding> = LazyLock::new(|| {
    let mut base32 = Specification::new();
    base32.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    base32.translate.from.push_str("abcdefghjkmnpqrstvwxyzOoIiLl");
    base32.translate.to.push_str("ABCDEFGHJKMNPQRSTVWXYZ001111");
    base32.ignore.push_str("- ");
    base32.encoding().expect("32 symbols, each once")
});

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_printed_is_read_however_it_was_copied(bytes: [u8; 16]) {
            let code = MotherCode(bytes);
            let printed = code.to_string();
            prop_assert_eq!(printed.len(), 26 + 6);
            prop_assert!(!printed.starts_with('-'), "an argument, not a flag");
            for copied in [
                printed.clone(),
                printed.to_lowercase(),
                printed.replace('-', " "),
                printed.replace('-', "").replace('0', "O").replace('1', "l"),
            ] {
                prop_assert!(copied.parse::<MotherCode>().is_ok_and(|read| read == code));
            }
        }

        #[test]
        fn nothing_else_is_read_as_one(text in "\\PC{0,40}") {
            if let Ok(code) = text.parse::<MotherCode>() {
                let symbols = text.chars().filter(char::is_ascii_alphanumeric).count();
                prop_assert_eq!(symbols, 26, "{}", code);
            }
        }
    }
}
