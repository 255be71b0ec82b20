//! The schema's steps: forward only, the same numbers and names for both engines.

use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::Role;

/// Whose dialect.
#[derive(Clone, Copy)]
pub(super) enum Engine {
    Sqlite,
    Postgres,
}

macro_rules! migration_files {
    ($($number:literal $name:literal),*) => {
        &[$((
            $number,
            $name,
            include_str!(concat!("../../../../migrations/sqlite/", $name, ".sql")),
            include_str!(concat!("../../../../migrations/postgres/", $name, ".sql")),
        )),*]
    };
}

type MigrationFile = (i64, &'static str, &'static str, &'static str);
const LOG: &[MigrationFile] = migration_files!(
    1 "0001_log", 4 "0004_tiles", 6 "0006_search", 7 "0007_cosignatures", 9 "0009_erasure",
    11 "0011_cosignatures_by_witness"
);
const GATEWAY: &[MigrationFile] = migration_files!(2 "0002_gateway", 5 "0005_accesses", 10 "0010_vaccination", 12 "0012_checkup", 13 "0013_follow_ups", 14 "0014_tickets", 15 "0015_sessions", 17 "0017_handoff", 18 "0018_dose_register", 19 "0019_recorded_checkups", 20 "0020_questionnaires", 22 "0022_birth", 23 "0023_handoff_alarms", 24 "0024_handoffs_by_person", 25 "0025_pushed_visits");
const AUTH: &[MigrationFile] = migration_files!(3 "0003_auth");
const WITNESS: &[MigrationFile] = migration_files!(8 "0008_witness");

pub(super) fn migrator(role: Role, engine: Engine) -> Migrator {
    let own = match role {
        Role::Gateway => GATEWAY,
        Role::Auth => AUTH,
    };
    steps(LOG.iter().chain(own), engine)
}

/// A witness keeps no log of its own.
pub(super) fn witness_migrator(engine: Engine) -> Migrator {
    steps(WITNESS.iter(), engine)
}

fn steps<'a>(files: impl Iterator<Item = &'a MigrationFile>, engine: Engine) -> Migrator {
    let migrations = files.map(|&(number, name, sqlite, postgres)| {
        let sql = match engine {
            Engine::Sqlite => sqlite,
            Engine::Postgres => postgres,
        };
        Migration::new(number, name.into(), MigrationType::Simple, sqlx::SqlSafeStr::into_sql_str(sql), false)
    });
    Migrator::with_migrations(migrations.collect())
}

/// The SQL of every migration, for tests that compare the two engines.
#[doc(hidden)]
pub fn migrations() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    LOG.iter()
        .chain(GATEWAY)
        .chain(AUTH)
        .chain(WITNESS)
        .map(|&(_, name, sqlite, postgres)| (name, sqlite, postgres))
}
