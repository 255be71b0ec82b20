//! An officer's spreadsheet becomes rows: encodings, headers, eras, what Excel breaks. No I/O, no clock.
//!
//! [`read`] (rights), [`read_doses`] (past doses), [`read_checkups`], [`read_tickets`] and [`read_sessions`] take the
//! bytes of a CSV file as a municipality exports it and return an [`Intake`]: the rows that may be sent, one report per row, and, for those that may not, a file to correct and send again. The rule of
//! the whole crate: a value is either read exactly or reported; nothing is guessed. A lost leading zero could
//! be put back and would be right nine times in ten; the tenth time a claim goes to the wrong payer.
//!
//! What happens to a file, in order:
//! 1. [`decode`]: which encoding; cells that are no text in it, and gaiji, are named by row and column.
//! 2. [`header`]: which column means what, by Japanese or English name or by the issuer's [`Mapping`]. A column
//!    of individual numbers (個人番号) is emptied here, before any row is looked at.
//! 3. [`normalize`]: dates, flags, codes and copayments into one form.
//! 4. [`report`]: findings with stable codes, never with a cell's content.
//!
//! What it does not do: check digits and registers (`pmh-domain` does, for every road into the gateway),
//! sending (the `pmh` command), XLSX.

mod assemble;
mod checkups;
mod code;
mod convert;
mod corrected;
mod damage;
pub mod decode;
mod doses;
mod error;
pub mod field;
pub mod header;
mod intake;
mod mapping;
pub mod normalize;
mod refusal;
pub mod report;
mod row;
pub mod sample;
mod scan;
mod sessions;
mod sheet;
mod tickets;

pub use checkups::{CheckupRow, cells as checkup_cells, template as checkup_template};
pub use code::Code;
pub use doses::{Dose, Programme, Route, Site};
pub use error::FileError;
pub use field::{Care, CheckupField, CopaymentKind, Field, FileKind, ItemPart, SessionField, TicketField};
pub use intake::{Intake, Options, read, read_checkups, read_doses, read_sessions, read_tickets};
pub use mapping::{Mapping, MappingError};
pub use report::{Finding, Language, Report, RowReport, Severity, Verdict};
pub use row::{Area, Condition, Copayment, Detail, Institution, Row, Scope, Sex};
pub use sessions::{SessionLine, template as session_template};
pub use tickets::{TicketLine, template as ticket_template};
