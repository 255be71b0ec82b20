//! An institution's visits in bulk: judged as one that is recorded with a card, named by what is printed on a ticket.

use std::sync::Arc;

use jiff::civil::Date;
use pmh_audit::registry;
use pmh_auth::policy::Permit;
use pmh_domain::{
    checkup::{
        record::{Checkup, Context, RawCheckup},
        urgent::UrgentRules,
    },
    codes::InstitutionCode,
    resident::Sex,
    time::tokyo_date,
};
use pmh_proto::common::Reason;
use pmh_store::{
    Concluding, RowVerdict,
    checkup::{JudgedVisit, Registered, TicketHolder, VisitChunk, VisitRow},
    ticket::TicketKey,
};

use super::{Kept, PushStream, push::verdict, urgent};
use crate::{
    ops::{
        Call, Gateway,
        bulk::{Received, Report, RowReport, Said, detail_salt},
        refusals::{refused, settled},
        tickets::TicketName,
        unavailable,
    },
    rpc::status::Refusal,
};

/// A row as it came.
pub struct RawVisit {
    /// The checkup.
    pub raw: RawCheckup,
    /// Whose, by ticket and birth date; or what is wrong with that.
    pub holder: Result<(TicketName, Date), Said>,
}

/// Keeps a chunk of an institution's visits; the answer has one report per row, in order.
pub async fn push_visits(
    gateway: &Gateway,
    call: &Call,
    permit: &Permit,
    stream: &PushStream,
    rows: Vec<Received<RawVisit>>,
    render: impl Fn(&[RowReport]) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let institution = call.organization()?.institution();
    let examined = Arc::new(Examined {
        institution: institution.ok_or_else(|| Refusal::new(Reason::RoleNotAllowed))?,
        short: call.short().to_owned(),
        today: tokyo_date(call.now),
        rules: UrgentRules::clone(&gateway.urgent_rules.load()),
        rows,
    });
    let chunk = VisitChunk {
        institution: examined.short.clone(),
        method: permit.method(),
        batch_id: stream.batch.batch_id.clone(),
        dry_run: stream.batch.dry_run,
        today: examined.today,
        rows: examined.rows.iter().map(visit_row).collect(),
    };
    let attempt = gateway.attempt();
    let (salt, call, told) = (detail_salt(&attempt), call.clone(), Arc::clone(&examined));
    let recorded = gateway
        .store
        .push_visits(
            attempt,
            chunk,
            move |position, registered| examined.judge(position, registered),
            move |concluding| {
                let Concluding::Fresh(outcomes) = concluding else { return refused(Reason::Internal) };
                let (done, said) = outcomes.into_iter().unzip();
                let report = Report::of(&told.rows, said, registry::Categories::CHECKUP);
                // A trial keeps nothing, but it tells whether a ticket fits: that is an entry too.
                report.conclude(&call, false, &salt, Concluding::Fresh(done), &render)
            },
        )
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

fn visit_row(row: &Received<RawVisit>) -> VisitRow {
    let holder = row.raw.holder.as_ref().ok().map(|(ticket, birth_date)| TicketHolder {
        ticket: TicketKey { issuer: ticket.issuer, number: ticket.number.clone() },
        birth_date: *birth_date,
    });
    VisitRow { row_id: row.row_id.clone(), row_sha256: row.row_sha256, holder }
}

/// A chunk as it came, and who examined.
struct Examined {
    institution: InstitutionCode,
    short: String,
    today: Date,
    rules: UrgentRules,
    rows: Vec<Received<RawVisit>>,
}

impl Examined {
    fn judge(&self, position: usize, registered: Registered<'_>) -> JudgedVisit<Said> {
        let Some(row) = self.rows.get(position) else { return (RowVerdict::Rejected, Said::new()) };
        let mut raw = row.raw.raw.clone();
        let own = self.institution.to_string();
        let value = |field: &str| (field.to_owned(), Reason::Value, false);
        let mut wrong: Said = row.unknown_words.iter().map(|field| value(field)).collect();
        if !raw.institution.is_empty() && raw.institution != own {
            wrong.push(value("institution"));
        }
        raw.institution = own;
        wrong.extend(row.raw.holder.as_ref().err().cloned().unwrap_or_default());
        let context = Context {
            today: self.today,
            // The row's own, whoever's ticket it is: what is refused must not tell whether a number fits.
            birth: row.raw.holder.as_ref().ok().map(|(_, birth_date)| *birth_date),
            sex: registered.known.map_or(Sex::Unknown, |link| link.sex),
        };
        let (verdict, said) = verdict(Checkup::validate_presented(&raw, &context), wrong);
        let verdict = match verdict {
            RowVerdict::Accepted(checkup) => {
                let home = registered.home;
                let cases = urgent::recorded_cases(&self.rules, home, &self.short, &raw, checkup.date);
                RowVerdict::Accepted((checkup, cases))
            }
            RowVerdict::Quarantined { field } => RowVerdict::Quarantined { field },
            RowVerdict::Rejected => RowVerdict::Rejected,
        };
        (verdict, said)
    }
}
