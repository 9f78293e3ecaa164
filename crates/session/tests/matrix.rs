//! Who may send what when: every PDU of the table, in every state, to and from both roles.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use smppkit_session::{Asked, Bind, BindMode, Event, SendError, Session, SessionConfig};
use smppkit_wire::observe::Value;
use smppkit_wire::pdu::table::{DeliverSm, Outbind, SubmitSm};
use smppkit_wire::pdu::{PduDef, TABLE, def_of};
use smppkit_wire::tlv::tag;
use smppkit_wire::value::InterfaceVersion;
use smppkit_wire::{Body, CommandStatus, Frames, Header, Pdu, Role, State, Tlvs, Version};

/// SMPP 5.0, 2.4, row for row: PDU, then OPEN, OUTBOUND, BOUND_TX, BOUND_RX, BOUND_TRX, UNBOUND.
/// E: the ESME may send it, M: the MC, 2: both, -: neither. unbind_resp also ends state UNBOUND (2.3.5),
/// which the document leaves out. The last three are those of SMPP 3.3, for its transmitter session.
const MATRIX: &str = "
    bind_transmitter         E E - - - -
    bind_transmitter_resp    M M - - - -
    bind_receiver            E E - - - -
    bind_receiver_resp       M M - - - -
    bind_transceiver         E E - - - -
    bind_transceiver_resp    M M - - - -
    outbind                  M - - - - -
    unbind                   - - 2 2 2 -
    unbind_resp              - - 2 2 2 2
    enquire_link             2 2 2 2 2 2
    enquire_link_resp        2 2 2 2 2 2
    generic_nack             2 2 2 2 2 2
    alert_notification       - - - M M -
    submit_sm                - - E - E -
    submit_sm_resp           - - M - M -
    submit_multi             - - E - E -
    submit_multi_resp        - - M - M -
    query_sm                 - - E - E -
    query_sm_resp            - - M - M -
    cancel_sm                - - E - E -
    cancel_sm_resp           - - M - M -
    replace_sm               - - E - E -
    replace_sm_resp          - - M - M -
    broadcast_sm             - - E - E -
    broadcast_sm_resp        - - M - M -
    query_broadcast_sm       - - E - E -
    query_broadcast_sm_resp  - - M - M -
    cancel_broadcast_sm      - - E - E -
    cancel_broadcast_sm_resp - - M - M -
    deliver_sm               - - - M M -
    deliver_sm_resp          - - - E E -
    data_sm                  - - E M 2 -
    data_sm_resp             - - M E 2 -
    param_retrieve           - - E - - -
    param_retrieve_resp      - - M - - -
    query_last_msgs          - - E - - -
    query_last_msgs_resp     - - M - - -
    query_msg_details        - - E - - -
    query_msg_details_resp   - - M - - -
";

const STATES: [State; 6] =
    [State::Open, State::Outbound, State::BoundTx, State::BoundRx, State::BoundTrx, State::Unbound];
const ROLES: [Role; 2] = [Role::Esme, Role::Mc];
/// An odd number, to see it echoed.
const SEQ: u32 = 0xFFFF_FFF7;

#[test]
fn the_table_permits_what_the_matrix_does() {
    assert_eq!(MATRIX.trim().lines().count(), TABLE.len(), "each PDU has its row");
    for def in TABLE {
        for role in ROLES {
            for state in STATES {
                assert_eq!(
                    def.permits(role, state),
                    permitted(def, role, state),
                    "{} {role:?} {state:?}",
                    def.name
                );
            }
            assert!(!def.permits(role, State::Closed), "{} may never be sent when closed", def.name);
        }
    }
}

#[test]
fn every_pdu_in_every_state_is_taken_or_answered_as_the_matrix_says() {
    let mut count = 0;
    for start in starts() {
        for def in TABLE {
            let mut session = start.session();
            let strays = session.stray_responses();
            let (event, answers) = receive(&mut session, &sample(def));
            let what = format!("{} to {:?}", def.name, start);
            check(def, &start, event.as_ref(), &answers, &what);
            assert_eq!(session.stray_responses() - strays, u64::from(def.is_response()), "{what}");
            count += 1;
        }
    }
    assert!(count > 1_000, "only {count} cases");
}

fn check(def: &PduDef, start: &Start, event: Option<&Event<u32>>, answers: &[Pdu], what: &str) {
    let is_bind = def.name.starts_with("bind_");
    if def.is_response() {
        return silent(event, answers, what);
    }
    if !def.may_come(start.version) {
        assert!(event.is_none(), "{what}: {event:?}");
        return one(answers, Header::GENERIC_NACK, CommandStatus::ESME_RINVCMDID, what);
    }
    let response = def.command_id | Header::RESPONSE_BIT;
    let crossing = def.name == "unbind" && start.ends == Some(Ends::Us);
    if permitted(def, start.role.peer(), start.state) || crossing {
        match (def.name, event) {
            ("enquire_link", None) => one(answers, response, CommandStatus::ESME_ROK, what),
            ("unbind", event) => {
                assert_eq!(matches!(event, Some(Event::Unbinding)), !crossing, "{what}: {event:?}");
                one(answers, response, CommandStatus::ESME_ROK, what);
            }
            ("outbind", Some(Event::Outbind(_))) | ("alert_notification", Some(Event::Notification(_))) => {
                assert!(answers.is_empty(), "{what}");
            }
            (_, Some(Event::Bind(asked, _))) if is_bind => owed(*asked, def, answers, what),
            (_, Some(Event::Request(asked, body))) => {
                assert_eq!(body.command_id(), def.command_id, "{what}");
                owed(*asked, def, answers, what);
            }
            (_, event) => panic!("{what}: {event:?}"),
        }
    } else if matches!(def.name, "outbind" | "alert_notification") {
        silent(event, answers, what);
    } else {
        assert!(event.is_none(), "{what}: {event:?}");
        let already = is_bind && start.role == Role::Mc && start.state.is_bound();
        let status = if already { CommandStatus::ESME_RALYBND } else { CommandStatus::ESME_RINVBNDSTS };
        one(answers, response, status, what);
    }
}

fn silent(event: Option<&Event<u32>>, answers: &[Pdu], what: &str) {
    assert!(event.is_none() && answers.is_empty(), "{what}: {event:?}, {answers:?}");
}

fn one(answers: &[Pdu], command_id: u32, status: CommandStatus, what: &str) {
    let [answer] = answers else { panic!("{what}: {answers:?}") };
    let got = (answer.command_id(), answer.command_status, answer.sequence_number);
    assert_eq!(got, (command_id, status, SEQ), "{what}");
}

fn owed(asked: Asked, def: &PduDef, answers: &[Pdu], what: &str) {
    assert_eq!((asked.sequence_number, asked.command_id), (SEQ, def.command_id), "{what}");
    assert!(answers.is_empty(), "{what}: {answers:?}");
}

#[test]
fn nothing_is_taken_and_nothing_said_once_closed() {
    for role in ROLES {
        for def in TABLE {
            let mut session =
                Start { role, state: State::BoundTrx, version: Version::V50, ends: None }.session();
            while session.closed().is_some() {}
            let (event, answers) = receive(&mut session, &sample(def));
            silent(event.as_ref(), &answers, def.name);
            let Pdu { body, .. } = sample(def);
            let mut out = Vec::new();
            assert!(session.request(Instant::now(), body.clone(), 1, &mut out).is_err(), "{}", def.name);
            assert!(session.notify(Instant::now(), body, &mut out).is_err(), "{}", def.name);
            assert!(out.is_empty(), "{}", def.name);
        }
    }
}

#[test]
fn every_pdu_in_every_state_is_sent_or_refused_as_the_matrix_says() {
    for start in starts() {
        for def in TABLE {
            let what = format!("{} from {:?}", def.name, start);
            let answered = !def.is_response() && def_of(def.command_id | Header::RESPONSE_BIT).is_some();
            let own_call = def.name.starts_with("bind_") || matches!(def.name, "unbind" | "outbind");
            let may = permitted(def, start.role, start.state) && !own_call;
            let in_version = (def.since..=def.until).contains(&start.version);

            let mut session = start.session();
            let (before, mut out) = (session.in_flight(), Vec::new());
            let sent = session.request(Instant::now(), sample(def).body, 77, &mut out);
            match sent {
                Ok(seq) => {
                    assert!(may && answered && in_version, "{what}");
                    let [pdu] = &parse(out, start.version)[..] else { panic!("{what}") };
                    assert_eq!((pdu.command_id(), pdu.sequence_number), (def.command_id, seq), "{what}");
                    assert_eq!(session.in_flight(), before + 1, "{what}");
                }
                Err(SendError::Value(_, _, error)) => panic!("{what}: {error}"),
                Err(SendError::Version(_, token)) => {
                    assert!(may && answered && !in_version && token == 77 && out.is_empty(), "{what}");
                }
                Err(SendError::State(_, token)) => {
                    assert!(!(may && answered) && token == 77 && out.is_empty(), "{what}");
                }
                Err(SendError::WindowFull(..)) => panic!("{what}: no window is full"),
            }

            let mut out = Vec::new();
            let notified = start.session().notify(Instant::now(), sample(def).body, &mut out).is_ok();
            let notification = def.name == "alert_notification";
            assert_eq!(notified, may && notification && in_version, "{what} as a notification");
            assert_eq!(notified, !out.is_empty(), "{what} as a notification");
        }
    }
}

/// What the written matrix says.
fn permitted(def: &PduDef, sender: Role, state: State) -> bool {
    let row = MATRIX.lines().find(|row| row.split_whitespace().next() == Some(def.name));
    let row = row.unwrap_or_else(|| panic!("{} has no row", def.name));
    let column = STATES.iter().position(|known| *known == state).unwrap();
    let who = row.split_whitespace().nth(1 + column).unwrap();
    who == "2" || who == if sender == Role::Esme { "E" } else { "M" }
}

/// Who ended the session, in state UNBOUND.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Us,
    Peer,
}

/// Where a case begins.
#[derive(Debug, Clone, Copy)]
struct Start {
    role: Role,
    state: State,
    version: Version,
    ends: Option<Ends>,
}

/// Every role, state and version there is. Before a bind no version has been agreed on.
fn starts() -> Vec<Start> {
    let mut starts = Vec::new();
    for role in ROLES {
        for state in STATES {
            let versions = if state.is_bound() { &Version::ALL[..] } else { &[Version::V50] };
            for &version in versions {
                let start = Start { role, state, version, ends: None };
                if state == State::Unbound {
                    starts.extend([Ends::Us, Ends::Peer].map(|ends| Start { ends: Some(ends), ..start }));
                } else {
                    starts.push(start);
                }
            }
        }
    }
    starts
}

impl Start {
    fn session(self) -> Session<u32> {
        let now = Instant::now();
        let mut session = Session::new(self.role, Arc::new(SessionConfig::default()), now);
        let mut out = Vec::new();
        let mode = match self.state {
            State::Open => None,
            State::Outbound => {
                let outbind = Outbind::default();
                if self.role == Role::Mc {
                    session.outbind(now, outbind, &mut out).unwrap();
                } else {
                    receive(&mut session, &Pdu::request(1, outbind));
                }
                None
            }
            State::BoundTx => Some(BindMode::Transmitter),
            State::BoundRx => Some(BindMode::Receiver),
            _ => Some(BindMode::Transceiver),
        };
        if let Some(mode) = mode {
            self.bind(&mut session, mode);
        }
        match self.ends {
            Some(Ends::Us) => session.unbind(now, &mut out),
            Some(Ends::Peer) => {
                // A request that nobody answers keeps the peer's unbind waiting.
                let waiting = match self.role {
                    Role::Mc => {
                        Pdu::request(1, SubmitSm { destination_addr: "1".parse().unwrap(), ..<_>::default() })
                    }
                    Role::Esme => Pdu::request(1, DeliverSm::default()),
                };
                receive(&mut session, &waiting);
                receive(&mut session, &Pdu::request(2, smppkit_wire::pdu::table::Unbind {}));
            }
            None => {}
        }
        assert_eq!(session.state(), self.state);
        session
    }

    fn bind(self, session: &mut Session<u32>, mode: BindMode) {
        let declared = InterfaceVersion::from(self.version);
        let named = |name: &str| TABLE.iter().find(|def| def.name == name).unwrap().command_id;
        let (now, mut out) = (Instant::now(), Vec::new());
        if self.role == Role::Mc {
            let version = ("interface_version".to_owned(), Value::Int(u32::from(declared.0)));
            let body =
                Body::from_record(named(&format!("bind_{mode}")), &Value::Record(vec![version])).unwrap();
            let (Some(Event::Bind(asked, _)), _) = receive(session, &Pdu::request(1, body)) else { panic!() };
            session.accept_bind(now, asked, "mc", &mut out);
        } else {
            let bind = Bind { interface_version: Some(declared), ..Bind::default() };
            session.bind(now, mode, &bind, &mut out).unwrap();
            let response = def_of(named(&format!("bind_{mode}_resp"))).unwrap();
            let mut body = smppkit_testkit::sample(response);
            body.set_tlvs(Tlvs::build().with(tag::sc_interface_version, declared).done());
            let (Some(Event::Bound { .. }), _) = receive(session, &Pdu::response(1, body)) else { panic!() };
        }
        assert_eq!(session.version(), self.version);
    }
}

/// A PDU of a kind that stands before every check of its version.
fn sample(def: &PduDef) -> Pdu {
    let body = smppkit_testkit::sample(def);
    Pdu { command_status: CommandStatus::ESME_ROK, sequence_number: SEQ, body }
}

/// Hands a PDU in; what was told and what was answered.
fn receive(session: &mut Session<u32>, pdu: &Pdu) -> (Option<Event<u32>>, Vec<Pdu>) {
    let mut octets = Vec::new();
    // A 3.3 peer has no TLVs to send.
    let version = if session.version() == Version::V33 { Version::V33 } else { Version::V50 };
    pdu.encode(version, &mut octets);
    let run: Bytes = octets.into();
    let frame = Frames::new(&run, u32::MAX).next().unwrap().unwrap();
    let mut out = Vec::new();
    let event = session.receive(Instant::now(), &frame, &mut out);
    (event, parse(out, session.version()))
}

fn parse(octets: Vec<u8>, version: Version) -> Vec<Pdu> {
    let run: Bytes = octets.into();
    let mut frames = Frames::new(&run, u32::MAX);
    let pdus = frames
        .by_ref()
        .map(|frame| Pdu::decode(&frame.unwrap(), version, &smppkit_wire::Dialect::STRICT).unwrap())
        .collect();
    assert!(frames.rest().is_empty(), "whole frames only");
    pdus
}
