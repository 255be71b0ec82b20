//! What a terminal needs.
