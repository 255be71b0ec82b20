//! From documents to rules that cannot contradict themselves.

use std::collections::BTreeMap;

use super::document::{self, AnswerLevel, GapRange, Quantity};
use super::quantity::{age, age_range, limit, span};
use super::{
    Age, Anchor, AnswerRule, Between, BookError, EpisodeKind, Extent, Gap, General, InForce, OtherVaccine,
    Recipients, RuleBook, RuleRef, Scheme, Series, Source, Standard, Step, Window,
};
use crate::eligibility::Text;
use crate::vaccination::code::VaccineCode;
use crate::vaccination::finding::Level;

pub(super) fn book(document: &document::Book) -> Result<RuleBook, BookError> {
    if document.version.is_empty() || document.status.is_empty() {
        return Err(BookError::Version);
    }
    let author = Author { version: &document.version, sources: &document.sources };
    let general = author.general(&document.general)?;
    let between = document.between.iter().map(|rule| author.between(rule)).collect::<Result<_, _>>()?;
    let answers = document.answers.iter().map(|rule| author.answer(rule)).collect::<Result<_, _>>()?;
    let series = document.series.iter().map(|series| author.series(series)).collect::<Result<Vec<_>, _>>()?;
    let mut book = RuleBook {
        version: document.version.clone(),
        status: document.status.clone(),
        sources: document.sources.clone(),
        places: BTreeMap::new(),
        others: BTreeMap::new(),
        series,
        between,
        answers,
        general,
    };
    index(&mut book, &document.others)?;
    check_references(&book)?;
    relate_replacements(&mut book);
    Ok(book)
}

fn index(book: &mut RuleBook, others: &[document::Other]) -> Result<(), BookError> {
    for (place, series) in book.series.iter().enumerate() {
        if book.places.insert(series.code.clone(), place).is_some() {
            return Err(BookError::Twice(series.code.to_string()));
        }
    }
    for other in others {
        let code = code(&other.code)?;
        let vaccine = OtherVaccine { name: text(&other.name), kind: other.kind };
        if book.places.contains_key(&code) || book.others.insert(code, vaccine).is_some() {
            return Err(BookError::Twice(other.code.clone()));
        }
    }
    Ok(())
}

fn check_references(book: &RuleBook) -> Result<(), BookError> {
    for series in &book.series {
        for other in series.excludes.iter().chain(&series.replacements) {
            book.kind(other).ok_or_else(|| BookError::Reference(series.code.to_string()))?;
        }
        for other in &series.excludes {
            let answers = book.series(other).is_some_and(|other| other.excludes.contains(&series.code));
            if !answers || *other == series.code {
                return Err(BookError::OneSided(series.code.to_string()));
            }
        }
    }
    let known = |rule: &AnswerRule| rule.vaccines.iter().all(|code| book.kind(code).is_some());
    match book.answers.iter().find(|rule| !known(rule)) {
        Some(rule) => Err(BookError::Reference(rule.rule.id().to_owned())),
        None => Ok(()),
    }
}

/// A replaced series knows what replaced it, so that both warn.
fn relate_replacements(book: &mut RuleBook) {
    let pairs: Vec<(VaccineCode, VaccineCode)> = book
        .series
        .iter()
        .flat_map(|series| series.replacements.iter().map(|old| (old.clone(), series.code.clone())))
        .collect();
    for (old, new) in pairs {
        if let Some(series) = book.series.iter_mut().find(|series| series.code == old) {
            series.replacements.push(new);
        }
    }
}

/// Writes rule references of one version.
#[derive(Clone, Copy)]
struct Author<'a> {
    version: &'a str,
    sources: &'a BTreeMap<String, Source>,
}

impl Author<'_> {
    fn rule(self, id: String, sources: &[String], in_force: InForce) -> Result<RuleRef, BookError> {
        let found = sources.iter().map(|name| self.sources.get_key_value(name)).collect::<Option<Vec<_>>>();
        let found = found.filter(|found| !found.is_empty()).ok_or_else(|| BookError::Source(id.clone()))?;
        let found: Vec<_> = found.into_iter().map(|(name, source)| (name.as_str(), source)).collect();
        Ok(RuleRef::new(id, self.version, &found, in_force))
    }

    fn general(self, document: &document::General) -> Result<General, BookError> {
        let rule =
            |id: &str, from: &document::Sourced| self.rule(id.to_owned(), &from.sources, InForce::default());
        Ok(General {
            lot: rule("GENERAL/lot", &document.lot)?,
            questionnaire: rule("GENERAL/questionnaire", &document.questionnaire)?,
            residence: rule("GENERAL/residence", &document.residence)?,
            authorization: rule("GENERAL/authorization", &document.authorization)?,
            history: rule("GENERAL/history", &document.history)?,
            error_dose: rule("GENERAL/error-dose", &document.error_dose)?,
            order: rule("GENERAL/order", &document.order)?,
            programme: rule("GENERAL/programme", &document.programme)?,
        })
    }

    fn between(self, document: &document::Between) -> Result<Between, BookError> {
        let least =
            span(&document.id, Quantity { clear_days: Some(document.clear_days), ..Quantity::default() })?;
        Ok(Between {
            rule: self.rule(document.id.clone(), &document.sources, document.in_force)?,
            from: document.from,
            to: document.to,
            least,
            in_force: in_force(&document.id, document.in_force)?,
        })
    }

    fn answer(self, document: &document::AnswerRule) -> Result<AnswerRule, BookError> {
        let (level, word) = match document.level {
            AnswerLevel::Warn => (Level::Warn, "caution"),
            AnswerLevel::Block => (Level::Block, "not-allowed"),
        };
        let id = format!("QUESTIONNAIRE/{}/{word}", document.answer.name());
        Ok(AnswerRule {
            rule: self.rule(id, &document.sources, InForce::default())?,
            answer: document.answer,
            level,
            vaccines: codes(&document.vaccines)?,
        })
    }

    fn series(self, document: &document::Series) -> Result<Series, BookError> {
        let id = &document.code;
        let version = document.version.as_deref().unwrap_or(self.version);
        let author = Author { version, ..self };
        let windows = author.windows(document)?;
        let gestational =
            windows.iter().filter(|window| matches!(window.extent, Extent::Gestation { .. })).count();
        let fits = match (document.recipients, document.episode) {
            (Recipients::Pregnant, EpisodeKind::Pregnancy) => gestational == windows.len(),
            (Recipients::Pregnant, _) | (_, EpisodeKind::Pregnancy) => false,
            _ => gestational == 0,
        };
        if !fits {
            return Err(BookError::Recipients(id.clone()));
        }
        Ok(Series {
            code: code(id)?,
            name: text(&document.name),
            kind: document.kind,
            class: document.class,
            recipients: document.recipients,
            episode: document.episode,
            windows,
            excludes: codes(&document.excludes)?,
            replacements: codes(&document.replaces)?,
            schemes: author.schemes(document)?,
            rule: author.rule(format!("{id}/series"), &document.sources, InForce::default())?,
        })
    }

    fn windows(self, series: &document::Series) -> Result<Vec<Window>, BookError> {
        if series.windows.is_empty() {
            return Err(BookError::Window(series.code.clone()));
        }
        let numbered = series.windows.iter().zip(1..);
        numbered.map(|(window, number)| self.window(series, window, number)).collect()
    }

    fn window(
        self,
        series: &document::Series,
        document: &document::Window,
        number: usize,
    ) -> Result<Window, BookError> {
        let id = match number {
            1 => format!("{}/window", series.code),
            _ => format!("{}/window-{number}", series.code),
        };
        let sources = document.sources.as_ref().unwrap_or(&series.sources);
        Ok(Window {
            extent: extent(&id, document)?,
            needs: document.needs,
            in_force: in_force(&id, document.in_force)?,
            rule: self.rule(id, sources, document.in_force)?,
        })
    }

    fn schemes(self, series: &document::Series) -> Result<Vec<Scheme>, BookError> {
        let schemes = series.schemes.iter().map(|scheme| self.scheme(series, scheme));
        let schemes = schemes.collect::<Result<Vec<_>, BookError>>()?;
        let mut limits = schemes.iter().map(|scheme| scheme.first_to).rev();
        let last_is_open = limits.next() == Some(None);
        let rises = limits.clone().all(|limit| limit.is_some())
            && limits.is_sorted_by(|later, earlier| later > earlier);
        if last_is_open && rises { Ok(schemes) } else { Err(BookError::Schemes(series.code.clone())) }
    }

    fn scheme(self, series: &document::Series, document: &document::Scheme) -> Result<Scheme, BookError> {
        let id = match &document.id {
            Some(name) => format!("{}/{name}", series.code),
            None => series.code.clone(),
        };
        if !(1..=9).contains(&document.doses.len()) {
            return Err(BookError::Doses(id));
        }
        let first_to = document.first_to.map(|limit| age(&id, limit)).transpose()?;
        let steps = document.doses.iter().zip(1..).map(|(dose, no)| self.step(series, &id, dose, no));
        Ok(Scheme { first_to, steps: steps.collect::<Result<_, _>>()? })
    }

    fn step(
        self,
        series: &document::Series,
        scheme: &str,
        dose: &document::Dose,
        no: u8,
    ) -> Result<Step, BookError> {
        let id = format!("{scheme}/dose-{no}");
        let gap = gap(&id, dose)?;
        if (no == 1) != gap.is_none() {
            return Err(BookError::Doses(id));
        }
        let at = |limit: Option<Quantity>| limit.map(|limit| age(&id, limit)).transpose();
        Ok(Step {
            no,
            booster: dose.booster,
            gap,
            gap_when_dropped: gap_when_dropped(&id, dose)?,
            not_before: at(dose.not_before)?,
            not_after: at(dose.not_after)?,
            not_if_previous_after: at(dose.not_if_previous_after)?,
            advised: limit(&id, dose.advised_to, dose.advised_through)?,
            standard: standard(&id, dose)?,
            rule: self.rule(id, dose.sources.as_ref().unwrap_or(&series.sources), InForce::default())?,
        })
    }
}

fn extent(id: &str, window: &document::Window) -> Result<Extent, BookError> {
    let refused = || BookError::Window(id.to_owned());
    match (&window.age, &window.gestation, &window.school_years) {
        (Some(range), None, None) => {
            let (from, until) = age_range(id, range)?;
            Ok(Extent::Age { from, until })
        }
        (None, Some(range), None) => match (age(id, range.from)?, age(id, range.through)?) {
            (Age::Days(from), Age::Days(through)) if from <= through => {
                Ok(Extent::Gestation { from, through })
            }
            _ => Err(refused()),
        },
        (None, None, Some(years)) if (0..=years.to_age).contains(&years.from_age) && years.to_age <= 150 => {
            Ok(Extent::SchoolYears { from_age: years.from_age, to_age: years.to_age })
        }
        _ => Err(refused()),
    }
}

fn gap(id: &str, dose: &document::Dose) -> Result<Option<Gap>, BookError> {
    let (anchor, least) = match (dose.gap, dose.gap_from_first) {
        (Some(least), None) => (Anchor::Previous, least),
        (None, Some(least)) => (Anchor::First, least),
        (None, None) if dose.physician_gap.is_none() => return Ok(None),
        _ => return Err(BookError::Doses(id.to_owned())),
    };
    let physician = dose.physician_gap.map(|shorter| span(id, shorter)).transpose()?;
    Ok(Some(Gap { anchor, least: span(id, least)?, physician }))
}

fn gap_when_dropped(id: &str, dose: &document::Dose) -> Result<Option<Gap>, BookError> {
    let Some(dropped) = &dose.when_dropped else { return Ok(None) };
    let physician = dropped.physician_gap.map(|shorter| span(id, shorter)).transpose()?;
    Ok(Some(Gap { anchor: Anchor::Previous, least: span(id, dropped.gap)?, physician }))
}

fn standard(id: &str, dose: &document::Dose) -> Result<Option<Standard>, BookError> {
    let gap = |anchor, range: &GapRange| -> Result<Standard, BookError> {
        let through = range.through.map(|through| span(id, through)).transpose()?;
        Ok(Standard::Gap { anchor, from: span(id, range.from)?, through })
    };
    let of_age = dose.standard.as_ref().map(|range| match age_range(id, range)? {
        (from, Some(until)) => Ok(Standard::Age { from, until }),
        (_, None) => Err(BookError::Window(id.to_owned())),
    });
    let given = [
        of_age,
        dose.standard_gap.as_ref().map(|range| gap(Anchor::Previous, range)),
        dose.standard_gap_from_first.as_ref().map(|range| gap(Anchor::First, range)),
        dose.standard_school_year.map(|age| Ok(Standard::SchoolYear(age))),
    ];
    let mut given = given.into_iter().flatten();
    match (given.next(), given.next()) {
        (first, None) => first.transpose(),
        (_, Some(_)) => Err(BookError::Window(id.to_owned())),
    }
}

fn in_force(id: &str, days: InForce) -> Result<InForce, BookError> {
    match (days.from, days.through) {
        (Some(from), Some(through)) if through < from => Err(BookError::Window(id.to_owned())),
        _ => Ok(days),
    }
}

fn code(text: &str) -> Result<VaccineCode, BookError> {
    VaccineCode::parse(text).map_err(|_| BookError::Code(text.to_owned()))
}

fn codes(texts: &[String]) -> Result<Vec<VaccineCode>, BookError> {
    texts.iter().map(|text| code(text)).collect()
}

fn text(name: &document::Name) -> Text {
    Text::new(name.ja.clone(), name.en.clone())
}
