//! A session under any list of actions of its peer, its application and the clock.
//!
//! Input: seven octets of configuration, then actions: an octet that chooses one, and its arguments. The peer's
//! frames are handed in as `net` does, only while the session takes more.
#![no_main]

use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use smppkit_session::{Asked, Bind, BindMode, Event, SendError, Session, SessionConfig};
use smppkit_wire::field::ShortMessage;
use smppkit_wire::pdu::TABLE;
use smppkit_wire::pdu::table::{AlertNotification, EnquireLink, Outbind, SubmitSm};
use smppkit_wire::tlv::tag;
use smppkit_wire::value::InterfaceVersion;
use smppkit_wire::{
    Body, CommandStatus, Dialect, FrameError, Frames, Header, Pdu, Role, State, Tlvs, Version,
};

fuzz_target!(|data: &[u8]| {
    let Some((head, actions)) = data.split_first_chunk::<7>() else { return };
    let mut world = World::new(*head);
    let mut input = Input(actions);
    for _ in 0..MOST_ACTIONS {
        let Some(action) = input.octet() else { break };
        world.act(action, &mut input);
        world.look();
    }
    world.end();
});

const MOST_ACTIONS: usize = 256;
const MODES: [BindMode; 3] = [BindMode::Transceiver, BindMode::Transmitter, BindMode::Receiver];
const STATUSES: [CommandStatus; 4] = [
    CommandStatus::ESME_ROK,
    CommandStatus::ESME_RTHROTTLED,
    CommandStatus::ESME_RSYSERR,
    CommandStatus::ESME_RMSGQFUL,
];

/// What the fuzzer gives, from the front.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn octet(&mut self) -> Option<u8> {
        let (&octet, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(octet)
    }

    fn any(&mut self) -> u8 {
        self.octet().unwrap_or_default()
    }

    fn some(&mut self, count: usize) -> &'a [u8] {
        let (some, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        some
    }
}

struct World {
    session: Session<u64>,
    now: Instant,
    /// What the session has written since it was last looked at.
    out: Vec<u8>,
    next_token: u64,
    /// Tokens that are out, by the number of their request.
    tokens: HashMap<u64, u32>,
    /// Requests of the peer that the application has, and has not answered.
    asked: Vec<Asked>,
    binds: Vec<Asked>,
    /// Answers that the peer may expect, by the number of its request.
    owed: HashMap<u32, usize>,
    /// Requests of the session that the peer has not answered.
    sent: VecDeque<(u32, u32)>,
    told_close: bool,
    long_runs: u32,
}

impl World {
    fn new([role, versions, windows, timers, rates, flags, first]: [u8; 7]) -> Self {
        let seconds = |bit: u8, seconds| (timers & bit != 0).then(|| Duration::from_secs(seconds));
        let version = |of: u8| Version::ALL[usize::from(of % 3)];
        let config = SessionConfig {
            version: version(versions),
            silent_mc_version: version(versions / 3),
            dialect: if flags & 1 == 0 { Dialect::RECEIVE } else { Dialect::STRICT },
            send_window: u32::from(windows & 0x0F) + 1,
            receive_window: u32::from(windows >> 4) + 1,
            session_init: seconds(1, 5),
            enquire_link: seconds(2, 30),
            inactivity: seconds(4, 60),
            response: seconds(8, 20),
            enquire_link_rate: (rates & 1 != 0).then_some(u32::from(rates >> 4) + 1),
            receive_rate: (rates & 2 != 0).then_some(u32::from(rates >> 2)),
            adaptive_window: flags & 2 == 0,
            ..SessionConfig::default()
        };
        let now = Instant::now();
        let role = if role & 1 == 0 { Role::Mc } else { Role::Esme };
        let mut session = Session::new(role, Arc::new(config), now);
        if first != 0 {
            session.set_first_sequence_number(0x7FFF_FFFF - u32::from(first));
        }
        Self {
            session,
            now,
            out: Vec::new(),
            next_token: 0,
            tokens: HashMap::new(),
            asked: Vec::new(),
            binds: Vec::new(),
            owed: HashMap::new(),
            sent: VecDeque::new(),
            told_close: false,
            long_runs: 0,
        }
    }

    fn act(&mut self, action: u8, input: &mut Input<'_>) {
        let closed = self.session.state() == State::Closed;
        let before = self.session.in_flight();
        match action % 24 {
            0 => self.peer_sends_table_pdu(input),
            1 => self.peer_sends_octets(input),
            2 => self.peer_binds(input),
            3 => self.peer_submits(input),
            4 | 5 => self.peer_answers(input),
            6 => self.request(input),
            7 => self.request_message(),
            8 | 9 => self.answer(input),
            10 | 11 => self.answer_bind(input),
            12 => self.bind(input),
            13 => self.session.unbind(self.now, &mut self.out),
            14 => self.session.enquire_link(self.now, &mut self.out),
            15 => self.pass(Duration::from_millis(u64::from(input.any()) * 10)),
            16 => self.pass(Duration::from_secs(u64::from(input.any()))),
            17 => self.until_deadline(),
            18 => self.outbind(),
            19 => self.notify(),
            20 => self.settings(input),
            21 => self.many_numbers(input),
            22 => self.peer_enquires(input),
            _ => self.rare(input),
        }
        if closed {
            assert!(self.out.is_empty(), "nothing is written after the end: {:02x?}", self.out);
            assert!(self.session.in_flight() <= before);
        }
    }

    fn peer_sends_table_pdu(&mut self, input: &mut Input<'_>) {
        let def = &TABLE[usize::from(input.any()) % TABLE.len()];
        let (number, status) = (u32::from(input.any()), STATUSES[usize::from(input.any()) % STATUSES.len()]);
        let body = Body::empty(def.command_id).expect("it is in the table");
        let status = if def.is_response() { status } else { CommandStatus::ESME_ROK };
        self.peer_sends(Pdu { command_status: status, sequence_number: number, body });
    }

    fn peer_sends_octets(&mut self, input: &mut Input<'_>) {
        let def = &TABLE[usize::from(input.any()) % TABLE.len()];
        let count = usize::from(input.any());
        let octets = Bytes::copy_from_slice(input.some(count));
        let mut frame = Vec::new();
        let length = (Header::OCTETS + octets.len()) as u32;
        for field in [length, def.command_id, u32::from(input.any() & 1), u32::from(input.any())] {
            frame.extend_from_slice(&field.to_be_bytes());
        }
        frame.extend_from_slice(&octets);
        self.receive(frame);
    }

    fn peer_binds(&mut self, input: &mut Input<'_>) {
        let choice = input.any();
        let id = [0x0000_0009, 0x0000_0002, 0x0000_0001][usize::from(choice % 3)];
        let version = [0x00, 0x33, 0x34, 0x50, 0x7F][usize::from(choice / 3 % 5)];
        let mut frame = Vec::new();
        for field in [24, id, 0, u32::from(input.any())] {
            frame.extend_from_slice(&field.to_be_bytes());
        }
        frame.extend_from_slice(&[b'a', 0, 0, 0, version, 0, 0, 0]);
        frame[3] = frame.len() as u8;
        self.receive(frame);
    }

    fn peer_submits(&mut self, input: &mut Input<'_>) {
        self.peer_sends(Pdu::request(u32::from(input.any()), message()));
    }

    fn peer_enquires(&mut self, input: &mut Input<'_>) {
        self.peer_sends(Pdu::request(u32::from(input.any()), EnquireLink {}));
    }

    /// Answers one of the session's requests, mostly well.
    fn peer_answers(&mut self, input: &mut Input<'_>) {
        let (which, how) = (input.any(), input.any());
        let Some(at) = usize::from(which).checked_rem(self.sent.len()) else { return };
        let (command_id, sequence_number) = self.sent.remove(at).expect("it is among them");
        let command_status = STATUSES[usize::from(how % 4)];
        let mut pdu = Pdu::refusal(command_id, sequence_number, command_status);
        match how >> 2 & 7 {
            0..=4 => {}
            5 => pdu = Pdu::generic_nack(sequence_number, command_status),
            // The request stays unanswered: neither a number that nobody has given out, nor another command.
            6 => {
                self.sent.push_back((command_id, sequence_number));
                pdu.sequence_number = sequence_number.wrapping_add(1 << 20);
            }
            _ => {
                self.sent.push_back((command_id, sequence_number));
                pdu = Pdu::refusal(command_id ^ 0x40, sequence_number, command_status);
            }
        }
        let body = Body::empty(pdu.command_id()).filter(|_| command_status.is_ok() && how & 0x40 == 0);
        if let Some(body) = body {
            pdu.body = body;
        }
        let mut octets = Vec::new();
        pdu.encode(Version::V50, &mut octets);
        let congestion = (how & 0x80 != 0).then(|| input.any() % 110);
        let declared = (how & 0x20 != 0 && BIND_RESPONSES.contains(&pdu.command_id()))
            .then(|| InterfaceVersion(u8::from(how & 0x10 != 0) * 0x1C + 0x34));
        let tlvs = Tlvs::build()
            .with_some(tag::sc_interface_version, declared)
            .with_some(tag::congestion_state, congestion);
        octets.extend_from_slice(tlvs.done().region());
        let length = (octets.len() as u32).to_be_bytes();
        octets[..4].copy_from_slice(&length);
        self.receive(octets);
    }

    fn peer_sends(&mut self, pdu: Pdu) {
        let mut octets = Vec::new();
        pdu.encode(Version::V50, &mut octets);
        self.receive(octets);
    }

    fn receive(&mut self, octets: Vec<u8>) {
        if !self.session.may_receive() {
            return;
        }
        let run = octets.into();
        let frame = Frames::new(&run, u32::MAX).next().expect("whole").expect("long enough");
        let is_response = frame.header.is_response();
        if !is_response {
            *self.owed.entry(frame.header.sequence_number).or_default() += 1;
        }
        let event = self.session.receive(self.now, &frame, &mut self.out);
        assert!(!is_response || self.out.is_empty(), "a response is never answered");
        self.take_event(event);
    }

    fn take_event(&mut self, event: Option<Event<u64>>) {
        let Some(event) = event else { return };
        assert!(!self.told_close || matches!(event, Event::Failed { .. }), "after the end: {event:?}");
        match event {
            Event::Bind(asked, _) => self.binds.push(asked),
            Event::Request(asked, _) => self.asked.push(asked),
            Event::Response { token, .. } | Event::Failed { token, .. } => {
                assert!(self.tokens.remove(&token).is_some(), "token {token} has come back before");
            }
            Event::Bound { .. } => assert!(self.session.state().is_bound()),
            Event::Close(_) => {
                assert_eq!(self.session.state(), State::Closed);
                self.told_close = true;
            }
            Event::Unbinding => assert_eq!(self.session.room(), 0),
            Event::Outbind(_) => assert_eq!(self.session.state(), State::Outbound),
            Event::BindRefused(_) | Event::Notification(_) => {}
            _ => unreachable!("an event without a rule"),
        }
    }

    fn request(&mut self, input: &mut Input<'_>) {
        let def = &TABLE[usize::from(input.any()) % TABLE.len()];
        self.send(Body::empty(def.command_id).expect("it is in the table"));
    }

    fn request_message(&mut self) {
        self.send(message().into());
    }

    fn send(&mut self, body: Body) -> bool {
        let room = self.session.room();
        let token = self.next_token;
        match self.session.request(self.now, body, token, &mut self.out) {
            Ok(number) => {
                // Before a bind, too, the application may ask whether the peer is alive.
                assert!(room > 0 || !self.session.state().is_bound());
                assert!((1..=0x7FFF_FFFF).contains(&number));
                assert!(self.tokens.values().all(|&other| other != number), "{number} is in use");
                self.next_token += 1;
                self.tokens.insert(token, number);
                true
            }
            Err(SendError::WindowFull(_, back)) => {
                assert_eq!((back, room), (token, 0));
                false
            }
            Err(error) => {
                assert_eq!(error.given().1, token);
                false
            }
        }
    }

    /// The application answers one of the peer's requests.
    fn answer(&mut self, input: &mut Input<'_>) {
        let (which, how) = (input.any(), input.any());
        let Some(at) = usize::from(which).checked_rem(self.asked.len()) else { return };
        let asked = self.asked.swap_remove(at);
        let status = STATUSES[usize::from(how >> 2) % STATUSES.len()];
        let body =
            Body::empty(asked.command_id | Header::RESPONSE_BIT).expect("requests that wait have responses");
        match how % 4 {
            0 => self.session.respond(asked, body, &mut self.out),
            1 => self.session.respond_with(asked, status, body, &mut self.out),
            2 => self.session.refuse(asked, status, &mut self.out),
            _ => self.session.forget(asked, &mut self.out),
        }
    }

    fn answer_bind(&mut self, input: &mut Input<'_>) {
        let how = input.any();
        let Some(asked) = self.binds.pop() else { return };
        if how & 1 == 0 {
            self.session.accept_bind(
                self.now,
                asked,
                if how & 2 == 0 { "mc" } else { "seventeen letters" },
                &mut self.out,
            );
        } else {
            self.session.refuse_bind(asked, STATUSES[usize::from(how >> 1) % 4], &mut self.out);
        }
    }

    fn bind(&mut self, input: &mut Input<'_>) {
        let choice = input.any();
        let mode = MODES[usize::from(choice % 3)];
        let mut bind = Bind::new("esme", "secret").expect("short");
        let declared = [None, Some(0x33), Some(0x34), Some(0x50), Some(0)][usize::from(choice / 3 % 5)];
        bind.interface_version = declared.map(InterfaceVersion);
        let _ = self.session.bind(self.now, mode, &bind, &mut self.out);
    }

    fn outbind(&mut self) {
        let _ = self.session.outbind(self.now, Outbind::default(), &mut self.out);
    }

    fn notify(&mut self) {
        let _ = self.session.notify(self.now, AlertNotification::default(), &mut self.out);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.timeouts();
    }

    fn until_deadline(&mut self) {
        if let Some(deadline) = self.session.deadline() {
            self.now = self.now.max(deadline);
        }
        self.timeouts();
    }

    fn timeouts(&mut self) {
        let most = self.tokens.len() + 4;
        let mut calls = 0;
        loop {
            let event = self.session.timeout(self.now, &mut self.out);
            let ready = event.is_none();
            self.take_event(event);
            if ready {
                break;
            }
            calls += 1;
            assert!(calls <= most, "timeout has no end");
        }
        let next = self.session.deadline();
        assert!(next.is_none_or(|next| next > self.now), "due at once again: {:?}", self.session.state());
    }

    fn settings(&mut self, input: &mut Input<'_>) {
        let (which, value) = (input.any(), input.any());
        match which % 3 {
            0 => self.session.set_congestion_state((value <= 100).then_some(value)),
            1 => self.session.set_receive_rate((value != 0).then_some(u32::from(value))),
            _ => self.session.set_first_sequence_number(u32::MAX - u32::from(value)),
        }
    }

    /// Numbers go by while what waits goes on waiting; a few times enough of them for the window to set it aside.
    fn many_numbers(&mut self, input: &mut Input<'_>) {
        let count = match input.any() {
            240.. if self.long_runs < 3 => {
                self.long_runs += 1;
                2_100
            }
            count => u32::from(count / 16),
        };
        for _ in 0..count {
            if self.session.notify(self.now, AlertNotification::default(), &mut self.out).is_err() {
                if !self.send(message().into()) {
                    return;
                }
                self.look();
                let Some((command_id, number)) = self.sent.pop_back() else { return };
                self.peer_sends(Pdu::refusal(command_id, number, CommandStatus::ESME_ROK));
            }
            self.look();
        }
    }

    fn rare(&mut self, input: &mut Input<'_>) {
        let choice = input.any();
        if self.session.state() == State::Closed || choice & 7 != 0 {
            return;
        }
        if choice & 8 != 0 {
            let error = FrameError::Length { got: 3, limit: 100, sequence_number: u32::from(choice) };
            *self.owed.entry(u32::from(choice)).or_default() += 1;
            let event = self.session.framing_lost(&error, &mut self.out);
            self.take_event(Some(event));
        } else {
            self.drain();
        }
    }

    /// The connection goes.
    fn drain(&mut self) {
        let most = self.tokens.len();
        let mut calls = 0;
        while let Some(event) = self.session.closed() {
            assert!(matches!(event, Event::Failed { .. }));
            self.take_event(Some(event));
            calls += 1;
            assert!(calls <= most);
        }
        assert!(self.tokens.is_empty(), "never came back: {:?}", self.tokens);
        assert_eq!((self.session.in_flight(), self.session.state()), (0, State::Closed));
    }

    /// What holds after every action.
    fn look(&mut self) {
        let session = &self.session;
        assert_eq!(session.in_flight() as usize, self.tokens.len());
        assert!(session.in_flight() <= session.config().send_window);
        assert!(session.room() <= session.config().send_window);
        assert!(session.unanswered() <= session.config().receive_window);
        if session.state() == State::Closed {
            assert_eq!((session.room(), session.may_receive()), (0, false));
        } else {
            assert_eq!(session.unanswered() as usize, self.asked.len());
        }
        let run: Bytes = core::mem::take(&mut self.out).into();
        let mut frames = Frames::new(&run, session.config().pdu_limit_octets);
        for frame in &mut frames {
            let frame = frame.expect("what goes out is framed");
            let Header { command_id, sequence_number, .. } = frame.header;
            if frame.header.is_response() {
                let owed = self.owed.get_mut(&sequence_number).filter(|owed| **owed > 0);
                *owed.unwrap_or_else(|| panic!("nobody asked for {:?}", frame.header)) -= 1;
            } else {
                assert!((1..=0x7FFF_FFFF).contains(&sequence_number));
                let answered = Body::empty(command_id | Header::RESPONSE_BIT).is_some();
                if answered {
                    self.sent.push_back((command_id, sequence_number));
                }
            }
            let reads = |version: Version| Pdu::decode(&frame, version, &Dialect::RECEIVE).is_ok();
            assert!(Version::ALL.into_iter().any(reads), "{:02x?}", frame.octets());
        }
        assert!(frames.rest().is_empty(), "half a frame");
    }

    fn end(mut self) {
        self.timeouts();
        self.look();
        self.drain();
        self.look();
    }
}

const BIND_RESPONSES: [u32; 3] = [0x8000_0001, 0x8000_0002, 0x8000_0009];

fn message() -> SubmitSm {
    SubmitSm {
        destination_addr: "1234".parse().expect("short"),
        short_message: ShortMessage::new(&b"text"[..]).expect("short"),
        ..SubmitSm::default()
    }
}
