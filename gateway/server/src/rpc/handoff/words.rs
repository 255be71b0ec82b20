//! Words of the contract and of the rules, each pair once.

use pmh_domain::handoff::{Assessment, CareKind, Category, DeclineReason, Duty, Law};
use pmh_proto::handoff as pb;

macro_rules! words {
    ($to:ident $from:ident $domain:ident $wire:ident { $($word:ident)* }) => {
        pub(super) fn $to(word: $domain) -> pb::$wire {
            match word { $($domain::$word => pb::$wire::$word,)* }
        }

        /// `None` for the zero and for what this version does not know.
        pub(super) fn $from(number: i32) -> Option<$domain> {
            match pb::$wire::try_from(number).ok()? {
                pb::$wire::Unspecified => None,
                $(pb::$wire::$word => Some($domain::$word),)*
            }
        }
    };
}

words! { category to_category Category HandoffCategory {
    Notice Place PregnancyCheckups SupportPlan Interviews MotherMind CareApproval Delivery ChildCheckups ChildVaccinations
    MotherVaccinations Entitlements
} }
words! { duty to_duty Duty HandoffDuty {
    PregnancyCheckup NewbornVisit PostpartumCheckup PostpartumCare InfantCheckup Vaccination Consultation
} }
words! { decline to_decline DeclineReason HandoffDeclineReason {
    StayTooShort NoCapacity NotOffered MotherDeclined Other
} }
words! { care to_care CareKind HandoffCareKind { ShortStay Day HomeVisit } }
words! { assessment to_assessment Assessment HandoffAssessment { Fine FollowUp NotMet } }
words! { law to_law Law HandoffLaw { ProtectionCouncil AbusePrevention } }

/// Of every number, or none.
pub(super) fn all<T: Ord, C: FromIterator<T>>(numbers: &[i32], word: impl Fn(i32) -> Option<T>) -> Option<C> {
    numbers.iter().map(|number| word(*number)).collect()
}
