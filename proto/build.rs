//! Compiles the contract with protox (no protoc) and lists every method of it.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

use prost::Message as _;

const FILES: &[&str] = &[
    "pmh/common/v1/reason.proto",
    "pmh/common/v1/types.proto",
    "pmh/audit/v1/log.proto",
    "pmh/audit/v1/export.proto",
    "pmh/audit/v1/receipt.proto",
    "pmh/audit/v1/search.proto",
    "pmh/audit/v1/accesses.proto",
    "pmh/audit/v1/erasure.proto",
    "pmh/audit/v1/audit_service.proto",
    "pmh/presence/v1/presence_service.proto",
    "pmh/directory/v1/organization_service.proto",
    "pmh/resident/v1/resident_service.proto",
    "pmh/eligibility/v1/entitlement.proto",
    "pmh/eligibility/v1/eligibility_service.proto",
    "pmh/vaccination/v1/dose.proto",
    "pmh/vaccination/v1/vaccination_service.proto",
    "pmh/checkup/v1/checkup.proto",
    "pmh/checkup/v1/reading.proto",
    "pmh/checkup/v1/checkup_service.proto",
    "pmh/checkup/v1/ticket_service.proto",
    "pmh/checkup/v1/session_service.proto",
    "pmh/checkup/v1/questionnaire_service.proto",
    "pmh/handoff/v1/birth.proto",
    "pmh/handoff/v1/handoff.proto",
    "pmh/handoff/v1/birth_service.proto",
    "pmh/handoff/v1/handoff_report.proto",
    "pmh/handoff/v1/handoff_care.proto",
    "pmh/handoff/v1/evidence.proto",
    "pmh/handoff/v1/handoff_service.proto",
    "pmh/handoff/v1/handoff_peer_service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=pmh");
    let out = env::var("OUT_DIR")?;
    let descriptors = protox::compile(FILES, ["."])?;
    fs::write(Path::new(&out).join("descriptors.bin"), descriptors.encode_to_vec())?;
    fs::write(Path::new(&out).join("methods.rs"), method_list(&descriptors)?)?;
    tonic_prost_build::configure().codec_path("crate::StrictCodec").compile_fds(descriptors)?;
    Ok(())
}

/// `METHODS`: the full gRPC path of every method, so that the policy table can
/// be checked against the contract at compile time.
fn method_list(descriptors: &prost_types::FileDescriptorSet) -> Result<String, Box<dyn Error>> {
    let mut list = String::from("&[\n");
    for file in &descriptors.file {
        for service in &file.service {
            for method in &service.method {
                writeln!(list, "    \"/{}.{}/{}\",", file.package(), service.name(), method.name())?;
            }
        }
    }
    list.push(']');
    Ok(list)
}
