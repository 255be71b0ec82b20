//! What families answer before a checkup (問診票): sheets that are filled in, amended, and closed at check-in.
//!
//! A sheet is one part of one form (`pmh_domain::checkup::questionnaire`). A step loads the sheets it is about, lets the
//! pure rules act on copies, and writes all of them or none under the log's head lock: whoever answers at the same
//! time is one history, in the order of the log. Persons are the municipality's own residents, by its key.

mod sheet;
mod step;

pub use sheet::FilledSheet;
pub use step::{Filled, SheetStep, SheetsOf, StepRefusal};

use pmh_domain::organization::IssuerId;

/// Whose sheets of which form.
#[derive(Clone)]
pub struct Pages {
    /// The municipality of the checkup.
    pub municipality: IssuerId,
    /// Code of the form.
    pub form: String,
    /// Whose.
    pub of: SheetsOf,
}

pmh_domain::withheld!(Pages);
