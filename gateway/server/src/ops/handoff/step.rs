//! What every step does: decide inside the batch, enter, tell.

use std::sync::Arc;

use pmh_audit::{Kind, OrgRef, Reference, registry::Categories};
use pmh_domain::handoff::{
    Alarm, Decision, EntryRef, HandoffId, Home, HomeAct, HomeEntry, LeafHash, Refusal as Refused, Side,
    Statement, Stay, StayAct, StayEntry,
};
use pmh_proto::common::Reason;
use pmh_store::{
    Concluding, Conclusion, Draft, Idempotency, Reply, SubjectRef,
    birth::BirthChange,
    handoff::{Alarms, HandoffStep, Heard, Loaded, NewHandoff, NewStep},
};
use sha2::{Digest as _, Sha256};

use super::{Kept, consent_reference, fold};
use crate::{
    ops::{
        Call, Gateway,
        entitlements::replay,
        refusals::{refused, settled},
        unavailable,
    },
    rpc::{handoff::wire, status::Refusal},
};

/// Who makes a step, and how it is entered.
pub(super) struct Stepping {
    pub(super) step: HandoffStep,
    pub(super) idempotency: Option<Idempotency>,
    /// The entry without what the decision adds.
    pub(super) draft: Draft,
    /// Whose side it must be, `<kind>:<code>`; another's handoff looks like none.
    pub(super) municipality: String,
    /// The message that brought it.
    pub(super) heard: Option<(LeafHash, Vec<u8>)>,
    /// What home keeps of a birth, if the message tells of one.
    pub(super) birth: Option<BirthChange>,
}

/// A decided step.
pub(super) enum Decided {
    Entered(Entered),
    /// It was done before.
    Known {
        answer: Vec<u8>,
        about: About,
    },
    Refused(Reason),
}

/// A step as its entry tells it.
pub(super) struct Entered {
    kind: Kind,
    answer: Vec<u8>,
    cause: Option<EntryRef>,
    about: About,
}

/// Whom and with whom a step is about.
#[derive(Clone)]
pub(super) struct About {
    pub(super) subject: Option<SubjectRef>,
    pub(super) other: String,
}

impl Stepping {
    /// A step by an officer's call about a handoff that exists.
    pub(super) fn by(call: &Call, idempotency_key: &str, id: HandoffId, side: Side) -> Self {
        Self {
            step: HandoffStep { id, side, resident: None, heard: None },
            idempotency: Some(call.idempotency(idempotency_key, None)),
            draft: call.draft(Kind::Write, Categories::HANDOFF, None, [0; 32]),
            municipality: call.short().to_owned(),
            heard: None,
            birth: None,
        }
    }

    /// A step that this gateway makes by itself.
    pub(super) fn by_itself(id: HandoffId, side: Side, municipality: String, draft: Draft) -> Self {
        Self {
            step: HandoffStep { id, side, resident: None, heard: None },
            idempotency: None,
            draft,
            municipality,
            heard: None,
            birth: None,
        }
    }

    /// Decides on home's side.
    pub(super) async fn at_home(
        self,
        gateway: &Arc<Gateway>,
        decide: impl Fn(&Home, &Loaded) -> Result<Decision<HomeAct>, Refused> + Send + Sync + 'static,
    ) -> Result<Kept, Refusal> {
        let (municipality, heard) = (self.municipality.clone(), self.heard.clone());
        let birth = self.birth.clone();
        self.run(gateway, move |loaded| {
            let known = loaded.handoff.as_ref().filter(|stored| stored.municipality == municipality);
            let Some((stored, home)) = known.and_then(|stored| Some((stored, fold::home(stored)?))) else {
                return (Decided::Refused(Reason::NotFound), None);
            };
            let about = About { subject: stored.subject, other: stored.other.clone() };
            match decide(&home, loaded) {
                Err(refused) => (Decided::Refused(fold::reason(refused)), None),
                Ok(Decision::Known) => known_before(loaded, about),
                Ok(Decision::Append(act)) => {
                    let (decided, step) = home_act(loaded, Some(&home), &act, about, None, heard.as_ref());
                    (decided, step.map(|step| NewStep { birth: birth.clone(), ..step }))
                }
            }
        })
        .await
    }

    /// Decides on the stay side. `binds` names the mother from this step on.
    pub(super) async fn at_stay(
        self,
        gateway: &Arc<Gateway>,
        binds: Option<SubjectRef>,
        decide: impl Fn(&Stay, &Loaded) -> Result<Decision<StayAct>, Refused> + Send + Sync + 'static,
    ) -> Result<Kept, Refusal> {
        let (municipality, heard) = (self.municipality.clone(), self.heard.clone());
        self.run(gateway, move |loaded| {
            let known = loaded.handoff.as_ref().filter(|stored| stored.municipality == municipality);
            let Some((stored, stay)) = known.and_then(|stored| Some((stored, fold::stay(stored)?))) else {
                return (Decided::Refused(Reason::NotFound), None);
            };
            let about = About { subject: binds.or(stored.subject), other: stored.other.clone() };
            match decide(&stay, loaded) {
                Err(refused) => (Decided::Refused(fold::reason(refused)), None),
                Ok(Decision::Known) => known_before(loaded, about),
                Ok(Decision::Append(act)) => {
                    let (decided, step) = stay_act(loaded, Some(&stay), &act, about, None, heard.as_ref());
                    (decided, step.map(|step| NewStep { binds, ..step }))
                }
            }
        })
        .await
    }

    /// Decides, enters, answers. `decide` is pure: it may run twice.
    pub(super) async fn run(
        self,
        gateway: &Arc<Gateway>,
        decide: impl Fn(&Loaded) -> (Decided, Option<NewStep>) + Send + Sync + 'static,
    ) -> Result<Kept, Refusal> {
        let Self { step, idempotency, mut draft, municipality, heard, .. } = self;
        draft.detail.consent = consent_reference(step.id);
        let keeper = Arc::clone(gateway);
        let holder = OrgRef::new(&municipality).ok();
        let urn = format!("urn:x-pmh:org:{municipality}");
        let conclude = move |concluding: Concluding<'_, Decided>| {
            let draft = |sha256: [u8; 32]| {
                let mut draft = draft.clone();
                draft.holder.clone_from(&holder);
                draft.detail.response_sha256 = sha256;
                draft
            };
            let about_her = |mut draft: Draft, about: &About| {
                if draft.subject.is_none() {
                    draft.subject = about.subject.and_then(|subject| keeper.entry_subject(subject, &urn));
                }
                draft
            };
            match concluding {
                Concluding::Fresh(Decided::Refused(reason)) => refused(reason),
                Concluding::Fresh(Decided::Known { answer, about }) => {
                    let mut draft = about_her(draft(Sha256::digest(&answer).into()), &about);
                    draft.kind = Kind::Replay;
                    // Who brought a message twice holds the proof that it had arrived, even if the first answer was lost.
                    let cited = heard.as_ref().map(|(leaf, _)| Reference {
                        origin_sha256: keeper.origin_of(&about.other),
                        leaf_hash: leaf.0,
                    });
                    draft.references = cited.into_iter().collect::<Vec<_>>().try_into().unwrap_or_default();
                    Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
                }
                Concluding::Fresh(Decided::Entered(entered)) => {
                    let Entered { kind, answer, cause, about } = entered;
                    let mut draft = about_her(draft(Sha256::digest(&answer).into()), &about);
                    draft.kind = kind;
                    let refer = |cause: EntryRef| Reference {
                        origin_sha256: keeper.origin_of(&about.other),
                        leaf_hash: cause.leaf.0,
                    };
                    let references: Vec<Reference> = cause.map(refer).into_iter().collect();
                    draft.references = references.try_into().unwrap_or_default();
                    Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
                }
                Concluding::Replay(answer) => replay(draft, answer),
                Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
            }
        };
        let recorded = gateway
            .store
            .handoff_step(gateway.attempt(), idempotency, step, decide, conclude)
            .await
            .map_err(|fault| unavailable(&fault))?;
        settled(recorded)
    }
}

/// A step of home's. `home` is absent where the handoff begins with it.
pub(super) fn home_act(
    loaded: &Loaded,
    home: Option<&Home>,
    act: &HomeAct,
    about: About,
    opens: Option<NewHandoff>,
    heard: Option<&(LeafHash, Vec<u8>)>,
) -> (Decided, Option<NewStep>) {
    let entry =
        HomeEntry { name: to_come(loaded, Side::Home), at: fold::instant(loaded.now_us), act: act.clone() };
    let told = match home {
        Some(home) => home.tells(&entry),
        None => Home::begin(&entry).and_then(|home| home.tells(&entry)),
    };
    let alarms = home.map_or_else(Alarms::default, |home| {
        let mut after = home.clone();
        after.apply(&entry);
        alarms(&home.alarms(), &after.alarms())
    });
    let answer = wire::of_home(told.as_ref());
    let cause = told.as_ref().and_then(|told| told.cause).or(heard.map(|(leaf, _)| their(Side::Stay, *leaf)));
    entered(
        fold::home_kind(act),
        fold::format(act),
        told.is_some(),
        answer,
        cause,
        about,
        opens,
        heard,
        alarms,
    )
}

/// A step of the stay side's.
pub(super) fn stay_act(
    loaded: &Loaded,
    stay: Option<&Stay>,
    act: &StayAct,
    about: About,
    opens: Option<NewHandoff>,
    heard: Option<&(LeafHash, Vec<u8>)>,
) -> (Decided, Option<NewStep>) {
    let entry =
        StayEntry { name: to_come(loaded, Side::Stay), at: fold::instant(loaded.now_us), act: act.clone() };
    let told: Option<Statement<_>> = stay.and_then(|stay| stay.tells(&entry));
    let alarms = stay.map_or_else(Alarms::default, |stay| {
        let mut after = stay.clone();
        after.apply(&entry);
        alarms(&stay.alarms(), &after.alarms())
    });
    let answer = wire::of_stay(told.as_ref());
    let cause = told.as_ref().and_then(|told| told.cause).or(heard.map(|(leaf, _)| their(Side::Home, *leaf)));
    entered(
        fold::stay_kind(act),
        fold::format(act),
        told.is_some(),
        answer,
        cause,
        about,
        opens,
        heard,
        alarms,
    )
}

#[expect(clippy::too_many_arguments, reason = "one place where a step takes its final form")]
pub(super) fn entered(
    kind: Kind,
    act: Option<String>,
    is_told: bool,
    answer: Vec<u8>,
    cause: Option<EntryRef>,
    about: About,
    opens: Option<NewHandoff>,
    heard: Option<&(LeafHash, Vec<u8>)>,
    alarms: Alarms,
) -> (Decided, Option<NewStep>) {
    let Some(act) = act else { return (Decided::Refused(Reason::Internal), None) };
    let heard = heard.map(|(leaf, message)| Heard {
        leaf_hash: leaf.0,
        message: message.clone(),
        answer: answer.clone(),
    });
    let message = is_told.then(|| answer.clone());
    let step = NewStep { act, message, opens, binds: None, heard, alarms, birth: None };
    (Decided::Entered(Entered { kind, answer, cause, about }), Some(step))
}

/// What the step raises and settles: the difference that it makes to what waits for a person.
fn alarms(before: &[Alarm], after: &[Alarm]) -> Alarms {
    let is_in = |all: &[Alarm], own: u64| all.iter().any(|alarm| alarm.own == own);
    let raised = after.iter().filter(|alarm| !is_in(before, alarm.own));
    let settled = before.iter().filter(|alarm| !is_in(after, alarm.own));
    Alarms {
        raised_until_us: raised.map(|alarm| alarm.due().as_microsecond()).next(),
        settled: settled.map(|alarm| alarm.own).collect(),
    }
}

/// The first answer to a message that comes again; nothing new where an officer repeats what is done.
pub(super) fn known_before(loaded: &Loaded, about: About) -> (Decided, Option<NewStep>) {
    (Decided::Known { answer: loaded.heard.clone().unwrap_or_default(), about }, None)
}

/// The entry that this step will be. Its leaf is not made yet, and nothing that is told names it: the receipt does.
fn to_come(loaded: &Loaded, log: Side) -> EntryRef {
    EntryRef { log, index: loaded.index, leaf: LeafHash([0; 32]) }
}

/// The message's own entry; references need its leaf alone.
fn their(log: Side, leaf: LeafHash) -> EntryRef {
    EntryRef { log, index: 0, leaf }
}
