//! Random pushes, resumptions, links and reads against a model that fits on a screen.

use std::collections::{BTreeMap, BTreeSet};

use pmh_store::{RowOutcome, RowVerdict};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::support::*;

#[derive(Debug, Clone)]
enum Step {
    /// Batch and rows of (row id, resident, history key, content).
    Push(u8, Vec<(u8, u8, u32, u8)>),
    Enrol(u8),
    Link(u8, u8),
    Read(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let row = (0..6_u8, 0..3_u8, 1..5_u32, 0..2_u8);
    let step = prop_oneof![
        5 => (0..4_u8, prop::collection::vec(row, 1..6)).prop_map(|(batch, rows)| Step::Push(batch, rows)),
        2 => (0..3_u8).prop_map(Step::Enrol),
        1 => (0..3_u8, 0..3_u8).prop_map(|(one, two)| Step::Link(one, two)),
        3 => (0..3_u8).prop_map(Step::Read),
    ];
    prop::collection::vec(step, 1..25)
}

/// What the store should hold: no SQL, no batches, no log.
#[derive(Default)]
struct Model {
    residents: BTreeSet<u8>,
    /// Resident → history key → content.
    versions: BTreeMap<u8, BTreeMap<u32, u8>>,
    /// First answers: batch and row id → row and answer.
    answers: BTreeMap<(u8, u8), (Row, Answer)>,
    /// Groups of references that are one.
    groups: Vec<BTreeSet<u8>>,
}

/// Resident, history key, content.
type Row = (u8, u32, u8);
type Answer = Option<RowOutcome>;

impl Model {
    fn push(&mut self, batch: u8, (row_id, resident, history_key, content): (u8, u8, u32, u8)) -> Answer {
        let row = (resident, history_key, content);
        if let Some((first, answer)) = self.answers.get(&(batch, row_id)) {
            return if *first == row { *answer } else { None };
        }
        let answer = self.place(row);
        self.answers.insert((batch, row_id), (row, answer));
        answer
    }

    fn place(&mut self, (resident, history_key, content): Row) -> Answer {
        if !self.residents.contains(&resident) {
            return None;
        }
        let known = self.versions.entry(resident).or_default();
        let answer = match (known.get(&history_key), known.last_key_value()) {
            (Some(same), _) => return (*same == content).then_some(RowOutcome::Unchanged),
            (None, None) => RowOutcome::Created,
            (None, Some((newest, _))) if *newest > history_key => RowOutcome::Superseded,
            (None, Some(_)) => RowOutcome::Updated,
        };
        known.insert(history_key, content);
        Some(answer)
    }

    fn link(&mut self, one: u8, two: u8) {
        let joined: BTreeSet<u8> = self.group(one).union(&self.group(two)).copied().collect();
        self.groups.retain(|group| group.is_disjoint(&joined));
        self.groups.push(joined);
    }

    fn group(&self, of: u8) -> BTreeSet<u8> {
        self.groups.iter().find(|group| group.contains(&of)).cloned().unwrap_or_else(|| BTreeSet::from([of]))
    }

    /// Resident, history key and content of all that a reference opens.
    fn read(&self, reference: u8) -> BTreeSet<Row> {
        let versions =
            self.group(reference).into_iter().filter_map(|one| Some((one, self.versions.get(&one)?)));
        versions
            .flat_map(|(one, known)| known.iter().map(move |(key, content)| (one, *key, *content)))
            .collect()
    }
}

pub(crate) async fn pushes_and_reads_agree_with_a_small_model(place: Place) {
    // PostgreSQL makes a database of its own per case, which costs more than the case.
    let cases = if place.is_sqlite() { scaled(24, 2000) } else { scaled(4, 200) };
    let cases = u32::try_from(cases).unwrap();
    tokio::task::block_in_place(|| {
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let is_sqlite = place.is_sqlite();
        runner
            .run(&steps(), |steps| {
                let told = std::sync::Mutex::new(Ok(()));
                let run = async |place: Place| {
                    let outcome = agrees(place, steps.clone()).await;
                    *told.lock().unwrap() = outcome;
                };
                std::thread::scope(|scope| {
                    scope.spawn(|| if is_sqlite { on_sqlite(run) } else { on_postgres(run) }).join().unwrap();
                });
                told.into_inner().unwrap()
            })
            .unwrap();
    });
}

async fn agrees(place: Place, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let open = place.open().await;
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Enrol(resident) => {
                enrol(&open, chiyoda(), resident).await;
                model.residents.insert(resident);
            }
            Step::Push(batch, rows) => {
                let sent = rows.iter().map(|&(row_id, resident, history_key, content)| {
                    let sha = resident * 100 + u8::try_from(history_key).unwrap() * 10 + content;
                    let version = entitlement(chiyoda(), resident, history_key, content);
                    row(&row_id.to_string(), sha, RowVerdict::Accepted(version))
                });
                let chunk = entitlement_chunk(chiyoda(), &batch.to_string(), sent.collect());
                let (done, _) = push(&open, chunk).await;
                for (row, done) in rows.into_iter().zip(done) {
                    let expected = model.push(batch, row);
                    prop_assert_eq!(done.conflict.is_none().then_some(done.outcome), expected);
                }
            }
            Step::Link(one, two) => {
                let members = vec![reference(chiyoda(), one)];
                let survivor = reference(chiyoda(), two);
                let kind = pmh_audit::Kind::RegistryChange;
                outcome(kind, |conclude| open.link_subjects(attempt(), None, members, survivor, conclude))
                    .await;
                model.link(one, two);
            }
            Step::Read(resident) => {
                let served = facts(&open, reference(chiyoda(), resident)).await.entitlements;
                let served: BTreeSet<Row> = served
                    .iter()
                    .map(|version| {
                        let number =
                            version.resident_key.as_str().strip_prefix("R-").unwrap().parse().unwrap();
                        let content = version.certification_name.rsplit(' ').next().unwrap().parse().unwrap();
                        (number, version.history_key.as_str().parse().unwrap(), content)
                    })
                    .collect();
                prop_assert_eq!(served, model.read(resident));
            }
        }
    }
    prop_assert_eq!(open.reader().check().await.unwrap().defect, None);
    open.close().await;
    Ok(())
}
