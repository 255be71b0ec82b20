//! The transport's side of each service: one file per service, and the one file that makes statuses.

pub mod status;
