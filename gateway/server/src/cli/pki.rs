//! `pmh pki`: certificates for development. Every name in them says TEST; never for production.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use jiff::civil::Date;
use pmh_auth::organization::OrganizationUrn;
use pmh_testkit::card::FakeCard;
use pmh_testkit::pki::{CardRequest, CrlRequest, DAY, DevPki, Generation, Identity, LeafRequest};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::output::line;
use crate::system;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make all authorities in a new directory: three card CAs, the institution CA, the directory's key.
    Init(Init),
    /// Issue a terminal's client certificate.
    Terminal(Terminal),
    /// Issue a gateway's server certificate.
    Server(Server),
    /// Issue a face reader's certificate.
    Reader(Reader),
    /// Issue a card.
    Card(Card),
    /// Sign a card CA's revocation list.
    Crl(Crl),
}

#[derive(Debug, clap::Args)]
struct Init {
    /// The new directory. One that holds a PKI is left alone.
    #[arg(long)]
    dir: PathBuf,
}

/// The PKI, and where the issued files go.
#[derive(Debug, clap::Args)]
struct Place {
    /// Directory of the PKI; that of a sandbox is its subdirectory `pki`.
    #[arg(long)]
    dir: PathBuf,
    /// Where to write; otherwise the PKI's directory.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Terminal {
    #[command(flatten)]
    place: Place,
    /// urn:x-pmh:org:<kind>:<code>.
    #[arg(long, value_name = "URN", value_parser = organization)]
    org: String,
    /// Terminal id.
    #[arg(long = "terminal", value_name = "ID", value_parser = file_stem)]
    id: String,
    /// Days of validity.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=398))]
    days: u16,
}

#[derive(Debug, clap::Args)]
struct Server {
    #[command(flatten)]
    place: Place,
    /// DNS names and IP addresses; the first names the files.
    #[arg(long = "name", required = true, num_args = 1..)]
    names: Vec<String>,
    /// Days of validity.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=398))]
    days: u16,
}

#[derive(Debug, clap::Args)]
struct Reader {
    #[command(flatten)]
    place: Place,
    /// The reader's serial.
    #[arg(long, value_parser = file_stem)]
    serial: String,
}

#[derive(Debug, clap::Args)]
struct Card {
    #[command(flatten)]
    place: Place,
    /// Names the files.
    #[arg(long, value_parser = file_stem)]
    name: String,
    /// Which card CA signs.
    #[arg(long, value_enum, default_value = "p384")]
    generation: CardGeneration,
    /// The invented holder's birth date: the certificate ends on a birthday, and does not name it.
    #[arg(long, value_name = "DATE")]
    birth_date: Date,
    /// Four digits.
    #[arg(long, default_value = "1234")]
    pin: String,
}

#[derive(Debug, clap::Args)]
struct Crl {
    #[command(flatten)]
    place: Place,
    /// Whose list.
    #[arg(long, value_enum, default_value = "p384")]
    generation: CardGeneration,
    /// A list that ended yesterday, to see what a gateway makes of it.
    #[arg(long)]
    stale: bool,
    /// Certificates to revoke, DER files.
    #[arg(long, num_args = 1..)]
    revoke: Vec<PathBuf>,
    /// CRL number; must grow from list to list.
    #[arg(long, default_value_t = 1)]
    number: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CardGeneration {
    /// RSA-2048, the older key.
    Rsa1,
    /// RSA-2048, the newer key.
    Rsa2,
    /// P-384, the next card.
    P384,
}

/// Runs it.
pub fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Command::Init(args) => init(&args),
        Command::Terminal(args) => terminal(&args),
        Command::Server(args) => server(&args),
        Command::Reader(args) => reader(&args),
        Command::Card(args) => card(&args),
        Command::Crl(args) => crl(&args),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn init(args: &Init) -> Result<()> {
    let taken = args.dir.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    ensure!(!taken, "{} is not empty", args.dir.display());
    DevPki::generate(system::now_s())?.save(&args.dir)?;
    line(args.dir.display());
    Ok(())
}

fn terminal(args: &Terminal) -> Result<()> {
    let request = LeafRequest::new(&args.org, &args.id, system::now_s()).for_days(args.days);
    args.place.write(&args.id, &args.place.pki()?.leaf(&request)?)
}

fn server(args: &Server) -> Result<()> {
    let names: Vec<&str> = args.names.iter().map(String::as_str).collect();
    let stem = file_stem(names.first().copied().unwrap_or_default())?;
    args.place.write(&stem, &args.place.pki()?.server(&names, system::now_s(), args.days)?)
}

fn reader(args: &Reader) -> Result<()> {
    let reader = args.place.pki()?.reader(&args.serial, system::now_s())?;
    args.place.write(&args.serial, reader.identity())
}

fn card(args: &Card) -> Result<()> {
    let four_digits = args.pin.len() == 4 && args.pin.bytes().all(|byte| byte.is_ascii_digit());
    ensure!(four_digits, "a PIN has four digits");
    let pki = args.place.pki()?;
    // A day old, so that a machine whose clock runs behind accepts it as well.
    let request = CardRequest::new(args.generation.into(), args.birth_date, system::now_s() - DAY);
    let card = FakeCard::issue(&pki, &request, &args.pin)?;
    let out = args.place.out()?;
    let [certificate, key] =
        ["der", "key.pem"].map(|extension| out.join(format!("{}.{extension}", args.name)));
    card.save(&certificate, &key)?;
    line(certificate.display());
    line(key.display());
    Ok(())
}

fn crl(args: &Crl) -> Result<()> {
    let (now, generation) = (system::now_s(), Generation::from(args.generation));
    let request =
        if args.stale { CrlRequest::stale(now, args.number) } else { CrlRequest::fresh(now, args.number) };
    let serials = args.revoke.iter().map(|file| serial(file)).collect::<Result<Vec<_>>>()?;
    let list = args.place.pki()?.card_crl(generation, &request.revoking(serials))?;
    // The name under which a sandbox's configuration looks for it.
    let file = args.place.out()?.join(format!("card-ca-{generation:?}.crl"));
    fs::write(&file, list).with_context(|| unwritable(&file))?;
    line(file.display());
    Ok(())
}

fn serial(file: &Path) -> Result<Vec<u8>> {
    let der = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let (_, certificate) = X509Certificate::from_der(&der).context("not a certificate in DER")?;
    Ok(certificate.tbs_certificate.raw_serial().to_vec())
}

impl Place {
    fn pki(&self) -> Result<DevPki> {
        DevPki::load(&self.dir).with_context(|| format!("{} holds no PKI", self.dir.display()))
    }

    fn out(&self) -> Result<&Path> {
        let out = self.out.as_deref().unwrap_or(&self.dir);
        fs::create_dir_all(out).with_context(|| unwritable(out))?;
        Ok(out)
    }

    /// `<stem>.pem` for anybody, `<stem>.key.pem` for the owner alone.
    fn write(&self, stem: &str, identity: &Identity) -> Result<()> {
        let out = self.out()?;
        let [chain, key] = ["pem", "key.pem"].map(|extension| out.join(format!("{stem}.{extension}")));
        fs::write(&chain, identity.chain_pem()).with_context(|| unwritable(&chain))?;
        write_secret(&key, &identity.key_pem())?;
        line(chain.display());
        line(key.display());
        Ok(())
    }
}

/// For the owner alone from the first byte on. A file that is there is somebody's key and is not replaced.
fn write_secret(file: &Path, text: &str) -> Result<()> {
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(file);
    opened.and_then(|mut file| file.write_all(text.as_bytes())).with_context(|| unwritable(file))
}

fn unwritable(file: &Path) -> String {
    format!("{} cannot be written", file.display())
}

fn organization(text: &str) -> Result<String> {
    OrganizationUrn::parse(text)?;
    Ok(text.to_owned())
}

/// What may name a file, here and on a vendor's other system.
fn file_stem(text: &str) -> Result<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    ensure!(
        !text.is_empty() && !text.starts_with('.') && text.bytes().all(plain),
        "letters, digits, `.`, `_`, `-`"
    );
    Ok(text.to_owned())
}

impl From<CardGeneration> for Generation {
    fn from(generation: CardGeneration) -> Self {
        match generation {
            CardGeneration::Rsa1 => Self::Rsa1,
            CardGeneration::Rsa2 => Self::Rsa2,
            CardGeneration::P384 => Self::P384,
        }
    }
}
