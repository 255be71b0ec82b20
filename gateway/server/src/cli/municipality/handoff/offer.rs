//! `offer`: home offers, and gives the mother the code that she carries.

use anyhow::Result;
use pmh_proto::handoff::{
    HandoffCategory, HandoffConsent, HandoffConsentOrigin, HandoffDuty, OfferHandoffRequest,
};
use serde_json::json;

use super::words::{category, duty};
use super::{Common, Told, call};
use crate::cli::counter::Trouble;
use crate::cli::mother_code::MotherCode;
use crate::sandbox::uuid;

/// An offer.
#[derive(Debug, clap::Args)]
pub(in crate::cli::municipality) struct Args {
    /// 宛名番号 of the mother.
    resident_key: String,
    /// Code of the municipality of the stay, six digits.
    #[arg(long)]
    stay: String,
    /// First day of the stay, YYYY-MM-DD.
    #[arg(long)]
    from: jiff::civil::Date,
    /// Last day.
    #[arg(long)]
    to: jiff::civil::Date,
    /// A duty, for example newborn_visit; once or more.
    #[arg(long = "duty", required = true, value_parser = duty)]
    duties: Vec<HandoffDuty>,
    /// What the mother consented to share, for example pregnancy_checkups; beside what she consented to in a request.
    #[arg(long = "category", required_unless_present = "request", value_parser = category)]
    categories: Vec<HandoffCategory>,
    /// Number of the paper form; absent: she consented with her card.
    #[arg(long, requires = "officer")]
    form: Option<String>,
    /// The two officers who checked the form.
    #[arg(long)]
    officer: Vec<String>,
    /// UUID of the request that it answers.
    #[arg(long)]
    request: Option<uuid::Uuid>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Offers.
pub(super) async fn offer(args: &Args) -> Result<std::result::Result<Told, Trouble>> {
    let code = MotherCode::generate();
    let origin = match args.form {
        Some(_) => HandoffConsentOrigin::Paper,
        None => HandoffConsentOrigin::Card,
    };
    let consent = HandoffConsent {
        categories: args.categories.iter().map(|category| i32::from(*category)).collect(),
        origin: origin.into(),
        form: args.form.clone().unwrap_or_default(),
        officers: args.officer.clone(),
    };
    let request = OfferHandoffRequest {
        idempotency_key: uuid(),
        resident_key: args.resident_key.clone(),
        stay: format!("urn:x-pmh:org:municipality:{}", args.stay),
        first_day: args.from.to_string(),
        last_day: args.to.to_string(),
        duties: args.duties.iter().map(|duty| i32::from(*duty)).collect(),
        consents: if args.categories.is_empty() { Vec::new() } else { vec![consent] },
        request_id: args.request.map(|id| id.to_string()).unwrap_or_default(),
        code: code.to_bytes(),
        ..Default::default()
    };
    let answered = call(&args.common, &request).await?;
    Ok(answered.map(|response| {
        let id = response.statement.map(|statement| statement.handoff_id).unwrap_or_default();
        let document = json!({ "ok": true, "handoff": id, "code": code.to_string() });
        let ja = format!("提案しました: {id}\n本人にお渡しする受付コード: {code}");
        (document, ja, format!("Offered: {id}\nThe mother's code: {code}"))
    }))
}
