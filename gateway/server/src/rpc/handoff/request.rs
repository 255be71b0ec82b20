//! Requests for an offer: as they travel, and the call that makes one.

use jiff::civil::Date;
use pmh_auth::names::Purpose;
use pmh_domain::{
    handoff::{Claimed, Consent, ConsentOrigin, Giver, HandoffId, Proven, Request, answer_by},
    time::{DateRange, tokyo_date},
};
use pmh_proto::{common::Reason, handoff as pb};

use super::{
    super::{convert, fields::Fields, service::Service, status::Refusal},
    parse, wire, words, wrong,
};
use crate::ops::{
    Call,
    handoff::{self as ops, Requested},
};

impl Service {
    pub(super) async fn ask(
        &self,
        call: &Call,
        message: &pb::RequestHandoffRequest,
    ) -> Result<pb::RequestHandoffResponse, Refusal> {
        // At the counter the token says that she is there; the municipality's own purpose is implied.
        let permit = call.authorize(&self.gateway, Some(Purpose::Pubhlth))?;
        let handoff = HandoffId(self.gateway.random_bytes());
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let home = parse::required(&mut checked, "home", wire::municipality(&message.home));
        let period = parse::period(&mut checked, &message.first_day, &message.last_day);
        let duties = parse::duties(&mut checked, &message.duties);
        let categories = parse::categories(&mut checked, &message.categories);
        let handbook = checked.identifier("handbook_number", &message.handbook_number, MAX_HANDBOOK);
        let born_on = checked.date("birth_date", &message.birth_date);
        if message.duties.is_empty() {
            checked.wrong("duties", Reason::Required);
        }
        let consent =
            categories.and_then(|all| Consent::received(Giver::Mother, all, ConsentOrigin::Card).ok());
        let consent = parse::required(&mut checked, "categories", consent);
        let stay = call.issuer()?;
        if home == Some(stay) {
            checked.wrong("home", Reason::Value);
        }
        checked.finish()?;
        let (key, home) = key.zip(home).ok_or_else(wrong)?;
        let (period, duties) = period.zip(duties).ok_or_else(wrong)?;
        let (handbook, born_on) = handbook.zip(born_on).ok_or_else(wrong)?;
        let consent = consent.ok_or_else(wrong)?;
        let mother = Claimed { handbook, born_on };
        let request = Request { handoff, home, stay, period, duties, consent, mother };
        self.decode(ops::request(&self.gateway, call, &permit, &key, request).await?)
    }

    /// The request that an offer names.
    pub(super) async fn asked_for(&self, call: &Call, request_id: &str) -> Result<Proven<Request>, Refusal> {
        let mut checked = Fields::default();
        let text = checked.uuid("request_id", request_id);
        let id = text.and_then(|text| wire::handoff_id(&text));
        let id = parse::required(&mut checked, "request_id", id);
        checked.finish()?;
        ops::asked_for(&self.gateway, call, id.ok_or_else(wrong)?).await
    }
}

/// A request as it travels.
pub(super) fn to_wire(request: &Request) -> pb::HandoffRequested {
    let categories = request.consent.categories().iter().map(|category| words::category(*category).into());
    pb::HandoffRequested {
        home: wire::urn(request.home),
        stay: wire::urn(request.stay),
        first_day: request.period.first().to_string(),
        last_day: request.period.last().to_string(),
        duties: request.duties.iter().map(|duty| words::duty(*duty).into()).collect(),
        consent: Some(wire::consent(request.consent.origin(), categories.collect())),
        handbook_number: request.mother.handbook.clone(),
        birth_date: request.mother.born_on.to_string(),
    }
}

/// And back; `None` if it is none.
pub(super) fn of_wire(told: &pb::HandoffRequested, handoff: HandoffId) -> Option<Request> {
    let mut checked = Fields::default();
    let handbook = checked.identifier("handbook_number", &told.handbook_number, MAX_HANDBOOK)?;
    checked.finish().ok()?;
    let day = |text: &str| text.parse::<Date>().ok().filter(|day| day.to_string() == text);
    Some(Request {
        handoff,
        home: wire::municipality(&told.home)?,
        stay: wire::municipality(&told.stay)?,
        period: DateRange::new(day(&told.first_day)?, day(&told.last_day)?).ok()?,
        duties: words::all(&told.duties, words::to_duty)?,
        consent: wire::to_consent(told.consent.as_ref()?)?,
        mother: Claimed { handbook, born_on: day(&told.birth_date)? },
    })
}

/// A request in a list.
pub(super) fn summary(requested: &Requested, today: Date) -> pb::HandoffRequestSummary {
    let asking = &requested.asking;
    let by = answer_by(tokyo_date(asking.at()));
    let state = match asking.refused() {
        Some(_) => pb::HandoffRequestState::Refused,
        None if today > by => pb::HandoffRequestState::Lapsed,
        None => pb::HandoffRequestState::Open,
    };
    pb::HandoffRequestSummary {
        handoff_id: wire::id_text(asking.request().handoff),
        requested: Some(to_wire(asking.request())),
        state: state.into(),
        reason: asking.refused().map_or(0, |reason| words::decline(reason).into()),
        requested_at: Some(convert::instant(asking.at())),
        answer_by: by.to_string(),
        unsent: requested.unsent,
    }
}

const MAX_HANDBOOK: usize = 64;
