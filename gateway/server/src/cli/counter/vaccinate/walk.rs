//! Card, check, reservation, record; the patient leaves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pmh_audit::Verified;
use pmh_client::call::Recorded;
use pmh_client::{Card, Presence, Presentation, Proven, Terminal};
use pmh_proto::common::Purpose;
use pmh_proto::vaccination::{
    Administration, Availability, DoctorOverride, Dose, DoseSource, EvaluateDoseRequest, Evaluation,
    RecordDoseRequest, ReserveDoseRequest, ReserveOutcome, Shot, Verdict,
};
use prost::Message as _;
use prost_types::Timestamp;
use serde_json::{Value, json};

use super::super::access::Access;
use super::super::patient::Patient;
use super::super::trouble::Trouble;
use super::super::visit::{choose, leave};
use crate::sandbox::uuid;
use crate::system;

/// What is to be given, to whom.
pub(super) struct Plan {
    pub(super) patient: Patient,
    pub(super) shot: Shot,
    pub(super) doctor: String,
    pub(super) override_reason: Option<String>,
    pub(super) check_only: bool,
    /// The day of the shot is past: a reservation would hold nothing.
    pub(super) is_late: bool,
}

/// How far it came. Every step's receipt held.
pub(super) struct Walked {
    pub(super) ended: Ended,
    /// The newest word of the rules.
    pub(super) evaluation: Evaluation,
    pub(super) shot: Shot,
    pub(super) steps: Vec<Step>,
    pub(super) terminal: String,
    pub(super) organization: String,
}

/// Where the walk ended.
pub(super) enum Ended {
    /// After the check, as was asked.
    Checked,
    /// The rules stopped it.
    Stopped,
    /// Another institution holds the number.
    ReservedElsewhere(Option<Timestamp>),
    /// It is written down.
    Recorded(Box<Dose>),
}

/// One call that was recorded before it was answered.
pub(super) struct Step {
    pub(super) path: &'static str,
    pub(super) name: &'static str,
    pub(super) proof: Verified,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Step {
    fn new<C: Recorded>(request: &C, answer: &Proven<C::Response>) -> Self {
        Self {
            path: C::PATH,
            name: C::NAME,
            proof: answer.proof.clone(),
            request: request.encode_to_vec(),
            response: answer.response.encode_to_vec(),
        }
    }

    /// What `pmh audit verify-receipt` reads.
    pub(super) fn evidence(&self) -> Value {
        json!({
            "method": self.path,
            "request": BASE64.encode(&self.request),
            "response": BASE64.encode(&self.response),
        })
    }
}

impl Plan {
    fn doctor_override(&self) -> Option<DoctorOverride> {
        self.override_reason.as_ref().map(|reason| DoctorOverride { reason: reason.clone() })
    }
}

impl Walked {
    /// Whether a rule stands against the shot that no doctor went past.
    pub(super) fn is_blocked(&self) -> bool {
        let open = |finding: &pmh_proto::vaccination::Finding| {
            finding.level() == Verdict::Block && !finding.overridden
        };
        !matches!(self.ended, Ended::Recorded(_)) && self.evaluation.findings.iter().any(open)
    }
}

/// The whole walk.
pub(super) async fn walk(access: &Access, card: &mut dyn Card, plan: &Plan) -> Result<Walked, Trouble> {
    let terminal = access.terminal().await?;
    let presentation = Presentation::for_vaccination(TEXT);
    let mut presence = terminal.present(card, &presentation, system::now_s()).await?;
    if let Patient::Child { born } = plan.patient {
        let child = choose(&presence.dependants, born)?.child.clone();
        terminal.renew(&mut presence, Some(&child)).await?;
    }
    let walked = Counter { terminal: &terminal, presence: &presence, steps: Vec::new() }.walk(plan).await;
    leave(&terminal, &presence).await;
    walked
}

struct Counter<'a> {
    terminal: &'a Terminal,
    presence: &'a Presence,
    steps: Vec<Step>,
}

impl Counter<'_> {
    async fn walk(mut self, plan: &Plan) -> Result<Walked, Trouble> {
        let (ended, evaluation) = self.run_steps(plan).await?;
        let identity = self.terminal.gateway().identity();
        Ok(Walked {
            ended,
            evaluation,
            shot: plan.shot.clone(),
            terminal: identity.terminal().unwrap_or_default().to_owned(),
            organization: identity.organization().to_string(),
            steps: self.steps,
        })
    }

    async fn run_steps(&mut self, plan: &Plan) -> Result<(Ended, Evaluation), Trouble> {
        let request = EvaluateDoseRequest {
            shot: Some(plan.shot.clone()),
            purpose: Purpose::Treat.into(),
            ..Default::default()
        };
        let checked = self.call(&request).await?;
        let evaluation = checked.evaluation.clone().unwrap_or_default();
        if plan.check_only {
            return Ok((Ended::Checked, evaluation));
        }
        if checked.availability() == Availability::ReservedElsewhere {
            return Ok((Ended::ReservedElsewhere(checked.reserved_until), evaluation));
        }
        if evaluation.verdict() == Verdict::Block && plan.override_reason.is_none() {
            return Ok((Ended::Stopped, evaluation));
        }
        if plan.is_late {
            return self.record(plan, String::new(), evaluation).await;
        }
        self.reserve_and_record(plan).await
    }

    async fn reserve_and_record(&mut self, plan: &Plan) -> Result<(Ended, Evaluation), Trouble> {
        let request = ReserveDoseRequest {
            idempotency_key: uuid(),
            shot: Some(plan.shot.clone()),
            doctor_override: plan.doctor_override(),
            purpose: Purpose::Treat.into(),
            ..Default::default()
        };
        let held = self.call(&request).await?;
        let evaluation = held.evaluation.clone().unwrap_or_default();
        match held.outcome() {
            ReserveOutcome::Reserved => {}
            ReserveOutcome::ReservedElsewhere => {
                return Ok((Ended::ReservedElsewhere(held.reserved_until), evaluation));
            }
            ReserveOutcome::Blocked | ReserveOutcome::Unspecified => return Ok((Ended::Stopped, evaluation)),
        }
        self.record(plan, held.reservation_id, evaluation).await
    }

    async fn record(
        &mut self,
        plan: &Plan,
        reservation_id: String,
        evaluation: Evaluation,
    ) -> Result<(Ended, Evaluation), Trouble> {
        let late = if plan.is_late { DoseSource::Paper } else { DoseSource::Unspecified };
        let request = RecordDoseRequest {
            idempotency_key: uuid(),
            reservation_id,
            shot: Some(plan.shot.clone()),
            late: late.into(),
            doctor_override: plan.doctor_override(),
            administration: Some(Administration { doctor: plan.doctor.clone(), ..Default::default() }),
            purpose: Purpose::Treat.into(),
            ..Default::default()
        };
        let recorded = self.call(&request).await?;
        let dose = recorded.dose.unwrap_or_default();
        Ok((Ended::Recorded(Box::new(dose)), recorded.evaluation.unwrap_or(evaluation)))
    }

    async fn call<C: Recorded>(&mut self, request: &C) -> Result<C::Response, Trouble> {
        let answer = self.terminal.call(self.presence, request).await?;
        self.steps.push(Step::new(request, &answer));
        Ok(answer.response)
    }
}

const TEXT: &str = "予防接種の記録を確認し、今回の接種を登録します。よろしいですか。";
