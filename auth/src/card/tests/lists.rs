//! Revocation lists and what they do to a card.

use super::*;

#[test]
fn r_ccp_13_a_revoked_serial_is_refused_once_the_list_is_installed() {
    let mut params = card();
    params.serial_number = Some(SerialNumber::from_slice(&[0x80, 9]));
    let der = issue(&params, &*P384_CARD, &P384);
    let cas = cas([&*P384]);
    let mut revocations = current();
    assert!(verify_certificate(&der, &cas, &profile(), &revocations, NOW).is_ok());
    let list = crl(&P384, &[&[7], &[0x80, 9]], NOW, NOW + 60);
    let list = RevocationList::from_der(&list, &cas, NOW).unwrap();
    assert_eq!((list.len(), list.is_empty(), list.next_update()), (2, false, NOW + 60));
    revocations.install(list).unwrap();
    assert_eq!(verify_certificate(&der, &cas, &profile(), &revocations, NOW), Err(CardError::Revoked));
    // A stale list still knows whom it named.
    assert_eq!(verify_certificate(&der, &cas, &profile(), &revocations, NOW + 600), Err(CardError::Revoked));
}

#[test]
fn r_ccp_14_without_a_current_list_no_card_is_full() {
    let der = issue(&card(), &*RSA_CARD, &RSA_1);
    let cas = cas([&*RSA_1, &*RSA_2]);
    let tier = |revocations: &Revocations, now| {
        verify_certificate(&der, &cas, &profile(), revocations, now).map(|card| (card.tier(), card.state()))
    };
    let stale = Ok((Tier::Grace, CardState::Grace(GraceCause::RevocationStale)));
    assert_eq!(tier(&Revocations::none(), NOW), stale);
    let mut one = Revocations::none();
    one.install(RevocationList::from_der(&crl(&RSA_1, &[], NOW, NOW + 60), &cas, NOW).unwrap()).unwrap();
    assert_eq!(tier(&one, NOW + 60), Ok((Tier::Full, CardState::Valid)));
    assert_eq!(tier(&one, NOW + 61), stale);
    // The other generation's list says nothing about this one, though their names are equal.
    let mut other = Revocations::none();
    other.install(RevocationList::from_der(&crl(&RSA_2, &[], NOW, NOW + 60), &cas, NOW).unwrap()).unwrap();
    assert_eq!(tier(&other, NOW), stale);
}

#[test]
fn r_rvk_04_a_bad_list_leaves_the_last_good_one() {
    let pinned = cas([&*P384]);
    let good = crl(&P384, &[&[7]], NOW - 60, NOW + 60);
    let refuse = |der: &[u8]| RevocationList::from_der(der, &pinned, NOW).map(|_| ()).unwrap_err();
    assert_eq!(refuse(&crl(&authority(p384_key()), &[], NOW, NOW + 60)), CrlError::Untrusted);
    assert_eq!(refuse(&crl(&RSA_1, &[], NOW, NOW + 60)), CrlError::Untrusted);
    assert_eq!(refuse(&crl(&P384, &[], NOW + 60, NOW + 120)), CrlError::Dates);
    assert_eq!(refuse(&good[..good.len() - 1]), CrlError::Malformed);
    assert_eq!(refuse(&[&good[..], &[0]].concat()), CrlError::Malformed);
    let mut revocations = Revocations::none();
    revocations.install(RevocationList::from_der(&good, &pinned, NOW).unwrap()).unwrap();
    let older = RevocationList::from_der(&crl(&P384, &[], NOW - 600, NOW + 600), &pinned, NOW).unwrap();
    assert_eq!(revocations.install(older), Err(CrlError::Older));
}

#[test]
fn a_partial_list_is_refused() {
    let authority = &*P384;
    let params = rcgen::CertificateRevocationListParams {
        this_update: at(NOW),
        next_update: at(NOW + 60),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: Some(rcgen::CrlIssuingDistributionPoint {
            distribution_point: rcgen::CrlDistributionPoint { uris: vec!["http://crl.example/1".to_owned()] },
            scope: Some(rcgen::CrlScope::UserCertsOnly),
        }),
        revoked_certs: vec![],
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    let der = params.signed_by(authority).unwrap().der().to_vec();
    assert_eq!(
        RevocationList::from_der(&der, &cas([authority]), NOW).map(|_| ()).unwrap_err(),
        CrlError::Scope
    );
}
