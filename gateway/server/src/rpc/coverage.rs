//! Every method of the contract has exactly one entry in the policy table, and
//! the table names no method that does not exist. Checked while compiling.

use pmh_auth::policy::{MethodPolicy, POLICY};
use pmh_proto::METHODS;

const _: () = {
    let mut methods = METHODS;
    while let [method, rest @ ..] = methods {
        assert!(entries(method.as_bytes()) == 1, "a method of the contract has no policy, or two");
        methods = rest;
    }
    let mut policies = POLICY;
    while let [MethodPolicy { path, .. }, rest @ ..] = policies {
        let path = path.as_bytes();
        assert!(
            !starts_with(path, b"/pmh.") || is_method(path),
            "the policy names a method that does not exist"
        );
        policies = rest;
    }
};

const fn entries(method: &[u8]) -> usize {
    let (mut policies, mut found) = (POLICY, 0);
    while let [policy, rest @ ..] = policies {
        if equal(policy.path.as_bytes(), method) {
            found += 1;
        }
        policies = rest;
    }
    found
}

const fn is_method(path: &[u8]) -> bool {
    let mut methods = METHODS;
    while let [method, rest @ ..] = methods {
        if equal(method.as_bytes(), path) {
            return true;
        }
        methods = rest;
    }
    false
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && starts_with(a, b)
}

const fn starts_with(mut text: &[u8], mut prefix: &[u8]) -> bool {
    while let [wanted, wanted_rest @ ..] = prefix {
        let [byte, rest @ ..] = text else { return false };
        if *byte != *wanted {
            return false;
        }
        (text, prefix) = (rest, wanted_rest);
    }
    true
}
