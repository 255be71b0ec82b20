//! The invented world in a directory of its own: PKI, cards, configuration,
//! databases, and a running gateway that was told everything through its own
//! contract, over mutual TLS, as its issuers and operator would.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use jiff::{Timestamp, civil::Date};
use pmh_audit::SigningKey;
use pmh_client::{Endpoint, Gateway, Issuer, LogKeys, connect};
use pmh_domain::time::tokyo_date;
use pmh_proto::{
    common::{BulkHeader, Sex, Text},
    directory as dir, eligibility as elig, resident as res,
};
use pmh_testkit::{
    pki::{CrlRequest, DevPki, Generation, LeafRequest, oid},
    sandbox::{Sandbox, SandboxCard, SandboxOrganization, SandboxTerminal, SandboxVisit},
    world::{Entitlement, Expected, Organization, Wallet, World, WorldCard},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    config::Config,
    runtime::{self, Running},
    system,
    witness_role::{Opened, WitnessConfig},
};

/// What a sandbox is opened with.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// Its directory; made if it is not there.
    pub dir: PathBuf,
    /// `host:port`; port 0 is any.
    pub listen: String,
    /// TOML of an `[edge]` section with other limits.
    pub limits: Option<String>,
    /// Further witnesses of the logs beside the sandbox's own: URL and verifier key.
    pub witnesses: Vec<(String, String)>,
}

/// A sandbox that serves.
pub struct RunningSandbox {
    /// The gateway.
    pub gateway: Running,
    /// As written to `sandbox.json`.
    pub sandbox: Sandbox,
    /// Its directory.
    pub dir: PathBuf,
    /// Ends with it.
    _witness: DropGuard,
}

/// Opens a directory: a new one is filled, one that was filled before goes on
/// where it stopped.
pub async fn open(options: &SandboxOptions) -> Result<RunningSandbox> {
    fs::create_dir_all(&options.dir).with_context(|| format!("cannot make {}", options.dir.display()))?;
    let dir = options.dir.canonicalize()?;
    let file = dir.join(Sandbox::FILE);
    let known = if file.exists() { Some(Sandbox::load(&file).context(Sandbox::FILE)?) } else { None };
    let today = tokyo_date(Timestamp::from_microsecond(system::now_us())?);
    let fresh = match known {
        Some(_) => None,
        None => Some(furnish(&dir, today)?),
    };
    let (own_witness, stop_witness) = witness(&dir).await?;
    let witness_key = own_witness.1.clone();
    write_config(&dir, options, &own_witness)?;
    let config = Config::load(&dir.join(CONFIG))?;
    let gateway = Running::start(&config).await?;
    let sandbox = match (fresh, known) {
        (Some(fresh), _) => {
            let sandbox = fresh.describe(&gateway, witness_key);
            // Boxed: every caller holds this future, and most of it is used once in a sandbox's life.
            Box::pin(tell(&dir, &sandbox, &fresh)).await.context("filling the sandbox")?;
            sandbox
        }
        (None, Some(known)) => {
            Sandbox { address: gateway.address.to_string(), web: pages(&gateway), ..known }
        }
        (None, None) => anyhow::bail!("neither new nor known"),
    };
    sandbox.save(&dir)?;
    Ok(RunningSandbox { gateway, sandbox, dir, _witness: stop_witness })
}

/// A witness of both logs on this machine, so that a sandbox shows cosigned receipts. Its URL and verifier key.
async fn witness(dir: &Path) -> Result<((String, String), DropGuard)> {
    let seed = dir.join("keys/witness.hex");
    let log = |name: &str| -> Result<String> {
        let seed = runtime::secret(&dir.join(format!("keys/log-{name}.hex")))?;
        Ok(SigningKey::from_seed(&format!("audit.sandbox.pmh.example/{name}"), &seed)?.verifier().to_string())
    };
    let config = WitnessConfig {
        listen: "127.0.0.1:0".to_owned(),
        name: "witness.sandbox.pmh.example/w1".to_owned(),
        seed,
        database: dir.join("data/witness.db").to_string_lossy().into_owned(),
        logs: vec![log("gateway")?, log("auth")?],
        tls: None,
    };
    let opened = Opened::open(&config).await?;
    let told = (format!("http://{}/", opened.address), opened.key.to_string());
    let stop = CancellationToken::new();
    tokio::spawn(opened.serve(stop.clone()));
    Ok((told, stop.drop_guard()))
}

/// Client end of one terminal of a sandbox.
pub async fn terminal(dir: &Path, sandbox: &Sandbox, id: &str) -> Result<(Gateway, LogKeys)> {
    let (_, terminal) = sandbox.terminal(id).with_context(|| format!("no terminal {id}"))?;
    let endpoint = Endpoint::from_pem(
        &sandbox.address,
        &sandbox.server_name,
        &fs::read(dir.join(&sandbox.ca))?,
        &fs::read(dir.join(&terminal.cert))?,
        &fs::read(dir.join(&terminal.key))?,
    )?;
    let keys = log_keys(sandbox)?;
    let identity = endpoint.identity()?;
    let channel = connect(&endpoint).await?;
    Ok((Gateway::new(channel, identity, keys.clone()), keys))
}

/// The verifier keys that a sandbox names.
pub fn log_keys(sandbox: &Sandbox) -> Result<LogKeys> {
    Ok(LogKeys { gateway: sandbox.log_vkey.parse()?, auth: sandbox.auth_log_vkey.parse()? })
}

/// What a new directory was filled with.
struct Furnished {
    world: World,
    wallet: Wallet,
    pki: DevPki,
}

fn furnish(dir: &Path, today: Date) -> Result<Furnished> {
    claim(dir)?;
    let now = system::now_s();
    let world = World::new(today)?;
    let pki = DevPki::generate(now)?;
    let wallet = world.issue_cards(&pki, now)?;
    pki.save(&dir.join("pki"))?;
    for (number, authority) in (1..).zip(pki.card_cas()?) {
        fs::write(dir.join(format!("pki/card-ca-{number}.der")), authority)?;
    }
    for generation in Generation::ALL {
        // As long as the terminals' certificates: nobody renews it here, and cards would fall to grace.
        let next_update = now + i64::from(LEAF_DAYS) * 86_400;
        let list = pki.card_crl(generation, &CrlRequest { next_update, ..CrlRequest::fresh(now, 1) })?;
        fs::write(dir.join(format!("pki/card-ca-{generation:?}.crl")), list)?;
    }
    fs::write(dir.join("pki/root.pem"), pki.root_pem())?;
    fs::write(dir.join("pki/issuing.pem"), pki.issuing_pem())?;
    fs::write(dir.join("pki/directory.pem"), pki.directory().public_key_pem())?;
    let server = pki.server(&[SERVER_NAME, "localhost", "127.0.0.1"], now, LEAF_DAYS)?;
    secret_file(&dir.join("tls/server.key.pem"), &server.key_pem())?;
    fs::write(dir.join("tls/server.pem"), server.chain_pem())?;
    for organization in &world.organizations {
        for terminal in organization.terminals {
            let request = LeafRequest::new(&organization.urn(), terminal, now).for_days(LEAF_DAYS);
            let identity = pki.leaf(&request)?;
            fs::write(dir.join(format!("terminals/{terminal}.pem")), identity.chain_pem())?;
            secret_file(&dir.join(format!("terminals/{terminal}.key.pem")), &identity.key_pem())?;
        }
    }
    for issued in &wallet.cards {
        issued
            .card
            .save(&dir.join(card_path(issued.name, "der")), &dir.join(card_path(issued.name, "key.pem")))?;
    }
    for name in ["master", "log-gateway", "log-auth", "witness"] {
        let mut seed = [0; 32];
        system::fill(&mut seed);
        secret_file(&dir.join(format!("keys/{name}.hex")), &hex(&seed))?;
    }
    let token = pki.leaf(&LeafRequest::new("urn:x-pmh:org:operator:token-key", "token-key", now))?;
    secret_file(&dir.join("keys/token.pem"), &token.key_pem())?;
    Ok(Furnished { world, wallet, pki })
}

/// Empties what a sandbox that was never finished left behind, and nothing else:
/// somebody may have named a directory with keys of his own.
fn claim(dir: &Path) -> Result<()> {
    let mark = dir.join(MARK);
    let parts: Vec<PathBuf> = PARTS.iter().map(|part| dir.join(part)).collect();
    if !mark.exists() {
        if let Some(foreign) = parts.iter().find(|part| part.exists()) {
            anyhow::bail!("{} exists and is not a sandbox's; name another directory", foreign.display());
        }
        fs::write(&mark, "A sandbox of pmh. Its folders may be emptied.\n")?;
    }
    for part in parts {
        if part.exists() {
            fs::remove_dir_all(&part)?;
        }
        fs::create_dir_all(&part)?;
    }
    Ok(())
}

impl Furnished {
    fn describe(&self, gateway: &Running, witness_key: String) -> Sandbox {
        let (log_key, auth_key) = &gateway.log_keys;
        Sandbox {
            version: 1,
            address: gateway.address.to_string(),
            web: pages(gateway),
            server_name: SERVER_NAME.to_owned(),
            ca: "pki/root.pem".to_owned(),
            log_origin: log_key.name().to_owned(),
            log_vkey: log_key.to_string(),
            auth_log_origin: auth_key.name().to_owned(),
            auth_log_vkey: auth_key.to_string(),
            witnesses: vec![witness_key],
            issuer: ISSUER.to_owned(),
            pki: "pki".to_owned(),
            organizations: self.world.organizations.iter().map(organization).collect(),
            cards: self.world.cards.iter().map(described_card).collect(),
        }
    }
}

fn pages(gateway: &Running) -> String {
    gateway.web_address.map(|address| format!("https://{address}")).unwrap_or_default()
}

fn described_card(card: &WorldCard) -> SandboxCard {
    let (group, counter_action) = match card.expected {
        Expected::Result { group, action, .. } => (group, action),
        Expected::State(_) => ("", ""),
    };
    let visit = &card.visit;
    SandboxCard {
        name: card.name.to_owned(),
        cert: card_path(card.name, "der"),
        key: card_path(card.name, "key.pem"),
        pin: card.pin.to_owned(),
        kind: card.kind.as_str().to_owned(),
        scenario: card.scenario_en.to_owned(),
        expected: card.expected.word().to_owned(),
        visit: SandboxVisit {
            terminal: visit.terminal.to_owned(),
            care_type: visit.care_type.to_owned(),
            for_child: visit.subject != card.holder,
            consent: visit.consent.iter().map(|group| (*group).to_owned()).collect(),
            chart_birth_date: visit.chart_birth_date.map(|date| date.to_string()).unwrap_or_default(),
            group: group.to_owned(),
            counter_action: counter_action.to_owned(),
        },
    }
}

fn organization(organization: &Organization) -> SandboxOrganization {
    let terminal = |id: &&str| SandboxTerminal {
        id: (*id).to_owned(),
        cert: format!("terminals/{id}.pem"),
        key: format!("terminals/{id}.key.pem"),
    };
    SandboxOrganization {
        urn: organization.urn(),
        kind: organization.kind.to_owned(),
        name: organization.name.to_owned(),
        terminals: organization.terminals.iter().map(terminal).collect(),
    }
}

/// Tells the gateway its world, each part by who would really tell it.
async fn tell(dir: &Path, sandbox: &Sandbox, fresh: &Furnished) -> Result<()> {
    let world = &fresh.world;
    let operator = world.organizations.iter().find(|known| known.kind == "operator").context("operator")?;
    let (operator, _) = terminal(dir, sandbox, first_terminal(operator)?).await?;
    for organization in &world.organizations {
        operator.call(&put_organization(organization), None).await?;
    }
    for issuer in world.organizations.iter().filter(|known| known.is_issuer()) {
        let (gateway, keys) = terminal(dir, sandbox, first_terminal(issuer)?).await?;
        tell_as_issuer(world, issuer, &gateway, keys).await?;
    }
    let batch =
        fresh.pki.directory().sign(DIRECTORY, "sandbox-1", system::now_s(), &fresh.wallet.directory_items)?;
    let link = res::LinkCredentialRequest {
        idempotency_key: uuid(),
        resident_key: String::new(),
        directory_batch: batch,
    };
    operator.call(&link, None).await?;
    Ok(())
}

async fn tell_as_issuer(
    world: &World,
    issuer: &Organization,
    gateway: &Gateway,
    keys: LogKeys,
) -> Result<()> {
    let short = issuer.short();
    for competence in world.competences.iter().filter(|known| known.issuer == short) {
        let competence = dir::Competence {
            issuer: issuer.urn(),
            law_no: competence.law_no.to_owned(),
            name: Some(Text { ja: competence.name_ja.to_owned(), en: competence.name_en.to_owned() }),
            since: competence.since.to_string(),
            until: competence.until.map(|date| date.to_string()).unwrap_or_default(),
            payer_numbers: competence.payer_numbers.iter().map(|number| (*number).to_owned()).collect(),
            ..Default::default()
        };
        let request = dir::PutCompetenceRequest { idempotency_key: uuid(), competence: Some(competence) };
        gateway.call(&request, None).await?;
    }
    let pusher = Issuer::new(gateway.channel().clone(), gateway.identity().clone(), keys);
    let residents: Vec<res::ResidentRow> = world
        .residents
        .iter()
        .filter(|known| known.issuer == short)
        .map(|known| res::ResidentRow {
            row_id: known.resident_key.to_owned(),
            resident_key: known.resident_key.to_owned(),
            birth_date: known.birth_date.to_string(),
            sex: if known.sex == "male" { Sex::Male } else { Sex::Female }.into(),
            ..Default::default()
        })
        .collect();
    pusher.put(&header(), residents, |_| {}).await?;
    let rights: Vec<elig::EntitlementRow> = world.entitlements_of(&short).map(row).collect();
    let summary = pusher.put(&header(), rights, |_| {}).await?;
    anyhow::ensure!(summary.rejected + summary.quarantined == 0, "the world's own rows are refused");
    for watermark in world.watermarks.iter().filter(|known| known.issuer == short) {
        let as_of = system::now_us() - watermark.age_hours * 3_600_000_000;
        let request = elig::AdvanceWatermarkRequest {
            idempotency_key: uuid(),
            law_no: watermark.law_no.to_owned(),
            as_of: Some(prost_types::Timestamp { seconds: as_of.div_euclid(1_000_000), nanos: 0 }),
        };
        gateway.call(&request, None).await?;
    }
    for relation in world.relations.iter().filter(|known| known.issuer == short) {
        let request = res::PutRelationRequest {
            idempotency_key: uuid(),
            guardian_resident_key: relation.guardian_resident_key.to_owned(),
            child_resident_key: relation.child_resident_key.to_owned(),
            until: String::new(),
            ended: false,
        };
        gateway.call(&request, None).await?;
    }
    Ok(())
}

fn put_organization(organization: &Organization) -> dir::PutOrganizationRequest {
    let kind = match organization.kind {
        "clinic" => dir::OrganizationKind::Clinic,
        "pharmacy" => dir::OrganizationKind::Pharmacy,
        "municipality" => dir::OrganizationKind::Municipality,
        "prefecture" => dir::OrganizationKind::Prefecture,
        "auditor" => dir::OrganizationKind::Auditor,
        "app" => dir::OrganizationKind::App,
        "operator" => dir::OrganizationKind::Operator,
        _ => dir::OrganizationKind::Unspecified,
    };
    dir::PutOrganizationRequest {
        idempotency_key: uuid(),
        organization: Some(dir::Organization {
            urn: organization.urn(),
            kind: kind.into(),
            name: organization.name.to_owned(),
            ..Default::default()
        }),
    }
}

/// A right of the world as its issuer sends it.
pub fn row(right: &Entitlement) -> elig::EntitlementRow {
    let area = match right.area {
        "PREFECTURE" => elig::Area::Prefecture,
        "MUNICIPALITY" => elig::Area::Municipality,
        _ => elig::Area::Unspecified,
    };
    let copayments = right.copayments.iter().map(|rule| elig::CopaymentRule {
        care_type: elig::CareType::from_str_name(&format!("CARE_TYPE_{}", rule.care_type))
            .unwrap_or_default()
            .into(),
        unit: elig::CopaymentUnit::from_str_name(&format!("COPAYMENT_UNIT_{}", rule.unit))
            .unwrap_or_default()
            .into(),
        amount: rule.amount,
        per_institution: rule.per_institution,
    });
    let designated = right.designated_institutions.iter().map(|known| elig::DesignatedInstitution {
        code: known.code.to_owned(),
        name: known.name.to_owned(),
    });
    elig::EntitlementRow {
        row_id: right.row_id.clone(),
        resident_key: right.resident_key.clone(),
        certificate_type_id: right.certificate_type_id.clone(),
        certification_name: right.certification_name.clone(),
        certification_sub_key: right.certification_sub_key.clone(),
        law_no: right.law_no.clone(),
        payer_number: right.payer_number.clone(),
        recipient_number: right.recipient_number.clone(),
        valid_from: right.valid_from.clone(),
        valid_to: right.valid_to.clone(),
        segment: right.segment.clone(),
        income_segment: right.income_segment.clone(),
        copayments: copayments.collect(),
        additional_conditions: Vec::new(),
        designated_institutions: designated.collect(),
        always_reimbursement: right.always_reimbursement,
        not_disclosed: right.not_disclosed,
        area: area.into(),
        meal_covered: right.meal_covered,
        history_key: right.history_key.clone(),
        deleted: right.deleted,
        details: Vec::new(),
    }
}

fn write_config(dir: &Path, options: &SandboxOptions, own_witness: &(String, String)) -> Result<()> {
    let mut witnesses = String::new();
    for (url, key) in std::iter::once(own_witness).chain(&options.witnesses) {
        writeln!(witnesses, "[[log.witnesses]]\nurl = \"{url}\"\nkey = \"{key}\"\n")?;
    }
    let limits = options.limits.as_deref().unwrap_or(LIMITS);
    let authorities: Vec<String> =
        (1..=Generation::ALL.len()).map(|n| format!("\"pki/card-ca-{n}.der\"")).collect();
    let lists: Vec<String> = Generation::ALL.iter().map(|g| format!("\"pki/card-ca-{g:?}.crl\"")).collect();
    let text = format!(
        r#"# A sandbox: invented people, real codes. Never production.
listen = "{listen}"
issuer = "{ISSUER}"
operator = "urn:x-pmh:org:operator:test-operator"

[database]
gateway = "data/gateway.db"
auth = "data/auth.db"

[tls]
certificate = "tls/server.pem"
key = "tls/server.key.pem"
client_roots = ["pki/root.pem"]

[keys]
master = "keys/master.hex"
token = "keys/token.pem"

[log]
gateway_origin = "audit.sandbox.pmh.example/gateway"
gateway_seed = "keys/log-gateway.hex"
auth_origin = "audit.sandbox.pmh.example/auth"
auth_seed = "keys/log-auth.hex"
witness_quorum = 1
witness_period_seconds = 1

{witnesses}[cards]
authorities = [{authorities}]
policies = ["{policy}"]
revocation_lists = [{lists}]

[readers]
authorities = ["pki/issuing.pem"]
policy = "{reader_policy}"

[directory]
issuer = "{DIRECTORY}"
public_key = "pki/directory.pem"

[[auditors]]
organization = "urn:x-pmh:org:auditor:test-auditor"
jurisdiction = ["everything"]

[[auditors]]
organization = "urn:x-pmh:org:auditor:tokyo-auditor"
jurisdiction = ["13"]

[web]
listen = "127.0.0.1:0"

[edge]
{limits}
"#,
        listen = options.listen,
        authorities = authorities.join(", "),
        policy = oid::TEST_USER_AUTHENTICATION,
        lists = lists.join(", "),
        reader_policy = oid::READER_POLICY,
    );
    fs::write(dir.join(CONFIG), text)?;
    Ok(())
}

fn first_terminal(organization: &Organization) -> Result<&'static str> {
    organization.terminals.first().copied().with_context(|| format!("{} has no terminal", organization.name))
}

fn card_path(name: &str, extension: &str) -> String {
    format!("cards/{name}.{extension}")
}

fn header() -> BulkHeader {
    BulkHeader { batch_id: uuid(), dry_run: false }
}

/// A random UUID, as idempotency keys and batch ids are.
pub fn uuid() -> String {
    let mut bytes = [0; 16];
    system::fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Never readable by others, not even for a moment.
fn secret_file(path: &Path, text: &str) -> Result<()> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(())
}

/// Folders of a sandbox.
const PARTS: [&str; 6] = ["pki", "keys", "cards", "terminals", "tls", "data"];
/// Says that they are.
const MARK: &str = ".pmh-sandbox";

/// Configuration of a sandbox, which `pmh serve --config` takes too.
pub const CONFIG: &str = "pmh.toml";
/// A vendor's test suite is busier than any one counter: the default rates would refuse it.
const LIMITS: &str = "organization_rate = { per_second = 1000, burst = 5000 }
presentation_rate = { per_second = 200, burst = 1000 }";
/// Name in the server's certificate.
const SERVER_NAME: &str = "gateway.pmh.test";
/// Issuer of tokens.
const ISSUER: &str = "https://auth.sandbox.pmh.example";
/// Issuer of directory batches.
const DIRECTORY: &str = "directory.sandbox.pmh.example";
/// Long enough for a vendor's week, short enough to be no habit.
const LEAF_DAYS: u16 = 30;
