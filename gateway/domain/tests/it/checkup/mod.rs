//! Checkups from outside.

mod anomaly;
mod follow_ups;
mod growth;
mod received;
mod repeated;
mod sessions;
mod tickets;
mod urgent;
mod versions;
mod views;
mod world;
