//! The guest's stream: one category a message, each recorded on both sides before it is sent; then, if it is followed, a
//! look twice a second whether the view is still open (P11: two seconds).

use std::time::Duration;

use pmh_domain::handoff::{Category, HandoffId};
use pmh_proto::{common::Reason, handoff as pb};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::Instrument as _;

use super::{
    super::{bulk::Answers, fields::Fields, service::Service, status::Refusal},
    answer, parse, words, wrong,
};
use crate::ops::{Call, handoff as ops};

type Sender = mpsc::Sender<Result<pb::ReadHandoffRecordsResponse, Status>>;

/// One view as it was asked for.
struct Asked {
    id: HandoffId,
    categories: Vec<Category>,
    duty: Option<pmh_domain::handoff::Duty>,
    follow: bool,
}

impl Asked {
    fn guest(&self, category: Category, child: u8) -> ops::Guest {
        ops::Guest { handoff: self.id, category, child, duty: self.duty }
    }
}

impl Service {
    pub(super) async fn view(
        &self,
        call: &Call,
        message: &pb::ReadHandoffRecordsRequest,
    ) -> Result<Answers<pb::ReadHandoffRecordsResponse>, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let id = parse::id(&mut checked, &message.handoff_id);
        let categories = parse::categories(&mut checked, &message.categories);
        let duty = words::to_duty(message.duty);
        if message.duty != 0 {
            parse::required(&mut checked, "duty", duty);
        }
        checked.finish()?;
        let (id, categories) = id.zip(categories).ok_or_else(wrong)?;
        let categories: Vec<Category> = categories.into_iter().collect();
        let categories = ops::shared(&self.gateway, call, id, &categories).await?;
        let asked = Asked { id, categories, duty, follow: message.follow };
        let (sender, answers) = mpsc::channel(AHEAD);
        let (service, call) = (self.clone(), call.clone());
        let filling = async move {
            if let Err(refusal) = service.fill(&call, &asked, &sender).await {
                let refusal = service.gateway.record_refusal(&call, refusal).await;
                let _ = sender.send(Err(refusal.into())).await;
            }
        };
        tokio::spawn(filling.in_current_span());
        Ok(Box::pin(ReceiverStream::new(answers)))
    }

    async fn fill(&self, call: &Call, asked: &Asked, sender: &Sender) -> Result<(), Refusal> {
        for category in &asked.categories {
            if sender.is_closed() {
                return Ok(());
            }
            if category.is_of_child() {
                self.fill_children(call, asked, *category, sender).await?;
            } else {
                self.send(call, asked.guest(*category, 0), sender).await?;
            }
        }
        match asked.categories.first() {
            Some(category) if asked.follow => self.keep_open(call, asked.guest(*category, 0), sender).await,
            _ => Ok(()),
        }
    }

    /// One child after another, until home knows of no further one: a child that is not there, one of whom nothing may be said
    /// and a category that is shared no more end alike.
    async fn fill_children(
        &self,
        call: &Call,
        asked: &Asked,
        category: Category,
        sender: &Sender,
    ) -> Result<(), Refusal> {
        for child in 1..=MOST_CHILDREN {
            match self.send(call, asked.guest(category, child), sender).await {
                Err(refusal) if refusal.reason() == Reason::ConsentRequired => return Ok(()),
                sent => sent?,
            }
        }
        Ok(())
    }

    async fn send(&self, call: &Call, guest: ops::Guest, sender: &Sender) -> Result<(), Refusal> {
        let recorded = ops::view(&self.gateway, call, guest, answer::at_home, answer::at_stay).await?;
        let (mut response, proof) = recorded.into_parts();
        response.receipt = proof.map(|proof| self.receipt(proof));
        // Whoever has gone away is noticed by the next look.
        let _ = sender.send(Ok(response)).await;
        Ok(())
    }

    /// Until the caller goes away or the view closes, which is a refusal.
    async fn keep_open(&self, call: &Call, guest: ops::Guest, sender: &Sender) -> Result<(), Refusal> {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = sender.closed() => return Ok(()),
                _ = look.tick() => ops::still_open(&self.gateway, call, guest).await?,
            }
        }
    }
}

/// Messages that may wait for a slow reader.
const AHEAD: usize = 2;
const MOST_CHILDREN: u8 = 10;
const LOOK_EVERY: Duration = Duration::from_millis(500);
