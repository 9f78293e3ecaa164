//! The task of one session: the page's wishes on one side, octets on the other.

mod due;

use core::time::Duration;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use smppkit_inspect::EncodeError;
use smppkit_wire::pdu::table::{EnquireLink, Unbind};
use smppkit_wire::{Frames, Header, Version};
use tokio::sync::mpsc;

use super::ask::{Again, Answer, Ask, Connect, Mode, What};
use super::line::{Asked, Line, Moved, Opening, Stream, open};
use super::pdus::{answer, bind, is_answered, mode};
use super::play::Play;
use super::repeat::Repeat;
use super::say::{Direction, Rows, Say, Standing, State, Whose, said, taken_apart};
use super::settings::Settings;

/// One session, from its page's first word until the page is gone.
pub(super) struct Session {
    number: u64,
    settings: Arc<Settings>,
    asks: mpsc::Receiver<Ask>,
    say: mpsc::Sender<Say>,
    /// What waits to be said.
    notes: VecDeque<Say>,
    rows: Rows,
    /// When rows may be said again.
    rows_after: Instant,
    opening: Option<(Connect, Version, Opening)>,
    line: Option<Line>,
    repeat: Option<Repeat>,
    play: Option<Play>,
    /// When the step that is played has to be looked at.
    play_at: Option<Instant>,
    /// When something was last asked for, or came.
    active: Instant,
    /// Until when a session may unbind whose page is gone.
    leaving: Option<Instant>,
}

/// What happened.
enum Event {
    Asked(Ask),
    Left,
    Said,
    Opened(Result<(Box<dyn Stream>, SocketAddr), String>),
    Moved(Moved),
    Time,
}

impl Session {
    pub(super) fn new(
        number: u64,
        settings: Arc<Settings>,
        asks: mpsc::Receiver<Ask>,
        say: mpsc::Sender<Say>,
    ) -> Self {
        let now = Instant::now();
        Self {
            number,
            settings,
            asks,
            say,
            notes: VecDeque::new(),
            rows: Rows::default(),
            rows_after: now,
            opening: None,
            line: None,
            repeat: None,
            play: None,
            play_at: None,
            active: now,
            leaving: None,
        }
    }

    /// Until the page is gone, and the server told so.
    pub(super) async fn run(mut self) {
        loop {
            let event = self.event().await;
            let now = Instant::now();
            match event {
                Event::Asked(ask) => self.asked(ask, now),
                Event::Left => self.left(now),
                Event::Opened(opened) => self.opened(opened, now),
                Event::Moved(Moved::Read(read)) => match read {
                    Ok(0) => self.server_closed(),
                    Ok(_) => self.came(now),
                    Err(error) => self.closed(&format!("the connection broke: {error}")),
                },
                Event::Moved(Moved::Wrote(Err(error))) => {
                    self.closed(&format!("the connection broke: {error}"));
                }
                Event::Moved(Moved::Wrote(Ok(()))) | Event::Said | Event::Time => {}
            }
            self.due(now);
            if self.leaving.is_some_and(|until| until <= now || self.line.is_none()) {
                return;
            }
        }
    }

    async fn event(&mut self) -> Event {
        let deadline = self.deadline();
        let leaving = self.leaving.is_some();
        let Self { asks, say, notes, opening, line, .. } = self;
        // A page that does not take what it is told is not asked for more.
        let (asks_more, has_notes) = (!leaving && notes.len() < NOTES, !leaving && !notes.is_empty());
        tokio::select! {
            ask = asks.recv(), if asks_more => ask.map_or(Event::Left, Event::Asked),
            said = tell(say, notes), if has_notes => if said { Event::Said } else { Event::Left },
            opened = async { match opening {
                Some((_, _, opening)) => opening.await,
                None => core::future::pending().await,
            } } => Event::Opened(opened),
            moved = async { match line {
                Some(line) => line.moved().await,
                None => core::future::pending().await,
            } } => Event::Moved(moved),
            () = tokio::time::sleep_until(deadline.into()) => Event::Time,
        }
    }

    /// When something is due, whatever happens.
    fn deadline(&self) -> Instant {
        let mut times = vec![self.leaving.unwrap_or(self.active + self.settings.idle.0)];
        times.extend(self.rows_at());
        times.extend(self.play_at.filter(|_| self.play.is_some() && self.notes.len() < NOTES));
        if let Some(line) = &self.line {
            times.extend(line.stalled());
            times.extend(line.bind.map(|(_, until)| until));
            times.extend(line.unbind);
            times.extend(line.ours.oldest().map(|at| at + self.settings.response_timeout.0));
            times.extend(line.enquire_link.filter(|_| line.is_bound()).map(|time| line.heard + time));
            times.extend(self.repeat.as_ref().filter(|_| !line.is_full()).map(Repeat::deadline));
        }
        times.into_iter().min().unwrap_or(self.active)
    }

    fn asked(&mut self, ask: Ask, now: Instant) {
        self.active = now;
        match ask {
            Ask::Connect(connect) => self.connect(*connect),
            Ask::Send(what) => {
                if let Err(error) = self.send(&what, now) {
                    self.wrong(&error);
                }
            }
            Ask::Repeat(again) => self.start(&again, now),
            Ask::Script(steps) => {
                if self.play.is_some() {
                    return self.error("a script is played already: stop it first");
                }
                let version = self.line.as_ref().map_or(Version::V50, |line| line.whose.version);
                self.play = Some(Play::new(steps, version, now));
                self.play_at = Some(now);
            }
            Ask::Stop(true) => self.stop(now),
            Ask::Unbind(true) => self.unbind(now),
            Ask::Stop(false) | Ask::Unbind(false) | Ask::Close(false) => {}
            Ask::Close(true) => {
                if self.opening.take().is_some() || self.line.is_some() {
                    self.closed("closed by the page");
                } else {
                    self.error("there is no connection to close");
                }
            }
        }
    }

    fn connect(&mut self, connect: Connect) {
        if self.opening.is_some() || self.line.is_some() {
            return self.error("there is a connection already: close it first");
        }
        let Ok(version) = connect.version.parse::<Version>() else {
            let version = &connect.version;
            return self.error(&format!("version {version:?} is not one of 3.3, 3.4 and 5.0"));
        };
        if version == Version::V33 && connect.bind == Mode::Transceiver {
            return self.error("3.3 has no bind_transceiver: bind as transmitter or receiver, or use 3.4");
        }
        self.state(State::Connecting, &format!("{}:{}", connect.host, connect.port));
        let (settings, target) = (Arc::clone(&self.settings), connect.clone());
        let opening: Opening = Box::pin(async move { open(&settings, &target).await });
        self.opening = Some((connect, version, opening));
    }

    fn opened(&mut self, opened: Result<(Box<dyn Stream>, SocketAddr), String>, now: Instant) {
        let Some((connect, version, _)) = self.opening.take() else { return };
        let (stream, peer) = match opened {
            Ok(opened) => opened,
            Err(why) => {
                self.error(&why);
                return self.closed(&why);
            }
        };
        let whose = Whose {
            session: self.number,
            system_id: connect.system_id.clone(),
            peer: peer.to_string(),
            version,
        };
        let bare = connect.bind == Mode::None;
        let answer = connect.answer.unwrap_or(if bare { Answer::None } else { Answer::Auto });
        let mut line = Line::new(stream, whose, answer, now);
        let seconds = connect.enquire_link_seconds.unwrap_or(if bare { 0 } else { 30 });
        line.enquire_link = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
        self.line = Some(line);
        self.state(State::Open, if connect.tls { "connected, TLS" } else { "connected" });
        if bare {
            return;
        }
        match bind(&connect, version) {
            Ok(octets) => {
                let Some(line) = &mut self.line else { return };
                let number = line.next();
                line.bind = Some((number, now + self.settings.bind_timeout.0));
                self.put(octets.numbered(|| number), false, now);
            }
            Err(error) => {
                self.wrong(&error);
                self.closed("the bind cannot be written: see the error");
            }
        }
    }

    /// Sends what the page gives.
    fn send(&mut self, what: &What, now: Instant) -> Result<String, EncodeError> {
        let octets = what.octets()?;
        let whole = |message: &str| Err(EncodeError { key: None, message: message.to_owned() });
        let Some(line) = &mut self.line else {
            return whole("there is no connection, so nothing was sent: connect first");
        };
        if line.is_full() {
            return whole("not sent: the server does not read, and much waits for it already");
        }
        let octets = octets.numbered(|| line.next());
        let summary = taken_apart(&Bytes::copy_from_slice(&octets), line.whose.version).summary();
        self.put(octets, false, now);
        Ok(summary)
    }

    fn start(&mut self, again: &Again, now: Instant) {
        if self.line.is_none() {
            return self.error("there is no connection, so nothing is repeated: connect first");
        }
        if self.repeat.is_some() {
            return self.error("something is repeated already: stop it first");
        }
        match again.octets() {
            Ok(octets) => self.repeat = Some(Repeat::new(again, octets, now)),
            Err(error) => self.wrong(&error),
        }
    }

    fn stop(&mut self, now: Instant) {
        if self.repeat.is_none() && self.play.is_none() {
            return self.error("nothing is repeated or played");
        }
        self.end_repeat();
        if self.play.is_some() {
            self.ended_step(Err("stopped".to_owned()), now);
        }
    }

    fn unbind(&mut self, now: Instant) {
        match &mut self.line {
            Some(line) if line.is_bound() => {
                line.unbind = Some(now + self.settings.bind_timeout.0);
                let octets = line.request(Unbind {});
                self.put(octets, false, now);
            }
            Some(_) => self.error("not bound, so there is nothing to unbind: close the connection instead"),
            None => self.error("there is no connection to unbind"),
        }
    }

    /// The page is gone. A session that is bound is unbound, but not waited for long.
    fn left(&mut self, now: Instant) {
        self.leaving = Some(now + LEAVE);
        self.opening = None;
        self.repeat = None;
        self.play = None;
        if self.line.as_ref().is_some_and(Line::is_bound) {
            self.unbind(now);
        } else {
            self.closed("");
        }
    }

    /// Octets on their way to the server: remembered, shown, written.
    fn put(&mut self, octets: Vec<u8>, repeated: bool, now: Instant) -> bool {
        let Some(line) = &mut self.line else { return false };
        line.put(&octets, now);
        let run = Bytes::from(octets);
        let mut frames = Frames::new(&run, u32::MAX);
        let mut shown: Vec<Bytes> = Vec::new();
        for frame in frames.by_ref().map_while(Result::ok) {
            shown.push(frame.to_bytes());
        }
        if !frames.rest().is_empty() {
            shown.push(run.slice_ref(frames.rest()));
        }
        let mut is_request = false;
        for octets in shown {
            let mut answered_us = None;
            if let Some(header) = Header::read(&octets) {
                if header.is_response() {
                    answered_us = line.theirs.answered(&header).map(|asked| micros(asked.at, now));
                } else if is_answered(header.command_id) {
                    is_request = true;
                    let Header { command_id, sequence_number, .. } = header;
                    let forgotten = line.ours.add(Asked { command_id, sequence_number, at: now, repeated });
                    if let (Some(Asked { repeated: true, .. }), Some(repeat)) = (forgotten, &mut self.repeat)
                    {
                        repeat.ended(false, false);
                    }
                }
            }
            self.rows.push(&line.whose, Direction::Out, &octets, answered_us);
        }
        is_request
    }

    /// Takes whole PDUs off what came.
    fn came(&mut self, now: Instant) {
        let Some(line) = &mut self.line else { return };
        let run = core::mem::take(&mut line.came).freeze();
        let mut frames = Frames::new(&run, FRAME_LIMIT_OCTETS);
        let mut broken = None;
        for frame in &mut frames {
            match frame {
                Ok(frame) => self.pdu(&frame.to_bytes(), frame.header, now),
                Err(error) => broken = Some(error.to_string()),
            }
        }
        let rest = frames.rest();
        let Some(line) = &mut self.line else { return };
        match broken {
            None => line.came = BytesMut::from(rest),
            Some(why) => {
                self.rows.push(&line.whose, Direction::In, &run.slice_ref(rest), None);
                self.closed(&format!("closed, because nobody knows where the next PDU begins: {why}"));
            }
        }
    }

    fn pdu(&mut self, octets: &Bytes, header: Header, now: Instant) {
        let Some(line) = &mut self.line else { return };
        line.heard = now;
        if header.command_id & !Header::RESPONSE_BIT != EnquireLink::COMMAND_ID {
            self.active = now;
        }
        if let Some(play) = &mut self.play {
            play.heard(octets);
            self.play_at = Some(now);
        }
        if !header.is_response() {
            self.rows.push(&line.whose, Direction::In, octets, None);
            return self.request(octets, header, now);
        }
        let asked = line.ours.answered(&header);
        let answered_us = asked.map(|asked| micros(asked.at, now));
        self.rows.push(&line.whose, Direction::In, octets, answered_us);
        let Some(asked) = asked else { return };
        let ok = header.command_status.is_ok();
        if let (true, Some(repeat)) = (asked.repeated, &mut self.repeat) {
            repeat.ended(true, ok);
        }
        let mode = mode(asked.command_id);
        if line.bind.is_some_and(|(number, _)| number == asked.sequence_number) && mode.is_some() {
            line.bind = None;
            if !ok {
                return self.closed(&format!("the bind was refused: {}", header.command_status));
            }
        }
        if let (true, Some(mode)) = (ok, mode) {
            self.bound(mode, octets);
        } else if asked.command_id == Unbind::COMMAND_ID {
            let asked_for = line.unbind.take().is_some();
            self.state(State::Unbound, "unbound");
            if asked_for {
                self.closed("unbound, then closed");
            }
        }
    }

    fn bound(&mut self, state: State, octets: &Bytes) {
        let Some(line) = &mut self.line else { return };
        line.state = state;
        let dissection = taken_apart(octets, line.whose.version);
        let text = |name| said(&dissection, name).and_then(|value| value.as_str().map(str::to_owned));
        let standing = Standing {
            state,
            detail: "bound".to_owned(),
            peer: Some(line.whose.peer.clone()),
            system_id: text("system_id"),
            sc_interface_version: said(&dissection, "sc_interface_version").and_then(|value| value.as_u64()),
        };
        self.notes.push_back(Say::State(Box::new(standing)));
    }

    /// Answers a request of the server, if that is not left to the page.
    fn request(&mut self, octets: &Bytes, header: Header, now: Instant) {
        let Some(line) = &mut self.line else { return };
        let Header { command_id, sequence_number, .. } = header;
        if is_answered(command_id) {
            line.theirs.add(Asked { command_id, sequence_number, at: now, repeated: false });
        }
        let keeps_alive = [EnquireLink::COMMAND_ID, Unbind::COMMAND_ID].contains(&command_id);
        if line.answer == Answer::Auto || line.answer == Answer::Manual && keeps_alive {
            let version = line.whose.version;
            if let Some(answer) = answer(octets, header, version) {
                let mut octets = Vec::new();
                answer.encode(version, &mut octets);
                self.put(octets, false, now);
            }
        }
        if command_id == Unbind::COMMAND_ID {
            self.state(State::Unbound, "the server unbound");
        }
    }

    fn server_closed(&mut self) {
        let Some(line) = &mut self.line else { return };
        let rest = core::mem::take(&mut line.came).freeze();
        if rest.is_empty() {
            return self.closed("the server closed the connection");
        }
        self.rows.push(&line.whose, Direction::In, &rest, None);
        self.closed("the server closed the connection in the midst of a PDU");
    }

    /// The connection is over. What it brought is said first.
    fn closed(&mut self, why: &str) {
        if !self.rows.is_empty() {
            self.notes.push_back(self.rows.take());
        }
        self.end_repeat();
        self.state(State::Closed, why);
        if let Some(line) = self.line.take() {
            line.close();
        }
        if self.play.is_some() {
            self.play_at = Some(Instant::now());
        }
    }

    fn state(&mut self, state: State, detail: &str) {
        let mut peer = None;
        if let Some(line) = &mut self.line {
            line.state = state;
            peer = Some(line.whose.peer.clone());
        }
        let detail = detail.to_owned();
        let standing = Standing { state, detail, peer, system_id: None, sc_interface_version: None };
        self.notes.push_back(Say::State(Box::new(standing)));
    }

    fn wrong(&mut self, error: &EncodeError) {
        self.notes.push_back(Say::Error { error: error.to_string(), key: error.key.clone() });
    }

    fn error(&mut self, error: &str) {
        self.notes.push_back(Say::error(error));
    }
}

/// Hands the next over when there is room for it; `false` when nobody takes it any more.
async fn tell(say: &mpsc::Sender<Say>, notes: &mut VecDeque<Say>) -> bool {
    let Ok(room) = say.reserve().await else { return false };
    if let Some(note) = notes.pop_front() {
        room.send(note);
    }
    true
}

fn micros(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_micros()).unwrap_or(u64::MAX)
}

/// What may wait to be said before nothing more is asked for.
const NOTES: usize = 64;
/// How long unbinding may take when the page is gone.
const LEAVE: Duration = Duration::from_secs(2);
/// 64 KiB of message_payload, and 4 KiB for all else.
const FRAME_LIMIT_OCTETS: u32 = 68 * 1024;
