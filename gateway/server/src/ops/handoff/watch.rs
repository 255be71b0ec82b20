//! What happens to a municipality's handoffs, in the order of this log; and what nobody read within its time.

use jiff::Timestamp;
use pmh_audit::{Kind, OrgRef, registry::Categories};
use pmh_domain::handoff::{
    Alarm, EntryRef, HomeAct, KnownReport, Report, RequestAct, Side, Standing, StayAct,
};
use pmh_store::{
    Fault, Recorded,
    handoff::{StoredHandoff, StoredStep, ToldStep},
};

use super::{
    consent_reference,
    fold::{self, instant},
};
use crate::{
    ops::{Call, Gateway, Response, unavailable},
    rpc::status::Refusal,
};

/// One message of a watch.
#[derive(Clone)]
pub struct News {
    /// The side as it is kept.
    pub stored: StoredHandoff,
    /// The step's entry; of an escalation, the step that raised it.
    pub index: u64,
    /// What happened.
    pub change: Change,
    /// When this side entered it; of an escalation, when it was due.
    pub at: Timestamp,
    /// The report or wish that it is about.
    pub about: Option<About>,
}

/// A report or a wish to stay longer.
#[derive(Clone)]
pub struct About {
    /// The stay side's entry, its name on both sides.
    pub of: EntryRef,
    /// The report; a wish has none.
    pub report: Option<Report>,
    /// A person at home has read it.
    pub is_acknowledged: bool,
    /// How often it has been escalated by now.
    pub escalations: u32,
    /// It was done while the duty was not the stay side's; home alone knows.
    pub is_late: bool,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Something of this side alone.
    Own,
    /// Offered.
    Offered,
    /// Accepted.
    Accepted,
    /// Declined.
    Declined,
    /// Confirmed, or a longer stay granted.
    Confirmed,
    /// A longer stay is wished.
    ExtensionAsked,
    /// The stay ends earlier.
    Shortened,
    /// Some duties were given back.
    GivenBack,
    /// The mother shares more.
    ConsentGiven,
    /// The mother took consent back.
    ConsentWithdrawn,
    /// A birth, a loss, or what follows from one.
    Child,
    /// A report.
    Reported,
    /// A person at home has read a report or a wish.
    Acknowledged,
    /// Nobody has read it within its time.
    Escalated,
    /// Everything was given back.
    Returned,
    /// Over.
    Ended,
    /// An offer was asked for.
    Requested,
    /// Home refused the request.
    RequestRefused,
    /// Home approved postpartum care.
    CareApproved,
}

impl std::fmt::Debug for News {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "News({:?})", self.change)
    }
}

impl std::fmt::Debug for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("About(..)")
    }
}

/// Steps after an index, each with what it is about.
pub async fn watch_page(gateway: &Gateway, call: &Call, after: Option<u64>) -> Result<Vec<News>, Refusal> {
    let page = gateway.store.reader().handoff_steps(call.short(), after, PAGE).await;
    let mut news = Vec::new();
    for told in page.map_err(|fault| unavailable(&fault))? {
        news.extend(of_step(gateway, told).await?);
    }
    Ok(news)
}

/// What of the caller's nobody has read within its time.
pub async fn overdue(gateway: &Gateway, call: &Call) -> Result<Vec<News>, Refusal> {
    let late = gateway.store.reader().late_alarms(call.short(), gateway.now_us(), MOST_LATE).await;
    let mut news = Vec::new();
    for alarm in late.map_err(|fault| unavailable(&fault))? {
        let found = of_step(gateway, alarm.step).await?;
        news.extend(found.map(|found| News {
            change: Change::Escalated,
            at: instant(alarm.due_us),
            ..found
        }));
    }
    Ok(news)
}

/// How many alarms nobody has read within their time, by side: a metric has no persons.
pub async fn count_overdue(gateway: &Gateway, side: Side) -> Result<u64, Fault> {
    gateway.store.reader().count_late_alarms(side, gateway.now_us()).await
}

/// Records a message before it is sent: an entry about her.
pub async fn disclose_change<R: Response>(
    gateway: &Gateway,
    call: &Call,
    news: News,
    render: impl Fn(&News) -> R + Send + 'static,
) -> Result<Recorded<R>, Refusal> {
    gateway.witnesses.permit_disclosure(gateway.now_us())?;
    let subject = news.stored.subject.and_then(|subject| gateway.entry_subject(subject, call.peer.urn()));
    let (call, holder) = (call.clone(), OrgRef::new(call.short()).ok());
    gateway
        .store
        .disclose(gateway.attempt(), None, move |_, _| {
            let response = render(&news);
            let mut draft = call.draft(Kind::Disclosure, Categories::HANDOFF, None, response.digest());
            draft.holder.clone_from(&holder);
            draft.subject.clone_from(&subject);
            draft.detail.consent = consent_reference(news.stored.id);
            (response, Some(draft))
        })
        .await
        .map_err(|fault| unavailable(&fault))
}

async fn of_step(gateway: &Gateway, told: ToldStep) -> Result<Option<News>, Refusal> {
    let found = gateway.store.reader().handoff(told.id, told.side).await;
    let found = found.map_err(|fault| unavailable(&fault))?;
    Ok(found.and_then(|stored| news(stored, told.index, gateway.now())))
}

fn news(stored: StoredHandoff, index: u64, now: Timestamp) -> Option<News> {
    let step = stored.steps.iter().find(|step| step.index == index)?;
    let at = instant(step.at_us);
    let (change, about) = match stored.side {
        _ if fold::parse::<RequestAct>(&step.act).is_some() => (request_change(&step.act)?, None),
        Side::Home => at_home(&stored, step, now)?,
        Side::Stay => at_stay(&stored, step, now)?,
    };
    Some(News { stored, index, change, at, about })
}

fn at_home(stored: &StoredHandoff, step: &StoredStep, now: Timestamp) -> Option<(Change, Option<About>)> {
    let home = fold::home(stored)?;
    let act: HomeAct = fold::parse(&step.act)?;
    let of = match &act {
        HomeAct::Asked { cause, .. }
        | HomeAct::Reported { cause, .. }
        | HomeAct::Acknowledged { cause, .. } => Some(*cause),
        _ => None,
    };
    let about = of.map(|of| about(of, home.reports(), &home.alarms(), home.is_acknowledged(of), now));
    Some((home_change(&act), about))
}

fn at_stay(stored: &StoredHandoff, step: &StoredStep, now: Timestamp) -> Option<(Change, Option<About>)> {
    let stay = fold::stay(stored)?;
    let act: StayAct = fold::parse(&step.act)?;
    let of = match &act {
        StayAct::Asked { .. } | StayAct::Reported { .. } => Some(fold::name(step, Side::Stay)),
        StayAct::Acknowledged { report, .. } => Some(*report),
        _ => None,
    };
    let about = of.map(|of| about(of, stay.reports(), &stay.alarms(), stay.is_acknowledged(of), now));
    Some((stay_change(&act), about))
}

fn about(
    of: EntryRef,
    reports: &[KnownReport],
    alarms: &[Alarm],
    is_acknowledged: bool,
    now: Timestamp,
) -> About {
    let known = reports.iter().find(|known| known.of.leaf == of.leaf);
    let alarm = alarms.iter().find(|alarm| alarm.of.leaf == of.leaf);
    About {
        of,
        report: known.map(|known| known.report.clone()),
        is_acknowledged,
        escalations: alarm.map_or(0, |alarm| alarm.escalations(now)),
        is_late: known.is_some_and(|known| known.standing == Some(Standing::Late)),
    }
}

fn request_change(act: &str) -> Option<Change> {
    Some(match fold::parse(act)? {
        RequestAct::RequestMade(_) | RequestAct::RequestReceived { .. } => Change::Requested,
        RequestAct::RequestRefused { .. } | RequestAct::RefusalReceived { .. } => Change::RequestRefused,
    })
}

fn home_change(act: &HomeAct) -> Change {
    match act {
        HomeAct::Offered(_) => Change::Offered,
        HomeAct::Accepted { .. } => Change::Accepted,
        HomeAct::Declined { .. } => Change::Declined,
        HomeAct::Confirmed { .. } => Change::Confirmed,
        HomeAct::Asked { .. } => Change::ExtensionAsked,
        HomeAct::Shortened { .. } => Change::Shortened,
        HomeAct::GivenBack { .. } => Change::GivenBack,
        HomeAct::ConsentGiven(_) => Change::ConsentGiven,
        HomeAct::CareApproved(_) => Change::CareApproved,
        HomeAct::ConsentWithdrawn { ends: false, .. } => Change::ConsentWithdrawn,
        HomeAct::Reported { .. } => Change::Reported,
        HomeAct::Acknowledged { .. } => Change::Acknowledged,
        HomeAct::Returned { .. } => Change::Returned,
        HomeAct::ConsentWithdrawn { .. } | HomeAct::Moved { .. } | HomeAct::Withdrawn | HomeAct::Closed => {
            Change::Ended
        }
        HomeAct::Restricted(_) => Change::Own,
        HomeAct::Born { .. }
        | HomeAct::Lost { .. }
        | HomeAct::LossCorrected { .. }
        | HomeAct::Merged { .. } => Change::Child,
    }
}

fn stay_change(act: &StayAct) -> Change {
    match act {
        StayAct::OfferReceived { .. } => Change::Offered,
        StayAct::Accepted(_) => Change::Accepted,
        StayAct::Declined(_) => Change::Declined,
        StayAct::Confirmed { .. } => Change::Confirmed,
        StayAct::Shortened { .. } => Change::Shortened,
        StayAct::ChildDuties { .. } | StayAct::Born(_) | StayAct::Lost { .. } => Change::Child,
        StayAct::Asked { .. } => Change::ExtensionAsked,
        StayAct::Reported { .. } => Change::Reported,
        StayAct::Acknowledged { .. } => Change::Acknowledged,
        StayAct::ConsentGiven { .. } => Change::ConsentGiven,
        StayAct::GaveBack { .. } => Change::GivenBack,
        StayAct::CareApproved { .. } => Change::CareApproved,
        StayAct::ConsentWithdrawn(_) | StayAct::CareEnded { .. } => Change::ConsentWithdrawn,
        StayAct::Returned { .. } => Change::Returned,
        StayAct::ReturnReceived { .. } | StayAct::Ended { .. } => Change::Ended,
        StayAct::Restricted => Change::Own,
    }
}

const PAGE: u32 = 64;
/// Of more than these a watch tells the oldest first, and the others as they are read.
const MOST_LATE: u32 = 256;
