//! The feed: what comes late, and how an open stream ends.

use std::time::Duration;

use pmh_proto::directory::{
    Organization, OrganizationKind, PutOrganizationRequest, ResumeOrganizationRequest,
    SuspendOrganizationRequest,
};

use super::*;

#[tokio::test]
async fn r_vac_a_dose_recorded_before_the_link_reaches_the_town_after_it() {
    let (target, town) = town().await;
    let mut baby = Newcomer::born(&target, day(-100)).unwrap();
    let tokyo = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let kanagawa = target.counter(organization::KANAGAWA_CLINIC).await.unwrap();
    let here = tokyo.present_as(&mut baby.card, &for_vaccination()).await.unwrap();
    let chart = || Shot { birth_date: day(-100).to_string(), ..shot("HEPB", -3) };
    let early = record_late(&tokyo, &here, chart()).await.dose.unwrap();
    let mut scene = Scene { target, town, baby, tokyo, kanagawa };
    scene.town.register(&scene.baby).await.unwrap();
    assert!(scene.told_after("0").await.is_empty(), "nobody's card yet");
    let marker = latest_cursor(&scene).await;
    scene.town.link(&mut scene.baby).await.unwrap();
    let told = scene.told_after(&marker).await;
    let doses: Vec<_> = told.iter().map(|told| told.dose.clone().unwrap()).collect();
    assert_eq!(doses, [early], "later than the cursor, though recorded before it");
    let again = scene.told_after(&marker).await;
    assert_eq!(again.len(), 1, "at least once, until it is acknowledged");
    assert_eq!((&again[0].cursor, &again[0].dose), (&told[0].cursor, &told[0].dose));
    assert!(scene.told_after(&told[0].cursor).await.is_empty());
}

/// Where the whole town's feed ends.
async fn latest_cursor(scene: &Scene) -> String {
    let request = WatchDosesRequest { cursor: "0".to_owned(), follow: false };
    let mut feed = scene.town.issuer().gateway().watch_doses(&request).await.unwrap();
    let mut latest = "0".to_owned();
    while let Some((message, _)) = feed.next().await.unwrap() {
        latest = message.cursor;
    }
    latest
}

/// A town of its own, so that nobody else's feed is cut.
#[tokio::test]
async fn p11_a_suspended_municipalitys_open_feed_ends_within_two_seconds() {
    let target = crate::support::target().await;
    let operator = target.gateway(organization::OPERATOR).await.unwrap();
    let urn = "urn:x-pmh:org:municipality:132021".to_owned();
    let request = PutOrganizationRequest {
        idempotency_key: names::uuid(),
        organization: Some(Organization {
            urn: urn.clone(),
            kind: OrganizationKind::Municipality.into(),
            name: "停止試験市〔架空〕".to_owned(),
            ..Default::default()
        }),
    };
    operator.call(&request, None).await.unwrap();
    let gateway = target.gateway("municipality:132021").await.unwrap();
    let follow = WatchDosesRequest { follow: true, ..Default::default() };
    let mut feed = gateway.watch_doses(&follow).await.unwrap();
    let still_open = tokio::time::timeout(Duration::from_millis(300), feed.next()).await;
    assert!(still_open.is_err(), "nothing to tell, and open");
    let suspend = SuspendOrganizationRequest { idempotency_key: names::uuid(), urn: urn.clone() };
    operator.call(&suspend, None).await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(2), feed.next()).await.expect("within two seconds");
    assert!(!matches!(end, Ok(Some(_))), "and with nothing more told");
    let again = gateway.watch_doses(&follow).await;
    let refused = match again {
        Err(error) => Err(error),
        Ok(mut feed) => feed.next().await,
    };
    assert_eq!(reason(refused), Reason::OrgSuspended);
    let resume = ResumeOrganizationRequest { idempotency_key: names::uuid(), urn };
    operator.call(&resume, None).await.unwrap();
}
