//! The shot itself: lot, questionnaire, residence, authorization, history.

use super::code::VaccineCode;
use super::facts::{
    Answer, Authorization, AuthorizationKind, Case, Completeness, Programme, Proposal, Residence, Setting,
};
use super::finding::{Finding, FindingKind, Level};
use super::rules::{AnswerRule, General, RuleBook, RuleRef};

/// Rules that [`shot`] looks at, whether they find something or not: one that was never confirmed must be seen as such
/// in an answer that rests on its silence.
pub(super) fn rules(book: &RuleBook, case: &Case<'_>) -> Vec<RuleRef> {
    let (general, proposal) = (&book.general, case.proposal);
    let mut rules = vec![general.questionnaire.clone(), general.history.clone()];
    let mut looked = |applies: bool, rule: &RuleRef| rules.extend(applies.then(|| rule.clone()));
    looked(proposal.lot_expires.is_some(), &general.lot);
    looked(proposal.dose_no.is_some(), &general.order);
    looked(is_exception(proposal), &general.programme);
    looked(case.setting.is_some() && is_bound_to_a_place(proposal), &general.residence);
    looked(case.setting.is_some_and(|setting| needs_letter(proposal, setting)), &general.authorization);
    for answer in proposal.answers.iter().flatten() {
        rules.extend(weighing(book, &proposal.vaccine, *answer).map(|rule| rule.rule.clone()));
    }
    rules
}

/// Everything that no date of another dose decides.
pub(super) fn shot(book: &RuleBook, case: &Case<'_>, dose_no: Option<u8>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (general, proposal) = (&book.general, case.proposal);
    findings.extend(lot(general, proposal));
    findings.extend(number(general, proposal, dose_no));
    findings.extend(exception(general, proposal));
    findings.extend(questionnaire(book, case));
    findings.extend(history(book, case));
    if let Some(setting) = case.setting {
        findings.extend(place(general, proposal, setting, dose_no));
    }
    findings
}

fn lot(general: &General, proposal: &Proposal) -> Option<Finding> {
    let last = proposal.lot_expires.filter(|last| *last < proposal.on)?;
    Some(Finding::block(FindingKind::LotExpired, &general.lot).until(Some(last)))
}

fn number(general: &General, proposal: &Proposal, dose_no: Option<u8>) -> Option<Finding> {
    let differs = proposal.dose_no.is_some_and(|declared| dose_no.is_some_and(|no| no != declared));
    differs.then(|| Finding::warn(FindingKind::DoseNumber, &general.order))
}

fn exception(general: &General, proposal: &Proposal) -> Option<Finding> {
    is_exception(proposal).then(|| Finding::warn(FindingKind::OutsideProgramme, &general.programme))
}

fn is_exception(proposal: &Proposal) -> bool {
    matches!(proposal.programme, Programme::LongIllness | Programme::Extraordinary)
}

fn questionnaire(book: &RuleBook, case: &Case<'_>) -> Vec<Finding> {
    let rule = &book.general.questionnaire;
    let vaccine = &case.proposal.vaccine;
    let mut findings = Vec::new();
    if case.person.ruled_out.contains(vaccine) {
        // Another doctor's judgement, on another day: 予防接種実施規則 4条 leaves today's to today's doctor.
        findings.push(Finding::block(FindingKind::Contraindication, rule).by_doctor_with_reason());
    }
    match &case.proposal.answers {
        // 予防接種実施規則 4条: nobody is vaccinated without being asked. Offline, nobody is vaccinated.
        None if case.setting.is_some() => findings.push(Finding::warn(FindingKind::NotScreened, rule)),
        None => {}
        Some(answers) => findings.extend(answers.iter().filter_map(|answer| weigh(book, vaccine, *answer))),
    }
    findings
}

fn weighing<'a>(book: &'a RuleBook, vaccine: &VaccineCode, answer: Answer) -> Option<&'a AnswerRule> {
    let applies = |vaccines: &[VaccineCode]| vaccines.is_empty() || vaccines.contains(vaccine);
    let rules = book.answers.iter().filter(|rule| rule.answer == answer && applies(&rule.vaccines));
    rules.max_by_key(|rule| rule.level)
}

fn weigh(book: &RuleBook, vaccine: &VaccineCode, answer: Answer) -> Option<Finding> {
    let rule = weighing(book, vaccine, answer)?;
    let finding = match rule.level {
        Level::Block => Finding::block(FindingKind::Contraindication, &rule.rule),
        Level::Warn => Finding::warn(FindingKind::Contraindication, &rule.rule),
    };
    Some(finding.answer(answer))
}

fn history(book: &RuleBook, case: &Case<'_>) -> Option<Finding> {
    let readable = case.history.doses.iter().all(|given| book.kind(&given.vaccine).is_some());
    let complete = case.history.completeness != Completeness::HistoryIncomplete && readable;
    (!complete).then(|| Finding::warn(FindingKind::HistoryIncomplete, &book.general.history))
}

fn place(general: &General, proposal: &Proposal, setting: &Setting, dose_no: Option<u8>) -> Option<Finding> {
    if !is_bound_to_a_place(proposal) {
        return None;
    }
    if !needs_letter(proposal, setting) {
        let is_unknown = setting.residence == Residence::Unknown;
        return is_unknown.then(|| Finding::warn(FindingKind::ResidenceUnknown, &general.residence));
    }
    let home = match &setting.residence {
        Residence::Served(home) | Residence::Elsewhere(home) => Some(*home),
        Residence::Unknown => None,
    };
    let fits = |letter: &&Authorization| {
        letter.kind == AuthorizationKind::RequestLetter
            && home.is_none_or(|home| home == letter.issuer)
            && letter.vaccine == proposal.vaccine
            && letter.dose_no.is_none_or(|no| dose_no.is_none_or(|dose_no| dose_no == no))
            && letter.institution.as_ref().is_none_or(|to| setting.institution.as_ref() == Some(to))
    };
    let letters: Vec<_> = setting.authorizations.iter().filter(fits).map(|letter| letter.valid).collect();
    if letters.iter().any(|valid| valid.contains(proposal.on)) {
        return None;
    }
    let opens = letters.iter().map(|valid| valid.first()).filter(|first| *first > proposal.on).min();
    let closed = letters.iter().map(|valid| valid.last()).filter(|last| *last < proposal.on).max();
    let finding = Finding::block(FindingKind::NoAuthorization, &general.authorization);
    Some(finding.from(opens).until(closed))
}

/// Only the municipality's own programme asks where the person lives.
fn is_bound_to_a_place(proposal: &Proposal) -> bool {
    !matches!(proposal.programme, Programme::Voluntary | Programme::Extraordinary)
}

fn needs_letter(proposal: &Proposal, setting: &Setting) -> bool {
    let is_away = matches!(setting.residence, Residence::Elsewhere(_));
    is_bound_to_a_place(proposal) && (is_away || proposal.programme == Programme::ByRequest)
}
