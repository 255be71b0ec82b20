//! Group checkups over the wire: a family books in the app, the municipality at its desk, and nobody loses a place.

use pmh_client::{Gateway, Presence, Presentation};
use pmh_proto::checkup::{
    CancelPlaceRequest, CheckupKind, ListSessionsRequest, ListSessionsResponse, PutSessionsRequest,
    RequestPlaceRequest, Session, SessionRoom, Standing,
};
use pmh_proto::common::{Purpose, Reason};

use super::rig::{HACHIOJI, Person, now, reason, today, uuid, world};

const APP: &str = "app:test-app";

struct Group {
    town: Gateway,
    name: String,
}

impl Group {
    /// A group of two days with so many places.
    async fn open(places: [u32; 2]) -> Self {
        let group = Self { town: world().gateway(HACHIOJI).await, name: uuid() };
        group.put(places).await;
        group
    }

    async fn put(&self, places: [u32; 2]) -> Vec<String> {
        let request = self.days(places);
        self.town.call(&request, None).await.unwrap().response.moved_up
    }

    fn days(&self, places: [u32; 2]) -> PutSessionsRequest {
        let session = |(id, capacity): (&str, u32)| Session {
            session_id: id.to_owned(),
            date: today().tomorrow().unwrap().to_string(),
            time: "13:30".to_owned(),
            hall: "保健センター".to_owned(),
            capacity,
        };
        PutSessionsRequest {
            idempotency_key: uuid(),
            group: self.name.clone(),
            kind: CheckupKind::Month18.into(),
            sessions: ["a", "b"].into_iter().zip(places).map(session).collect(),
        }
    }

    fn place(&self, family: &Family, session: &str) -> RequestPlaceRequest {
        RequestPlaceRequest {
            idempotency_key: uuid(),
            purpose: family.purpose().into(),
            municipality: format!("urn:x-pmh:org:{HACHIOJI}"),
            resident_key: family.key_for_the_desk(),
            group: self.name.clone(),
            session_id: session.to_owned(),
            ..Default::default()
        }
    }

    async fn book(&self, family: &Family, session: &str) -> Standing {
        let request = self.place(family, session);
        family.gateway(self).call(&request, family.token()).await.unwrap().response.standing.unwrap()
    }

    async fn cancel(&self, family: &Family) -> Vec<String> {
        let request = CancelPlaceRequest {
            idempotency_key: uuid(),
            purpose: family.purpose().into(),
            municipality: format!("urn:x-pmh:org:{HACHIOJI}"),
            resident_key: family.key_for_the_desk(),
            group: self.name.clone(),
            ..Default::default()
        };
        family.gateway(self).call(&request, family.token()).await.unwrap().response.moved_up
    }

    async fn listed(&self, family: Option<&Family>) -> ListSessionsResponse {
        let request = ListSessionsRequest {
            purpose: family.map_or(Purpose::Pubhlth, Family::purpose).into(),
            municipality: format!("urn:x-pmh:org:{HACHIOJI}"),
            group: self.name.clone(),
            ..Default::default()
        };
        let (gateway, token) = match family {
            Some(family) => (family.gateway(self), family.token()),
            None => (&self.town, None),
        };
        gateway.call(&request, token).await.unwrap().response
    }
}

/// A child of the municipality, in the app or at the desk.
struct Family {
    key: String,
    app: Option<(Gateway, Presence)>,
}

impl Family {
    async fn at_the_desk(group: &Group) -> Self {
        Self { key: Person::new().registered(&group.town).await.resident_key, app: None }
    }

    async fn in_the_app(group: &Group) -> Self {
        let mut child = Person::new().registered(&group.town).await.linked(HACHIOJI).await;
        let app = world().terminal(APP).await;
        let mut presentation = Presentation::for_checkups("places", Purpose::Patrqt);
        presentation.scopes.push("checkup:write".to_owned());
        let presence = app.present(&mut child, &presentation, now()).await.unwrap();
        Self { key: child.resident_key, app: Some((app.gateway().clone(), presence)) }
    }

    fn purpose(&self) -> Purpose {
        if self.app.is_some() { Purpose::Patrqt } else { Purpose::Pubhlth }
    }

    fn key_for_the_desk(&self) -> String {
        if self.app.is_some() { String::new() } else { self.key.clone() }
    }

    fn gateway<'a>(&'a self, group: &'a Group) -> &'a Gateway {
        self.app.as_ref().map_or(&group.town, |(gateway, _)| gateway)
    }

    fn token(&self) -> Option<&str> {
        self.app.as_ref().map(|(_, presence)| presence.bearer())
    }
}

fn stands(standing: &Standing) -> (&str, &str, u32) {
    (&standing.place, &standing.waiting_for, standing.ahead)
}

#[tokio::test]
async fn who_moves_keeps_the_old_place_until_the_new_one_is_theirs() {
    let group = Group::open([1, 1]).await;
    let (mother, desk) = (Family::in_the_app(&group).await, Family::at_the_desk(&group).await);
    let third = Family::at_the_desk(&group).await;
    assert_eq!(stands(&group.book(&desk, "a").await), ("a", "", 0));
    assert_eq!(stands(&group.book(&mother, "b").await), ("b", "", 0));
    assert_eq!(stands(&group.book(&mother, "a").await), ("b", "a", 0), "she keeps her place");
    assert_eq!(stands(&group.book(&third, "a").await), ("", "a", 1));

    let seen = group.listed(Some(&mother)).await;
    assert_eq!(stands(seen.standing.as_ref().unwrap()), ("b", "a", 0));
    for state in &seen.sessions {
        let names_nobody = state.placed.is_empty() && state.waiting.is_empty();
        assert!(names_nobody && state.session.as_ref().unwrap().capacity == 0, "only whether there is room");
        assert_eq!(state.room(), SessionRoom::Full);
    }
    let at_home = group.listed(None).await.sessions;
    assert_eq!(
        (&at_home[0].placed, &at_home[0].waiting),
        (&vec![desk.key.clone()], &vec![mother.key.clone(), third.key.clone()])
    );

    assert_eq!(group.cancel(&desk).await, std::slice::from_ref(&mother.key));
    let moved = group.listed(Some(&mother)).await;
    assert_eq!(stands(moved.standing.as_ref().unwrap()), ("a", "", 0));
    assert_eq!(moved.sessions[1].room(), SessionRoom::Free, "her old place is free again");
    assert_eq!(
        group.put([2, 1]).await,
        std::slice::from_ref(&third.key),
        "one place more, and who waits has it"
    );
    let fewer = group.days([1, 1]);
    assert_eq!(reason(group.town.call(&fewer, None).await), Reason::StateNotAllowed);
    assert_eq!(group.cancel(&mother).await, Vec::<String>::new(), "a family learns of nobody");
}

#[tokio::test]
async fn strangers_and_wrong_keys_find_no_group() {
    let group = Group::open([1, 1]).await;
    let family = Family::in_the_app(&group).await;
    let (app, token) = (family.gateway(&group), family.token());
    let elsewhere = RequestPlaceRequest {
        municipality: "urn:x-pmh:org:municipality:132098".to_owned(),
        ..group.place(&family, "a")
    };
    assert_eq!(reason(app.call(&elsewhere, token).await), Reason::NotFound, "no resident there");
    let another = RequestPlaceRequest { resident_key: "k".to_owned(), ..group.place(&family, "a") };
    assert_eq!(reason(app.call(&another, token).await), Reason::SubjectMismatch);
    let unnamed = RequestPlaceRequest { municipality: String::new(), ..group.place(&family, "a") };
    assert_eq!(reason(app.call(&unnamed, token).await), Reason::InvalidFields);
    assert_eq!(reason(app.call(&group.place(&family, "a"), None).await), Reason::TokenMissing);
    assert_eq!(reason(app.call(&group.place(&family, "z"), token).await), Reason::NotFound);
    let machida = world().gateway("municipality:132098").await;
    let desk = Family::at_the_desk(&group).await;
    assert_eq!(reason(machida.call(&group.place(&desk, "a"), None).await), Reason::IssuerMismatch);

    let wish = group.place(&desk, "a");
    let first = group.town.call(&wish, None).await.unwrap().response;
    group.cancel(&desk).await;
    let again = group.town.call(&wish, None).await.unwrap().response;
    assert_eq!(first.standing, again.standing, "a repeated call is the first answer");
    assert!(
        group.listed(None).await.sessions.iter().all(|state| state.placed.is_empty()),
        "and books nothing"
    );
}
