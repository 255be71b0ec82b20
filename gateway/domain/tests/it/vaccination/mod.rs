//! The vaccination rules seen from outside.

mod book;
mod boundaries;
mod counter;
mod laws;
mod naive;
mod published;
mod series;
mod walk;
mod world;
