//! `sandbox.json`: what a vendor's program needs to reach a running sandbox. Version 1, additions only.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, Result, pem};

/// The whole file. Paths are relative to the directory it lies in, with `/` between parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// 1.
    pub version: u32,
    /// `host:port` of the gateway.
    pub address: String,
    /// `https://host:port` of the auditors' pages, HTTP/1.1 over the same mutual TLS; empty if they are not served.
    #[serde(default)]
    pub web: String,
    /// Name to expect in the server's certificate.
    pub server_name: String,
    /// Path of the root to trust, PEM.
    pub ca: String,
    /// Origin of the gateway's log, as on the first line of its checkpoints.
    pub log_origin: String,
    /// Verification key of the gateway's log, as a C2SP note key.
    pub log_vkey: String,
    /// Origin of the log of presentations and tokens.
    pub auth_log_origin: String,
    /// Verification key of that log.
    pub auth_log_vkey: String,
    /// Verification keys of the witnesses that cosign both logs.
    #[serde(default)]
    pub witnesses: Vec<String>,
    /// Issuer URL of tokens: field 01 of every text that a card signs.
    #[serde(default)]
    pub issuer: String,
    /// Directory of the test PKI, to issue further cards and certificates.
    #[serde(default)]
    pub pki: String,
    /// Who takes part.
    pub organizations: Vec<SandboxOrganization>,
    /// Cards to present.
    pub cards: Vec<SandboxCard>,
}

/// A participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxOrganization {
    /// `urn:x-pmh:org:<kind>:<code>`.
    pub urn: String,
    /// Kind, as in the URN.
    pub kind: String,
    /// Name to show.
    pub name: String,
    /// Its devices.
    pub terminals: Vec<SandboxTerminal>,
}

/// One device with a client certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxTerminal {
    /// Terminal id, unique in the file.
    pub id: String,
    /// Path of the certificate chain, PEM.
    pub cert: String,
    /// Path of the key, PKCS#8 PEM.
    pub key: String,
}

/// One card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxCard {
    /// Name of the card, unique in the file.
    pub name: String,
    /// Path of the certificate, DER.
    pub cert: String,
    /// Path of the key, PKCS#8 PEM.
    pub key: String,
    /// PIN, four digits.
    pub pin: String,
    /// `rsa2048` or `p384`.
    pub kind: String,
    /// What the card stands for, one sentence.
    pub scenario: String,
    /// Outcome or state that VerifyEligibility gives in the scenario.
    pub expected: String,
    /// The visit that the scenario is about.
    #[serde(default)]
    pub visit: SandboxVisit,
}

/// One visit at a counter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxVisit {
    /// Terminal at which the card is presented.
    pub terminal: String,
    /// `OUTPATIENT` or `PHARMACY`.
    pub care_type: String,
    /// True if the rights asked for are the holder's child's.
    pub for_child: bool,
    /// Scheme groups consented to.
    pub consent: Vec<String>,
    /// Birth date in the chart; empty: not compared.
    pub chart_birth_date: String,
    /// Scheme group that the expected outcome is about; empty if it is a state of the whole.
    pub group: String,
    /// Counter action expected; empty if the expected is a state of the whole.
    pub counter_action: String,
}

impl Sandbox {
    /// Name of the file.
    pub const FILE: &'static str = "sandbox.json";

    /// Writes the file into `dir`.
    pub fn save(&self, dir: &Path) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        pem::write_public(&dir.join(Self::FILE), &text)
    }

    /// Reads a file; fields this version does not know are skipped, a version it does not know is refused.
    pub fn load(file: &Path) -> Result<Self> {
        let sandbox: Self = serde_json::from_slice(&pem::read(file)?)?;
        match sandbox.version {
            1 => Ok(sandbox),
            _ => Err(Error::SandboxVersion),
        }
    }

    /// The organization and terminal with this terminal id.
    pub fn terminal(&self, id: &str) -> Option<(&SandboxOrganization, &SandboxTerminal)> {
        let pairs = self
            .organizations
            .iter()
            .flat_map(|org| org.terminals.iter().map(move |terminal| (org, terminal)));
        pairs.into_iter().find(|(_, terminal)| terminal.id == id)
    }

    /// The card of this name.
    pub fn card(&self, name: &str) -> Option<&SandboxCard> {
        self.cards.iter().find(|card| card.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> serde_json::Value {
        serde_json::json!({
            "version": 1, "address": "127.0.0.1:1", "web": "https://127.0.0.1:2", "server_name": "localhost", "ca": "pki/ca.pem",
            "log_origin": "audit.test/gateway", "log_vkey": "v", "auth_log_origin": "audit.test/auth",
            "auth_log_vkey": "w", "issuer": "https://auth.test", "pki": "pki",
            "witnesses": ["w+00000000+AAAA"],
            "organizations": [{ "urn": "urn:x-pmh:org:clinic:1310310243", "kind": "clinic", "name": "n",
                "terminals": [{ "id": "t", "cert": "a.pem", "key": "a.key.pem" }] }],
            "cards": [{ "name": "c", "cert": "c.der", "key": "c.pem", "pin": "1234", "kind": "p384",
                "scenario": "s", "expected": "ELIGIBLE",
                "visit": { "terminal": "t", "care_type": "OUTPATIENT", "for_child": false, "consent": ["52"],
                    "chart_birth_date": "", "group": "52", "counter_action": "APPLY_HERE" } }]
        })
    }

    #[test]
    fn the_file_keeps_its_names_and_survives_a_round_trip() {
        let sandbox: Sandbox = serde_json::from_value(sample()).unwrap();
        assert_eq!(serde_json::to_value(&sandbox).unwrap(), sample());
        let dir = tempfile::tempdir().unwrap();
        sandbox.save(dir.path()).unwrap();
        assert_eq!(Sandbox::load(&dir.path().join(Sandbox::FILE)).unwrap(), sandbox);
        assert_eq!(sandbox.terminal("t").unwrap().0.kind, "clinic");
        assert!(sandbox.terminal("u").is_none());
        assert_eq!(sandbox.card("c").unwrap().expected, "ELIGIBLE");
    }

    #[test]
    fn additions_are_skipped_and_another_version_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(Sandbox::FILE);
        let mut value = sample();
        // Files from before these were added are read too.
        value.as_object_mut().unwrap().remove("issuer");
        value.as_object_mut().unwrap().remove("web");
        value.as_object_mut().unwrap().remove("witnesses");
        value["cards"][0].as_object_mut().unwrap().remove("visit");
        value["later"] = serde_json::json!({ "more": [1] });
        std::fs::write(&file, value.to_string()).unwrap();
        assert!(Sandbox::load(&file).is_ok());
        value["version"] = serde_json::json!(2);
        std::fs::write(&file, value.to_string()).unwrap();
        assert!(matches!(Sandbox::load(&file), Err(Error::SandboxVersion)));
    }
}
