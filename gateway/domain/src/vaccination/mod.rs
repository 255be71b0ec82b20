//! Vaccination: may this dose be given today, and when is the next one due?
//!
//! Rules are dated data with sources ([`RuleBook`]), never branches in code.
//! Everything here is a pure function of the rule book, the person and the
//! doses known:
//!
//! - [`evaluate`] stops the wrong shot before it is given,
//! - [`forecast`] judges each dose given and says when the next is due,
//! - [`classify`] says whether a dose that *was* given counts.
//!
//! A dose that was really given is never refused here: it counts or it is an
//! error, and either way it keeps its distance from the next live vaccine.
//!
//! Not for clinical use: the rule book says so itself, and each finding says
//! whether its rule was confirmed against the source it names.

mod boundary;
mod calendar;
mod classify;
mod code;
mod evaluate;
mod facts;
mod finding;
mod forecast;
mod judge;
mod lookup;
mod product;
mod register;
mod rules;
mod schedule;
mod shot;
mod walk;
mod words;

pub use calendar::{Age, AgePolicy, Pregnancy, Span};
pub use classify::{Classification, DoctorsWord, classify};
pub use code::{CodeShape, VaccineCode};
pub use evaluate::evaluate;
pub use facts::{
    Answer, Authorization, AuthorizationKind, Case, Completeness, Condition, Given, History, Person,
    Programme, Proposal, Recorded, Residence, Setting,
};
pub use finding::{Evaluation, Finding, FindingKind, Level, Override, Verdict};
pub use forecast::{Forecast, GivenDose, NextDose, SeriesStatus, Standing, forecast, forecast_series};
pub use product::{Product, product, products};
pub use register::{HistoryGap, completeness};
pub use rules::{
    BookError, Class, InForce, RuleBook, RuleKind, RuleLine, RuleRef, Series, Source, VaccineKind,
};
pub use words::{answer_line, finding_line, standing_line, status_line, verdict_line};

/// A vaccine code that the rule book does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rule book does not know this vaccine")]
pub struct UnknownVaccine;
