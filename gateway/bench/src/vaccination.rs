//! The two calls about a dose that are measured.

use anyhow::{Result, ensure};
use pmh::sandbox::uuid;
use pmh_audit::OrgRef;
use pmh_client::Presentation;
use pmh_client::call::Call as _;
use pmh_client::receipt::{Expected, response_digest};
use pmh_proto::audit::Receipt;
use pmh_proto::common::Purpose;
use pmh_proto::vaccination::{
    DoseStatus, EvaluateDoseRequest, EvaluateDoseResponse, Product, Programme, Questionnaire,
    RecordDoseRequest, RecordDoseResponse, Shot, Verdict,
};
use prost::Message as _;
use prost::bytes::Bytes;

use crate::clock;

/// Which call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DoseCall {
    /// May the first Japanese encephalitis dose be given today?
    Evaluate,
    /// Writes down a shot of a vaccine outside any series, each time on another day.
    Record,
}

/// A presence for subsidies that also opens doses.
pub(crate) fn presentation(mut subsidies: Presentation) -> Presentation {
    subsidies.scopes.extend(Presentation::for_vaccination("").scopes);
    subsidies
}

impl DoseCall {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Evaluate => EvaluateDoseRequest::PATH,
            Self::Record => RecordDoseRequest::PATH,
        }
    }

    /// The `number`-th request of a desk.
    pub(crate) fn request(self, number: usize) -> Bytes {
        let purpose = Purpose::Treat.into();
        match self {
            Self::Evaluate => {
                let shot = Some(shot("JE1", 0, Programme::Routine));
                EvaluateDoseRequest { shot, purpose, ..Default::default() }.encode_to_vec().into()
            }
            Self::Record => {
                let days = i64::try_from(number / OUTSIDE.len() % DAYS).unwrap_or_default();
                let vaccine = OUTSIDE.get(number % OUTSIDE.len()).copied().unwrap_or_default();
                let shot = Some(shot(vaccine, -days, Programme::Voluntary));
                let idempotency_key = uuid();
                RecordDoseRequest { idempotency_key, shot, purpose, ..Default::default() }
                    .encode_to_vec()
                    .into()
            }
        }
    }

    /// What the receipt of an answer must say, and the receipt; the answer itself must be the usual one.
    pub(crate) fn expected(
        self,
        requester: &OrgRef,
        request: [u8; 32],
        answer: Bytes,
    ) -> Result<(Expected<'_>, Option<Receipt>)> {
        let (method, response, receipt) = match self {
            Self::Evaluate => {
                let answer = EvaluateDoseResponse::decode(answer)?;
                let verdict = answer.evaluation.as_ref().map(pmh_proto::vaccination::Evaluation::verdict);
                ensure!(verdict.is_some_and(|verdict| verdict != Verdict::Block), "the dose was stopped");
                (EvaluateDoseRequest::method(), response_digest(&answer), answer.receipt)
            }
            Self::Record => {
                let answer = RecordDoseResponse::decode(answer)?;
                let status = answer.dose.as_ref().map(pmh_proto::vaccination::Dose::status);
                ensure!(status == Some(DoseStatus::Completed), "the dose does not count");
                (RecordDoseRequest::method(), response_digest(&answer), answer.receipt)
            }
        };
        Ok((Expected { requester, method, request, response }, receipt))
    }
}

fn shot(vaccine: &str, days: i64, programme: Programme) -> Shot {
    Shot {
        vaccine: vaccine.to_owned(),
        date: clock::day(days).to_string(),
        programme: programme.into(),
        product: Some(Product { lot_number: "BENCH-1".to_owned(), ..Product::default() }),
        questionnaire: Some(Questionnaire::default()),
        paper_seen: true,
        ..Shot::default()
    }
}

/// Vaccines outside any series, not live: one a day of each.
const OUTSIDE: [&str; 3] = ["TT", "MEN4", "RABIES"];
/// Fewer days than the children are old.
const DAYS: usize = 1000;
