//! The watch: each message recorded before it is sent. Suspension ends its connection, and the stream with it (P11).

use std::{collections::BTreeMap, time::Duration};

use pmh_proto::handoff as pb;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::Instrument as _;

use super::{
    super::{bulk::Answers, convert, fields::Fields, service::Service, status::Refusal},
    parse, report, wire,
};
use crate::ops::{
    Call,
    handoff::{self as ops, Change, News},
};

type Sender = mpsc::Sender<Result<pb::WatchHandoffsResponse, Status>>;

/// What one stream has told.
#[derive(Default)]
struct Told {
    after: Option<u64>,
    /// Escalations of each step that waits.
    escalations: BTreeMap<u64, u32>,
}

impl Service {
    pub(super) fn watch_own_handoffs(
        &self,
        call: &Call,
        message: &pb::WatchHandoffsRequest,
    ) -> Result<Answers<pb::WatchHandoffsResponse>, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let after = match message.cursor.as_str() {
            "" => None,
            cursor => parse::required(&mut checked, "cursor", cursor.parse::<u64>().ok()),
        };
        checked.finish()?;
        let (sender, answers) = mpsc::channel(AHEAD);
        let (service, call, follow) = (self.clone(), call.clone(), message.follow);
        let filling = async move {
            let told = Told { after, ..Told::default() };
            if let Err(refusal) = service.tell_changes(&call, told, follow, &sender).await {
                let _ = sender.send(Err(refusal.into())).await;
            }
        };
        tokio::spawn(filling.in_current_span());
        Ok(Box::pin(ReceiverStream::new(answers)))
    }

    /// Everything after the cursor and what is overdue; then, if it is followed, what comes, until the caller goes away.
    async fn tell_changes(
        &self,
        call: &Call,
        mut told: Told,
        follow: bool,
        sender: &Sender,
    ) -> Result<(), Refusal> {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let mut page = ops::watch_page(&self.gateway, call, told.after).await?;
            let is_last = page.is_empty();
            if is_last {
                page = ops::overdue(&self.gateway, call).await?;
                page.retain(|news| told.is_new(news));
            }
            for news in page {
                let cursor = told.note(&news);
                let render = move |news: &News| message(news, &cursor);
                let recorded = ops::disclose_change(&self.gateway, call, news, render).await?;
                let (mut response, proof) = recorded.into_parts();
                response.receipt = proof.map(|proof| self.receipt(proof));
                if sender.send(Ok(response)).await.is_err() {
                    return Ok(());
                }
            }
            if is_last && !follow {
                return Ok(());
            }
            if is_last {
                tokio::select! {
                    () = sender.closed() => return Ok(()),
                    _ = look.tick() => {}
                }
            }
        }
    }
}

impl Told {
    /// Whether an escalation was not told in this stream yet.
    fn is_new(&self, news: &News) -> bool {
        let by_now = news.about.as_ref().map_or(0, |about| about.escalations);
        self.escalations.get(&news.index).is_none_or(|told| *told < by_now)
    }

    /// The cursor of a message that is about to be told.
    fn note(&mut self, news: &News) -> String {
        if news.change == Change::Escalated {
            let by_now = news.about.as_ref().map_or(0, |about| about.escalations);
            self.escalations.insert(news.index, by_now);
        } else {
            self.after = Some(news.index);
        }
        self.after.map(|after| after.to_string()).unwrap_or_default()
    }
}

fn message(news: &News, cursor: &str) -> pb::WatchHandoffsResponse {
    let about = news.about.as_ref();
    pb::WatchHandoffsResponse {
        cursor: cursor.to_owned(),
        handoff_id: wire::id_text(news.stored.id),
        other: format!("urn:x-pmh:org:{}", news.stored.other),
        change: change(news.change).into(),
        at: Some(convert::instant(news.at)),
        report: about.and_then(|about| about.report.as_ref()).map(report::to_wire),
        report_entry: about
            .map(|about| pb::HandoffEntryName { index: about.of.index, leaf_hash: about.of.leaf.0.to_vec() }),
        acknowledged: about.is_some_and(|about| about.is_acknowledged),
        escalations: about.map_or(0, |about| about.escalations),
        late: about.is_some_and(|about| about.is_late),
        receipt: None,
    }
}

fn change(change: Change) -> pb::HandoffChange {
    match change {
        Change::Own => pb::HandoffChange::Unspecified,
        Change::Offered => pb::HandoffChange::Offered,
        Change::Accepted => pb::HandoffChange::Accepted,
        Change::Declined => pb::HandoffChange::Declined,
        Change::Confirmed => pb::HandoffChange::Confirmed,
        Change::ExtensionAsked => pb::HandoffChange::ExtensionAsked,
        Change::Shortened => pb::HandoffChange::Shortened,
        Change::GivenBack => pb::HandoffChange::GivenBack,
        Change::ConsentGiven => pb::HandoffChange::ConsentGiven,
        Change::ConsentWithdrawn => pb::HandoffChange::ConsentWithdrawn,
        Change::Child => pb::HandoffChange::Child,
        Change::Reported => pb::HandoffChange::Reported,
        Change::Acknowledged => pb::HandoffChange::Acknowledged,
        Change::Escalated => pb::HandoffChange::Escalated,
        Change::Returned => pb::HandoffChange::Returned,
        Change::Ended => pb::HandoffChange::Ended,
        Change::Requested => pb::HandoffChange::Requested,
        Change::RequestRefused => pb::HandoffChange::RequestRefused,
        Change::CareApproved => pb::HandoffChange::CareApproved,
    }
}

/// Messages that may wait for a slow reader.
const AHEAD: usize = 2;
/// How often an idle watch is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
