//! What every call about one person's doses does: decide inside the batch, render, record.

use std::{borrow::Cow, sync::Arc};

use pmh_audit::{Kind, OrgRef, Receipt, ShortText, part::GroupOutcome, registry};
use pmh_auth::{names::Role, policy::Permit};
use pmh_domain::vaccination::{Evaluation, Level};
use pmh_proto::common::Reason;
use pmh_store::{
    Concluding, Conclusion, Draft, Idempotency, PersonLink, Reply,
    vaccination::{DoseChange, DosesOf, Effect, Noted, PersonDoses},
};
use sha2::{Digest as _, Sha256};

use crate::{
    ops::{
        Call, Gateway,
        call::Named,
        entitlements::replay,
        refusals::{refused, settled},
        unavailable,
        verify::purpose_number,
    },
    rpc::status::Refusal,
};

/// Encoded answer and proof.
pub(super) type Kept = (Vec<u8>, Option<Receipt>);

/// Who asks, about whom, under which key.
pub(super) struct Asked {
    pub(super) call: Call,
    pub(super) kind: Kind,
    pub(super) of: DosesOf,
    /// The token's person; without a token the entry names the person as the caller knows them.
    pub(super) named: Option<Named>,
    pub(super) purpose: registry::Purpose,
    pub(super) idempotency: Option<Idempotency>,
}

/// What the entry says of a decision beside the digests.
#[derive(Default)]
pub(super) struct Said {
    /// Number of the outcome in the contract.
    pub(super) outcome: u16,
    /// Home municipality, `<kind>:<code>`.
    pub(super) holder: String,
    /// Rules that found something.
    pub(super) findings: Vec<Noted>,
}

impl Asked {
    /// About the token's person, or about whom else the call may name without one.
    pub(super) fn new(
        gateway: &Gateway,
        call: &Call,
        permit: &Permit,
        kind: Kind,
        of: Option<DosesOf>,
    ) -> Result<Self, Refusal> {
        let named = permit.subject().and_then(|_| call.named(gateway));
        let of = match (of, &named) {
            (Some(of), _) => of,
            (None, Some(named)) => DosesOf::Person(named.subject.reference),
            (None, None) => return Err(Refusal::new(Reason::TokenMissing)),
        };
        let purpose = purpose_number(permit.purpose());
        Ok(Self { call: call.clone(), kind, of, named, purpose, idempotency: None })
    }

    /// Under the caller's key.
    pub(super) fn once(mut self, key: &str) -> Self {
        self.idempotency = Some(self.call.idempotency(key, self.named.as_ref()));
        self
    }

    /// Decides, renders, records. `decide` and `render` are pure: they may run twice.
    pub(super) async fn run<A: Send + 'static>(
        self,
        gateway: &Arc<Gateway>,
        decide: impl Fn(&PersonDoses, Option<&str>) -> Result<(A, DoseChange), Reason> + Send + Sync + 'static,
        said: impl Fn(&A) -> Said + Send + 'static,
        render: impl Fn(&A) -> Vec<u8> + Send + 'static,
    ) -> Result<Kept, Refusal> {
        let Self { call, kind, of, named, purpose, idempotency } = self;
        let (keeper, caller) = (Arc::clone(gateway), call.short().to_owned());
        let draft = move |sha256: [u8; 32]| {
            let mut draft = call.draft(kind, registry::Categories::VACCINATION, named.as_ref(), sha256);
            draft.purpose = purpose;
            draft
        };
        let decide = move |doses: &PersonDoses, reserved: Option<&str>| match decide(doses, reserved) {
            Ok((decided, change)) => (Ok((decided, is_restricted(&doses.links))), change),
            Err(reason) => (Err(reason), DoseChange::default()),
        };
        let urn = draft([0; 32]).requester.map(|requester| format!("urn:x-pmh:org:{}", requester.as_str()));
        let urn = urn.unwrap_or_default();
        let recorded = gateway
            .store
            .dose_step(gateway.attempt(), idempotency, of, decide, move |concluding| match concluding {
                Concluding::Fresh(None) => refused(Reason::NotFound),
                Concluding::Fresh(Some(stepped)) => match &stepped.decided {
                    Err(Reason::Required) => wrong_field("shot.birth_date", Reason::Required),
                    Err(Reason::UnknownCode) => wrong_field("shot.vaccine", Reason::UnknownCode),
                    Err(reason) => refused(*reason),
                    Ok((decided, is_restricted)) => {
                        let answer = render(decided);
                        let mut said = said(decided);
                        // The receipt shows the entry's holder: where a restricted person lives is nobody else's.
                        if *is_restricted && said.holder != caller {
                            said.holder.clear();
                        }
                        let mut draft = with(draft(Sha256::digest(&answer).into()), &said);
                        if draft.subject.is_none() {
                            draft.subject = keeper.entry_subject(stepped.survivor, &urn);
                        }
                        Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
                    }
                },
                Concluding::Replay(answer) => replay(&draft, answer),
                Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
            })
            .await
            .map_err(|fault| unavailable(&fault))?;
        settled(recorded)
    }
}

/// Somebody acts for the person: a guardian with another card, or an app.
pub(super) fn is_on_behalf(permit: &Permit) -> bool {
    permit.role() == Role::App || permit.subject().is_some_and(|subject| subject.actor().is_some())
}

/// In a guardian's or an app's view a restricted record equals absence (design.md §2, P16): what a card gets that nobody
/// has linked and for which nobody has recorded anything. Leases stay, because who holds one is not said to anybody.
pub(super) fn seen(doses: &PersonDoses, on_behalf: bool) -> Cow<'_, PersonDoses> {
    if !on_behalf || !is_restricted(&doses.links) {
        return Cow::Borrowed(doses);
    }
    let mut absent = doses.clone();
    absent.links.clear();
    absent.doses.clear();
    absent.authorizations.clear();
    absent.registers.clear();
    absent.slots.retain(|slot| slot.dose_id.is_empty());
    Cow::Owned(absent)
}

/// Whether anybody withholds where the person lives (design.md §2, P5 and P16).
pub(super) fn is_restricted(links: &[PersonLink]) -> bool {
    links.iter().any(|link| link.non_disclosure || link.protective)
}

fn with(mut draft: Draft, said: &Said) -> Draft {
    draft.outcome = said.outcome;
    draft.holder = OrgRef::new(&said.holder).ok();
    let row = |noted: &Noted| GroupOutcome {
        issuer: None,
        group: ShortText::new(noted.rule.clone()).unwrap_or_default(),
        outcome: finding_number(noted),
    };
    let rows: Vec<_> = said.findings.iter().map(row).collect();
    draft.detail.outcomes = rows.try_into().unwrap_or_default();
    draft
}

/// The log keeps for each rule: 1 warned, 2 stopped; 11 and 12 the same where a doctor went on.
fn finding_number(noted: &Noted) -> u16 {
    let level = match noted.effect {
        Effect::Warn => 1,
        Effect::Block => 2,
    };
    if noted.overridden { 10 + level } else { level }
}

/// What only the facts tell: a vaccine that the rule book does not know, or a person whose birth date nobody but the
/// chart can tell, because no municipality has linked the card.
fn wrong_field(path: &str, reason: Reason) -> Conclusion<Refusal> {
    let refusal = Refusal::invalid_fields(vec![]).with_field(path, reason);
    Conclusion { reply: Reply::Refused(refusal), draft: None }
}

/// Findings as they are written down. A doctor goes past what a doctor may, with a reason.
pub(super) fn noted(evaluation: &Evaluation, reason: &str) -> Vec<Noted> {
    let note = |finding: &pmh_domain::vaccination::Finding| Noted {
        rule: finding.rule.id().to_owned(),
        version: finding.rule.version().to_owned(),
        effect: match finding.level {
            Level::Warn => Effect::Warn,
            Level::Block => Effect::Block,
        },
        overridden: !reason.is_empty() && !finding.is_final(),
    };
    evaluation.findings.iter().map(note).collect()
}
