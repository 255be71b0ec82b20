//! The two streams of doses: each message was recorded, as an entry about its person, before it is sent.

use std::{future::Future, time::Duration};

use pmh_proto::vaccination as pb;
use pmh_store::vaccination::{ClaimSide, ToldDose};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::Instrument as _;

use super::{
    super::{bulk::Answers, fields::Fields, service::Service, status::Refusal},
    LONGEST_CLAIMS, answer, parse,
};
use crate::ops::{Call, vaccination as ops};

impl Service {
    pub(super) async fn watch(
        &self,
        call: &Call,
        message: &pb::WatchDosesRequest,
    ) -> Result<Answers<pb::WatchDosesResponse>, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let cursor = parse::cursor(&mut checked, &message.cursor);
        checked.finish()?;
        let start = match cursor {
            Some(cursor) => cursor,
            None => ops::feed_start(&self.gateway, call).await?,
        };
        let (service, call, follow) = (self.clone(), call.clone(), message.follow);
        Ok(answers(move |sender| async move { service.feed(&call, start, follow, &sender).await }))
    }

    pub(super) fn claim_lines(
        &self,
        call: &Call,
        message: &pb::ListClaimLinesRequest,
    ) -> Result<Answers<pb::ListClaimLinesResponse>, Refusal> {
        self.permit(call)?;
        let days = parse::days(message.days.as_ref(), LONGEST_CLAIMS)?;
        let (service, call) = (self.clone(), call.clone());
        Ok(answers(move |sender| async move { service.claims(&call, days, &sender).await }))
    }

    /// Everything after an index; then, if it is followed, what comes, until the caller goes away.
    async fn feed(
        &self,
        call: &Call,
        mut after: u64,
        follow: bool,
        sender: &mpsc::Sender<Result<pb::WatchDosesResponse, Status>>,
    ) -> Result<(), Refusal> {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut idle = 0;
        loop {
            if idle % LATE_EVERY == 0 {
                ops::feed_late(&self.gateway, call).await?;
            }
            let page = ops::feed_page(&self.gateway, call, after).await?;
            if page.is_empty() {
                if !follow {
                    return Ok(());
                }
                idle += 1;
                tokio::select! {
                    () = sender.closed() => return Ok(()),
                    _ = look.tick() => continue,
                }
            }
            for told in page {
                after = told.index;
                let recorded = ops::disclose_dose(&self.gateway, call, told, fed).await?;
                let (mut response, proof) = recorded.into_parts();
                response.receipt = proof.map(|proof| self.receipt(proof));
                if sender.send(Ok(response)).await.is_err() {
                    return Ok(());
                }
            }
        }
    }

    async fn claims(
        &self,
        call: &Call,
        days: (jiff::civil::Date, jiff::civil::Date),
        sender: &mpsc::Sender<Result<pb::ListClaimLinesResponse, Status>>,
    ) -> Result<(), Refusal> {
        let side = if call.issuer().is_ok() { ClaimSide::Payer } else { ClaimSide::Performer };
        let mut last: Option<ToldDose> = None;
        loop {
            let page = ops::claim_page(&self.gateway, call, days, last.as_ref()).await?;
            if page.is_empty() {
                return Ok(());
            }
            for told in page {
                last = Some(told.clone());
                let render = move |told: &ToldDose, sub: &str| claim(side, told, sub);
                let recorded = ops::disclose_dose(&self.gateway, call, told, render).await?;
                let (mut response, proof) = recorded.into_parts();
                response.receipt = proof.map(|proof| self.receipt(proof));
                if sender.send(Ok(response)).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
}

fn fed(told: &ToldDose, sub: &str) -> pb::WatchDosesResponse {
    pb::WatchDosesResponse {
        cursor: told.index.to_string(),
        resident_key: told.resident_key.clone(),
        subject: sub.to_owned(),
        dose: Some(answer::dose(&told.dose)),
        receipt: None,
    }
}

fn claim(side: ClaimSide, told: &ToldDose, sub: &str) -> pb::ListClaimLinesResponse {
    pb::ListClaimLinesResponse {
        state: answer::claim_state(&told.dose.record).into(),
        resident_key: answer::resident_key(side, &told.resident_key),
        subject: sub.to_owned(),
        dose: Some(answer::dose(&told.dose)),
        receipt: None,
    }
}

/// A stream that somebody fills; a refusal is its last message.
fn answers<T: Send + 'static, F: Future<Output = Result<(), Refusal>> + Send + 'static>(
    fill: impl FnOnce(mpsc::Sender<Result<T, Status>>) -> F,
) -> Answers<T> {
    let (sender, answers) = mpsc::channel(AHEAD);
    let last = sender.clone();
    let filling = fill(sender);
    let filling = async move {
        if let Err(refusal) = filling.await {
            let _ = last.send(Err(refusal.into())).await;
        }
    };
    tokio::spawn(filling.in_current_span());
    Box::pin(ReceiverStream::new(answers))
}

/// Messages that may wait for a slow reader.
const AHEAD: usize = 2;
/// How often an idle feed is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Of how many looks one asks for doses that were recorded before their person was linked.
const LATE_EVERY: u32 = 10;
