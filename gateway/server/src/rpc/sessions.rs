//! `pmh.checkup.v1.SessionService`.

use jiff::civil::Date;
use pmh_domain::checkup::kind::CheckupKind;
use pmh_proto::{
    checkup::{self as pb, session_service_server::SessionService},
    common::Reason,
};
use pmh_store::session::SessionInfo;
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{
    checkup::parse::kind_word,
    fields::Fields,
    service::Service,
    status::Refusal,
    tickets::parse::{MAX_ID, issuer, kind, optional, wrong},
};
use crate::ops::{
    Call,
    sessions::{self as ops, GroupView, Wish},
};

macro_rules! path {
    ($method:literal) => {
        concat!("/pmh.checkup.v1.SessionService/", $method)
    };
}

#[tonic::async_trait]
impl SessionService for Service {
    async fn put_sessions(
        &self,
        request: Request<pb::PutSessionsRequest>,
    ) -> Result<Response<pb::PutSessionsResponse>, Status> {
        let (call, message) = self.open(path!("PutSessions"), request)?;
        let outcome = self.open_sessions(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn request_place(
        &self,
        request: Request<pb::RequestPlaceRequest>,
    ) -> Result<Response<pb::RequestPlaceResponse>, Status> {
        let (call, message) = self.open(path!("RequestPlace"), request)?;
        let outcome = self.want_place(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn cancel_place(
        &self,
        request: Request<pb::CancelPlaceRequest>,
    ) -> Result<Response<pb::CancelPlaceResponse>, Status> {
        let (call, message) = self.open(path!("CancelPlace"), request)?;
        let outcome = self.give_place_up(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn list_sessions(
        &self,
        request: Request<pb::ListSessionsRequest>,
    ) -> Result<Response<pb::ListSessionsResponse>, Status> {
        let (call, message) = self.open(path!("ListSessions"), request)?;
        let outcome = self.sessions_of(&call, &message).await;
        self.answer(&call, outcome).await
    }
}

impl Service {
    async fn open_sessions(
        &self,
        call: &Call,
        message: &pb::PutSessionsRequest,
    ) -> Result<pb::PutSessionsResponse, Refusal> {
        let permit = self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let group = checked.identifier("group", &message.group, MAX_ID);
        let sessions = sessions(&mut checked, message);
        checked.finish()?;
        let (Some(key), Some(group), Some(sessions)) = (key, group, sessions) else { return Err(wrong()) };
        let render = |view: &GroupView<'_>| {
            let moved_up = owned(&view.moved_up);
            pb::PutSessionsResponse { sessions: states(view), moved_up, receipt: None }.encode_to_vec()
        };
        self.decode(ops::put_sessions(&self.gateway, call, &permit, &key, group, sessions, render).await?)
    }

    async fn want_place(
        &self,
        call: &Call,
        message: &pb::RequestPlaceRequest,
    ) -> Result<pb::RequestPlaceResponse, Refusal> {
        let permit = self.permit_about(call, message.purpose, &message.subject)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let wish = wish(&mut checked, &message.municipality, &message.resident_key, &message.group);
        let session = checked.identifier("session_id", &message.session_id, MAX_ID);
        checked.finish()?;
        let (Some(key), Some(wish), Some(session)) = (key, wish, session) else { return Err(wrong()) };
        let render = |view: &GroupView<'_>| {
            let standing = Some(standing(view));
            pb::RequestPlaceResponse { standing, receipt: None }.encode_to_vec()
        };
        self.decode(ops::request_place(&self.gateway, call, &permit, &key, wish, session, render).await?)
    }

    async fn give_place_up(
        &self,
        call: &Call,
        message: &pb::CancelPlaceRequest,
    ) -> Result<pb::CancelPlaceResponse, Refusal> {
        let permit = self.permit_about(call, message.purpose, &message.subject)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let wish = wish(&mut checked, &message.municipality, &message.resident_key, &message.group);
        checked.finish()?;
        let (Some(key), Some(wish)) = (key, wish) else { return Err(wrong()) };
        let render = |view: &GroupView<'_>| {
            let (standing, moved_up) = (Some(standing(view)), owned(&view.moved_up));
            pb::CancelPlaceResponse { standing, moved_up, receipt: None }.encode_to_vec()
        };
        self.decode(ops::cancel_place(&self.gateway, call, &permit, &key, wish, render).await?)
    }

    async fn sessions_of(
        &self,
        call: &Call,
        message: &pb::ListSessionsRequest,
    ) -> Result<pb::ListSessionsResponse, Refusal> {
        let permit = self.permit_about(call, message.purpose, &message.subject)?;
        let mut checked = Fields::default();
        let wish = wish(&mut checked, &message.municipality, "", &message.group);
        checked.finish()?;
        let render = |view: &GroupView<'_>| {
            let standing = (!view.is_home).then(|| standing(view));
            pb::ListSessionsResponse { sessions: states(view), standing, receipt: None }.encode_to_vec()
        };
        let wish = wish.ok_or_else(wrong)?;
        self.decode(ops::list_sessions(&self.gateway, call, &permit, wish, render).await?)
    }
}

fn wish(checked: &mut Fields, municipality: &str, resident_key: &str, group: &str) -> Option<Wish> {
    let municipality = match municipality {
        "" => None,
        urn => issuer(checked, "municipality", urn),
    };
    let resident_key = optional(checked, "resident_key", resident_key);
    let group = checked.identifier("group", group, MAX_ID);
    Some(Wish { municipality, resident_key, group: group? })
}

fn sessions(
    checked: &mut Fields,
    message: &pb::PutSessionsRequest,
) -> Option<Vec<(String, u32, SessionInfo)>> {
    let kind = kind(checked, "kind", message.kind);
    match message.sessions.len() {
        0 => checked.wrong("sessions", Reason::Required),
        1..=MOST_SESSIONS => {}
        _ => checked.wrong("sessions", Reason::Width),
    }
    let sessions: Vec<_> =
        message.sessions.iter().take(MOST_SESSIONS).map(|sent| session(checked, sent, kind)).collect();
    sessions.into_iter().collect()
}

fn session(
    checked: &mut Fields,
    sent: &pb::Session,
    kind: Option<CheckupKind>,
) -> Option<(String, u32, SessionInfo)> {
    let id = checked.identifier("sessions.session_id", &sent.session_id, MAX_ID);
    let date: Option<Date> = checked.date("sessions.date", &sent.date);
    let hall = checked.identifier("sessions.hall", &sent.hall, MOST_HALL);
    if !is_time(&sent.time) {
        checked.wrong("sessions.time", Reason::Date);
    }
    if !(1..=MOST_PLACES).contains(&sent.capacity) {
        checked.wrong("sessions.capacity", Reason::Value);
    }
    let info = SessionInfo { kind: kind?, date: date?, time: sent.time.clone(), hall: hall? };
    Some((id?, sent.capacity, info))
}

/// `HH:MM`.
fn is_time(text: &str) -> bool {
    text.len() == 5 && format!("{text}:00").parse::<jiff::civil::Time>().is_ok()
}

/// Days in the order of the calendar. A family learns whether there is room and not who takes it.
fn states(view: &GroupView<'_>) -> Vec<pb::SessionState> {
    let mut sessions: Vec<_> = view.group.sessions.iter().collect();
    sessions.sort_by_key(|(id, info)| (info.date, info.time.as_str(), id.as_str()));
    sessions.into_iter().map(|(id, info)| state(view, id, info)).collect()
}

fn state(view: &GroupView<'_>, id: &String, info: &SessionInfo) -> pb::SessionState {
    let (taken, capacity) = view.group.places.taken(id).unwrap_or_default();
    let room = if taken < capacity { pb::SessionRoom::Free } else { pb::SessionRoom::Full };
    let people = view.group.places.people(id).filter(|_| view.is_home);
    let (placed, waiting) = match people {
        Some((placed, waiting)) => (placed.cloned().collect(), waiting.cloned().collect()),
        None => (Vec::new(), Vec::new()),
    };
    let capacity = if view.is_home { u32::try_from(capacity).unwrap_or(u32::MAX) } else { 0 };
    pb::SessionState {
        session: Some(pb::Session {
            session_id: id.clone(),
            date: info.date.to_string(),
            time: info.time.clone(),
            hall: info.hall.clone(),
            capacity,
        }),
        kind: kind_word(info.kind).into(),
        room: room.into(),
        placed,
        waiting,
    }
}

fn standing(view: &GroupView<'_>) -> pb::Standing {
    let (places, resident) = (&view.group.places, view.resident.to_owned());
    let waiting = places.waiting_of(&resident);
    pb::Standing {
        place: places.place_of(&resident).cloned().unwrap_or_default(),
        waiting_for: waiting.map(|(session, _)| session.clone()).unwrap_or_default(),
        ahead: waiting.map_or(0, |(_, ahead)| u32::try_from(ahead).unwrap_or(u32::MAX)),
    }
}

fn owned(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

const MOST_SESSIONS: usize = 100;
const MOST_PLACES: u32 = 1_000;
const MOST_HALL: usize = 100;
