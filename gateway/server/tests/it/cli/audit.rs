//! `pmh audit verify-receipt`.

use std::fs;

use super::evidence::{Kept, METHOD, verify_file};
use super::sandbox::{pmh, running};

#[test]
fn p1_what_was_saved_and_what_was_printed_are_both_proved() {
    let kept = Kept::new();
    let vkey = running().sandbox().log_vkey;
    for name in ["kept.json", "whole.json"] {
        let ran = verify_file(&kept.file(name), &vkey);
        let verdict = ran.json();
        assert_eq!((ran.code, &verdict["verified"]), (0, &true.into()), "{name}");
        assert_eq!(verdict["requester"], "clinic:1310310243");
        assert_eq!(verdict["method"], METHOD);
        assert_eq!(verdict["subject"], kept.response.subject.as_str());
        assert_eq!(verdict["index"], kept.response.receipt.as_ref().unwrap().index);
    }
    assert_eq!(kept.verify().code, 0, "written again it is the same");
    let file = kept.file("kept.json");
    let ja = pmh(["audit", "verify-receipt", file.to_str().unwrap(), "--vkey", &vkey, "--lang", "ja"]);
    assert!(ja.stdout.contains("証明されました"));
}

#[test]
fn p1_every_kind_of_tampering_is_named() {
    type Change = fn(&mut Kept);
    let changes: [(&str, Change); 14] = [
        ("REQUEST_CHANGED", |kept| kept.request.care_type = 2),
        ("RESPONSE_CHANGED", |kept| kept.response.results[0].authoritative ^= true),
        ("RESPONSE_CHANGED", |kept| kept.response.results.clear()),
        ("RESPONSE_CHANGED", |kept| kept.response.subject.push('x')),
        ("RECEIPT_MISSING", |kept| kept.response.receipt = None),
        ("RECEIPT_INCOMPLETE", |kept| kept.receipt().detail = None),
        ("LEAF", |kept| kept.receipt().leaf.truncate(9)),
        ("TREE_PATH", |kept| *kept.receipt().leaf.last_mut().unwrap() ^= 1),
        ("TREE_PATH", |kept| kept.receipt().index -= 1),
        ("TREE_SIZE", |kept| kept.receipt().tree_size += 1),
        ("CHECKPOINT_SIGNATURE", |kept| {
            let checkpoint = &mut kept.receipt().checkpoint;
            *checkpoint = checkpoint.replacen('\n', "/\n", 1);
        }),
        ("DETAIL_OPENING", |kept| kept.receipt().detail.as_mut().unwrap().salt[0] ^= 1),
        ("SUBJECT_OPENING", |kept| kept.receipt().subject.as_mut().unwrap().body[3] ^= 1),
        ("SUBJECT", |kept| kept.receipt().subject = None),
    ];
    let mut kept = Kept::new();
    let (request, response) = (kept.request.clone(), kept.response.clone());
    for (code, change) in changes {
        (kept.request, kept.response) = (request.clone(), response.clone());
        change(&mut kept);
        let ran = kept.verify();
        let verdict = ran.json();
        assert_eq!((ran.code, verdict["code"].as_str()), (1, Some(code)), "{verdict}");
        assert!(!verdict["message"]["ja"].as_str().unwrap().is_empty());
    }
}

#[test]
fn p1_another_logs_key_proves_nothing() {
    let kept = Kept::new();
    let ran = verify_file(&kept.file("kept.json"), &running().sandbox().auth_log_vkey);
    assert_eq!((ran.code, ran.json()["code"].as_str()), (1, Some("CHECKPOINT_SIGNATURE")));
}

#[test]
fn p1_an_answer_shown_as_that_of_another_method_is_not_proved() {
    let kept = Kept::new();
    let text = fs::read_to_string(kept.file("kept.json")).unwrap();
    let other = text.replace("VerifyEligibility", "ListEntitlements");
    fs::write(kept.file("other.json"), other).unwrap();
    assert_eq!(verify_file(&kept.file("other.json"), &running().sandbox().log_vkey).code, 1);
}

#[test]
fn a_file_that_is_no_evidence_is_another_matter() {
    let kept = Kept::new();
    let vkey = running().sandbox().log_vkey;
    let text = fs::read_to_string(kept.file("kept.json")).unwrap();
    for (name, content) in [
        ("empty", String::new()),
        ("text", "not JSON".to_owned()),
        ("method", text.replace("/pmh.eligibility", "/other.eligibility")),
        ("base64", text.replace("\"request\": \"", "\"request\": \"*")),
    ] {
        fs::write(kept.file(name), content).unwrap();
        assert_eq!(verify_file(&kept.file(name), &vkey).code, 2, "{name}");
    }
    assert_eq!(verify_file(&kept.file("none"), &vkey).code, 2);
    assert_eq!(verify_file(&kept.file("kept.json"), "not+a+key").code, 2);
}
