//! `pmh municipality handoff care` and `pmh counter care`: approved at one desk, verified at another.

use std::time::{Duration, Instant};

use jiff::ToSpan as _;
use serde_json::json;

use super::sandbox::{Ran, pmh, pmh_in, running};
use crate::ops::rig::today;

#[test]
fn care_that_an_office_approved_is_read_at_a_counter_before_and_when_she_comes() {
    let (from, to) = (today().to_string(), (today() + 60.days()).to_string());
    let shared = ["--category", "care_approval", "--duty", "postpartum_care", "--duty", "consultation"];
    let offer = ["offer", "H-0001", "--stay", "132098", "--from", &from, "--to", &to];
    let offered = handoff("hachioji-1", &[offer.as_slice(), &shared].concat()).json();
    let (id, code) = (offered["handoff"].as_str().unwrap(), offered["code"].as_str().unwrap());
    let accept = ["accept", id, "--code", code, "--card", "mother", "--duty", "postpartum_care"];
    until("the offer arrives", || handoff("machida-1", &accept));
    let care = ["care", id, "--kind", "short_stay", "--days", "7", "--copayment", "3000"];
    until("the accept arrives", || handoff("hachioji-1", &care));
    let beyond = ["care", id, "--kind", "day", "--days", "40", "--copayment", "3000"];
    assert_eq!(handoff("hachioji-1", &beyond).json()["reason"], "INVALID_FIELDS");

    let tomorrow = (today() + 1.day()).to_string();
    let by_code = ["--handoff", id, "--code", code, "--as", "tokyo-clinic-1"];
    let ahead = [by_code.as_slice(), &["--day", &tomorrow]].concat();
    until("the approval arrives", || counter(&ahead));
    let told = counter(&[ahead.as_slice(), &["--json"]].concat()).json();
    assert_eq!((&told["state"], &told["care"][0]["days_left"]), (&json!("APPROVED"), &json!(7)));
    assert_eq!(told["care"][0]["kind"], "SHORT_STAY");
    assert_eq!((&told["care"][0]["first_day"], &told["care"][0]["last_day"]), (&json!(from), &json!(to)));
    let screen = counter(&[ahead.as_slice(), &["--lang", "ja"]].concat()).stdout;
    assert!(screen.contains("産後ケアを利用できます") && screen.contains("短期入所"), "{screen}");
    let too_early = counter(&[by_code.as_slice(), &["--json"]].concat());
    assert_eq!(
        (too_early.code, &too_early.json()["state"]),
        (1, &json!("NOT_YET")),
        "home has not confirmed"
    );
    let by_card = ["--card", "mother", "--as", "tokyo-clinic-1", "--day", &tomorrow];
    assert_eq!(counter(&by_card).code, 0, "her card says the same");
    let other = ["--card", "none", "--as", "tokyo-clinic-1", "--json"];
    assert_eq!(counter(&other).json()["state"], "NO_APPROVAL");

    assert_eq!(handoff("hachioji-1", &["withdraw", id]).code, 0);
    let gone = counter(&by_card);
    assert_eq!(gone.code, 1, "{}", gone.stdout);
}

fn handoff(terminal: &str, args: &[&str]) -> Ran {
    let access = ["--sandbox", running().arg(), "--as", terminal, "--json"];
    // A card is presented at the desk of whoever accepts; everything else is an office's own.
    pmh(["municipality", "handoff"].iter().chain(args).chain(&access))
}

fn counter(args: &[&str]) -> Ran {
    pmh_in("en_US.UTF-8", ["counter", "care", "--sandbox", running().arg()].iter().chain(args))
}

/// Looks again until the program says so, and tells what it said last.
fn until(what: &str, look: impl Fn() -> Ran) {
    let given_up = Instant::now() + Duration::from_mins(1);
    loop {
        // Each look is a process and a connection of its own: slow enough to wait by.
        let Ran { code, stdout, stderr } = look();
        if code == 0 {
            return;
        }
        assert!(Instant::now() < given_up, "{what}: never came about: {code} {stdout} {stderr}");
    }
}
