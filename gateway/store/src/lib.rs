//! Persistence: named transactions over SQLite and PostgreSQL, and the sequencer that commits effect and leaf together.
