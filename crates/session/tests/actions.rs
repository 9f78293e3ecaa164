//! Whatever a peer sends and an application does, in whatever order: what must hold all the same.
#![allow(clippy::unwrap_used, reason = "a test")]

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use smppkit_session::{Asked, Bind, BindMode, Event, Session, SessionConfig};
use smppkit_testkit::{Clock, sample};
use smppkit_wire::pdu::table::{AlertNotification, DeliverSm, Outbind, SubmitSm};
use smppkit_wire::pdu::{TABLE, def_of};
use smppkit_wire::value::InterfaceVersion;
use smppkit_wire::{CommandStatus, Dialect, Frames, Header, Pdu, Role, State, Tlvs, Version, tlv::tag};

proptest! {
    // 768 unless PROPTEST_CASES says how many; a night's run takes 100,000.
    #![proptest_config(ProptestConfig { cases: 3 * ProptestConfig::default().cases, ..ProptestConfig::default() })]

    #[test]
    fn nothing_breaks_a_session(
        role in prop_oneof![Just(Role::Esme), Just(Role::Mc)],
        config in config(),
        bound in prop::option::weighted(0.8, (mode(), interface_version())),
        actions in vec(action(), 1..150),
    ) {
        let mut world = World::new(role, config);
        if let Some((mode, version)) = bound {
            world.bind(mode, version);
        }
        for action in &actions {
            world.act(action);
        }
        world.disconnect();
    }

    /// Octets alone, with nobody to answer them.
    #[test]
    fn no_octets_break_a_session(
        role in prop_oneof![Just(Role::Esme), Just(Role::Mc)],
        bound in any::<bool>(),
        octets in vec(vec(any::<u8>(), 0..100), 0..20),
    ) {
        let mut world = World::new(role, SessionConfig::default());
        if bound {
            world.bind(BindMode::Transceiver, InterfaceVersion::V50);
        }
        for octets in &octets {
            world.arrive(octets);
        }
        world.disconnect();
    }
}

/// One thing that happens.
#[derive(Debug, Clone)]
enum Action {
    /// A right PDU: its place in the table, its number, its status.
    Pdu(usize, u32, u32),
    /// A message of the peer, which its role may send when bound.
    Message(u32),
    /// A PDU with one octet of its body changed, and cut or drawn out.
    Spoilt(usize, u32, prop::sample::Index, u8, i8),
    /// The answer to one of our requests, by its place among those that wait.
    Answer(prop::sample::Index, bool, u32),
    /// Octets.
    Octets(Vec<u8>),
    /// The application binds, answers a bind, unbinds and so on.
    Bind(BindMode),
    Accept,
    RefuseBind,
    Outbind,
    Request(usize),
    Notify(usize),
    Respond(prop::sample::Index),
    Refuse(prop::sample::Index),
    Forget(prop::sample::Index),
    Unbind,
    EnquireLink,
    Alert,
    CongestionState(Option<u8>),
    ReceiveRate(Option<u32>),
    FirstSequenceNumber(u32),
    /// Time.
    Pass(u64),
    PassToDeadline,
}

fn action() -> impl Strategy<Value = Action> {
    let place = 0..TABLE.len();
    let seq = || prop_oneof![4 => 0..12_u32, 1 => any::<u32>()];
    let status = || prop_oneof![4 => Just(0), 1 => Just(0x58), 1 => any::<u32>()];
    let index = any::<prop::sample::Index>;
    prop_oneof![
        20 => (place.clone(), seq(), status()).prop_map(|(p, s, c)| Action::Pdu(p, s, c)),
        15 => seq().prop_map(Action::Message),
        4 => (place.clone(), seq(), index(), any::<u8>(), -3..3_i8).prop_map(|(p, s, i, o, d)| Action::Spoilt(p, s, i, o, d)),
        12 => (index(), any::<bool>(), status()).prop_map(|(i, n, c)| Action::Answer(i, n, c)),
        // A whole frame of octets, or framing lost: rarely, since that ends everything.
        2 => vec(any::<u8>(), 0..40).prop_map(|body| {
            let length = (body.len() + Header::OCTETS) as u32;
            let mut octets = [length, 4, 0, 9].map(u32::to_be_bytes).concat();
            octets.extend_from_slice(&body);
            Action::Octets(octets)
        }),
        1 => prop::option::weighted(0.05, vec(any::<u8>(), 0..40)).prop_map(|o| Action::Octets(o.unwrap_or_default())),
        2 => mode().prop_map(Action::Bind),
        3 => Just(Action::Accept),
        1 => Just(Action::RefuseBind),
        1 => Just(Action::Outbind),
        20 => place.clone().prop_map(Action::Request),
        3 => place.prop_map(Action::Notify),
        6 => index().prop_map(Action::Respond),
        3 => index().prop_map(Action::Refuse),
        2 => index().prop_map(Action::Forget),
        1 => Just(Action::Unbind),
        2 => Just(Action::EnquireLink),
        1 => Just(Action::Alert),
        1 => prop::option::of(any::<u8>()).prop_map(Action::CongestionState),
        1 => prop::option::of(0..50_u32).prop_map(Action::ReceiveRate),
        1 => any::<u32>().prop_map(Action::FirstSequenceNumber),
        8 => (0..15_000_u64).prop_map(Action::Pass),
        3 => Just(Action::PassToDeadline),
    ]
}

fn mode() -> impl Strategy<Value = BindMode> {
    prop_oneof![1 => Just(BindMode::Transmitter), 1 => Just(BindMode::Receiver), 3 => Just(BindMode::Transceiver)]
}

fn interface_version() -> impl Strategy<Value = InterfaceVersion> {
    prop_oneof![1 => Just(0x00_u8), 1 => Just(0x33), 2 => Just(0x34), 3 => Just(0x50), 1 => any::<u8>()]
        .prop_map(InterfaceVersion)
}

fn config() -> impl Strategy<Value = SessionConfig> {
    let time = |on: u64| prop::option::weighted(0.8, (1..on).prop_map(Duration::from_millis));
    let version = prop_oneof![1 => Just(Version::V33), 1 => Just(Version::V34), 3 => Just(Version::V50)];
    let rate = || prop::option::of(1..200_u32);
    (
        version,
        0..6_u32,
        1..6_u32,
        time(20_000),
        time(20_000),
        time(60_000),
        time(20_000),
        rate(),
        rate(),
        any::<bool>(),
    )
        .prop_map(
            |(version, send, receive, init, enquire, idle, response, probes, messages, adaptive)| {
                SessionConfig {
                    version,
                    send_window: send,
                    receive_window: receive,
                    session_init: init,
                    enquire_link: enquire,
                    inactivity: idle,
                    response,
                    enquire_link_rate: probes,
                    receive_rate: messages,
                    adaptive_window: adaptive,
                    ..SessionConfig::default()
                }
            },
        )
}

/// A session, its driver, and an account of what was given to it and what came back.
struct World {
    session: Session<u32>,
    clock: Clock,
    input: Vec<u8>,
    bind: Option<Asked>,
    owed: Vec<Asked>,
    /// Tokens given and not come back, with the numbers their requests went out under.
    waiting: BTreeMap<u32, u32>,
    next_token: u32,
    /// Our latest requests by number, answered or not: what the peer may answer.
    numbers: BTreeMap<u32, u32>,
    ended: bool,
}

impl World {
    fn new(role: Role, config: SessionConfig) -> Self {
        let clock = Clock::new();
        Self {
            session: Session::new(role, Arc::new(config), clock.now()),
            clock,
            input: Vec::new(),
            bind: None,
            owed: Vec::new(),
            waiting: BTreeMap::new(),
            next_token: 0,
            numbers: BTreeMap::new(),
            ended: false,
        }
    }

    fn bind(&mut self, mode: BindMode, version: InterfaceVersion) {
        let named = |name: String| TABLE.iter().find(|def| def.name == name).expect("a bind").command_id;
        if self.session.role() == Role::Mc {
            let mut octets = pdu(named(format!("bind_{mode}")), 1, 0);
            // interface_version follows three empty strings.
            octets[Header::OCTETS + 3] = version.0;
            self.arrive(&octets);
            self.act(&Action::Accept);
        } else {
            self.act(&Action::Bind(mode));
            let mut body = sample(def_of(named(format!("bind_{mode}_resp"))).expect("in the table"));
            body.set_tlvs(Tlvs::build().with(tag::sc_interface_version, version).done());
            let mut octets = Vec::new();
            Pdu::response(1, body).encode(Version::V50, &mut octets);
            self.arrive(&octets);
        }
    }

    fn act(&mut self, action: &Action) {
        let now = self.clock.now();
        let mut out = Vec::new();
        let session = &mut self.session;
        match action {
            Action::Pdu(place, seq, status) => self.arrive(&pdu(TABLE[*place].command_id, *seq, *status)),
            Action::Message(seq) => {
                let esme = session.role() == Role::Esme;
                self.arrive(&pdu(if esme { DeliverSm::COMMAND_ID } else { SubmitSm::COMMAND_ID }, *seq, 0));
            }
            Action::Spoilt(place, seq, at, octet, longer) => {
                self.arrive(&spoilt(pdu(TABLE[*place].command_id, *seq, 0), at, *octet, *longer));
            }
            Action::Answer(at, nack, status) => {
                let numbers: Vec<_> = self.numbers.iter().map(|(seq, command)| (*seq, *command)).collect();
                if !numbers.is_empty() {
                    let (seq, command) = numbers[at.index(numbers.len())];
                    let command = if *nack { Header::GENERIC_NACK } else { command | Header::RESPONSE_BIT };
                    self.arrive(&pdu(command, seq, *status));
                }
            }
            Action::Octets(octets) => self.arrive(octets),
            Action::Bind(mode) => {
                let _ = session.bind(now, *mode, &Bind::default(), &mut out);
            }
            Action::Accept => {
                if let Some(asked) = self.bind.take() {
                    session.accept_bind(now, asked, "mc", &mut out);
                }
            }
            Action::RefuseBind => {
                if let Some(asked) = self.bind.take() {
                    session.refuse_bind(asked, CommandStatus::ESME_RBINDFAIL, &mut out);
                }
            }
            Action::Outbind => {
                let _ = session.outbind(now, Outbind::default(), &mut out);
            }
            Action::Request(place) => {
                let token = self.next_token;
                let (room, before) = (session.room(), session.in_flight());
                match session.request(now, sample(TABLE[*place]), token, &mut out) {
                    Ok(seq) => {
                        self.next_token += 1;
                        assert!(self.waiting.values().all(|other| *other != seq), "{seq} is used twice");
                        self.waiting.insert(token, seq);
                        assert!((1..=0x7FFF_FFFF).contains(&seq), "{seq:#x} is no sequence_number");
                        assert!(room > 0 || !session.state().is_bound(), "there was no room");
                        assert_eq!(session.in_flight(), before + 1);
                    }
                    Err(_) => assert!(out.is_empty(), "refused, and yet sent"),
                }
            }
            Action::Notify(place) => {
                let _ = session.notify(now, sample(TABLE[*place]), &mut out);
            }
            Action::Alert => {
                let _ = session.notify(now, AlertNotification::default(), &mut out);
            }
            Action::Respond(at) => {
                if let Some(asked) = take(&mut self.owed, at) {
                    let response =
                        def_of(asked.command_id | Header::RESPONSE_BIT).expect("each request has one");
                    session.respond(asked, sample(response), &mut out);
                }
            }
            Action::Refuse(at) => {
                if let Some(asked) = take(&mut self.owed, at) {
                    session.refuse(asked, CommandStatus::ESME_RSYSERR, &mut out);
                }
            }
            Action::Forget(at) => {
                if let Some(asked) = take(&mut self.owed, at) {
                    session.forget(asked, &mut out);
                }
            }
            Action::Unbind => session.unbind(now, &mut out),
            Action::EnquireLink => session.enquire_link(now, &mut out),
            Action::CongestionState(state) => session.set_congestion_state(*state),
            Action::ReceiveRate(rate) => session.set_receive_rate(*rate),
            Action::FirstSequenceNumber(first) => session.set_first_sequence_number(*first),
            Action::Pass(milliseconds) => self.pass(Duration::from_millis(*milliseconds)),
            Action::PassToDeadline => {
                let deadline = session.deadline();
                self.pass(
                    deadline.map_or(Duration::ZERO, |deadline| deadline.saturating_duration_since(now)),
                );
            }
        }
        self.sent(out);
        self.settle();
        self.check();
    }

    /// Octets of the peer.
    fn arrive(&mut self, octets: &[u8]) {
        self.input.extend_from_slice(octets);
        self.settle();
        self.check();
    }

    fn settle(&mut self) {
        let now = self.clock.now();
        let run: Bytes = core::mem::take(&mut self.input).into();
        let mut frames = Frames::new(&run, self.session.config().pdu_limit_octets);
        while !self.ended && self.session.may_receive() {
            let mut out = Vec::new();
            let (event, header) = match frames.next() {
                Some(Ok(frame)) => (self.session.receive(now, &frame, &mut out), Some(frame.header)),
                Some(Err(error)) => (Some(self.session.framing_lost(&error, &mut out)), None),
                None => break,
            };
            let sent = self.sent(out);
            if let Some(header) = header {
                assert!(sent.len() <= 1, "one PDU, {} answers", sent.len());
                for answer in sent {
                    assert!(!header.is_response(), "a response was answered");
                    assert!(answer.is_response() && answer.sequence_number == header.sequence_number);
                }
            }
            self.told(event.as_ref());
        }
        self.input.extend_from_slice(frames.rest());
        self.timeouts();
    }

    fn pass(&mut self, time: Duration) {
        let until = self.clock.now() + time;
        while let Some(deadline) = self.session.deadline().filter(|deadline| *deadline <= until) {
            assert!(!self.ended, "a deadline after the end");
            self.clock.advance_to(deadline);
            self.timeouts();
        }
        self.clock.advance_to(until);
    }

    fn timeouts(&mut self) {
        let now = self.clock.now();
        for _ in 0..100 {
            let mut out = Vec::new();
            let event = if self.ended { None } else { self.session.timeout(now, &mut out) };
            self.sent(out);
            if event.is_none() {
                let late = self.session.deadline().filter(|deadline| *deadline <= now);
                assert!(
                    late.is_none(),
                    "a deadline is left although timeout() was called: {:?}",
                    self.session
                );
                return;
            }
            self.told(event.as_ref());
        }
        panic!("timeout() has no end: {:?}", self.session);
    }

    /// What was written: whole frames that a strict reader takes.
    fn sent(&mut self, out: Vec<u8>) -> Vec<Header> {
        assert!(out.is_empty() || !self.ended, "sent after the end");
        let run: Bytes = out.into();
        let mut frames = Frames::new(&run, u32::MAX);
        let mut headers = Vec::new();
        for frame in frames.by_ref() {
            let frame = frame.expect("what is sent can be framed");
            // A peer that says 3.3 of itself and sends a newer PDU gets its answer all the same.
            let def = def_of(frame.header.command_id).expect("what is sent is in the table");
            let version = self.session.version();
            let version = if def.may_come(version) { version } else { def.since };
            let pdu = Pdu::decode(&frame, version, &Dialect::STRICT).expect("what is sent parses");
            if !frame.header.is_response() && def_of(pdu.command_id() | Header::RESPONSE_BIT).is_some() {
                self.numbers.insert(pdu.sequence_number, pdu.command_id());
                if self.numbers.len() > 12 {
                    self.numbers.pop_first();
                }
            }
            headers.push(frame.header);
        }
        assert!(frames.rest().is_empty(), "a part of a frame was sent");
        headers
    }

    fn told(&mut self, event: Option<&Event<u32>>) {
        match event {
            Some(Event::Bind(asked, _)) => self.bind = Some(*asked),
            Some(Event::Request(asked, _)) => self.owed.push(*asked),
            Some(Event::Response { token, .. } | Event::Failed { token, .. }) => self.comes_back(*token),
            Some(Event::Close(_)) => self.disconnect(),
            _ => {}
        }
    }

    fn comes_back(&mut self, token: u32) {
        assert!(self.waiting.remove(&token).is_some(), "{token} came back twice");
    }

    fn disconnect(&mut self) {
        self.ended = true;
        for _ in 0..100 {
            match self.session.closed() {
                Some(Event::Failed { token, .. }) => self.comes_back(token),
                Some(other) => panic!("a closed session tells {other:?}"),
                None => break,
            }
        }
        assert!(self.waiting.is_empty(), "{:?} never came back", self.waiting);
        assert_eq!(self.session.in_flight(), 0);
        assert_eq!(self.session.state(), State::Closed);
        assert_eq!(self.session.deadline(), None);
        assert!(!self.session.may_receive());
    }

    /// What holds at every moment.
    fn check(&self) {
        let (session, config) = (&self.session, self.session.config());
        assert_eq!(session.in_flight() as usize, self.waiting.len());
        assert!(session.in_flight() <= config.send_window);
        assert!(session.unanswered() <= config.receive_window);
        if self.ended {
            assert_eq!(session.state(), State::Closed);
        } else {
            assert_eq!(session.unanswered() as usize, self.owed.len());
        }
    }
}

fn pdu(command_id: u32, seq: u32, status: u32) -> Vec<u8> {
    let body = sample(def_of(command_id).expect("in the table"));
    let status = if command_id & Header::RESPONSE_BIT == 0 { 0 } else { status };
    let mut octets = Vec::new();
    Pdu { command_status: CommandStatus(status), sequence_number: seq, body }
        .encode(Version::V50, &mut octets);
    octets
}

/// One octet behind the header changed, some cut off or added; framing stays whole.
fn spoilt(mut octets: Vec<u8>, at: &prop::sample::Index, octet: u8, longer: i8) -> Vec<u8> {
    let body = octets.len() - Header::OCTETS;
    if body > 0 {
        octets[Header::OCTETS + at.index(body)] = octet;
    }
    let length = octets.len().saturating_add_signed(isize::from(longer)).max(Header::OCTETS);
    octets.resize(length, octet);
    octets[..4].copy_from_slice(&(length as u32).to_be_bytes());
    octets
}

fn take(owed: &mut Vec<Asked>, at: &prop::sample::Index) -> Option<Asked> {
    if owed.is_empty() { None } else { Some(owed.remove(at.index(owed.len()))) }
}
