//! RecordCheckup on the wire, and what became of a record.

use pmh_domain::checkup::delivery::{Delivered, DeliveryState};
use pmh_proto::{
    checkup as pb,
    common::{Reason, RowOutcome, RowProblem},
};
use prost::Message as _;

use super::{
    super::{convert, fields::Fields, service::Service, status::Refusal},
    parse, wrong,
};
use crate::ops::{
    Call,
    checkup::{self as ops, Made},
};

impl Service {
    pub(super) async fn examined(
        &self,
        call: &Call,
        message: &pb::RecordCheckupRequest,
    ) -> Result<pb::RecordCheckupResponse, Refusal> {
        let permit = self.permit_about(call, message.purpose, &message.subject)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        if message.record.is_none() {
            checked.wrong("record", Reason::Required);
        }
        checked.finish()?;
        let (key, record) = key.zip(message.record.clone()).ok_or_else(wrong)?;
        let render = |made: &Made| answer(made).encode_to_vec();
        let record = parse::record(record);
        self.decode(ops::record_checkup(&self.gateway, call, &permit, &key, record, render).await?)
    }
}

fn answer(made: &Made) -> pb::RecordCheckupResponse {
    let warning = |(field, reason, _): &(String, Reason, bool)| RowProblem {
        field: format!("record.{field}"),
        reason: (*reason).into(),
        warning: true,
    };
    pb::RecordCheckupResponse {
        checkup_id: uuid::Uuid::from_bytes(made.checkup_id).to_string(),
        outcome: RowOutcome::try_from(i32::from(made.outcome as u8)).unwrap_or_default().into(),
        warnings: made.warnings.iter().map(warning).collect(),
        delivery: Some(delivery(&made.delivered)),
        receipt: None,
    }
}

pub(super) fn delivery(delivered: &Delivered) -> pb::Delivery {
    let instant = |at: jiff::Timestamp| convert::micros(at.as_microsecond());
    let (state, read_at) = match delivered.state() {
        DeliveryState::NotDelivered => (pb::DeliveryState::NotDelivered, None),
        DeliveryState::Unread => (pb::DeliveryState::Unread, None),
        DeliveryState::Read(at) => (pb::DeliveryState::Read, Some(at)),
    };
    pb::Delivery {
        state: state.into(),
        urgent: delivered.urgent,
        delivered_at: delivered.at.map(instant),
        read_at: read_at.map(instant),
        text: Some(convert::text(delivered.text())),
    }
}
