//! The gateway's gRPC contract, compiled without protoc.
//!
//! The `.proto` files under `pmh/` are the documentation; this crate only makes
//! them Rust. Messages never leave the transport (`server::rpc`).

mod codec;

pub use codec::StrictCodec;

/// The compiled contract, for reflection and coverage tests.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Full gRPC path of every method of the contract.
pub const METHODS: &[&str] = include!(concat!(env!("OUT_DIR"), "/methods.rs"));

macro_rules! package {
    ($(#[$doc:meta])* $area:ident, $name:literal) => {
        $(#[$doc])*
        pub mod $area {
            /// Version 1.
            pub mod v1 {
                tonic::include_proto!($name);
            }
        }
    };
}

/// The prost packages live under one module so that their cross references
/// (`super::super::common::v1`) resolve.
pub mod pmh {
    package!(
        /// Reasons, dates, rows.
        common, "pmh.common.v1");
    package!(
        /// Receipts and the audit service.
        audit, "pmh.audit.v1");
    package!(
        /// Presentations and tokens.
        presence, "pmh.presence.v1");
    package!(
        /// Organizations and competences.
        directory, "pmh.directory.v1");
    package!(
        /// Residents, links, relations.
        resident, "pmh.resident.v1");
    package!(
        /// Subsidy eligibility.
        eligibility, "pmh.eligibility.v1");
    package!(
        /// Vaccination.
        vaccination, "pmh.vaccination.v1");
    package!(
        /// Checkups of mothers and children.
        checkup, "pmh.checkup.v1");
    package!(
        /// Handoffs between two municipalities.
        handoff, "pmh.handoff.v1");
}

pub use pmh::{audit::v1 as audit, common::v1 as common, directory::v1 as directory};
pub use pmh::{checkup::v1 as checkup, handoff::v1 as handoff, vaccination::v1 as vaccination};
pub use pmh::{eligibility::v1 as eligibility, presence::v1 as presence, resident::v1 as resident};
