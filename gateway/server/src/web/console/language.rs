//! Which of our two languages a page is in.

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// 日本語.
    Ja,
    /// English.
    En,
}

impl Language {
    /// What the address asks for, else what the browser prefers (RFC 9110 §12.5.4), else Japanese.
    pub(super) fn choose(asked: &str, headers: &HeaderMap) -> Self {
        Self::named(asked).or_else(|| Self::preferred(headers)).unwrap_or(Self::Ja)
    }

    /// One of two texts.
    pub(super) fn pick<T>(self, ja: T, en: T) -> T {
        match self {
            Self::Ja => ja,
            Self::En => en,
        }
    }

    /// BCP 47 tag.
    pub(super) fn tag(self) -> &'static str {
        self.pick("ja", "en")
    }

    /// The other one.
    pub(super) fn other(self) -> Self {
        self.pick(Self::En, Self::Ja)
    }

    fn named(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        [Self::Ja, Self::En].into_iter().find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }

    fn preferred(headers: &HeaderMap) -> Option<Self> {
        let ranges = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?.split(',');
        let weighed = ranges.filter_map(|range| {
            let (tag, quality) = range.split_once(";q=").unwrap_or((range, "1"));
            let quality: f32 = quality.trim().parse().ok()?;
            Some((Self::named(tag.trim())?, quality))
        });
        // The first of equals: `max_by` would take the last.
        weighed.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(language, _)| language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(asked: &str, accepted: &'static str) -> Language {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, http::HeaderValue::from_static(accepted));
        Language::choose(asked, &headers)
    }

    #[test]
    fn the_address_decides_before_the_browser() {
        assert_eq!(of("en", "ja"), Language::En);
        assert_eq!(of("fr", "en-US,en;q=0.9,ja;q=0.8"), Language::En);
        assert_eq!(of("", "de, ja;q=0.8, en;q=0.7"), Language::Ja);
        assert_eq!(of("", "de"), Language::Ja);
        assert_eq!(of("", "en;q=x"), Language::Ja);
        assert_eq!(Language::choose("", &HeaderMap::new()), Language::Ja);
    }
}
