//! Cosigned receipts over real mutual TLS.

use std::time::{Duration, Instant};

use pmh_audit::{
    VerifierKey,
    note::{Cosigned, WitnessKey},
};
use pmh_proto::{
    audit::{GetReceiptRequest, Log, Receipt},
    common::{Purpose, Reason},
    eligibility::{VerifyEligibilityRequest, verify_eligibility_request::Service},
};

use super::rig::{CLINIC, Person, TOKYO, at_clinic, reason, today, world};

/// Three times as long as a round of the sandbox's witness takes, and more.
const PATIENCE: Duration = Duration::from_secs(20);

async fn renewed(index: u64, min_cosigned: u32) -> Result<Receipt, Reason> {
    let clinic = world().gateway(CLINIC).await;
    let request = GetReceiptRequest { log: Log::Gateway.into(), index, min_cosigned };
    match clinic.call(&request, None).await {
        Ok(proven) => Ok(proven.response.renewed.unwrap()),
        refused => Err(reason(refused)),
    }
}

#[tokio::test]
async fn i08_a_receipt_gets_its_witness_and_no_witness_is_invented() {
    let issuer = world().gateway(TOKYO).await;
    let mut person = Person::new().registered(&issuer).await.linked(TOKYO).await;
    let (counter, presence) = at_clinic(&mut person, &["*"]).await;
    let question = VerifyEligibilityRequest {
        purpose: Purpose::Hpaymt.into(),
        service: Some(Service::Date(today().to_string())),
        ..Default::default()
    };
    let answer = counter.gateway().call(&question, Some(presence.bearer())).await.unwrap();
    let index = answer.proof.index;

    let asked = Instant::now();
    let receipt = loop {
        match renewed(index, 1).await {
            Ok(receipt) => break receipt,
            Err(reason) => assert_eq!(reason, Reason::NotCosigned),
        }
        assert!(asked.elapsed() < PATIENCE, "the witness did not cosign");
        tokio::task::yield_now().await;
    };
    let witness: WitnessKey = world().sandbox.witnesses[0].parse().unwrap();
    let log: VerifierKey = world().sandbox.log_vkey.parse().unwrap();
    let cosigned = Cosigned::open(receipt.checkpoint.as_bytes(), &log, &[witness]).unwrap();
    assert_eq!(cosigned.cosignatures().len(), 1);
    assert!(cosigned.checkpoint().size() > index);
    assert_eq!(cosigned.checkpoint().size(), receipt.tree_size);

    assert_eq!(renewed(index, 2).await.unwrap_err(), Reason::NotCosigned);
    assert_eq!(renewed(u64::MAX, 1).await.unwrap_err(), Reason::NotFound);
}
