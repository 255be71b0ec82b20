//! The methods that are served, read from the contract's own descriptors.
//!
//! A closed set: labels of metrics come from here, so a caller that invents paths cannot invent time series.

use std::collections::HashMap;

use prost::Message as _;
use prost_types::{FileDescriptorProto, FileDescriptorSet};

/// One method of the contract, or the one that stands for all unknown ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Method {
    index: u16,
    shape: Shape,
}

/// What a method is to the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// One request, one answer.
    Unary,
    /// Unary, and costs a card's signature: limited per terminal.
    Presentation,
    /// A stream on either side: lives longer than a call may.
    Stream,
}

/// Every served method by its path.
#[derive(Debug)]
pub(super) struct Methods {
    by_path: HashMap<Box<str>, Method>,
    names: Vec<String>,
}

impl Methods {
    /// From encoded descriptor sets. Fails on one that cannot be decoded.
    pub(super) fn from_descriptors(sets: &[&[u8]]) -> Result<Self, prost::DecodeError> {
        let mut methods = Self { by_path: HashMap::new(), names: vec!["unknown".to_owned()] };
        for set in sets {
            for file in FileDescriptorSet::decode(*set)?.file {
                methods.add(&file);
            }
        }
        Ok(methods)
    }

    /// The method of a request path.
    pub(super) fn find(&self, path: &str) -> Method {
        self.by_path.get(path).copied().unwrap_or(UNKNOWN)
    }

    /// Label of each method, by its index: `pmh.audit.v1.AuditService/GetEntry`, or `unknown`.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    fn add(&mut self, file: &FileDescriptorProto) {
        for service in &file.service {
            for method in &service.method {
                let name = format!("{}.{}/{}", file.package(), service.name(), method.name());
                let shape = match (method.client_streaming() || method.server_streaming(), &*name) {
                    (true, _) => Shape::Stream,
                    (false, name) if PRESENTATIONS.contains(&name) => Shape::Presentation,
                    (false, _) => Shape::Unary,
                };
                let Ok(index) = u16::try_from(self.names.len()) else { return };
                self.by_path.insert(format!("/{name}").into(), Method { index, shape });
                self.names.push(name);
            }
        }
    }
}

impl Method {
    pub(super) fn shape(self) -> Shape {
        self.shape
    }

    pub(super) fn index(self) -> usize {
        usize::from(self.index)
    }
}

pub(super) const UNKNOWN: Method = Method { index: 0, shape: Shape::Unary };

const PRESENTATIONS: [&str; 2] = [
    "pmh.presence.v1.PresenceService/BeginPresentation",
    "pmh.presence.v1.PresenceService/CompletePresentation",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn contract() -> Methods {
        Methods::from_descriptors(&[pmh_proto::DESCRIPTORS]).unwrap()
    }

    #[test]
    fn every_method_of_the_contract_is_known_under_its_own_name() {
        let methods = contract();
        for path in pmh_proto::METHODS {
            let method = methods.find(path);
            assert_eq!(format!("/{}", methods.names()[method.index()]), *path);
        }
    }

    #[test]
    fn shapes_follow_the_descriptors() {
        let methods = contract();
        let shape = |path: &str| methods.find(path).shape();
        assert_eq!(shape("/pmh.eligibility.v1.EligibilityService/PutEntitlements"), Shape::Stream);
        assert_eq!(shape("/pmh.eligibility.v1.EligibilityService/VerifyEligibility"), Shape::Unary);
        for name in PRESENTATIONS {
            assert_eq!(shape(&format!("/{name}")), Shape::Presentation);
        }
    }

    #[test]
    fn an_invented_path_gets_no_name_of_its_own() {
        let methods = contract();
        for path in ["", "/", "/pmh.eligibility.v1.EligibilityService/Nothing", "/x/y"] {
            assert_eq!(methods.names()[methods.find(path).index()], "unknown");
        }
    }
}
