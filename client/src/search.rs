//! An auditor's search, page by page, each page held to its word.

use pmh_audit::tree::leaf_hash;
use pmh_audit::{Checkpoint, Leaf};
use pmh_proto::audit::{Entry, Log, SearchEntriesRequest, SearchEntriesResponse};

use crate::error::Error;
use crate::gateway::{Gateway, Proven};

impl Gateway {
    /// All pages of a search. Each page's own entry is proved, its checkpoint is the log's and the same on all pages,
    /// and every entry shown is the leaf that stands behind it.
    pub async fn search(
        &self,
        request: &SearchEntriesRequest,
        mut on_page: impl FnMut(&Proven<SearchEntriesResponse>),
    ) -> Result<(), Error> {
        let mut request = request.clone();
        let mut spoken_for: Option<String> = None;
        loop {
            let page = self.call(&request, None).await?;
            self.check_page(request.log(), &page.response)?;
            if spoken_for.as_ref().is_some_and(|known| *known != page.response.checkpoint) {
                return Err(Error::Contract("pages that speak for one tree"));
            }
            on_page(&page);
            if page.response.next_page_token.is_empty() {
                return Ok(());
            }
            request.page_token.clone_from(&page.response.next_page_token);
            spoken_for = Some(page.response.checkpoint);
        }
    }

    fn check_page(&self, log: Log, page: &SearchEntriesResponse) -> Result<(), Error> {
        let key = match log {
            Log::Auth => &self.keys().auth,
            Log::Unspecified | Log::Gateway => &self.keys().gateway,
        };
        if page.tree_size > 0 {
            let checkpoint = Checkpoint::open(page.checkpoint.as_bytes(), key)
                .map_err(|_| Error::Contract("a checkpoint that the log signed"))?;
            if checkpoint.size() != page.tree_size {
                return Err(Error::Contract("a checkpoint of the tree it speaks for"));
            }
        }
        let ascending = page.entries.is_sorted_by(|one, next| one.index < next.index);
        let within = page.entries.last().is_none_or(|last| last.index < page.tree_size);
        if !ascending || !within {
            return Err(Error::Contract("entries in the order of the tree"));
        }
        if page.entries.iter().all(is_its_leaf) {
            Ok(())
        } else {
            Err(Error::Contract("entries as their leaves say"))
        }
    }
}

/// Whether the fields shown are those of the leaf. What is outside the jurisdiction shows none.
fn is_its_leaf(entry: &Entry) -> bool {
    if entry.outside_jurisdiction {
        let hash_only = Entry {
            index: entry.index,
            leaf_hash: entry.leaf_hash.clone(),
            outside_jurisdiction: true,
            ..Entry::default()
        };
        return *entry == hash_only;
    }
    let Ok(leaf) = Leaf::decode(&entry.leaf) else { return false };
    let name = |org: &Option<pmh_audit::OrgRef>| org.as_ref().map_or(String::new(), ToString::to_string);
    let time = entry.time.and_then(|time| {
        let nanos = u64::try_from(time.nanos).ok()?;
        Some(u64::try_from(time.seconds).ok()?.checked_mul(1_000_000)? + nanos / 1000)
    });
    entry.leaf_hash == leaf_hash(&entry.leaf)
        && time == Some(leaf.time_us)
        && entry.kind == u32::from(u8::from(leaf.kind))
        && entry.method == leaf.method.name().unwrap_or_default()
        && entry.requester == name(&leaf.requester)
        && entry.holder == name(&leaf.holder)
        && entry.purpose == u32::from(leaf.purpose.0)
        && entry.outcome == u32::from(leaf.outcome)
        && entry.categories.iter().map(String::as_str).eq(leaf.categories.names())
}

#[cfg(test)]
mod tests {
    use pmh_audit::registry::{Categories, Method, Purpose};
    use pmh_audit::{Kind, OrgRef, References};

    use super::*;

    fn shown() -> Entry {
        let leaf = Leaf {
            kind: Kind::Disclosure,
            time_us: 1_775_001_600_000_001,
            event_id: [3; 16],
            method: Method::VERIFY_ELIGIBILITY,
            purpose: Purpose::HEALTHCARE_PAYMENT,
            outcome: 1,
            categories: Categories::SUBSIDY,
            holder: None,
            requester: OrgRef::new("clinic:1310310243").ok(),
            refs: References::default(),
            subject: [1; 32],
            chain: [2; 32],
            actor: [3; 32],
            detail: [4; 32],
        };
        Entry {
            index: 7,
            leaf: leaf.encode(),
            time: Some(prost_types::Timestamp { seconds: 1_775_001_600, nanos: 1000 }),
            kind: 1,
            method: "VerifyEligibility".to_owned(),
            requester: "clinic:1310310243".to_owned(),
            holder: String::new(),
            purpose: 2,
            outcome: 1,
            leaf_hash: leaf.hash().to_vec(),
            outside_jurisdiction: false,
            categories: vec!["subsidy".to_owned()],
        }
    }

    #[test]
    fn an_entry_is_its_leaf_or_is_refused() {
        assert!(is_its_leaf(&shown()));
        let lies: [fn(&mut Entry); 9] = [
            |entry| entry.requester = "clinic:1419811373".to_owned(),
            |entry| entry.holder = "municipality:132012".to_owned(),
            |entry| entry.method.clear(),
            |entry| entry.time = None,
            |entry| entry.kind = 2,
            |entry| entry.purpose = 1,
            |entry| entry.outcome = 0,
            |entry| entry.categories.clear(),
            |entry| entry.leaf_hash[0] ^= 1,
        ];
        for lie in lies {
            let mut entry = shown();
            lie(&mut entry);
            assert!(!is_its_leaf(&entry), "{entry:?}");
        }
        assert!(
            !is_its_leaf(&Entry { outside_jurisdiction: true, ..shown() }),
            "outside, and yet with fields"
        );
    }
}
