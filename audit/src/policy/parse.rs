//! The text of a policy, line by line.

use super::{Group, Member, Policy, PolicyLog, PolicyWitness, Quorum};
use crate::note::{KeyError, Vkey};

/// Which line of a policy text is wrong, from 1, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the policy: {fault}")]
pub struct PolicyError {
    /// Number of the line; one past the last if something is missing at the end.
    pub line: usize,
    /// What is wrong with it.
    pub fault: PolicyFault,
}

/// What can be wrong with a line of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// A control character other than tab and newline.
    #[error("it holds a control character")]
    Character,
    /// The last line does not end in a newline: the text may have been cut.
    #[error("it does not end in a newline")]
    Unterminated,
    /// The first word is none of `log`, `witness`, `group`, `quorum`.
    #[error("it begins with none of: log, witness, group, quorum")]
    Keyword,
    /// Too few or too many words.
    #[error("it has too few or too many words")]
    Words,
    /// The key cannot be used.
    #[error("its key cannot be used: {0}")]
    Key(KeyError),
    /// The same public key stands in another line of its sort.
    #[error("its key is in an earlier line already")]
    DuplicateKey,
    /// The name is taken, or is the predefined `none`.
    #[error("its name is taken")]
    DuplicateName,
    /// A name that no earlier line defines.
    #[error("it refers to a name that no earlier line defines")]
    UnknownName,
    /// A name that is a member of a group already, so that it would count twice.
    #[error("it lists a name that is a member of a group already")]
    RepeatedMember,
    /// Neither `all`, `any` nor a decimal number from 1 to the number of members.
    #[error("its threshold is not all, any, or from 1 to the number of members")]
    Threshold,
    /// A second quorum line.
    #[error("it is a second quorum")]
    SecondQuorum,
    /// No quorum line.
    #[error("the quorum is missing")]
    NoQuorum,
}

pub(super) fn parse(text: &[u8]) -> Result<Policy, PolicyError> {
    let mut draft = Draft::default();
    let mut count = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        count += 1;
        draft.line(line).map_err(|fault| PolicyError { line: count, fault })?;
    }
    draft.finish().map_err(|fault| PolicyError { line: count + 1, fault })
}

/// A policy as far as it was read.
#[derive(Default)]
struct Draft<'a> {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    names: Vec<Name<'a>>,
    quorum: Option<Quorum>,
}

struct Name<'a> {
    octets: &'a [u8],
    stands_for: Member,
    in_a_group: bool,
}

impl<'a> Draft<'a> {
    fn line(&mut self, line: &'a [u8]) -> Result<(), PolicyFault> {
        let line = line.strip_suffix(b"\n").ok_or(PolicyFault::Unterminated)?;
        if line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err(PolicyFault::Character);
        }
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
        let words: Vec<&[u8]> = line.split(is_space).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", rest @ ..] => self.log(rest),
            [b"witness", rest @ ..] => self.witness(rest),
            [b"group", rest @ ..] => self.group(rest),
            [b"quorum", rest @ ..] => self.quorum(rest),
            _ => Err(PolicyFault::Keyword),
        }
    }

    fn log(&mut self, words: &[&[u8]]) -> Result<(), PolicyFault> {
        let (key, url) = match words {
            [key] => (key, None),
            [key, url] => (key, Some(url.to_vec())),
            _ => return Err(PolicyFault::Words),
        };
        let key = read_key(key)?;
        if self.logs.iter().any(|log| log.key.public_bytes() == key.public_bytes()) {
            return Err(PolicyFault::DuplicateKey);
        }
        self.logs.push(PolicyLog { key, url });
        Ok(())
    }

    fn witness(&mut self, words: &[&'a [u8]]) -> Result<(), PolicyFault> {
        let (name, key, url) = match words {
            [name, key] => (name, key, None),
            [name, key, url] => (name, key, Some(url.to_vec())),
            _ => return Err(PolicyFault::Words),
        };
        let key = read_key(key)?;
        if self.witnesses.iter().any(|witness| witness.key.public_bytes() == key.public_bytes()) {
            return Err(PolicyFault::DuplicateKey);
        }
        self.define(name, Member::Witness(self.witnesses.len()))?;
        self.witnesses.push(PolicyWitness { name: name.to_vec(), key, url });
        Ok(())
    }

    fn group(&mut self, words: &[&'a [u8]]) -> Result<(), PolicyFault> {
        let [name, threshold, members @ ..] = words else { return Err(PolicyFault::Words) };
        let threshold = read_threshold(threshold, members.len())?;
        let members = members.iter().map(|member| self.join(member)).collect::<Result<_, _>>()?;
        self.define(name, Member::Group(self.groups.len()))?;
        self.groups.push(Group { threshold, members });
        Ok(())
    }

    fn quorum(&mut self, words: &[&[u8]]) -> Result<(), PolicyFault> {
        let [name] = words else { return Err(PolicyFault::Words) };
        if self.quorum.is_some() {
            return Err(PolicyFault::SecondQuorum);
        }
        let quorum = if *name == NONE { Quorum::None } else { Quorum::Of(self.known(name)?.stands_for) };
        self.quorum = Some(quorum);
        Ok(())
    }

    fn define(&mut self, name: &'a [u8], stands_for: Member) -> Result<(), PolicyFault> {
        if name == NONE || self.names.iter().any(|known| known.octets == name) {
            return Err(PolicyFault::DuplicateName);
        }
        self.names.push(Name { octets: name, stands_for, in_a_group: false });
        Ok(())
    }

    /// Each name is a member once, so that a witness can count in one way only.
    fn join(&mut self, name: &[u8]) -> Result<Member, PolicyFault> {
        let known = self.known(name)?;
        if known.in_a_group {
            return Err(PolicyFault::RepeatedMember);
        }
        known.in_a_group = true;
        Ok(known.stands_for)
    }

    fn known(&mut self, name: &[u8]) -> Result<&mut Name<'a>, PolicyFault> {
        self.names.iter_mut().find(|known| known.octets == name).ok_or(PolicyFault::UnknownName)
    }

    fn finish(self) -> Result<Policy, PolicyFault> {
        let quorum = self.quorum.ok_or(PolicyFault::NoQuorum)?;
        Ok(Policy { logs: self.logs, witnesses: self.witnesses, groups: self.groups, quorum })
    }
}

fn read_key<const TYPE: u8>(word: &[u8]) -> Result<Vkey<TYPE>, PolicyFault> {
    let text = str::from_utf8(word).map_err(|_| PolicyFault::Key(KeyError::Format))?;
    text.parse().map_err(PolicyFault::Key)
}

fn read_threshold(word: &[u8], members: usize) -> Result<usize, PolicyFault> {
    let threshold = match word {
        b"all" => members,
        b"any" => 1,
        decimal => {
            let text = str::from_utf8(decimal).map_err(|_| PolicyFault::Threshold)?;
            text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten().unwrap_or(0)
        }
    };
    if (1..=members).contains(&threshold) { Ok(threshold) } else { Err(PolicyFault::Threshold) }
}

const NONE: &[u8] = b"none";
