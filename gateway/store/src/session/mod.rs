//! Group checkups (集団健診): days, places, waiting lists.
//!
//! A step loads one group whole, lets the pure rules (`pmh_domain::checkup::session`) act on it, and writes what they
//! say happened, all under the log's head lock. A place is a numbered seat under a unique index: the database alone
//! would sell none twice. Persons are the municipality's own residents, by its key.

mod group;
mod step;

pub use group::{Group, SessionInfo};
pub use step::{GroupKey, GroupStep, Wanted, Whose};

use pmh_domain::checkup::session::{Event, Sessions};

/// The rules over session ids and resident keys.
pub type Places = Sessions<String, String>;

/// What happened in a group.
pub type Happened = Event<String, String>;
