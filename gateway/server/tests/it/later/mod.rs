//! What happens after hours and days: a gateway of each test's own whose clock the test sets, over the wire.

mod delays;
mod erasure;
mod questions;
mod witnesses;
mod world;
