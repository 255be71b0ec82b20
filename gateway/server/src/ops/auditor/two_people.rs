//! When two calls were made by two people. Pure.

/// Who made a call, as far as a gateway can know.
#[derive(Debug, Clone, Copy)]
pub(in crate::ops) struct Asker<'a> {
    /// `<kind>:<code>`.
    pub(in crate::ops) organization: &'a str,
    /// Terminal that the certificate names; empty if none.
    pub(in crate::ops) terminal: &'a str,
    /// Its certificate.
    pub(in crate::ops) certificate_sha256: &'a [u8; 32],
    /// Pseudonym that the organization gives to a member of its staff.
    pub(in crate::ops) operator: &'a str,
}

/// Whether they must be two: of one organization only with another terminal
/// *and* another pseudonym. One person at two terminals, or two names at one
/// terminal, is one. Pseudonyms of two organizations have nothing in common, so
/// between them the organizations answer for it.
pub(in crate::ops) fn are_two(one: Asker<'_>, other: Asker<'_>) -> bool {
    let both_named = !one.operator.is_empty() && !other.operator.is_empty();
    let one_certificate = one.certificate_sha256 == other.certificate_sha256;
    let one_organization = one.organization == other.organization;
    let one_terminal = one.terminal.is_empty() || other.terminal.is_empty() || one.terminal == other.terminal;
    // Pseudonyms are compared as people read them: `OP-1` is not a second person.
    let one_operator = one.operator.eq_ignore_ascii_case(other.operator);
    both_named && !one_certificate && (!one_organization || (!one_terminal && !one_operator))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asker<'static> = Asker {
        organization: "auditor:a",
        terminal: "auditor-1",
        certificate_sha256: &[1; 32],
        operator: "op-1",
    };
    const SECOND: Asker<'static> =
        Asker { terminal: "auditor-2", certificate_sha256: &[2; 32], operator: "op-2", ..ASKED };

    #[test]
    fn another_terminal_and_another_name_are_two_people() {
        assert!(are_two(ASKED, SECOND) && are_two(SECOND, ASKED));
    }

    #[test]
    fn each_thing_they_share_makes_them_one() {
        for one in [
            ASKED,
            Asker { operator: "op-1", ..SECOND },
            Asker { operator: "OP-1", ..SECOND },
            Asker { operator: "", ..SECOND },
            Asker { terminal: "auditor-1", ..SECOND },
            Asker { certificate_sha256: &[1; 32], ..SECOND },
        ] {
            assert!(!are_two(ASKED, one), "{one:?}");
        }
        let unnamed = Asker { terminal: "", ..ASKED };
        assert!(!are_two(unnamed, Asker { terminal: "", ..SECOND }), "terminals that nobody can tell apart");
    }

    #[test]
    fn another_auditor_is_another_person_but_must_be_named() {
        let other = Asker { organization: "auditor:b", operator: "op-1", ..SECOND };
        assert!(are_two(ASKED, other));
        assert!(!are_two(ASKED, Asker { operator: "", ..other }));
    }
}
