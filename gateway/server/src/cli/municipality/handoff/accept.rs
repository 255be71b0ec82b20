//! `accept`: the stay side accepts, while the mother presents card and code.

use anyhow::Result;
use pmh_client::{Presence, Presentation, Terminal};
use pmh_proto::handoff::{
    AcceptHandoffRequest, HandoffDeclineReason, HandoffDuty, HandoffDutyAnswer, ListHandoffsRequest,
};
use serde_json::json;

use super::words::duty;
use super::{One, Told};
use crate::cli::counter::Trouble;
use crate::cli::mother_code::MotherCode;
use crate::sandbox::uuid;
use crate::system;

/// An accept.
#[derive(Debug, clap::Args)]
pub(in crate::cli::municipality) struct Args {
    #[command(flatten)]
    pub(super) one: One,
    /// The mother's code, as `offer` printed it; none where this side asked for the offer.
    #[arg(long)]
    code: Option<MotherCode>,
    /// Her card in the sandbox.
    #[arg(long)]
    card: Option<String>,
    /// A duty that is accepted; once or more. Those offered and not named are declined for want of capacity.
    #[arg(long = "duty", required = true, value_parser = duty)]
    duties: Vec<HandoffDuty>,
}

/// Accepts.
pub(super) async fn accept(args: &Args) -> Result<std::result::Result<Told, Trouble>> {
    let place = args.one.common.access.place()?;
    let mut placed = args.code.map(|_| place.card(args.card.as_deref())).transpose()?;
    let terminal = match place.access(None)?.terminal().await {
        Ok(terminal) => terminal,
        Err(error) => return Ok(Err(error.into())),
    };
    let handoff_id = args.one.handoff.to_string();
    let outcome = async {
        let offered = offered(&terminal, &handoff_id).await?;
        let answer = |duty: i32| {
            let is_accepted = args.duties.iter().any(|accepted| i32::from(*accepted) == duty);
            let declined = if is_accepted { 0 } else { HandoffDeclineReason::NoCapacity.into() };
            HandoffDutyAnswer { duty, declined }
        };
        let text = Presentation::for_handoff("里帰り先の市区町村で支援を受けるための本人確認です。");
        let presence = match &mut placed {
            Some(placed) => Some(terminal.present(&mut placed.card, &text, system::now_s()).await?),
            None => None,
        };
        let request = AcceptHandoffRequest {
            idempotency_key: uuid(),
            handoff_id: handoff_id.clone(),
            code: args.code.map(MotherCode::to_bytes).unwrap_or_default(),
            answers: offered.into_iter().map(answer).collect(),
        };
        terminal
            .gateway()
            .call(&request, presence.as_ref().map(Presence::bearer))
            .await
            .map_err(Trouble::from)
    };
    Ok(outcome.await.map(|_| (json!({ "ok": true }), "受諾しました。".to_owned(), "Accepted.".to_owned())))
}

/// The duties that were offered.
async fn offered(terminal: &Terminal, id: &str) -> std::result::Result<Vec<i32>, Trouble> {
    let listed = terminal.gateway().call(&ListHandoffsRequest {}, None).await?.response;
    let known = listed.handoffs.into_iter().find(|known| known.handoff_id == id);
    Ok(known.map(|known| known.duties).unwrap_or_default())
}
