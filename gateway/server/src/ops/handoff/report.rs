//! Reports to home, and the person there who reads them.

use std::sync::Arc;

use pmh_domain::handoff::{HandoffId, LeafHash, Officer, Report, Side};
use pmh_proto::common::Reason;

use super::{Kept, fold::instant, step::Stepping};
use crate::{
    ops::{Call, Gateway, call::OPERATOR_FIELD},
    rpc::status::Refusal,
};

/// The stay side reports. Whether an EPDS is urgent is home's rule to say.
pub async fn report(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    id: HandoffId,
    report: Report,
) -> Result<Kept, Refusal> {
    let rules = gateway.urgent_rules.load_full();
    let stepping = Stepping::by(call, idempotency_key, id, Side::Stay);
    stepping
        .at_stay(gateway, None, move |stay, loaded| {
            let rule = rules.on(stay.offer().terms().home, report.on());
            let report = rule.map_or_else(|| report.clone(), |rule| report.clone().under(rule));
            stay.report(report, instant(loaded.now_us))
        })
        .await
}

/// The operator of the call has read a report, or a wish to stay longer.
pub async fn acknowledge_report(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    id: HandoffId,
    report: LeafHash,
) -> Result<Kept, Refusal> {
    // Only a person can read: a program that fetches reports acknowledges none.
    if call.operator().is_empty() {
        return Err(Refusal::invalid_fields(vec![]).with_field(OPERATOR_FIELD, Reason::Required));
    }
    let officer = Officer(call.operator().to_owned());
    let stepping = Stepping::by(call, idempotency_key, id, Side::Home);
    stepping.at_home(gateway, move |home, _| home.acknowledge(report, officer.clone())).await
}
