//! What every operation needs: stores, keys, trust, rules. Built once at start.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use pmh_audit::VerifierKey;
use pmh_auth::{
    card::{CardCas, CardProfile, Revocations},
    challenge::ChallengeKey,
    directory::DirectoryTrust,
    keys::KeyRing,
    pairwise::{CredentialHashes, EncryptedSubjects, Pairwise, SubjectRefs},
    reader::ReaderTrust,
    token::{CACHE_CAPACITY, DenyList, TokenCache, TokenSigner, TokenVerifier},
};
use pmh_domain::{checkup::urgent::UrgentRules, eligibility::Rules, vaccination::RuleBook};
use pmh_store::{Attempt, AuthStore, Clock, Cosigner, GatewayStore, Registry};
use zeroize::Zeroizing;

use super::{
    auditor::jurisdiction::Jurisdictions, erasure::retention::Retention, handoff::Links, log::Log,
    refusals::RefusalCounts, witnessing::Witnesses,
};
use crate::edge::{OrganizationRegistry, Random, Standing};

/// What a gateway is built from.
pub struct GatewaySetup {
    /// Cards, persons, presences.
    pub auth: AuthStore,
    /// Records.
    pub store: GatewayStore,
    /// Keys of this installation.
    pub keys: KeyRing,
    /// Signs tokens.
    pub signer: TokenSigner,
    /// Issuer URL of tokens and challenges.
    pub issuer: String,
    /// Pinned card authorities.
    pub card_cas: CardCas,
    /// What a card certificate must be.
    pub card_profile: CardProfile,
    /// Revoked cards.
    pub revocations: Revocations,
    /// Registered readers.
    pub readers: ReaderTrust,
    /// The credential directory, if one is configured.
    pub directory: Option<DirectoryTrust>,
    /// Rules of eligibility.
    pub rules: Rules,
    /// Rules of vaccination.
    pub vaccination: RuleBook,
    /// From which EPDS on a municipality hears at once.
    pub urgent_rules: UrgentRules,
    /// What each auditor may read.
    pub jurisdictions: Jurisdictions,
    /// Keys of the two logs, to make checkpoints on demand.
    pub logs: LogSigners,
    /// Who cosigns them.
    pub witnesses: Witnesses,
    /// Gateways of other municipalities.
    pub handoffs: Links,
    /// Whether content goes by age.
    pub retention: Retention,
    /// How long an organization has to answer a question.
    pub time_to_answer: Duration,
    /// Microseconds.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
}

/// Signing keys of the logs.
pub struct LogSigners {
    /// Gateway log.
    pub gateway: Arc<pmh_audit::SigningKey>,
    /// Auth log.
    pub auth: Arc<pmh_audit::SigningKey>,
}

/// The running gateway.
pub struct Gateway {
    pub(crate) auth: AuthStore,
    pub(crate) store: GatewayStore,
    pub(crate) pairwise: Pairwise,
    pub(crate) subject_refs: SubjectRefs,
    pub(crate) encrypted_subjects: EncryptedSubjects,
    pub(crate) challenge: ChallengeKey,
    pub(crate) credentials: CredentialHashes,
    pub(crate) mint_key: Zeroizing<[u8; 32]>,
    pub(crate) signer: TokenSigner,
    pub(crate) issuer: String,
    pub(crate) verifier: TokenVerifier,
    pub(crate) tokens: TokenCache,
    pub(crate) denied: ArcSwap<DenyList>,
    pub(crate) card_cas: CardCas,
    pub(crate) card_profile: CardProfile,
    pub(crate) revocations: ArcSwap<Revocations>,
    pub(crate) readers: ReaderTrust,
    pub(crate) directory: Option<DirectoryTrust>,
    pub(crate) rules: ArcSwap<Rules>,
    pub(crate) vaccination: ArcSwap<RuleBook>,
    pub(crate) urgent_rules: ArcSwap<UrgentRules>,
    pub(crate) jurisdictions: Jurisdictions,
    pub(crate) logs: LogSigners,
    pub(crate) witnesses: Witnesses,
    pub(crate) handoffs: Links,
    pub(crate) retention: Retention,
    pub(crate) time_to_answer: Duration,
    pub(crate) refusals: RefusalCounts,
    /// Links change two databases; one at a time, so that decisions do not overtake each other.
    pub(crate) linking: tokio::sync::Mutex<()>,
    /// Held while handoffs enter what was told of births.
    pub(crate) spreading: tokio::sync::Mutex<()>,
    /// A presence is read, then narrowed; one at a time, so that no withdrawal is lost.
    pub(crate) narrowing: tokio::sync::Mutex<()>,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

impl Gateway {
    /// Puts the parts together.
    pub fn new(setup: GatewaySetup) -> Self {
        let GatewaySetup { keys, signer, .. } = setup;
        let verifier = TokenVerifier::new(&setup.issuer, signer.key_set().clone());
        Self {
            auth: setup.auth,
            store: setup.store,
            pairwise: keys.pairwise(),
            subject_refs: keys.subject_refs(),
            encrypted_subjects: keys.encrypted_subjects(),
            challenge: keys.challenge(),
            credentials: keys.credential_hashes(),
            mint_key: keys.application("mint"),
            signer,
            issuer: setup.issuer,
            verifier,
            tokens: TokenCache::new(CACHE_CAPACITY),
            denied: ArcSwap::default(),
            card_cas: setup.card_cas,
            card_profile: setup.card_profile,
            revocations: ArcSwap::from_pointee(setup.revocations),
            readers: setup.readers,
            directory: setup.directory,
            rules: ArcSwap::from_pointee(setup.rules),
            vaccination: ArcSwap::from_pointee(setup.vaccination),
            urgent_rules: ArcSwap::from_pointee(setup.urgent_rules),
            jurisdictions: setup.jurisdictions,
            logs: setup.logs,
            witnesses: setup.witnesses,
            handoffs: setup.handoffs,
            retention: setup.retention,
            time_to_answer: setup.time_to_answer,
            refusals: RefusalCounts::default(),
            linking: tokio::sync::Mutex::default(),
            spreading: tokio::sync::Mutex::default(),
            narrowing: tokio::sync::Mutex::default(),
            clock: setup.clock,
            random: setup.random,
        }
    }

    /// Verifier keys of the two logs: gateway, auth.
    pub fn log_keys(&self) -> (&VerifierKey, &VerifierKey) {
        (self.logs.gateway.verifier(), self.logs.auth.verifier())
    }

    pub(crate) fn cosigner(&self, log: Log) -> Cosigner {
        match log {
            Log::Gateway => self.store.cosigner(),
            Log::Auth => self.auth.cosigner(),
        }
    }

    /// Microseconds since 1970 UTC.
    pub(crate) fn now_us(&self) -> i64 {
        (self.clock)()
    }

    /// Unix seconds.
    pub(crate) fn now_s(&self) -> i64 {
        self.now_us().div_euclid(1_000_000)
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.now_us()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    pub(crate) fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.store.registry().borrow())
    }

    pub(crate) fn attempt(&self) -> Attempt {
        Attempt::draw(&mut |bytes| (self.random)(bytes))
    }

    pub(crate) fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.random)(&mut bytes);
        bytes
    }

    /// Ends tokens of a presence on this replica at once; others read it from the database.
    pub(crate) fn deny_presence(&self, pres_id: [u8; 16]) {
        self.denied.rcu(|denied| {
            let mut denied = DenyList::clone(denied);
            denied.end_presence(pres_id);
            denied
        });
    }

    /// Reads which presences have ended on any replica; forgets those whose tokens have expired.
    pub async fn refresh_denied(&self) -> Result<(), pmh_store::Fault> {
        let mut denied = DenyList::default();
        for pres_id in self.auth.reader().ended_presences(self.now_us()).await? {
            denied.end_presence(pres_id);
        }
        self.denied.store(Arc::new(denied));
        Ok(())
    }
}

/// Organizations as the edge asks for them: from the directory in memory.
pub struct Directory(pub tokio::sync::watch::Receiver<Arc<Registry>>);

impl OrganizationRegistry for Directory {
    fn standing(&self, urn: &str) -> Standing {
        let Some(id) = urn.strip_prefix("urn:x-pmh:org:") else { return Standing::Unknown };
        match self.0.borrow().organizations.get(id) {
            None => Standing::Unknown,
            Some(organization) if organization.suspended => Standing::Suspended,
            Some(_) => Standing::Active,
        }
    }
}
