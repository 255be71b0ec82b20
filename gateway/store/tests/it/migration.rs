//! Both engines have one schema: same files, same tables, same columns.

use std::collections::BTreeSet;

use pmh_store::migrations;

use crate::support::*;

/// A table's column or an index's, with what it may hold.
async fn schema(place: &Place) -> BTreeSet<String> {
    let mut raw = place.raw().await;
    let mut schema = BTreeSet::new();
    let columns = if place.is_sqlite() { SQLITE_COLUMNS } else { POSTGRES_COLUMNS };
    let indexes = if place.is_sqlite() { SQLITE_INDEXES } else { POSTGRES_INDEXES };
    schema.extend(raw.texts(columns).await);
    schema.extend(raw.texts(indexes).await);
    schema
}

const SQLITE_COLUMNS: &str =
    "SELECT t.name || '.' || c.name || ' ' || c.type || ' not null ' || c.\"notnull\" || ' key ' || c.pk
    FROM sqlite_master t, pragma_table_info(t.name) c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE '_sqlx%'";
const POSTGRES_COLUMNS: &str = "SELECT c.table_name || '.' || c.column_name || ' '
        || CASE c.data_type WHEN 'bigint' THEN 'INTEGER' WHEN 'bytea' THEN 'BLOB' ELSE UPPER(c.data_type) END
        || ' not null ' || CASE c.is_nullable WHEN 'NO' THEN '1' ELSE '0' END
        || ' key ' || COALESCE(k.ordinal_position, 0)::text
    FROM information_schema.columns c
    LEFT JOIN (information_schema.table_constraints p
        JOIN information_schema.key_column_usage k
        ON k.constraint_name = p.constraint_name AND p.constraint_type = 'PRIMARY KEY')
    ON k.table_name = c.table_name AND k.column_name = c.column_name
    WHERE c.table_schema = 'public' AND c.table_name NOT LIKE '\\_sqlx%'";
const SQLITE_INDEXES: &str = "SELECT 'index ' || name || ' on ' || tbl_name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";
const POSTGRES_INDEXES: &str = "SELECT 'index ' || indexname || ' on ' || tablename FROM pg_indexes
    WHERE schemaname = 'public' AND indexname NOT LIKE '%\\_pkey'";

#[test]
fn both_engines_have_the_same_schema() {
    for auth in [false, true] {
        let mut found = Vec::new();
        let collect = async |place: Place| {
            if auth {
                let (store, task) = place.open_auth().await;
                drop(store);
                task.await.unwrap();
            } else {
                place.open().await.close().await;
            }
            found.push(schema(&place).await);
        };
        let mut collect = collect;
        on_sqlite(&mut collect);
        on_postgres(&mut collect);
        if let [sqlite, postgres] = found.as_slice() {
            let differences: Vec<_> = sqlite.symmetric_difference(postgres).collect();
            assert!(differences.is_empty(), "{differences:#?}");
            assert!(sqlite.len() > 60);
        }
    }
}

#[test]
fn every_file_may_be_applied_twice() {
    let apply = async |place: Place| {
        let mut raw = place.raw().await;
        for (name, sqlite, postgres) in migrations() {
            let sql = if place.is_sqlite() { sqlite } else { postgres };
            for _ in 0..2 {
                raw.run(sql).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        }
    };
    on_sqlite(apply);
    on_postgres(apply);
}

#[test]
fn a_database_of_another_role_or_of_a_later_version_is_refused() {
    let refuse = async |place: Place| {
        place.open().await.close().await;
        assert!(
            pmh_store::AuthStore::open(place.settings()).await.is_err(),
            "a gateway's database opened as auth's"
        );
        let mut raw = place.raw().await;
        raw.run("UPDATE _sqlx_migrations SET version = 99 WHERE version = 2").await.unwrap();
        assert!(place.try_open().await.is_err(), "a schema of the future");
    };
    on_sqlite(refuse);
    on_postgres(refuse);
}

/// Both folders hold the files that are compiled in, and no others.
#[test]
fn the_folders_hold_what_is_compiled_in() {
    let names: BTreeSet<String> = migrations().map(|(name, _, _)| format!("{name}.sql")).collect();
    for engine in ["sqlite", "postgres"] {
        let folder = format!("{}/../../migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(files, names);
    }
}
