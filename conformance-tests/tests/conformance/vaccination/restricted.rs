//! P16: of a protected child a guardian learns what a card says that nobody has linked.

use pmh_proto::vaccination::Evaluation;

use super::*;

/// A protected child of a hundred days with one dose, and the mother's card acting for the child; beside them a card of
/// the same age that nobody knows.
struct Hidden {
    scene: Scene,
    mothers: Presence,
    strangers: Presence,
}

impl Hidden {
    async fn begin() -> Self {
        let mut scene = Scene::begin().await;
        let mut mother = Newcomer::born(&scene.target, day(-33 * 365)).unwrap();
        scene.town.register(&mother).await.unwrap();
        scene.town.link(&mut mother).await.unwrap();
        scene.town.relate(&mother, &scene.baby).await.unwrap();
        let here = scene.at_tokyo().await;
        record_late(&scene.tokyo, &here, shot("HEPB", -10)).await;
        let open = act(&scene, &mut mother).await;
        let said = evaluate(&scene.tokyo, &open, shot("HEPB", 0)).await.evaluation.unwrap();
        assert!(kinds(&said).contains(&"INTERVAL".to_owned()), "a guardian sees a child's doses: {said:?}");
        // The restriction ends what a guardian could do; another municipality's relation may still stand.
        scene.town.protect(&scene.baby).await.unwrap();
        scene.town.relate(&mother, &scene.baby).await.unwrap();
        let mothers = act(&scene, &mut mother).await;
        let mut stranger = Newcomer::born(&scene.target, day(-100)).unwrap();
        let strangers = scene.tokyo.present_as(&mut stranger.card, &for_vaccination()).await.unwrap();
        Self { scene, mothers, strangers }
    }
}

/// The mother's card, acting for the child.
async fn act(scene: &Scene, mother: &mut Newcomer) -> Presence {
    let mut presence = scene.tokyo.present_as(&mut mother.card, &for_vaccination()).await.unwrap();
    let child = presence.dependants.first().expect("a child to act for").child.clone();
    scene.tokyo.terminal().renew(&mut presence, Some(&child)).await.unwrap();
    presence
}

fn kinds(evaluation: &Evaluation) -> Vec<String> {
    evaluation.findings.iter().map(|finding| finding.kind.clone()).collect()
}

fn with_chart() -> Shot {
    Shot { birth_date: day(-100).to_string(), paper_seen: false, ..shot("HEPB", 0) }
}

#[tokio::test]
async fn p16_a_guardians_check_of_a_protected_child_says_what_an_unknown_cards_does() {
    let Hidden { scene, mothers, strangers } = Box::pin(Hidden::begin()).await;
    let (childs, unknown) = (
        evaluate(&scene.tokyo, &mothers, with_chart()).await,
        evaluate(&scene.tokyo, &strangers, with_chart()).await,
    );
    assert_eq!(childs.evaluation, unknown.evaluation);
    assert_eq!(childs.availability, unknown.availability);
    let bare = || EvaluateDoseRequest {
        shot: Some(shot("HEPB", 0)),
        purpose: Purpose::Treat.into(),
        ..Default::default()
    };
    for presence in [&mothers, &strangers] {
        let fields = crate::support::fields(scene.tokyo.terminal().call(presence, &bare()).await);
        assert_eq!(fields, [("shot.birth_date".to_owned(), Reason::Required)]);
    }
    let list = ListDosesRequest { purpose: Purpose::Treat.into(), ..Default::default() };
    let childs = scene.tokyo.terminal().call(&mothers, &list).await.unwrap().response;
    let unknown = scene.tokyo.terminal().call(&strangers, &list).await.unwrap().response;
    assert!(childs.doses.is_empty());
    assert_eq!((childs.history, childs.history_gap), (unknown.history, unknown.history_gap));
}

#[tokio::test]
async fn p16_a_guardians_record_answers_blindly_and_tells_the_town_the_truth() {
    let Hidden { scene, mothers, strangers } = Box::pin(Hidden::begin()).await;
    let held = reserve(&scene.tokyo, &mothers, with_chart()).await;
    let others = reserve(&scene.tokyo, &strangers, with_chart()).await;
    assert_eq!(held.outcome(), ReserveOutcome::Reserved);
    assert_eq!(held.evaluation, others.evaluation);
    // Without the card, under the reservation: no less blind.
    let told = async |reservation_id: &str| {
        let request = record_request(reservation_id, with_chart());
        scene.tokyo.gateway().call(&request, None).await.unwrap().response
    };
    let (childs, unknown) = (told(&held.reservation_id).await, told(&others.reservation_id).await);
    assert_eq!(childs.evaluation, unknown.evaluation);
    let plain = |dose: Option<Dose>| Dose { dose_id: String::new(), recorded_at: None, ..dose.unwrap() };
    let dose_id = childs.dose.as_ref().unwrap().dose_id.clone();
    assert_eq!(plain(childs.dose), plain(unknown.dose));
    let news = scene.told_after("0").await;
    let truth = news.iter().filter_map(|told| told.dose.as_ref()).find(|dose| dose.dose_id == dose_id);
    assert_eq!(truth.unwrap().status(), DoseStatus::AdministeredInError, "ten days after the first");
}
