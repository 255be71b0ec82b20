//! An institution writes down a checkup of who is present there.

use std::sync::Arc;

use jiff::{Timestamp, civil::Date};
use pmh_audit::Kind;
use pmh_auth::policy::Permit;
use pmh_domain::{
    checkup::{
        delivery::Delivered,
        record::{Checkup, Context, RawCheckup},
        urgent::UrgentRules,
    },
    codes::InstitutionCode,
    resident::Sex,
    time::tokyo_date,
};
use pmh_proto::common::Reason;
use pmh_store::{
    Concluding, Conclusion, Reply, RowOutcome,
    checkup::{Judged, KeptDelivery, NewRecord, RecordOutcome, RecordRefusal, RecordedCheckup, Registered},
};

use super::{Kept, push::say, urgent};
use crate::{
    ops::{
        Call, Gateway,
        asked::{Asked, Told},
        bulk::Said,
        refusals::settled,
        unavailable,
    },
    rpc::status::{FieldViolation, Refusal},
};

/// What became of it.
pub struct Made {
    /// Names the record for ever.
    pub checkup_id: [u8; 16],
    /// Created, updated, or unchanged.
    pub outcome: RowOutcome,
    /// What was odd.
    pub warnings: Said,
    /// Where it is now.
    pub delivered: Delivered,
}

/// Keeps a record under the caller's name and delivers it to where the person lives.
pub async fn record_checkup(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    idempotency_key: &str,
    (raw, unknown_words): (RawCheckup, Vec<String>),
    render: impl Fn(&Made) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let institution = call.organization()?.institution();
    let examined = Examined {
        institution: institution.ok_or_else(|| Refusal::new(Reason::RoleNotAllowed))?,
        short: call.short().to_owned(),
        today: tokyo_date(call.now),
        rules: UrgentRules::clone(&gateway.urgent_rules.load()),
        raw,
        unknown_words,
    };
    let asked = Asked::new(gateway, call, permit, Kind::Write);
    let on_behalf = asked.is_on_behalf();
    let new = NewRecord {
        institution: examined.short.clone(),
        record_id: examined.raw.record_id.clone(),
        person: asked.person(),
        on_behalf,
        today: examined.today,
    };
    let once = asked.once(idempotency_key);
    let recorded = gateway
        .store
        .record_checkup(
            gateway.attempt(),
            once,
            new,
            move |registered| examined.judge(registered),
            move |concluding| match concluding {
                Concluding::Fresh(RecordOutcome::Invalid(said)) => invalid(said),
                concluding => {
                    asked.conclude(fresh(concluding), |kept: Outcome| tell(kept, on_behalf, &render))
                }
            },
        )
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

type Outcome = Result<RecordedCheckup<Said>, Reason>;

fn fresh(concluding: Concluding<'_, RecordOutcome<Said, Said>>) -> Concluding<'_, Outcome> {
    match concluding {
        Concluding::Fresh(RecordOutcome::Kept(kept)) => Concluding::Fresh(Ok(kept)),
        Concluding::Fresh(RecordOutcome::Refused(refusal)) => Concluding::Fresh(Err(match refusal {
            RecordRefusal::CardMissing => Reason::TokenMissing,
            RecordRefusal::OtherPerson => Reason::SubjectMismatch,
            RecordRefusal::VersionConflict => Reason::VersionConflict,
        })),
        Concluding::Fresh(RecordOutcome::Invalid(_)) => Concluding::Fresh(Err(Reason::Internal)),
        Concluding::Replay(answer) => Concluding::Replay(answer),
        Concluding::KeyReused => Concluding::KeyReused,
    }
}

/// One record as it came, and who examined.
struct Examined {
    institution: InstitutionCode,
    short: String,
    today: Date,
    rules: UrgentRules,
    raw: RawCheckup,
    unknown_words: Vec<String>,
}

impl Examined {
    /// By the rules of a municipality's row, with what a register knows of the person.
    fn judge(&self, registered: Registered<'_>) -> Result<Judged<Said>, Said> {
        let mut raw = self.raw.clone();
        let own = self.institution.to_string();
        let mut wrong: Said = self.unknown_words.iter().map(|field| value(field)).collect();
        if !raw.institution.is_empty() && raw.institution != own {
            wrong.push(value("institution"));
        }
        raw.institution = own;
        let context = Context {
            today: self.today,
            birth: registered.known.map(|link| link.birth_date),
            sex: registered.known.map_or(Sex::Unknown, |link| link.sex),
        };
        let checked = Checkup::validate_presented(&raw, &context).map_err(|refusal| {
            let mut all = say(refusal.problems(), false);
            all.append(&mut wrong.clone());
            all
        })?;
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let home = registered.home;
        let cases = urgent::recorded_cases(&self.rules, home, &self.short, &raw, checked.value.date);
        let said = say(&checked.warnings, true);
        Ok(Judged { checkup: checked.value, cases, said })
    }
}

fn value(field: &str) -> (String, Reason, bool) {
    (field.to_owned(), Reason::Value, false)
}

/// What the rules found, by the paths of the request.
fn invalid(said: Said) -> Conclusion<Refusal> {
    let forbidden = said.iter().any(|(_, reason, _)| *reason == Reason::IndividualNumberForbidden);
    let fields = said.into_iter().map(|(field, reason, _)| (format!("record.{field}"), reason));
    let refusal = if forbidden {
        let hits = fields.filter(|(_, reason)| *reason == Reason::IndividualNumberForbidden);
        let refusal = Refusal::new(Reason::IndividualNumberForbidden);
        hits.fold(refusal, |refusal, (path, reason)| refusal.with_field(path, reason))
    } else {
        Refusal::invalid_fields(fields.map(|(path, reason)| FieldViolation { path, reason }).collect())
    };
    Conclusion { reply: Reply::Refused(refusal), draft: None }
}

fn tell(kept: Outcome, on_behalf: bool, render: impl Fn(&Made) -> Vec<u8>) -> Result<Told, Reason> {
    let kept = kept?;
    let delivered = delivered(&kept.deliveries, kept.restricted, on_behalf);
    // The receipt shows the entry's holder: where a restricted person lives is nobody else's.
    let home = kept.deliveries.last().map(|delivery| delivery.municipality.clone());
    let holder = home.filter(|_| !kept.restricted).unwrap_or_default();
    let (checkup_id, outcome) = (kept.checkup_id, kept.outcome);
    let answer = render(&Made { checkup_id, outcome, warnings: kept.said, delivered });
    Ok(Told { answer, subject: Some(kept.subject), holder, outcome: outcome as u16 })
}

/// Where a record is, of whose deliveries these are, the oldest version first. Who acts for a restricted person is told
/// what would be said if no register knew the person (design.md §2, P16), at the counter and afterwards.
pub(super) fn delivered(deliveries: &[KeptDelivery], restricted: bool, on_behalf: bool) -> Delivered {
    let urgent = deliveries.iter().any(|delivery| delivery.urgent);
    let is_hidden = restricted && (on_behalf || deliveries.iter().any(|delivery| delivery.on_behalf));
    let there = deliveries.last().filter(|last| !is_hidden && !last.municipality.is_empty());
    let Some(there) = there else { return Delivered { urgent, ..Delivered::default() } };
    let instant = |us: i64| Timestamp::from_microsecond(us).ok();
    let cases = deliveries.iter().flat_map(|delivery| &delivery.cases);
    Delivered {
        at: instant(there.delivered_us),
        shown: there.read_us.and_then(instant),
        cases: cases.map(|read_us| read_us.and_then(instant)).collect(),
        urgent,
    }
}
