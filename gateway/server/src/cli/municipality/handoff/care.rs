//! `care`: home approves 産後ケア for the stay.

use anyhow::Result;
use pmh_proto::handoff::{
    ApprovePostpartumCareRequest, HandoffCareApproved, HandoffCareKind, ListHandoffsRequest,
};
use serde_json::json;

use super::words::care_kind;
use super::{One, Told, call};
use crate::cli::counter::Trouble;
use crate::sandbox::uuid;

/// An approval.
#[derive(Debug, clap::Args)]
pub(in crate::cli::municipality) struct Args {
    #[command(flatten)]
    pub(super) one: One,
    /// How care is given: short_stay, day or home_visit.
    #[arg(long, value_parser = care_kind)]
    kind: HandoffCareKind,
    /// Days, or single visits.
    #[arg(long)]
    days: u32,
    /// What she pays for one of them, yen.
    #[arg(long)]
    copayment: u32,
    /// First day, YYYY-MM-DD; otherwise the stay's.
    #[arg(long)]
    from: Option<jiff::civil::Date>,
    /// Last day; otherwise the stay's.
    #[arg(long)]
    to: Option<jiff::civil::Date>,
}

/// Approves.
pub(super) async fn approve(args: &Args) -> Result<std::result::Result<Told, Trouble>> {
    let (common, handoff_id) = (&args.one.common, args.one.handoff.to_string());
    let listed = match call(common, &ListHandoffsRequest {}).await? {
        Ok(listed) => listed,
        Err(trouble) => return Ok(Err(trouble)),
    };
    // Of a handoff that is not ours the gateway says so itself.
    let known = listed.handoffs.into_iter().find(|known| known.handoff_id == handoff_id).unwrap_or_default();
    let day = |stated: Option<jiff::civil::Date>, stay: String| stated.map_or(stay, |day| day.to_string());
    let approval = HandoffCareApproved {
        kind: args.kind.into(),
        days: args.days,
        copayment_yen: args.copayment,
        first_day: day(args.from, known.first_day),
        last_day: day(args.to, known.last_day),
    };
    let request =
        ApprovePostpartumCareRequest { idempotency_key: uuid(), handoff_id, approval: Some(approval) };
    Ok(call(common, &request).await?.map(|_| {
        let (ja, en) = ("産後ケアの利用を承認しました。", "Postpartum care is approved.");
        (json!({ "ok": true }), ja.to_owned(), en.to_owned())
    }))
}
