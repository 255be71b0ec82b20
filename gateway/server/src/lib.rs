//! The gateway service and the pmh command.
