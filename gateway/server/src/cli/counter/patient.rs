//! Who presents a card at a counter, and for whom.

use jiff::civil::Date;
use pmh_testkit::sandbox::SandboxVisit;

/// Whose visit it is.
pub(super) enum Patient {
    /// The card's holder's.
    Holder,
    /// That of the holder's child, with this birth date if there are several.
    Child {
        /// Birth date.
        born: Option<Date>,
    },
}

/// Card and patient.
#[derive(Debug, clap::Args)]
pub(super) struct PatientArgs {
    /// Card of the sandbox; with --config the configured one.
    #[arg(long)]
    pub(super) card: Option<String>,
    /// The patient is the child that the card's holder acts for.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    for_child: Option<bool>,
    /// Which child, by birth date, where the holder acts for several.
    #[arg(long, value_name = "DATE")]
    child_birth_date: Option<Date>,
}

impl PatientArgs {
    /// As the arguments say, otherwise as the scenario of the sandbox's card does.
    pub(super) fn patient(&self, scenario: Option<&SandboxVisit>) -> Patient {
        let by_default = self.child_birth_date.is_some() || scenario.is_some_and(|visit| visit.for_child);
        if self.for_child.unwrap_or(by_default) {
            Patient::Child { born: self.child_birth_date }
        } else {
            Patient::Holder
        }
    }
}
