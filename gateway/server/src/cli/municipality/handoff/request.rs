//! `request`: the stay side asks for an offer, while the mother presents her card.

use anyhow::Result;
use pmh_client::Presentation;
use pmh_proto::handoff::{HandoffCategory, HandoffDuty, RequestHandoffRequest};
use serde_json::json;

use super::words::{category, duty};
use super::{Common, Told};
use crate::cli::counter::Trouble;
use crate::sandbox::uuid;
use crate::system;

/// A request.
#[derive(Debug, clap::Args)]
pub(in crate::cli::municipality) struct Args {
    /// Code of her municipality of residence, six digits.
    #[arg(long)]
    home: String,
    /// Number of her 母子健康手帳, by which home finds her.
    #[arg(long)]
    handbook: String,
    /// Her day of birth, YYYY-MM-DD.
    #[arg(long)]
    born: jiff::civil::Date,
    /// First day of the stay, YYYY-MM-DD.
    #[arg(long)]
    from: jiff::civil::Date,
    /// Last day.
    #[arg(long)]
    to: jiff::civil::Date,
    /// A duty that this municipality is ready for; once or more.
    #[arg(long = "duty", required = true, value_parser = duty)]
    duties: Vec<HandoffDuty>,
    /// What she shares, by her card; once or more.
    #[arg(long = "category", required = true, value_parser = category)]
    categories: Vec<HandoffCategory>,
    /// Her card in the sandbox.
    #[arg(long)]
    card: Option<String>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Asks.
pub(super) async fn ask(args: &Args) -> Result<std::result::Result<Told, Trouble>> {
    let place = args.common.access.place()?;
    let mut placed = place.card(args.card.as_deref())?;
    let terminal = match place.access(None)?.terminal().await {
        Ok(terminal) => terminal,
        Err(error) => return Ok(Err(error.into())),
    };
    let request = RequestHandoffRequest {
        idempotency_key: uuid(),
        home: format!("urn:x-pmh:org:municipality:{}", args.home),
        first_day: args.from.to_string(),
        last_day: args.to.to_string(),
        duties: args.duties.iter().map(|duty| i32::from(*duty)).collect(),
        categories: args.categories.iter().map(|category| i32::from(*category)).collect(),
        handbook_number: args.handbook.clone(),
        birth_date: args.born.to_string(),
    };
    let outcome = async {
        let text = Presentation::for_handoff(CONSENT);
        let presence = terminal.present(&mut placed.card, &text, system::now_s()).await?;
        terminal.gateway().call(&request, Some(presence.bearer())).await.map_err(Trouble::from)
    };
    Ok(outcome.await.map(|proven| {
        let id = proven.response.statement.map(|statement| statement.handoff_id).unwrap_or_default();
        let document = json!({ "ok": true, "handoff": id });
        (document, format!("住民票所在地に依頼しました: {id}"), format!("Asked: {id}"))
    }))
}

const CONSENT: &str = "里帰り先で支援を受けるため、選んだ記録を住民票所在地の市区町村からこの市区町村へ提供することに同意します。";
