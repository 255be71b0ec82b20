//! Two logs made by hand, with the entries that a handoff leaves in them, and files made of those.

use pmh_audit::handoff::Side;
use pmh_audit::registry::{Categories, Method, Purpose};
use pmh_audit::tree::leaf_hash;
use pmh_audit::{
    Checkpoint, DetailBody, Frontier, Hash, Kind, Leaf, Opening, OrgRef, Part, Receipt, Reference, ShortText,
    SigningKey, VerifierKey,
};
use sha2::{Digest as _, Sha256};

const ID: &str = "6f1f7a10-2d7e-4c55-9a43-1f0a52b7c0de";
const OTHER_ID: &str = "0b0e6a52-94a1-4a07-8d36-5f6a0f3d9c11";
const HOME: &str = "municipality:132012";
const STAY: &str = "municipality:132098";
const START_US: u64 = 1_790_000_000_000_000;

pub(super) fn home_key() -> SigningKey {
    SigningKey::from_seed("audit.home.example/gateway", &[3; 32]).unwrap()
}

pub(super) fn stay_key() -> SigningKey {
    SigningKey::from_seed("audit.stay.example/gateway", &[4; 32]).unwrap()
}

pub(super) fn keys() -> Vec<VerifierKey> {
    [home_key(), stay_key()].map(|key| key.verifier().clone()).to_vec()
}

fn key(side: Side) -> SigningKey {
    if side == Side::Home { home_key() } else { stay_key() }
}

/// One entry with its receipt, as a file holds it.
#[derive(Clone)]
pub(super) struct Step {
    message: Vec<u8>,
    receipt: Receipt,
}

impl Step {
    fn leaf(&self) -> Hash {
        leaf_hash(&self.receipt.leaf)
    }
}

/// What both logs say.
#[derive(Clone)]
pub(super) struct Story {
    pub(super) id: &'static str,
    pub(super) home: Vec<Step>,
    pub(super) stay: Vec<Step>,
}

impl Story {
    pub(super) fn whole() -> Self {
        Self::of(ID, 0)
    }

    pub(super) fn another() -> Self {
        Self::of(OTHER_ID, 0)
    }

    /// The stay side's clock is an hour slow.
    pub(super) fn backdated() -> Self {
        Self::of(ID, 3_600_000_000)
    }

    /// As far as the stay side's own entry of the confirm.
    fn confirmed() -> Self {
        let mut story = Self::of(ID, 0).until(3);
        story.stay.truncate(3);
        story
    }

    /// Home approves care, and takes it back when the mother withdraws her consent at the stay side's window.
    pub(super) fn with_care() -> Self {
        let mut story = Self::confirmed();
        let approved = story.add(Side::Home, Kind::Write, 20, None, 0);
        story.add(Side::Stay, Kind::Write, 0, Some(&approved), 0);
        let offer = story.home[0].clone();
        let taken_back = story.add(Side::Stay, Kind::HandoffWithdraw, 13, Some(&offer), 0);
        let ended = story.add(Side::Home, Kind::HandoffWithdraw, 21, Some(&taken_back), 0);
        story.add(Side::Stay, Kind::RegistryChange, 0, Some(&ended), 0);
        story
    }

    /// An approval of care that the stay side's log holds as its own.
    pub(super) fn with_care_of_the_stay_side() -> Self {
        let mut story = Self::confirmed();
        story.add(Side::Stay, Kind::Write, 20, None, 0);
        story
    }

    fn of(id: &'static str, slow_us: u64) -> Self {
        let mut story = Self { id, home: Vec::new(), stay: Vec::new() };
        let offer = story.add(Side::Home, Kind::HandoffOffer, 3, None, 0);
        story.add(Side::Stay, Kind::HandoffOffer, 0, Some(&offer), slow_us);
        let accept = story.add(Side::Stay, Kind::HandoffAccept, 9, Some(&offer), slow_us);
        story.add(Side::Home, Kind::HandoffAccept, 0, Some(&accept), 0);
        let confirm = story.add(Side::Home, Kind::HandoffConfirm, 4, Some(&accept), 0);
        story.add(Side::Stay, Kind::HandoffConfirm, 0, Some(&confirm), slow_us);
        let back = story.add(Side::Stay, Kind::HandoffReturn, 14, Some(&confirm), slow_us);
        let received = story.add(Side::Home, Kind::HandoffReturn, 7, Some(&back), 0);
        story.add(Side::Stay, Kind::HandoffReturn, 0, Some(&received), slow_us);
        let closed = story.add(Side::Home, Kind::HandoffClose, 8, None, 0);
        story.add(Side::Stay, Kind::HandoffClose, 0, Some(&closed), slow_us);
        story
    }

    /// Home's first steps, and what the stay side's log has of them.
    pub(super) fn until(&self, home: usize) -> Self {
        let cut: Vec<Hash> = self.home[home..].iter().map(Step::leaf).collect();
        let mut stay = self.stay.clone();
        let cites = |step: &Step, leaf: &Hash| {
            Leaf::decode(&step.receipt.leaf).unwrap().refs.iter().any(|cited| cited.leaf_hash == *leaf)
        };
        stay.retain(|step| !cut.iter().any(|leaf| cites(step, leaf)));
        Self { id: self.id, home: self.home[..home].to_vec(), stay }
    }

    /// An entry; `says` is the number of the statement's field, 0 for nothing told.
    fn add(&mut self, side: Side, kind: Kind, says: u8, cites: Option<&Step>, slow_us: u64) -> Step {
        let message = match says {
            0 => Vec::new(),
            says => {
                let mut statement = field(1, self.id.as_bytes());
                if let Some(cited) = cites {
                    let index = number(1, cited.receipt.index);
                    statement.extend(field(2, &[index, field(2, &cited.leaf())].concat()));
                }
                statement.extend(field(says, b""));
                field(1, &statement)
            }
        };
        let place = u64::try_from(self.home.len() + self.stay.len()).unwrap();
        let leaf = leaf(
            self.id,
            side,
            kind,
            Method::DELIVER,
            [9; 32],
            &message,
            START_US + place * 1_000_000 - slow_us,
        );
        let refs = cites.map(|cited| Reference {
            origin_sha256: Sha256::digest(key(side.other()).verifier().name()).into(),
            leaf_hash: cited.leaf(),
        });
        let refs: Vec<Reference> = refs.into_iter().collect();
        let leaf = (Leaf { refs: refs.try_into().unwrap(), ..leaf.0 }, leaf.1);
        let steps = if side == Side::Home { &mut self.home } else { &mut self.stay };
        let step = Step { receipt: receipt(side, u64::try_from(steps.len()).unwrap() + 3, leaf), message };
        steps.push(step.clone());
        step
    }

    pub(super) fn places(&self) -> impl Iterator<Item = (Side, usize)> + use<> {
        let (home, stay) = (self.home.len(), self.stay.len());
        (0..home).map(|place| (Side::Home, place)).chain((0..stay).map(|place| (Side::Stay, place)))
    }

    fn steps(&self, side: Side) -> &[Step] {
        if side == Side::Home { &self.home } else { &self.stay }
    }

    fn steps_mut(&mut self, side: Side) -> &mut Vec<Step> {
        if side == Side::Home { &mut self.home } else { &mut self.stay }
    }

    /// Whether a step is the end of it, which nothing waits for.
    pub(super) fn is_closing(&self, side: Side, place: usize) -> bool {
        place + 1 == self.steps(side).len()
    }

    /// Whether a later step of the same log answers the same entry, so that it was entered whoever shows it.
    pub(super) fn is_implied(&self, side: Side, place: usize) -> bool {
        let cited = |step: &Step| Leaf::decode(&step.receipt.leaf).unwrap().refs.to_vec();
        let steps = self.steps(side);
        steps[place + 1..].iter().any(|later| cited(later) == cited(&steps[place]))
    }

    pub(super) fn without(&self, side: Side, place: usize) -> Self {
        let mut story = self.clone();
        story.steps_mut(side).remove(place);
        story
    }

    pub(super) fn swapped(&self, side: Side, one: usize, other: usize) -> Self {
        let mut story = self.clone();
        story.steps_mut(side).swap(one, other);
        story
    }

    /// The file that a side's gateway makes of it.
    pub(super) fn file(&self, exporter: Side) -> Vec<u8> {
        let evidence = self.evidence();
        let leaf = leaf(
            self.id,
            exporter,
            Kind::Disclosure,
            Method::EXPORT_EVIDENCE,
            Sha256::digest(field(1, self.id.as_bytes())).into(),
            &evidence,
            START_US + 99_000_000,
        );
        [evidence, field(15, &encoded(&receipt(exporter, 40, leaf)))].concat()
    }

    /// The same file with other steps in it, as somebody changes it who has no key.
    pub(super) fn file_with_steps_of(&self, other: &Self, exporter: Side) -> Vec<u8> {
        let (own, evidence) = (self.file(exporter), self.evidence());
        [other.evidence(), own[evidence.len()..].to_vec()].concat()
    }

    fn evidence(&self) -> Vec<u8> {
        let step = |number, step: &Step| {
            let message = if step.message.is_empty() { Vec::new() } else { field(1, &step.message) };
            field(number, &[message, field(2, &encoded(&step.receipt))].concat())
        };
        let urn = |organization: &str| format!("urn:x-pmh:org:{organization}");
        let mut evidence = [field(1, self.id.as_bytes()), field(2, urn(HOME).as_bytes())].concat();
        evidence.extend(field(3, urn(STAY).as_bytes()));
        evidence.extend(self.home.iter().flat_map(|one| step(4, one)));
        evidence.extend(self.stay.iter().flat_map(|one| step(5, one)));
        let visit = [field(1, b"T-7"), field(2, b"2026-12-05"), number(3, 9_000), number(4, 5_000)].concat();
        evidence.extend(field(6, &visit));
        field(1, &evidence)
    }
}

/// An entry about the handoff, and the opening of its detail.
fn leaf(
    id: &str,
    side: Side,
    kind: Kind,
    method: Method,
    request_sha256: Hash,
    response: &[u8],
    time_us: u64,
) -> (Leaf, Opening) {
    let detail = DetailBody {
        request_sha256,
        response_sha256: Sha256::digest(response).into(),
        consent: ShortText::new(format!("handoff:{id}")).unwrap(),
        ..DetailBody::default()
    };
    let opening = Opening { salt: [0x5a; 32].into(), body: detail.encode() };
    let holder = OrgRef::new(if side == Side::Home { HOME } else { STAY }).unwrap();
    let nothing = Opening { salt: [0x5b; 32].into(), body: Vec::new() };
    let leaf = Leaf {
        kind,
        time_us,
        event_id: [7; 16],
        method,
        purpose: Purpose::PUBLIC_HEALTH,
        outcome: 0,
        categories: Categories::HANDOFF,
        holder: Some(holder.clone()),
        requester: Some(holder),
        refs: Vec::new().try_into().unwrap(),
        subject: nothing.commitment(Part::Subject),
        chain: nothing.commitment(Part::Chain),
        actor: nothing.commitment(Part::Actor),
        detail: opening.commitment(Part::Detail),
    };
    (leaf, opening)
}

/// The receipt of an entry that stands after `index` others, under a checkpoint of its own.
fn receipt(side: Side, index: u64, (leaf, detail): (Leaf, Opening)) -> Receipt {
    let others: Vec<Hash> = (0..index).map(|place| leaf_hash(&place.to_be_bytes())).collect();
    let mut frontier = Frontier::of(&others);
    let paths = frontier.append(&[leaf.hash(), leaf_hash(b"a neighbour")]);
    let name = key(side).verifier().name().to_owned();
    let checkpoint = Checkpoint::new(&name, frontier.size(), frontier.root()).unwrap();
    Receipt {
        leaf: leaf.encode(),
        index,
        tree_size: frontier.size(),
        path: paths[0].clone(),
        checkpoint: checkpoint.sign(&key(side)).unwrap(),
        detail,
        subject: None,
    }
}

fn encoded(receipt: &Receipt) -> Vec<u8> {
    let mut bytes = field(1, &receipt.leaf);
    bytes.extend(number(2, receipt.index));
    bytes.extend(number(3, receipt.tree_size));
    bytes.extend(receipt.path.iter().flat_map(|hash| field(4, hash)));
    bytes.extend(field(5, receipt.checkpoint.as_bytes()));
    let opening = [field(1, receipt.detail.salt.as_bytes()), field(2, &receipt.detail.body)].concat();
    bytes.extend(field(6, &opening));
    bytes
}

fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [varint(u64::from(number) << 3 | 2), varint(u64::try_from(content.len()).unwrap()), content.to_vec()]
        .concat()
}

fn number(field: u8, number: u64) -> Vec<u8> {
    if number == 0 { Vec::new() } else { [vec![field << 3], varint(number)].concat() }
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}
