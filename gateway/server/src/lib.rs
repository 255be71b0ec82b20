//! The gateway service and the pmh command.

pub mod edge;
pub mod ops;
pub mod rpc;
