//! The second, tiny record: the last signed checkpoint, in a file beside the database (audit.md §2.5, §2.12).
//!
//! A database restored from a backup, or a standby that lost commits, is whole in itself; only somebody who knows a
//! later checkpoint can tell. This file is that somebody on the gateway's own machine. It is written after each batch,
//! in place and without a flush: a power cut may leave an older one, which proves less and accuses nobody.

use std::{
    fs::{File, OpenOptions},
    io::Read as _,
    os::unix::fs::FileExt as _,
    path::Path,
    sync::Mutex,
};

use pmh_audit::{Checkpoint, Hash, VerifierKey};

use crate::{Fault, Location};

/// The newest checkpoint that this machine signed for one log.
pub(crate) struct LastCheckpoint {
    file: Option<File>,
    newest: Mutex<Option<Checkpoint>>,
}

impl LastCheckpoint {
    /// Reads the file, or makes it. Refuses one of another log or key.
    pub(crate) fn open(path: Option<&Path>, key: &VerifierKey) -> Result<Self, Fault> {
        let Some(path) = path else { return Ok(Self { file: None, newest: Mutex::new(None) }) };
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let newest = read(&mut file, key)?;
        Ok(Self { file: Some(file), newest: Mutex::new(newest) })
    }

    /// What a database must still hold: at least this size, and this root at it.
    pub(crate) fn known(&self) -> Option<(u64, Hash)> {
        let newest = self.newest.lock().ok()?;
        newest.as_ref().map(|checkpoint| (checkpoint.size(), *checkpoint.root()))
    }

    /// Refuses a log that is smaller than it was: after a reconnect too, when another server may have taken over.
    pub(crate) fn refuse_older(&self, size: u64, root: &Hash) -> Result<(), Fault> {
        match self.known() {
            Some((signed, _)) if size < signed => Err(Fault::Rewound { stored: size, signed }),
            Some((signed, known)) if size == signed && *root != known => Err(Fault::Rewritten { signed }),
            _ => Ok(()),
        }
    }

    /// Keeps a checkpoint that was signed and answered with. A file that cannot be written stops nobody; it is told,
    /// because from then on a restored backup goes unnoticed here.
    pub(crate) fn keep(&self, checkpoint: Checkpoint, note: &str) {
        let Ok(mut newest) = self.newest.lock() else { return };
        if newest.as_ref().is_some_and(|known| known.size() >= checkpoint.size()) {
            return;
        }
        if let Some(file) = &self.file
            && let Err(error) = file.write_all_at(&padded(note), 0)
        {
            tracing::warn!(%error, "last checkpoint not kept");
        }
        *newest = Some(checkpoint);
    }
}

/// Size and root in the file that a gateway keeps, for whoever checks its database beside it; `None` without a file.
pub fn last_signed(path: &Path, key: &VerifierKey) -> Result<Option<(u64, Hash)>, Fault> {
    match File::open(path) {
        Ok(mut file) => Ok(read(&mut file, key)?.map(|known| (known.size(), *known.root()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Where the file is unless somebody says otherwise: beside a SQLite file; nowhere for a server.
pub fn default_checkpoint_file(location: &Location) -> Option<std::path::PathBuf> {
    let Location::Sqlite(path) = location else { return None };
    let mut name = path.clone().into_os_string();
    name.push(".checkpoint");
    Some(name.into())
}

fn read(file: &mut File, key: &VerifierKey) -> Result<Option<Checkpoint>, Fault> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    // What a power cut leaves of a file that was never flushed: nothing, or zeros.
    if bytes.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let text = String::from_utf8(bytes).map_err(|_| FOREIGN)?;
    let note = format!("{}\n", text.trim_end_matches('\n'));
    Checkpoint::open(note.as_bytes(), key).map(Some).map_err(|_| FOREIGN)
}

/// Whole sectors, so that a write in place is of one piece and a shorter note leaves nothing of a longer one.
fn padded(note: &str) -> Vec<u8> {
    let mut bytes = note.as_bytes().to_vec();
    bytes.resize(bytes.len().next_multiple_of(SECTOR), b'\n');
    bytes
}

const SECTOR: usize = 512;
const FOREIGN: Fault = Fault::Setting(
    "the file of the last checkpoint is damaged, or of another log or key; see docs/operations.md",
);

#[cfg(test)]
mod tests {
    use pmh_audit::SigningKey;

    use super::*;

    fn signed(size: u64, root: u8) -> (Checkpoint, String) {
        let checkpoint = Checkpoint::new("log.example/a", size, [root; 32]).unwrap();
        let note = checkpoint.sign(&key()).unwrap();
        (checkpoint, note)
    }

    fn key() -> SigningKey {
        SigningKey::from_seed("log.example/a", &[3; 32]).unwrap()
    }

    #[test]
    fn the_newest_is_kept_over_a_restart_whatever_the_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint");
        let open = || LastCheckpoint::open(Some(&path), key().verifier());
        let last = open().unwrap();
        assert_eq!(last.known(), None);
        for (size, root) in [(5, 5), (1_000_000, 9), (7, 7)] {
            let (checkpoint, note) = signed(size, root);
            last.keep(checkpoint, &note);
        }
        assert_eq!(open().unwrap().known(), Some((1_000_000, [9; 32])));
        assert!(open().unwrap().refuse_older(1_000_001, &[0; 32]).is_ok());
        assert!(open().unwrap().refuse_older(1_000_000, &[9; 32]).is_ok());
        assert!(matches!(open().unwrap().refuse_older(1_000_000, &[8; 32]), Err(Fault::Rewritten { .. })));
        assert!(matches!(open().unwrap().refuse_older(999_999, &[9; 32]), Err(Fault::Rewound { .. })));
        assert_eq!(last_signed(&path, key().verifier()).unwrap(), Some((1_000_000, [9; 32])));
    }

    #[test]
    fn a_file_that_is_not_ours_is_refused_and_an_empty_one_proves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint");
        for (content, accepted) in [
            (Vec::new(), true),
            (vec![0; 512], true),
            (b"hello".to_vec(), false),
            (padded(&signed(3, 3).1), true),
            (vec![0xff; 512], false),
        ] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(LastCheckpoint::open(Some(&path), key().verifier()).is_ok(), accepted);
        }
        std::fs::write(&path, padded(&signed(3, 3).1)).unwrap();
        let other = SigningKey::from_seed("log.example/a", &[4; 32]).unwrap();
        assert!(LastCheckpoint::open(Some(&path), other.verifier()).is_err());
    }
}
