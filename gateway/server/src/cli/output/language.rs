//! Which of our two languages a person reads.

use clap::ValueEnum;
use pmh_domain::eligibility::Text;

/// The language of what is printed for people. JSON holds both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// 日本語.
    Ja,
    /// English.
    En,
}

/// `--lang`, as every command that speaks to people takes it.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct LanguageArgs {
    /// Language of the texts; otherwise Japanese where LANG begins with `ja`, else English.
    #[arg(long, value_enum)]
    lang: Option<Language>,
}

impl LanguageArgs {
    /// What was asked for, or what the environment says.
    pub fn language(self) -> Language {
        self.lang.unwrap_or_else(|| Language::of_locale(std::env::var("LANG").ok().as_deref()))
    }
}

impl Language {
    /// The language of a POSIX locale name.
    fn of_locale(name: Option<&str>) -> Self {
        match name {
            Some(name) if name.starts_with("ja") => Self::Ja,
            _ => Self::En,
        }
    }

    /// One of two texts.
    pub fn pick<T>(self, ja: T, en: T) -> T {
        match self {
            Self::Ja => ja,
            Self::En => en,
        }
    }

    /// This language's half of a text.
    pub fn of(self, text: &Text) -> &str {
        self.pick(&text.ja, &text.en)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_chooses_japanese_only_for_japanese() {
        for (locale, expected) in [
            (Some("ja_JP.UTF-8"), Language::Ja),
            (Some("ja"), Language::Ja),
            (Some("en_US.UTF-8"), Language::En),
            (Some("C"), Language::En),
            (Some(""), Language::En),
            (None, Language::En),
        ] {
            assert_eq!(Language::of_locale(locale), expected, "{locale:?}");
        }
    }
}
