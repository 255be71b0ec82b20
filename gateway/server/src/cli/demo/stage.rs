//! Where the steps are played: each is announced, done, shown, and remembered if it did not do what it claims.

use std::{borrow::Cow, io::IsTerminal as _};

use anyhow::Result;
use pmh_domain::eligibility::Text;
use serde_json::{Map, Value, json};

use super::{
    super::output::{Language, line},
    screen::{Screen, wrap},
};

/// How a line stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Bold,
}

/// Who reads the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// A person.
    Person,
    /// A program: one JSON object a line.
    Program,
}

/// A text that is known before the demo runs, Japanese and English.
#[derive(Debug, Clone, Copy)]
pub(super) struct Phrase(pub(super) &'static str, pub(super) &'static str);

/// One chapter: its name in JSON, its title, and who is who in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chapter {
    pub(super) name: &'static str,
    pub(super) title: Phrase,
    pub(super) opening: Phrase,
}

/// What is said about a step before and after it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Script {
    pub(super) title: Phrase,
    /// Who does what.
    pub(super) story: Phrase,
    /// What it means for that person.
    pub(super) meaning: Phrase,
}

/// What a step found, once its claim held.
#[derive(Debug, Default)]
pub(super) struct Shown {
    screen: Option<Screen>,
    table: Vec<String>,
    facts: Vec<Text>,
    fields: Map<String, Value>,
}

/// A step did not do what it claims, and what follows in its chapter cannot be played. The stage knows which.
#[derive(Debug)]
pub(super) struct Stopped;

/// The stage.
pub(super) struct Stage {
    language: Language,
    reader: Reader,
    tone: Tone,
    chapter: &'static str,
    step: usize,
    /// In all chapters.
    steps: usize,
    failed: Vec<String>,
}

impl Stage {
    pub(super) fn new(language: Language, reader: Reader) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some() || !std::io::stdout().is_terminal();
        let tone = if plain { Tone::Plain } else { Tone::Bold };
        Self { language, reader, tone, chapter: "", step: 0, steps: 0, failed: Vec::new() }
    }

    /// Says something that is no step; a program does not hear it.
    pub(super) fn say(&self, phrase: Phrase) {
        self.paragraph("", phrase.text(self.language));
    }

    /// Opens a chapter.
    pub(super) fn open(&mut self, chapter: &Chapter) {
        (self.chapter, self.step) = (chapter.name, 0);
        self.tell("");
        self.tell(self.tone.paint(&format!("━━ {} ━━", chapter.title.text(self.language))));
        self.paragraph("", chapter.opening.text(self.language));
    }

    /// Plays one step and hands on what the next ones need.
    pub(super) async fn play<T>(
        &mut self,
        script: &Script,
        action: impl Future<Output = Result<(T, Shown)>>,
    ) -> Result<T, Stopped> {
        self.step += 1;
        let title = script.title.text(self.language);
        self.tell("");
        self.tell(self.tone.paint(&format!("{}. {title}", self.step)));
        self.paragraph("   ", script.story.text(self.language));
        match action.await {
            Ok((next, shown)) => {
                self.show(&shown);
                self.paragraph("   ⇒ ", script.meaning.text(self.language));
                self.report(title, &shown, None);
                Ok(next)
            }
            Err(error) => {
                let error = format!("{error:#}");
                self.paragraph("   ✗ ", &error);
                self.report(title, &Shown::default(), Some(error));
                Err(Stopped)
            }
        }
    }

    /// One row of the closing table, a step of its own: what showed it and what it means, or why it is missing.
    pub(super) fn row(
        &mut self,
        title: &str,
        by: &str,
        meaning: &str,
        shown: &Shown,
        missing: Option<String>,
    ) {
        self.step += 1;
        let mark = if missing.is_none() { '✓' } else { '✗' };
        self.paragraph(&format!("   {mark} {title:<28} {by:<13} "), missing.as_deref().unwrap_or(meaning));
        self.report(title, shown, missing);
    }

    /// One item of a list.
    pub(super) fn item(&self, phrase: Phrase) {
        self.paragraph("   - ", phrase.text(self.language));
    }

    /// The last words, which a program hears as a step.
    pub(super) fn end(&mut self, title: Phrase, shown: &Shown) {
        if self.chapter != CLOSING {
            (self.chapter, self.step) = (CLOSING, 0);
        }
        self.step += 1;
        self.report(title.text(self.language), shown, None);
    }

    /// A heading inside a chapter.
    pub(super) fn heading(&self, phrase: Phrase) {
        self.tell("");
        self.tell(self.tone.paint(phrase.text(self.language)));
    }

    /// The language of the texts.
    pub(super) fn language(&self) -> Language {
        self.language
    }

    /// Says how it went, to a person.
    pub(super) fn conclude(&self) {
        let (steps, failed) = (self.steps, self.failed.len());
        let said = match (failed, self.language) {
            (0, Language::Ja) => format!("{steps}の項目が、すべて言ったとおりに動きました。"),
            (0, Language::En) => format!("All {steps} steps did what they claim."),
            (_, Language::Ja) => format!("{steps}の項目のうち{failed}が、言ったとおりに動きませんでした。"),
            (_, Language::En) => format!("{failed} of {steps} steps did not do what they claim."),
        };
        self.tell("");
        self.tell(self.tone.paint(&said));
    }

    /// Names of the steps that did not do what they claim.
    pub(super) fn failed(&self) -> &[String] {
        &self.failed
    }

    fn show(&self, shown: &Shown) {
        if let Some(screen) = &shown.screen {
            for drawn in screen.draw(self.language, self.tone) {
                self.tell(format!("   {drawn}"));
            }
        }
        for row in &shown.table {
            self.paragraph("     ", row);
        }
        for fact in &shown.facts {
            self.paragraph("   ✓ ", self.language.of(fact));
        }
    }

    fn report(&mut self, title: &str, shown: &Shown, error: Option<String>) {
        self.steps += 1;
        if error.is_some() {
            self.failed.push(format!("{} {}: {title}", self.chapter, self.step));
        }
        if self.reader == Reader::Program {
            line(Value::Object(self.object(title, shown, error)));
        }
    }

    fn object(&self, title: &str, shown: &Shown, error: Option<String>) -> Map<String, Value> {
        let mut object = Map::new();
        object.insert("chapter".to_owned(), json!(self.chapter));
        object.insert("step".to_owned(), json!(self.step));
        object.insert("title".to_owned(), json!(title));
        object.insert("ok".to_owned(), json!(error.is_none()));
        object.extend(shown.fields.clone());
        if let Some(screen) = &shown.screen {
            let said = [screen.large(), screen.instruction()].map(|text| self.language.of(text));
            object.insert("screen".to_owned(), json!({ "large": said[0], "instruction": said[1] }));
        }
        if !shown.facts.is_empty() {
            let facts: Vec<&str> = shown.facts.iter().map(|fact| self.language.of(fact)).collect();
            object.insert("facts".to_owned(), json!(facts));
        }
        if let Some(error) = error {
            object.insert("error".to_owned(), json!(error));
        }
        object
    }

    /// A paragraph behind a mark, its further lines below its first.
    fn paragraph(&self, mark: &str, text: &str) {
        let indent = " ".repeat(unicode_width::UnicodeWidthStr::width(mark));
        for (number, part) in wrap(text, COLUMNS - indent.len()).into_iter().enumerate() {
            self.tell(format!("{}{part}", if number == 0 { mark } else { &indent }));
        }
    }

    fn tell(&self, text: impl std::fmt::Display) {
        if self.reader == Reader::Person {
            line(text);
        }
    }
}

impl Shown {
    /// With a counter's screen.
    pub(super) fn screen(mut self, screen: Screen) -> Self {
        self.screen = Some(screen);
        self
    }

    /// With lines that stay as they are.
    pub(super) fn table(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.table.extend(lines);
        self
    }

    /// With something that was checked.
    pub(super) fn fact(mut self, ja: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        self.facts.push(Text::new(ja, en));
        self
    }

    /// With a member of the JSON object.
    pub(super) fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// For a step that hands nothing on.
    pub(super) fn only(self) -> ((), Self) {
        ((), self)
    }
}

impl Phrase {
    /// The phrase in one language.
    pub(super) fn text(self, language: Language) -> &'static str {
        language.pick(self.0, self.1)
    }
}

impl Tone {
    /// The text, set off where the terminal can.
    pub(super) fn paint(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Bold => format!("\x1b[1m{text}\x1b[0m"),
        }
    }
}

/// The chapter after the chapters.
pub(super) const CLOSING: &str = "closing";
/// Width of the narrative.
const COLUMNS: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: Script =
        Script { title: Phrase("題", "title"), story: Phrase("", ""), meaning: Phrase("", "") };

    fn stage() -> Stage {
        let mut stage = Stage::new(Language::En, Reader::Person);
        stage.chapter = "officer";
        stage
    }

    #[tokio::test]
    async fn a_step_that_fails_is_named_and_stops_its_chapter() {
        let mut stage = stage();
        stage.play(&SCRIPT, async { Ok(Shown::default().only()) }).await.unwrap();
        assert!(stage.failed().is_empty());
        let failing = async { Err::<((), Shown), _>(anyhow::anyhow!("not as claimed")) };
        assert!(stage.play(&SCRIPT, failing).await.is_err());
        assert_eq!(stage.failed(), ["officer 2: title"]);
    }

    #[test]
    fn a_failed_step_is_not_ok_in_json_and_says_why() {
        let object = stage().object("title", &Shown::default(), Some("why".to_owned()));
        assert_eq!(
            Value::Object(object),
            json!({
                "chapter": "officer", "step": 0, "title": "title", "ok": false, "error": "why"
            })
        );
        let shown = Shown::default().field("outcome", "LAPSED").fact("事実", "a fact");
        let object = stage().object("title", &shown, None);
        assert_eq!(
            Value::Object(object),
            json!({
                "chapter": "officer", "step": 0, "title": "title", "ok": true, "outcome": "LAPSED", "facts": ["a fact"]
            })
        );
    }
}
