//! The file's bytes: read strictly, then proved.

use sha2::{Digest as _, Sha256};

use super::says::Statement;
use super::story::{self, Entry};
use super::wire::{Fields, NotCanonical};
use super::{EvidenceError, Side, VerifiedHandoff, Wrong};
use crate::leaf::{Kind, OrgRef};
use crate::note::VerifierKey;
use crate::part::{DetailBody, Opening};
use crate::receipt::{Receipt, Verified};
use crate::registry::{Categories, Method};
use crate::tree::Hash;

/// A file as it came; nothing in it is proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoffFile {
    handoff: String,
    home: OrgRef,
    stay: OrgRef,
    home_steps: Vec<Step>,
    stay_steps: Vec<Step>,
    visits: Vec<Visit>,
    export: Receipt,
    /// SHA-256 of everything before the export's receipt.
    sha256: Hash,
}

/// A visit that a ticket of home paid for, as the exporter keeps it. Texts are empty and amounts 0 where it keeps none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Number on the ticket.
    pub ticket: String,
    /// Day, YYYY-MM-DD.
    pub date: String,
    /// The whole fee, whole yen.
    pub fee_yen: u64,
    /// Home's share at most, whole yen.
    pub cap_yen: u64,
    /// Entry of home's log that used the ticket.
    pub index: u64,
    /// The facility's receipt.
    pub receipt_number: String,
    /// Last day of the claim, YYYY-MM-DD.
    pub claim_by: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    message: Vec<u8>,
    receipt: Receipt,
}

impl HandoffFile {
    /// Reads exactly what a gateway writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, EvidenceError> {
        read(bytes).map_err(|NotCanonical| EvidenceError::Format)
    }

    /// Checks everything that the file claims, given the keys of the logs in it. Keys of other logs do no harm.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<VerifiedHandoff, EvidenceError> {
        let export = self.check_export(keys).map_err(EvidenceError::Export)?;
        let exporter =
            if export.leaf.requester.as_ref() == Some(&self.home) { Side::Home } else { Side::Stay };
        let home = self.check_side(Side::Home, keys)?;
        let stay = self.check_side(Side::Stay, keys)?;
        let steps = story::tell(home, stay, exporter)?;
        let (handoff, home, stay) = (self.handoff.clone(), self.home.clone(), self.stay.clone());
        Ok(VerifiedHandoff { handoff, home, stay, exporter, export, steps, visits: self.visits.clone() })
    }

    fn check_export(&self, keys: &[VerifierKey]) -> Result<Verified, Wrong> {
        let request = Sha256::digest(text_field(1, &self.handoff)).into();
        let proved = by_its_log(&self.export, keys, |key| self.export.verify(key, &request, &self.sha256))?;
        self.is_about_it(&proved)?;
        let requester = proved.leaf.requester.as_ref();
        let is_export = proved.leaf.method == Method::EXPORT_EVIDENCE && proved.leaf.kind == Kind::Disclosure;
        let is_sides = requester == Some(&self.home) || requester == Some(&self.stay);
        if is_export && is_sides { Ok(proved) } else { Err(Wrong::OtherEntry) }
    }

    fn check_side(&self, side: Side, keys: &[VerifierKey]) -> Result<Vec<Entry>, EvidenceError> {
        let (steps, holder) = match side {
            Side::Home => (&self.home_steps, &self.home),
            Side::Stay => (&self.stay_steps, &self.stay),
        };
        let check = |(step, place): (&Step, usize)| {
            let entry = self.check_step(step, side, holder, keys);
            entry.map_err(|wrong| EvidenceError::Step { side, place, wrong })
        };
        steps.iter().zip(1..).map(check).collect()
    }

    fn check_step(
        &self,
        step: &Step,
        side: Side,
        holder: &OrgRef,
        keys: &[VerifierKey],
    ) -> Result<Entry, Wrong> {
        let response = Sha256::digest(&step.message).into();
        // What was asked stays with whoever asked: the entry's own word stands for it.
        let detail = DetailBody::decode(&step.receipt.detail.body).map_err(|_| Wrong::OtherHandoff)?;
        let proved = by_its_log(&step.receipt, keys, |key| {
            step.receipt.verify(key, &detail.request_sha256, &response)
        })?;
        self.is_about_it(&proved)?;
        if proved.leaf.holder.as_ref() != Some(holder) {
            return Err(Wrong::OtherEntry);
        }
        let statement = Statement::read(&step.message).map_err(|NotCanonical| Wrong::Message)?;
        if statement.as_ref().is_some_and(|statement| statement.handoff != self.handoff) {
            return Err(Wrong::OtherHandoff);
        }
        // The entry of a repeated answer commits to the same bytes, but says nothing anew.
        let statement = statement.filter(|_| proved.leaf.kind != Kind::Replay);
        let fits = |statement: &Statement| statement.says.fits(side, proved.leaf.kind);
        if statement.as_ref().is_none_or(fits) {
            Ok(Entry { side, proved, statement })
        } else {
            Err(Wrong::Message)
        }
    }

    fn is_about_it(&self, proved: &Verified) -> Result<(), Wrong> {
        let is_it = proved.detail.consent.as_str().strip_prefix("handoff:") == Some(&self.handoff);
        let is_handoff = proved.leaf.categories.contains(Categories::HANDOFF) && proved.leaf.outcome == 0;
        if is_it && is_handoff { Ok(()) } else { Err(Wrong::OtherHandoff) }
    }
}

/// Verifies under the keys that bear the name of the receipt's log: two, after a log has changed its key.
fn by_its_log(
    receipt: &Receipt,
    keys: &[VerifierKey],
    verify: impl Fn(&VerifierKey) -> Result<Verified, crate::receipt::ReceiptError>,
) -> Result<Verified, Wrong> {
    let origin = receipt.checkpoint.lines().next().unwrap_or_default();
    let mut outcome = Err(Wrong::NoKey);
    for key in keys.iter().filter(|key| key.name() == origin) {
        outcome = verify(key).map_err(Wrong::Receipt);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn read(bytes: &[u8]) -> Result<HandoffFile, NotCanonical> {
    let mut fields = Fields::new(bytes);
    let mut evidence = fields.message(1)?;
    let covered = bytes.get(..bytes.len() - fields.left()).ok_or(NotCanonical)?;
    let export = receipt(fields.message(15)?)?;
    fields.end()?;
    let file = HandoffFile {
        handoff: evidence.text(1)?.to_owned(),
        home: organization(evidence.text(2)?)?,
        stay: organization(evidence.text(3)?)?,
        home_steps: evidence.repeated(4)?.into_iter().map(step).collect::<Result<_, _>>()?,
        stay_steps: evidence.repeated(5)?.into_iter().map(step).collect::<Result<_, _>>()?,
        visits: evidence.repeated(6)?.into_iter().map(visit).collect::<Result<_, _>>()?,
        export,
        sha256: Sha256::digest(covered).into(),
    };
    evidence.end()?;
    Ok(file)
}

fn organization(urn: &str) -> Result<OrgRef, NotCanonical> {
    let short = urn.strip_prefix("urn:x-pmh:org:").ok_or(NotCanonical)?;
    OrgRef::new(short).map_err(|_| NotCanonical)
}

fn step(bytes: &[u8]) -> Result<Step, NotCanonical> {
    let mut fields = Fields::new(bytes);
    let message = fields.bytes(1)?.unwrap_or_default().to_vec();
    let receipt = receipt(fields.message(2)?)?;
    fields.end()?;
    Ok(Step { message, receipt })
}

fn visit(bytes: &[u8]) -> Result<Visit, NotCanonical> {
    let mut fields = Fields::new(bytes);
    let visit = Visit {
        ticket: fields.text(1)?.to_owned(),
        date: fields.text(2)?.to_owned(),
        fee_yen: fields.number(3)?,
        cap_yen: fields.number(4)?,
        index: fields.number(5)?,
        receipt_number: fields.optional_text(6)?.to_owned(),
        claim_by: fields.optional_text(7)?.to_owned(),
    };
    fields.end()?;
    Ok(visit)
}

/// `pmh.audit.v1.Receipt` without the parts that a file of two municipalities has no place for.
fn receipt(mut fields: Fields<'_>) -> Result<Receipt, NotCanonical> {
    let leaf = fields.bytes(1)?.ok_or(NotCanonical)?.to_vec();
    let (index, tree_size) = (fields.number(2)?, fields.number(3)?);
    let path = fields.repeated(4)?.into_iter().map(|hash| hash.try_into().map_err(|_| NotCanonical));
    let path = path.collect::<Result<_, _>>()?;
    let checkpoint = fields.text(5)?.to_owned();
    let mut opening = fields.message(6)?;
    fields.end()?;
    let (salt, body) = (opening.hash(1)?.into(), opening.bytes(2)?.ok_or(NotCanonical)?.to_vec());
    opening.end()?;
    Ok(Receipt { leaf, index, tree_size, path, checkpoint, detail: Opening { salt, body }, subject: None })
}

/// A message of one text of fewer than 128 bytes.
fn text_field(field: u8, text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    [&[field << 3 | 2, length], text.as_bytes()].concat()
}
