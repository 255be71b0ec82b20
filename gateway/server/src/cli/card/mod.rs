//! `pmh card`: the fake card, as a reader sees it.

mod held;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pmh_testkit::card::{FakeCard, terminal};
use pmh_testkit::sandbox::Sandbox;
use serde_json::json;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::output::{hex, json as print_json, line};
pub use held::HeldCard;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Send command APDUs in one session and print each answer, data and status word.
    ///
    /// A card begins anew with every run: wrong PINs are counted within one.
    Apdu(Apdu),
    /// Have a presentation signed: certificate and signature as JSON, in base64.
    Sign(Sign),
    /// Say what is on the card.
    Show(Show),
}

/// `--cert F --key F --pin P` or `--sandbox DIR --card NAME`.
#[derive(Debug, clap::Args)]
struct Which {
    /// Certificate, DER.
    #[arg(long, value_name = "FILE", requires = "key", required_unless_present = "sandbox")]
    cert: Option<PathBuf>,
    /// Key, PKCS#8 PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// The PIN that the card knows.
    #[arg(long, default_value = "1234")]
    pin: String,
    /// Directory of a sandbox.
    #[arg(long, value_name = "DIR", requires = "card", conflicts_with_all = ["cert", "key", "pin"])]
    sandbox: Option<PathBuf>,
    /// Card of the sandbox.
    #[arg(long, value_name = "NAME", requires = "sandbox")]
    card: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Apdu {
    /// Commands in hexadecimal, for example 00a4040c0ad392f000260100000001.
    #[arg(required = true, value_parser = bytes)]
    commands: Vec<Hex>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, clap::Args)]
struct Sign {
    /// The text of BeginPresentation in base64. A terminal lets a card sign nothing else.
    #[arg(long, value_name = "BASE64")]
    to_be_signed: String,
    /// What the holder types; otherwise the right PIN.
    #[arg(long, value_name = "PIN")]
    typed: Option<String>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, clap::Args)]
struct Show {
    #[command(flatten)]
    which: Which,
}

/// Runs it.
pub fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Command::Apdu(args) => apdu(&args),
        Command::Sign(args) => sign(&args),
        Command::Show(args) => show(&args),
    }
}

fn apdu(args: &Apdu) -> Result<ExitCode> {
    let mut card = args.which.card()?;
    for command in &args.commands {
        line(hex(&card.apdu(&command.0)));
    }
    Ok(ExitCode::SUCCESS)
}

fn sign(args: &Sign) -> Result<ExitCode> {
    let mut card = args.which.card()?;
    let text = BASE64.decode(&args.to_be_signed).context("--to-be-signed is not base64")?;
    let typed = args.typed.clone().unwrap_or_else(|| card.pin().to_owned());
    let signed = terminal::present(&mut card, &text, &typed)?;
    print_json(&json!({
        "certificate_der": BASE64.encode(signed.certificate_der),
        "signature": BASE64.encode(signed.signature),
    }))?;
    Ok(ExitCode::SUCCESS)
}

fn show(args: &Show) -> Result<ExitCode> {
    let card = args.which.card()?;
    let (_, certificate) =
        X509Certificate::from_der(card.certificate()).context("not a certificate in DER")?;
    let day = |at: x509_parser::time::ASN1Time| {
        jiff::Timestamp::from_second(at.timestamp()).map(|at| at.to_string())
    };
    print_json(&json!({
        "kind": card.kind().as_str(),
        "serial": hex(certificate.tbs_certificate.raw_serial()),
        "subject": certificate.subject().to_string(),
        "issuer": certificate.issuer().to_string(),
        "not_before": day(certificate.validity().not_before)?,
        "not_after": day(certificate.validity().not_after)?,
        "tries_left": card.tries_left(),
    }))?;
    Ok(ExitCode::SUCCESS)
}

impl Which {
    fn card(&self) -> Result<FakeCard> {
        if let (Some(dir), Some(name)) = (&self.sandbox, &self.card) {
            let sandbox = Sandbox::load(&dir.join(Sandbox::FILE)).context("--sandbox")?;
            let known = sandbox.card(name).context("the sandbox has no such card")?;
            return Ok(FakeCard::load(&dir.join(&known.cert), &dir.join(&known.key), &known.pin)?);
        }
        let (cert, key) = self.cert.as_ref().zip(self.key.as_ref()).context("--cert and --key are needed")?;
        Ok(FakeCard::load(cert, key, &self.pin)?)
    }
}

/// A type of its own, because clap takes a list of bytes for several arguments.
#[derive(Debug, Clone)]
struct Hex(Vec<u8>);

fn bytes(text: &str) -> Result<Hex> {
    let digits = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16));
    let digits: Vec<u8> = digits
        .map(|digit| digit.and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()
        .context("not hexadecimal")?;
    let (pairs, rest) = digits.as_chunks::<2>();
    ensure!(rest.is_empty(), "an odd number of hexadecimal digits");
    Ok(Hex(pairs.iter().map(|[high, low]| high << 4 | low).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_with_spaces_and_nothing_else() {
        assert_eq!(bytes("00 A4 04 0c").unwrap().0, [0x00, 0xa4, 0x04, 0x0c]);
        assert!(bytes("").unwrap().0.is_empty());
        for bad in ["0", "zz", "0x00", "+1"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }
}
