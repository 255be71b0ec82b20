//! The scale of dipsticks and oedema: −, ±, 1+ and up.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::codes::text_forms;

/// A grade on the scale of urine tests and oedema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Grade {
    /// −.
    Negative,
    /// ±.
    Trace,
    /// 1+.
    One,
    /// 2+.
    Two,
    /// 3+.
    Three,
    /// 4+.
    Four,
}

/// Not on the scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not on the scale - ± 1+ 2+ 3+ 4+")]
pub struct NotAGrade;

impl Grade {
    /// Every grade, rising.
    pub const ALL: [Self; 6] = [Self::Negative, Self::Trace, Self::One, Self::Two, Self::Three, Self::Four];

    /// Parses `-`, `±`, `1+` to `4+`; `+` is how the national form writes `1+`.
    pub fn parse(text: &str) -> Result<Self, NotAGrade> {
        let written = if text == "+" { "1+" } else { text };
        Self::ALL.into_iter().find(|grade| grade.text() == written).ok_or(NotAGrade)
    }

    fn text(self) -> &'static str {
        match self {
            Self::Negative => "-",
            Self::Trace => "±",
            Self::One => "1+",
            Self::Two => "2+",
            Self::Three => "3+",
            Self::Four => "4+",
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

text_forms!(Grade, NotAGrade);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_is_one_plus_and_nothing_is_guessed() {
        assert!(Grade::ALL.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(Grade::ALL.into_iter().all(|grade| Grade::parse(grade.text()) == Ok(grade)));
        assert_eq!(Grade::parse("+"), Ok(Grade::One));
        for text in ["", "5+", "++", "(-)", "−", "1", "neg"] {
            assert_eq!(Grade::parse(text), Err(NotAGrade), "{text}");
        }
    }
}
