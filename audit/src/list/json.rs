//! A list as a JSON file: `{"format", "tag", "own", "pages"}`, bytes in base64.
//!
//! Nothing else is in it and nothing else is read: a field that the verification does not look at would be believed
//! because it stands beside verified ones.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{AccessList, Content, ListEntry, ListPage, Shown};
use crate::part::{Opening, Salt};
use crate::tree::Hash;

/// The text is not the JSON of a list.
#[derive(Debug, thiserror::Error)]
#[error("this is not a list of accesses")]
pub struct ListFileError(#[from] serde_json::Error);

impl AccessList {
    /// The list as JSON.
    pub fn to_json(&self) -> Result<String, ListFileError> {
        let pages = self.pages.iter().map(PageFile::from).collect();
        let file = ListFile { format: Format::V1, tag: Bytes(self.tag), own: Bytes(self.own), pages };
        Ok(serde_json::to_string_pretty(&file)?)
    }

    /// Reads what [`AccessList::to_json`] wrote. Nothing in it is verified yet.
    pub fn from_json(text: &[u8]) -> Result<Self, ListFileError> {
        let file: ListFile = serde_json::from_slice(text)?;
        Ok(Self {
            tag: file.tag.0,
            own: file.own.0,
            pages: file.pages.into_iter().map(PageFile::into).collect(),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    format: Format,
    tag: Bytes<Hash>,
    own: Bytes<Hash>,
    pages: Vec<PageFile>,
}

#[derive(Serialize, Deserialize)]
enum Format {
    #[serde(rename = "pmh-access-list-v1")]
    V1,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageFile {
    tree_size: u64,
    checkpoint: String,
    entries: Vec<EntryFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum EntryFile {
    Shown(ShownFile),
    Withheld(WithheldFile),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShownFile {
    index: u64,
    path: Vec<Bytes<Hash>>,
    leaf: Bytes<Vec<u8>>,
    chain: OpeningFile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<OpeningFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<OpeningFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WithheldFile {
    index: u64,
    path: Vec<Bytes<Hash>>,
    /// The leaf hash.
    withheld: Bytes<Hash>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpeningFile {
    salt: Bytes<[u8; 32]>,
    body: Bytes<Vec<u8>>,
}

impl From<&ListPage> for PageFile {
    fn from(page: &ListPage) -> Self {
        Self {
            tree_size: page.tree_size,
            checkpoint: page.checkpoint.clone(),
            entries: page.entries.iter().map(EntryFile::from).collect(),
        }
    }
}

impl From<PageFile> for ListPage {
    fn from(file: PageFile) -> Self {
        let entries = file.entries.into_iter().map(EntryFile::into).collect();
        Self { entries, tree_size: file.tree_size, checkpoint: file.checkpoint }
    }
}

impl From<&ListEntry> for EntryFile {
    fn from(entry: &ListEntry) -> Self {
        let (index, path) = (entry.index, entry.path.iter().copied().map(Bytes).collect());
        match &entry.content {
            Content::Withheld { leaf_hash } => {
                Self::Withheld(WithheldFile { index, path, withheld: Bytes(*leaf_hash) })
            }
            Content::Shown(shown) => Self::Shown(ShownFile {
                index,
                path,
                leaf: Bytes(shown.leaf.clone()),
                chain: (&shown.chain).into(),
                detail: shown.detail.as_ref().map(OpeningFile::from),
                subject: shown.subject.as_ref().map(OpeningFile::from),
            }),
        }
    }
}

impl From<EntryFile> for ListEntry {
    fn from(file: EntryFile) -> Self {
        let hashes = |path: Vec<Bytes<Hash>>| path.into_iter().map(|hash| hash.0).collect();
        match file {
            EntryFile::Withheld(file) => Self {
                index: file.index,
                path: hashes(file.path),
                content: Content::Withheld { leaf_hash: file.withheld.0 },
            },
            EntryFile::Shown(file) => Self {
                index: file.index,
                path: hashes(file.path),
                content: Content::Shown(Box::new(Shown {
                    leaf: file.leaf.0,
                    chain: file.chain.into(),
                    detail: file.detail.map(Opening::from),
                    subject: file.subject.map(Opening::from),
                })),
            },
        }
    }
}

impl From<&Opening> for OpeningFile {
    fn from(opening: &Opening) -> Self {
        Self { salt: Bytes(*opening.salt.as_bytes()), body: Bytes(opening.body.clone()) }
    }
}

impl From<OpeningFile> for Opening {
    fn from(file: OpeningFile) -> Self {
        Self { salt: Salt::new(file.salt.0), body: file.body.0 }
    }
}

/// Bytes as base64.
struct Bytes<T>(T);

impl<T: AsRef<[u8]>> Serialize for Bytes<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Serialize::serialize(&BASE64.encode(&self.0), serializer)
    }
}

impl<'de, T: TryFrom<Vec<u8>>> Deserialize<'de> for Bytes<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64.decode(text).map_err(|_| de::Error::custom("not base64"))?;
        bytes.try_into().map(Self).map_err(|_| de::Error::custom("not of the right length"))
    }
}
