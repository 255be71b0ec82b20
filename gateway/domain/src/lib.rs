//! The rules: codes, eligibility. Pure functions without I/O, clock or randomness.
