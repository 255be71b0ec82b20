//! The edge over real sockets: one file per kind of behaviour, the rig they share here and in `rig`.

mod calls;
mod connections;
mod drain;
mod identity;
mod raw;
mod rig;
mod standard;
mod tls;
