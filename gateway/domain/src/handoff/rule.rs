//! What the rules rest on, and how sure that is.

use crate::checkup::Confidence;

/// Days after the last day of a stay in which the guest may still read and
/// report what was done; duties are home's again from its first day.
pub const GRACE_DAYS: i64 = 14;

/// One rule and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The rule, in a sentence.
    pub text: &'static str,
    /// The source.
    pub source: &'static str,
    /// How far it was checked.
    pub confidence: Confidence,
}

/// Every rule of a handoff.
pub const RULES: &[Rule] = &[
    read(
        "A municipality may ask for checkup information of a person who lived elsewhere.",
        "母子保健法19条の2",
    ),
    unconfirmed(
        "Home and hometown municipality may share through an entrusted body.",
        "母子保健法8条の3（令和6年法律第53号、令和7年法律第87号。公布から3年以内に施行）",
    ),
    read("Sharing between municipalities follows the mother's wish.", "こども家庭庁の整理（2023年秋）"),
    unconfirmed(
        "Without consent only what a stated law allows, for named duties.",
        "児童福祉法25条の2・25条の3、児童虐待の防止等に関する法律13条の4",
    ),
    unconfirmed(
        "The mother consents for her unborn child as its future guardian.",
        "民法818条（出生前は定めがない）",
    ),
    ours("Consent is hers alone: never her husband's, a proxy's or the hospital's.", "design.md §5.6"),
    ours("A withdrawal closes the category at its entry.", "design.md P11"),
    ours("A duty passes at home's confirm entry, and its index is the fencing number.", "design.md P8"),
    ours("Offer, accept and return cite each other's leaf.", "audit.md §2.10"),
    ours("An offer is to be answered within five working days.", "domain.md §5.3 step 4"),
    ours("The guest reads and reports for fourteen days after the stay.", "domain.md §5.3 step 8"),
    ours("After a loss nothing speaks of a child's age, to anybody.", "domain.md §5.3 and issue 6"),
    ours("A provisional child is merged by two officers of the home municipality.", "issue 6"),
    ours("What was really done is entered, whoever held the duty.", "domain.md §5.3 step 5"),
    ours("An urgent report that nobody acknowledged is escalated every hour.", "domain.md §5.3 step 5"),
    ours("A change of plan that nobody acknowledged is escalated every day.", "domain.md §5.3 step 6"),
    unconfirmed(
        "Home approves postpartum care in days of one kind, at a copayment for each.",
        "母子保健法17条の2、産前・産後サポート事業ガイドライン・産後ケア事業ガイドライン",
    ),
    ours("Care that a report names no kind of counts against every kind approved.", "issue 6"),
    ours("For the blocked side a restricted handoff does not exist.", "design.md P16 (b)"),
    unconfirmed(
        "With the residence the duty moves to the new municipality.",
        "住民基本台帳法22条、母子保健法",
    ),
];

const fn read(text: &'static str, source: &'static str) -> Rule {
    Rule { text, source, confidence: Confidence::Read }
}

const fn unconfirmed(text: &'static str, source: &'static str) -> Rule {
    Rule { text, source, confidence: Confidence::Unconfirmed }
}

const fn ours(text: &'static str, source: &'static str) -> Rule {
    Rule { text, source, confidence: Confidence::Ours }
}
