//! A right as the counter sees it: only what the claim needs, and less for a
//! restricted person.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::action::Rule;
use super::rights::Held;
use super::{CounterAction, PriorityBasis, Question};
use crate::codes::{LawNumber, PayerNumber, RecipientNumber, SchemeGroup, scheme_entry};
use crate::entitlement::{
    AdditionalCondition, Area, CertificateDetail, CopaymentRule, DesignatedInstitution, Validity,
};

/// A right as the counter sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServedEntitlement {
    /// 受給者証名; for a restricted person the scheme's general name, since a
    /// certificate's name often contains its municipality's.
    pub certification_name: String,
    /// 法別番号.
    pub law_no: LawNumber,
    /// 公費負担者番号.
    pub payer_number: Option<PayerNumber>,
    /// 公費受給者番号 as given.
    pub recipient_number: Option<RecipientNumber>,
    /// First and last day, cut off where the issuer stopped serving the person.
    pub validity: Validity,
    /// From the first day asked to the last day of validity, negative if it
    /// has passed; `None` if open.
    pub days_to_expiry: Option<i32>,
    /// 区分.
    pub segment: Option<String>,
    /// 所得区分.
    pub income_segment: Option<String>,
    /// Copayment rules that concern the care asked for.
    pub copayments: Vec<CopaymentRule>,
    /// 追加条件.
    pub additional_conditions: Vec<AdditionalCondition>,
    /// 指定医療機関; for a restricted person the caller at most.
    pub designated_institutions: Vec<DesignatedInstitution>,
    /// 常に償還払い.
    pub always_reimbursement: bool,
    /// Where it is applied; `None` for a restricted person.
    pub area: Option<Area>,
    /// 食事療養 covered.
    pub meal_covered: bool,
    /// 受給者証券面項目; empty for a restricted person, as addresses occur in them.
    pub details: Vec<CertificateDetail>,
    /// Place in the order of claiming, smaller first.
    pub priority: u32,
    /// What that order rests on.
    pub priority_basis: PriorityBasis,
    /// As of when the issuer's data is complete.
    pub as_of: Option<Timestamp>,
    /// What to do here with this right.
    pub counter_action: CounterAction,
    /// The rule that gave it.
    pub rule: Rule,
}

/// Whether what could betray a restricted person's whereabouts is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disclosure {
    Whole,
    Withheld,
}

/// What is the same for every right of a row on a day.
#[derive(Debug, Clone)]
pub(super) struct Setting<'q> {
    pub(super) question: &'q Question,
    pub(super) disclosure: Disclosure,
    pub(super) day: Date,
    pub(super) as_of: Option<Timestamp>,
    pub(super) priority: u32,
    pub(super) priority_basis: PriorityBasis,
}

impl ServedEntitlement {
    pub(super) fn of(held: Held<'_>, rule: Rule, setting: &Setting<'_>) -> Self {
        let entitlement = held.entitlement;
        let is_whole = setting.disclosure == Disclosure::Whole;
        let whole_or_empty =
            |details: &[CertificateDetail]| if is_whole { details.to_vec() } else { Vec::new() };
        Self {
            certification_name: if is_whole {
                entitlement.certification_name.clone()
            } else {
                general_name(entitlement.group)
            },
            law_no: entitlement.group.law_no(),
            payer_number: entitlement.payer_number,
            recipient_number: entitlement.recipient_number.clone(),
            validity: held.validity,
            days_to_expiry: held.validity.to().map(|last| crate::time::days_between(setting.day, last)),
            segment: entitlement.segment.clone(),
            income_segment: entitlement.income_segment.clone(),
            copayments: copayments(&entitlement.copayments, setting.question),
            additional_conditions: entitlement.additional_conditions.clone(),
            designated_institutions: designated(&entitlement.designated_institutions, setting),
            always_reimbursement: entitlement.always_reimbursement,
            area: is_whole.then_some(entitlement.area),
            meal_covered: entitlement.meal_covered,
            details: whole_or_empty(&entitlement.details),
            priority: setting.priority,
            priority_basis: setting.priority_basis.clone(),
            as_of: setting.as_of,
            counter_action: rule.action(),
            rule,
        }
    }
}

/// A scheme's name that says nothing about who issued the certificate.
pub(super) fn general_name(group: SchemeGroup) -> String {
    match scheme_entry(group.law_no()) {
        Some(entry) if group.is_national() => entry.name_ja.clone(),
        _ => {
            let prefecture = group.prefecture().map_or("", |prefecture| prefecture.name());
            format!("{prefecture}の公費負担医療（法別{}）", group.law_no())
        }
    }
}

fn copayments(rules: &[CopaymentRule], question: &Question) -> Vec<CopaymentRule> {
    rules.iter().filter(|rule| rule.concerns(question.care)).copied().collect()
}

fn designated(all: &[DesignatedInstitution], setting: &Setting<'_>) -> Vec<DesignatedInstitution> {
    let caller = setting.question.caller.institution();
    let is_served = |one: &&DesignatedInstitution| {
        setting.disclosure == Disclosure::Whole || caller.is_some_and(|caller| caller == one.code)
    };
    all.iter().filter(is_served).cloned().collect()
}
