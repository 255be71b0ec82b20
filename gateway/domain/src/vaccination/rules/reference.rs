//! How an answer names a rule.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::{InForce, Source};

/// One rule: id, version and sources. Cheap to clone, because every finding carries one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRef(Arc<Content>);

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Content {
    id: String,
    version: String,
    sources: Vec<String>,
    confirmed: bool,
    in_force: InForce,
}

impl RuleRef {
    pub(super) fn new(id: String, version: &str, sources: &[(&str, &Source)], in_force: InForce) -> Self {
        Self(Arc::new(Content {
            id,
            version: version.to_owned(),
            sources: sources.iter().map(|(id, _)| (*id).to_owned()).collect(),
            confirmed: sources.iter().any(|(_, source)| source.confirmed),
            in_force,
        }))
    }

    /// Stable id, `HEPB/dose-2`.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Version of the rule.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// Ids of its sources in the book.
    pub fn sources(&self) -> &[String] {
        &self.0.sources
    }

    /// Whether at least one source was read for it.
    pub fn is_confirmed(&self) -> bool {
        self.0.confirmed
    }

    /// The days on which it is in force.
    pub fn in_force(&self) -> InForce {
        self.0.in_force
    }
}

impl Serialize for RuleRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
