//! Doses: may this one be given, who holds its number, what was given, what is the municipality told.

mod case;
mod correct;
mod known;
mod look;
mod permission;
mod record;
mod register;
mod reserve;
mod step;

pub use case::Shot;
pub use correct::{Amended, Correction, correct_dose};
pub use look::{DoseList, DoseListOf, DueList, ForecastOf, get_forecast, list_doses};
pub use record::{Administration, RecordedDose, Told, record_dose};
pub use register::{
    Verdict, acknowledge_doses, claim_page, disclose_dose, error_prevention_report, feed_late, feed_page,
    feed_start, put_authorizations, put_doses,
};
pub use reserve::{Availability, Judged, Wish, evaluate_dose, release_dose, reserve_dose};
