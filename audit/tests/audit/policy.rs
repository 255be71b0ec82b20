//! Policies: the text form, and what quorum a set of cosignatures makes.

use std::fmt::Write as _;

use pmh_audit::note::KeyError;
use pmh_audit::policy::{NotAccepted, PolicyError, PolicyFault};
use pmh_audit::{Checkpoint, Cosigned, CosigningKey, Policy, SigningKey, VerifierKey, WitnessKey};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::path;

const ORIGIN: &str = "log.example/a";

fn log(seed: u8) -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[seed; 32]).unwrap()
}

fn witness(seed: u8) -> CosigningKey {
    CosigningKey::from_seed(&format!("witness.example/{seed}"), &[seed; 32]).unwrap()
}

fn vkey(seed: u8) -> String {
    witness(seed).verifier().to_string()
}

/// A checkpoint cosigned by these witnesses.
fn note(seeds: impl IntoIterator<Item = u8>) -> String {
    let checkpoint = Checkpoint::new(ORIGIN, 9, [3; 32]).unwrap();
    let lines: String =
        seeds.into_iter().map(|seed| witness(seed).cosign(&checkpoint.text(), 5).unwrap()).collect();
    checkpoint.sign(&log(100)).unwrap() + &lines
}

fn judge(policy: &str, seeds: &[u8]) -> Result<Cosigned, NotAccepted> {
    let note = note(seeds.iter().copied());
    Policy::parse(policy.as_bytes()).unwrap().open(note.as_bytes(), log(100).verifier())
}

fn fault(policy: &str) -> Option<(usize, PolicyFault)> {
    Policy::parse(policy.as_bytes()).err().map(|PolicyError { line, fault }| (line, fault))
}

/// The example of the specification, with keys.
fn example() -> String {
    format!(
        "log {}\n\n# comment\nwitness X1 {}\nwitness X2 {} https://x2.example/\n\twitness\tX3 {}\n\
         group X-witnesses 2 X1 X2 X3\n\n  witness Y1 {} \nwitness Y2 {}\nwitness Y3 {}\n\
         group Y-witnesses any Y1 Y2 Y3\n\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n",
        log(100).verifier(),
        vkey(1),
        vkey(2),
        vkey(3),
        vkey(4),
        vkey(5),
        vkey(6),
    )
}

#[test]
fn the_example_of_the_specification_wants_two_of_x_and_one_of_y() {
    let policy = Policy::parse(example().as_bytes()).unwrap();
    assert_eq!((policy.logs().len(), policy.witnesses().len()), (1, 6));
    assert_eq!(policy.witnesses()[1].name(), "X2");
    assert_eq!(policy.witnesses()[1].url().as_deref(), Some("https://x2.example/"));
    for seeds in [&[1, 2, 4][..], &[3, 1, 6], &[1, 2, 3, 4, 5, 6]] {
        let cosigned = judge(&example(), seeds).unwrap();
        assert_eq!(cosigned.cosignatures().len(), seeds.len());
    }
    for seeds in [&[][..], &[1, 2], &[1, 4, 5, 6], &[4], &[1, 2, 7]] {
        assert_eq!(judge(&example(), seeds), Err(NotAccepted::Quorum), "{seeds:?}");
    }
}

#[test]
fn a_quorum_is_one_witness_or_nobody() {
    let one = format!("witness w {}\nquorum w\n", vkey(1));
    assert!(judge(&one, &[1]).is_ok());
    assert_eq!(judge(&one, &[2]), Err(NotAccepted::Quorum));
    assert!(judge("quorum none\n", &[]).is_ok());
}

#[test]
fn a_witness_counts_once_however_often_it_signs() {
    let two = format!("witness a {}\nwitness b {}\ngroup g 2 a b\nquorum g\n", vkey(1), vkey(2));
    assert_eq!(judge(&two, &[1, 1, 1]), Err(NotAccepted::Quorum));
    assert!(judge(&two, &[1, 2]).is_ok());
}

#[test]
fn another_log_than_the_named_ones_is_not_accepted() {
    let policy = format!("log {}\nquorum none\n", log(101).verifier());
    assert_eq!(judge(&policy, &[]), Err(NotAccepted::Log));
    let policy = Policy::parse(format!("log {}\nquorum none\n", log(100).verifier()).as_bytes()).unwrap();
    let forged = Checkpoint::new(ORIGIN, 9, [4; 32]).unwrap().sign(&log(101)).unwrap();
    assert!(matches!(policy.open(forged.as_bytes(), log(100).verifier()), Err(NotAccepted::Checkpoint(_))));
}

#[test]
fn each_wrong_line_is_named() {
    let w = format!("witness w {}\n", vkey(1));
    let x = format!("witness x {}\n", vkey(2));
    for (policy, line, expected) in [
        (String::new(), 1, PolicyFault::NoQuorum),
        (w.clone(), 2, PolicyFault::NoQuorum),
        ("quorum none".to_owned(), 1, PolicyFault::Unterminated),
        ("quorum none\r\n".to_owned(), 1, PolicyFault::Character),
        ("# \x7f\nquorum none\n".to_owned(), 1, PolicyFault::Character),
        ("quorum none\nquorum none\n".to_owned(), 2, PolicyFault::SecondQuorum),
        ("quorum\n".to_owned(), 1, PolicyFault::Words),
        ("quorum a b\n".to_owned(), 1, PolicyFault::Words),
        ("quorum w\n".to_owned() + &w, 1, PolicyFault::UnknownName),
        ("Quorum none\n".to_owned(), 1, PolicyFault::Keyword),
        (format!("log {}\nquorum none\n", vkey(1)), 1, PolicyFault::Key(KeyError::Algorithm)),
        (format!("witness w {}\n", log(1).verifier()), 1, PolicyFault::Key(KeyError::Algorithm)),
        ("witness w\n".to_owned(), 1, PolicyFault::Words),
        ("log\n".to_owned(), 1, PolicyFault::Words),
        (format!("witness none {}\n", vkey(1)), 1, PolicyFault::DuplicateName),
        (format!("{w}witness w {}\n", vkey(2)), 2, PolicyFault::DuplicateName),
        (format!("{w}witness x {}\n", vkey(1)), 2, PolicyFault::DuplicateKey),
        (format!("log {0}\nlog {0}\n", log(1).verifier()), 2, PolicyFault::DuplicateKey),
        (format!("{w}group w any w\n"), 2, PolicyFault::DuplicateName),
        (format!("{w}group g any\n"), 2, PolicyFault::Threshold),
        (format!("{w}group g\n"), 2, PolicyFault::Words),
        (format!("{w}group g 0 w\n"), 2, PolicyFault::Threshold),
        (format!("{w}group g 2 w\n"), 2, PolicyFault::Threshold),
        (format!("{w}group g +1 w\n"), 2, PolicyFault::Threshold),
        (format!("{w}group g any w w\n"), 2, PolicyFault::RepeatedMember),
        (format!("{w}{x}group g any w\ngroup h any x w\n"), 4, PolicyFault::RepeatedMember),
        (format!("{w}group g any none\n"), 2, PolicyFault::UnknownName),
        (format!("{w}group g any g\n"), 2, PolicyFault::UnknownName),
        (format!("group g any w\n{w}"), 1, PolicyFault::UnknownName),
    ] {
        assert_eq!(fault(&policy), Some((line, expected)), "{policy}");
    }
}

#[test]
fn one_key_under_two_names_is_a_duplicate() {
    let other_name = CosigningKey::from_seed("other.example", &[1; 32]).unwrap();
    let policy = format!("witness a {}\nwitness b {}\nquorum none\n", vkey(1), other_name.verifier());
    assert_eq!(fault(&policy), Some((2, PolicyFault::DuplicateKey)));
}

#[test]
fn names_are_octets_not_letters() {
    let kelvin = [b"witness \xe2\x84\xaa ".as_slice(), vkey(1).as_bytes(), b"\nquorum K\n"].concat();
    assert_eq!(Policy::parse(&kelvin).unwrap_err().fault, PolicyFault::UnknownName);
    let latin = [b"# \xe9\nwitness \xff ".as_slice(), vkey(1).as_bytes(), b"\nquorum \xff\n"].concat();
    assert!(Policy::parse(&latin).is_ok());
}

#[test]
fn a_real_checkpoint_with_a_real_witness_is_accepted() {
    let log: VerifierKey =
        "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
            .parse()
            .unwrap();
    let remora = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
    let note = std::fs::read(path("vectors/cosignature/arche2025h1.checkpoint")).unwrap();
    let cosigned = Cosigned::open(&note, &log, &[remora.parse::<WitnessKey>().unwrap()]).unwrap();
    assert_eq!(cosigned.checkpoint().size(), 1_432_088_532);
    assert_eq!(cosigned.cosignatures()[0].time(), 0x6a12_2120);
    let policy = format!("log {log}\nwitness remora {remora}\nquorum remora\n");
    assert_eq!(Policy::parse(policy.as_bytes()).unwrap().open(&note, &log), Ok(cosigned));

    let other_size = String::from_utf8(note).unwrap().replace("1432088532", "1432088533");
    assert!(Cosigned::open(other_size.as_bytes(), &log, &[]).is_err());
}

/// A quorum as a tree, judged as the specification's sentences say.
#[derive(Debug, Clone)]
enum Tree {
    Witness,
    Group(usize, Vec<Tree>),
}

impl Tree {
    fn any() -> impl Strategy<Value = Self> {
        Just(Self::Witness).prop_recursive(3, 24, 4, |inner| {
            (vec(inner, 1..=4), any::<prop::sample::Index>())
                .prop_map(|(members, k)| Self::Group(k.index(members.len()) + 1, members))
        })
    }

    /// Writes the lines of the tree bottom-up; gives its name.
    fn write(&self, text: &mut String, witnesses: &mut u8, groups: &mut u8) -> String {
        match self {
            Self::Witness => {
                *witnesses += 1;
                writeln!(text, "witness w{witnesses} {}", vkey(*witnesses)).unwrap();
                format!("w{witnesses}")
            }
            Self::Group(k, members) => {
                let names: Vec<String> =
                    members.iter().map(|member| member.write(text, witnesses, groups)).collect();
                *groups += 1;
                writeln!(text, "group g{groups} {k} {}", names.join(" ")).unwrap();
                format!("g{groups}")
            }
        }
    }

    fn holds(&self, cosigned: &mut impl Iterator<Item = bool>) -> bool {
        match self {
            Self::Witness => cosigned.next().unwrap(),
            // Every member is asked, so that each witness takes its own answer.
            Self::Group(k, members) => members.iter().filter(|member| member.holds(cosigned)).count() >= *k,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_policy_is_met_exactly_when_the_model_says_so(tree in Tree::any(), cosigned in vec(any::<bool>(), 80)) {
        let (mut text, mut witnesses, mut groups) = (String::new(), 0, 0);
        let quorum = tree.write(&mut text, &mut witnesses, &mut groups);
        writeln!(text, "quorum {quorum}").unwrap();
        let seeds = (1..=witnesses).filter(|seed| cosigned[usize::from(*seed) - 1]);
        let note = note(seeds.take(90));
        let verdict = Policy::parse(text.as_bytes()).unwrap().open(note.as_bytes(), log(100).verifier());
        prop_assert_eq!(verdict.is_ok(), tree.holds(&mut cosigned.iter().copied()));
    }

    #[test]
    fn no_text_is_too_strange_to_be_refused(text in vec(any::<u8>(), 0..200)) {
        let _ = Policy::parse(&text);
    }
}
