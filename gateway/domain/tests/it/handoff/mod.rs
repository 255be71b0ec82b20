//! Handoffs seen from outside: two sides with a log each, and a link between
//! them that loses, doubles, delays, reorders and lies.

mod births;
mod care;
mod consent;
mod laws;
mod lies;
mod model;
mod op;
mod pairs;
mod reports;
mod restriction;
mod story;
mod world;
