//! A list of accesses is believed only whole: over the wire, from a gateway that records its lies properly, and for any
//! list and any change of it. All invented.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pmh_audit::part::{Audience, ChainLink};
use pmh_audit::registry::Method;
use pmh_audit::tree::leaf_hash;
use pmh_audit::{
    ChainBody, Checkpoint, DetailBody, Frontier, Hash, Kind, Leaf, Opening, Part, SigningKey, SubjectBody,
};
use pmh_client::accesses::{AccessesError, MyAccesses, verify};
use pmh_client::receipt::{digest, response_digest};
use pmh_proto::StrictCodec;
use pmh_proto::audit as pb;
use proptest::prelude::*;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::{Request, Response, Status};

use crate::fake::{Fake, Lies};
use crate::log::Entry;

const TAGS: [Hash; 2] = [[0x71; 32], [0x72; 32]];
const SUB: &str = "p1_x";

/// A log in which some entries are about one person, under two references.
struct Story {
    key: SigningKey,
    leaves: Vec<Vec<u8>>,
    mine: Vec<(usize, Opening)>,
    heads: BTreeMap<Hash, (u64, Hash)>,
}

impl Story {
    /// 0: about somebody else; 1, 2: about the person, in the first or second chain.
    fn tell(key: SigningKey, events: &[u8]) -> Self {
        let mut story = Self { key, leaves: Vec::new(), mine: Vec::new(), heads: BTreeMap::new() };
        for (number, event) in events.iter().enumerate() {
            match event {
                0 => story.leaves.push(leaf(number, Kind::Disclosure, &opening(number, 9, vec![1])).encode()),
                event => {
                    let tag = TAGS[usize::from(event - 1)];
                    let chain = opening(number, 2, story.place(&[tag]));
                    let leaf = leaf(number, Kind::Disclosure, &chain).encode();
                    story.advance(&[tag], leaf_hash(&leaf));
                    story.mine.push((story.leaves.len(), chain));
                    story.leaves.push(leaf);
                }
            }
        }
        story
    }

    fn tags(&self) -> Vec<Hash> {
        TAGS.into_iter().filter(|tag| self.heads.contains_key(tag)).collect()
    }

    fn place(&self, tags: &[Hash]) -> Vec<u8> {
        let link = |tag: &Hash| match self.heads.get(tag) {
            None => ChainLink::first(Audience::Person, *tag),
            Some((seq, previous)) => ChainLink::after(Audience::Person, *tag, seq + 1, *previous).unwrap(),
        };
        ChainBody::new(tags.iter().map(link).collect()).unwrap().encode()
    }

    fn advance(&mut self, tags: &[Hash], hash: Hash) {
        for tag in tags {
            let (seq, previous) = self.heads.entry(*tag).or_insert((0, [0; 32]));
            (*seq, *previous) = (*seq + 1, hash);
        }
    }

    fn tree(&self, more: &[Vec<u8>]) -> (Vec<Vec<Hash>>, u64, String) {
        let hashes: Vec<Hash> = self.leaves.iter().chain(more).map(|leaf| leaf_hash(leaf)).collect();
        let mut tree = Frontier::default();
        let paths = tree.append(&hashes);
        let checkpoint = Checkpoint::new(self.key.verifier().name(), tree.size(), tree.root()).unwrap();
        (paths, tree.size(), checkpoint.sign(&self.key).unwrap())
    }

    /// Everything, newest first, not yet recorded.
    fn page(&self) -> pb::ListMyAccessesResponse {
        let (paths, tree_size, checkpoint) = self.tree(&[]);
        let access = |(at, chain): &(usize, Opening)| pb::Access {
            index: *at as u64,
            display: pb::AccessDisplay::Shown.into(),
            leaf: self.leaves[*at].clone(),
            leaf_hash: leaf_hash(&self.leaves[*at]).to_vec(),
            chain: Some(wire(chain)),
            path: paths[*at].iter().map(|hash| hash.to_vec()).collect(),
            ..Default::default()
        };
        pb::ListMyAccessesResponse {
            accesses: self.mine.iter().rev().map(access).collect(),
            tags: self.tags().iter().map(|tag| tag.to_vec()).collect(),
            tree_size,
            checkpoint,
            ..Default::default()
        }
    }

    /// The page with the receipt of the look-up that gives it, lies and all.
    fn record(&self, request: &pb::ListMyAccessesRequest, page: &mut pb::ListMyAccessesResponse) {
        let digests = Entry::new(digest(request), response_digest(page));
        let body = DetailBody {
            request_sha256: digests.request_sha256,
            response_sha256: digests.response_sha256,
            ..DetailBody::default()
        };
        let detail = opening(0, 3, body.encode());
        let subject = opening(0, 4, SubjectBody::new(SUB).unwrap().encode());
        let chain = opening(0, 5, self.place(&self.tags()));
        let own = Leaf {
            method: Method::LIST_MY_ACCESSES,
            detail: detail.commitment(Part::Detail),
            subject: subject.commitment(Part::Subject),
            ..leaf(usize::from(u16::MAX), Kind::CitizenQuery, &chain)
        }
        .encode();
        let (mut paths, tree_size, checkpoint) = self.tree(std::slice::from_ref(&own));
        page.receipt = Some(pb::Receipt {
            leaf: own,
            index: self.leaves.len() as u64,
            tree_size,
            path: paths.pop().unwrap().into_iter().map(Vec::from).collect(),
            checkpoint,
            detail: Some(wire(&detail)),
            subject: Some(wire(&subject)),
            chain: Some(wire(&chain)),
            witnesses: None,
        });
    }

    fn recorded(&self, change: impl FnOnce(&mut pb::ListMyAccessesResponse)) -> pb::ListMyAccessesResponse {
        let mut page = self.page();
        change(&mut page);
        self.record(&pb::ListMyAccessesRequest::default(), &mut page);
        page
    }

    fn verify(&self, page: pb::ListMyAccessesResponse) -> Result<MyAccesses, AccessesError> {
        verify(&[page], self.key.verifier(), &[])
    }
}

fn leaf(number: usize, kind: Kind, chain: &Opening) -> Leaf {
    Leaf {
        kind,
        time_us: number as u64 + 1,
        chain: chain.commitment(Part::Chain),
        ..Entry::leaf_of_nothing()
    }
}

fn opening(number: usize, part: u8, body: Vec<u8>) -> Opening {
    let mut salt = [part; 32];
    salt[..8].copy_from_slice(&(number as u64).to_be_bytes());
    Opening { salt: salt.into(), body }
}

fn wire(opening: &Opening) -> pb::Opening {
    pb::Opening { salt: opening.salt.as_bytes().to_vec(), body: opening.body.clone() }
}

fn key() -> SigningKey {
    SigningKey::from_seed("audit.test/gateway", &[7; 32]).unwrap()
}

/// What a gateway does to a list before it records and sends it.
type Lie = fn(&mut pb::ListMyAccessesResponse);

/// The audit service as far as these tests call it.
#[derive(Clone)]
pub(crate) struct Lists(Arc<Story>, Lie);

impl NamedService for Lists {
    const NAME: &'static str = "pmh.audit.v1.AuditService";
}

impl tonic::server::UnaryService<pb::ListMyAccessesRequest> for Lists {
    type Response = pb::ListMyAccessesResponse;
    type Future = Ready<Result<Response<Self::Response>, Status>>;

    fn call(&mut self, request: Request<pb::ListMyAccessesRequest>) -> Self::Future {
        let mut page = self.0.page();
        self.1(&mut page);
        self.0.record(request.get_ref(), &mut page);
        ready(Ok(Response::new(page)))
    }
}

impl tower::Service<http::Request<Body>> for Lists {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let lists = self.clone();
        Box::pin(async move {
            let codec = StrictCodec::<pb::ListMyAccessesResponse, pb::ListMyAccessesRequest>::default();
            Ok(tonic::server::Grpc::new(codec).unary(lists, request).await)
        })
    }
}

async fn ask(lie: Lie) -> Result<MyAccesses, AccessesError> {
    let story = Story::tell(key(), &[1, 0, 1, 2, 1, 2, 0, 1]);
    let (_, terminal) = Fake::start_with(Lies::default(), Lists(Arc::new(story), lie)).await;
    let presence = crate::liars::present_at(&terminal).await;
    terminal.gateway().my_accesses(&presence, &[]).await
}

#[tokio::test]
async fn i22_a_whole_list_is_believed() {
    let list = ask(|_| ()).await.unwrap();
    assert_eq!(list.accesses.iter().map(|access| access.index).collect::<Vec<_>>(), [7, 5, 4, 3, 2, 0]);
    assert_eq!((list.tags.as_slice(), list.audience), (TAGS.as_slice(), Audience::Person));
}

#[tokio::test]
async fn i22_a_gateway_that_records_its_lie_is_not_believed() {
    let lies: &[(&str, Lie)] = &[
        ("the newest removed", |page| drop(page.accesses.remove(0))),
        ("one removed", |page| drop(page.accesses.remove(2))),
        ("the oldest removed", |page| drop(page.accesses.pop())),
        ("all removed", |page| page.accesses.clear()),
        ("two swapped", |page| page.accesses.swap(0, 1)),
        ("one twice", |page| page.accesses.insert(1, page.accesses[0].clone())),
        ("another's tags", |page| page.tags = vec![vec![9; 32]]),
        ("a whole chain removed", |page| {
            page.tags.truncate(1);
            page.accesses.retain(|access| access.index != 5 && access.index != 3);
        }),
        ("a leaf changed", |page| page.accesses[0].leaf[20] ^= 1),
        ("an index changed", |page| page.accesses[0].index += 1),
        ("hidden from the person", |page| page.accesses[0].display = pb::AccessDisplay::Sealed.into()),
        ("withheld without a date", |page| page.accesses[0].display = pb::AccessDisplay::Withheld.into()),
        ("an endless list", |page| page.next_page_token = "1".to_owned()),
    ];
    for (name, lie) in lies {
        assert!(ask(*lie).await.is_err(), "{name}");
    }
}

#[test]
fn what_was_listed_once_must_be_listed_again() {
    let story = Story::tell(key(), &[1, 2]);
    let page = story.recorded(|_| ());
    let again = |remembered: &[Hash]| verify(std::slice::from_ref(&page), story.key.verifier(), remembered);
    assert!(again(&TAGS).is_ok());
    assert!(matches!(again(&[[9; 32]]), Err(AccessesError::Forgotten)));
}

fn events() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0..=2_u8, 1..24)
        .prop_filter("about the person", |events| events.iter().any(|e| *e > 0))
}

proptest! {
    #[test]
    fn i22_any_list_verifies_as_it_is_in_pages_of_any_size(events in events(), size in 1..5_usize) {
        let story = Story::tell(key(), &events);
        let whole = story.recorded(|_| ());
        let mut pages: Vec<_> = whole
            .accesses
            .chunks(size)
            .map(|accesses| pb::ListMyAccessesResponse { accesses: accesses.to_vec(), ..whole.clone() })
            .collect();
        pages.iter_mut().skip(1).for_each(|page| page.receipt = None);
        let list = verify(&pages, story.key.verifier(), &[]).unwrap();
        prop_assert_eq!(list.accesses.len(), events.iter().filter(|event| **event > 0).count());
        prop_assert!(list.accesses.iter().all(|access| access.record.is_some()));
    }

    #[test]
    fn i22_any_entry_removed_is_noticed(events in events(), which in any::<prop::sample::Index>()) {
        let story = Story::tell(key(), &events);
        let page = story.recorded(|page| drop(page.accesses.remove(which.index(page.accesses.len()))));
        prop_assert!(story.verify(page).is_err());
    }

    #[test]
    fn i22_any_two_swapped_are_noticed(
        events in prop::collection::vec(1..=2_u8, 2..16),
        one in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
    ) {
        let story = Story::tell(key(), &events);
        let (one, other) = (one.index(events.len()), other.index(events.len()));
        prop_assume!(one != other);
        let page = story.recorded(|page| page.accesses.swap(one, other));
        prop_assert!(story.verify(page).is_err());
    }

    #[test]
    fn i22_any_byte_of_any_proof_changed_is_noticed(
        events in events(),
        which in any::<prop::sample::Index>(),
        byte in any::<prop::sample::Index>(),
        part in 0..4_u8,
    ) {
        let story = Story::tell(key(), &events);
        let page = story.recorded(|page| {
            let which = which.index(page.accesses.len());
            let access = &mut page.accesses[which];
            let chain = access.chain.as_mut().unwrap();
            let bytes = match part {
                0 => &mut access.leaf,
                1 => &mut chain.salt,
                2 => &mut chain.body,
                _ => match access.path.first_mut() {
                    Some(hash) => hash,
                    None => &mut access.leaf,
                },
            };
            let at = byte.index(bytes.len());
            bytes[at] ^= 1;
        });
        prop_assert!(story.verify(page).is_err());
    }
}
