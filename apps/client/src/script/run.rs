//! Steps against a server.

use core::future::Future;
use core::pin::pin;
use core::time::Duration;
use std::collections::HashMap;
use std::time::Instant;

use serde_json::{Map, Value as Json};
use smppkit_inspect::Dissection;
use smppkit_net::BindMode;
use smppkit_text::{Carrier, Options};
use smppkit_wire::pdu::TABLE;
use smppkit_wire::pdu::table::EnquireLink;
use smppkit_wire::value::InterfaceVersion;
use smppkit_wire::{CommandStatus, Header};
use tokio::time::Instant as Moment;

use super::line::{Action, Match, Request, Step, Want};
use super::matching::{Difference, compare, ways};
use super::peer::{Came, Peer};
use super::report::{Failure, FailureKind, Outcome, Played};
use crate::connection::Connection;
use crate::draft::Draft;
use crate::url::Target;

/// What a script is played with.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Where to bind when a step names no URL.
    pub connection: Connection,
    /// What `$NAME` stands for, before a step keeps a PDU under that name.
    pub variables: Vec<(String, String)>,
    /// How long an expectation waits that says nothing of it.
    pub within: Duration,
}

/// Plays steps up to the first that fails, and unbinds what is left. When `stop` is done it goes no further.
pub async fn play(
    steps: &[Step],
    setting: &Setting,
    stop: impl Future<Output = ()>,
    mut tell: impl FnMut(&Outcome),
) -> Played {
    let mut stop = pin!(stop);
    let mut player = Player {
        setting,
        sessions: HashMap::new(),
        current: String::new(),
        kept: HashMap::new(),
        texts: setting.variables.iter().cloned().collect(),
    };
    let mut played = Played::default();
    let mut rest = steps.iter();
    for step in rest.by_ref() {
        let began = Instant::now();
        let done = tokio::select! {
            done = player.step(step) => done,
            () = &mut stop => {
                played.interrupted = true;
                break;
            }
        };
        let failed = done.is_err();
        let outcome =
            Outcome { line: step.line, step: step.shown.clone(), took: began.elapsed(), failure: done.err() };
        tell(&outcome);
        played.outcomes.push(outcome);
        if failed {
            break;
        }
    }
    played.skipped = rest.map(|step| (step.line, step.shown.clone())).collect();
    for (_, mut live) in player.sessions.drain() {
        let _ = tokio::time::timeout(LEAVE_TIME, live.unbind()).await;
    }
    played
}

struct Player<'a> {
    setting: &'a Setting,
    sessions: HashMap<String, Live>,
    current: String,
    kept: HashMap<String, Dissection>,
    texts: HashMap<String, String>,
}

/// A connection, and what has come on it and was not expected yet.
struct Live {
    peer: Peer,
    came: Vec<Dissection>,
    closed: Option<String>,
    sequence_number: u32,
    is_bound: bool,
}

impl Player<'_> {
    async fn step(&mut self, step: &Step) -> Result<(), Failure> {
        if let Some(session) = &step.session {
            self.current.clone_from(session);
        }
        match &step.action {
            Action::Connect { url } => self.connect(url.as_deref()).await,
            Action::Bind { mode, url, request } => self.bind(*mode, url.as_deref(), request).await,
            Action::Request { command, request } => {
                let draft = self.draft(Draft::new(command), &request.fields)?;
                self.request(draft, request, FailureKind::Check).await
            }
            Action::Json { object, request } => {
                let object = self.filled(object)?;
                let object: Map<String, Json> =
                    serde_json::from_str(&object).map_err(|error| usage(error.to_string()))?;
                self.request(Draft::from_json(object), request, FailureKind::Check).await
            }
            Action::Raw(octets) => {
                let octets = octets.clone();
                self.live()?.peer.send(octets).await;
                Ok(())
            }
            Action::Expect { command, within, matches, keep } => {
                let matches =
                    matches.iter().map(|wanted| self.wanted(wanted)).collect::<Result<Vec<_>, _>>()?;
                let deadline = Moment::now() + within.unwrap_or(self.setting.within);
                let came = self.live()?.expect(command, &matches, deadline).await?;
                self.keep(keep.as_ref(), came);
                Ok(())
            }
            Action::ExpectNothing(within) => {
                let deadline = Moment::now() + within.unwrap_or(NOTHING_WITHIN);
                self.live()?.expect_nothing(deadline).await
            }
            Action::ExpectClosed(within) => {
                let deadline = Moment::now() + within.unwrap_or(self.setting.within);
                self.live()?.expect_closed(deadline).await
            }
            Action::Answer { command, status } => {
                let def = TABLE.iter().find(|def| def.name == command);
                let command_id = def.map_or(0, |def| def.command_id);
                self.live()?.peer.answer(command_id, *status).await;
                Ok(())
            }
            Action::Wait(time) => {
                tokio::time::sleep(*time).await;
                Ok(())
            }
            Action::Unbind => {
                let limit = self.setting.connection.response_timeout;
                let done = tokio::time::timeout(limit, self.live()?.unbind()).await;
                self.sessions.remove(&self.current);
                done.unwrap_or_else(|_| Err(check(format!("unbind was not answered within {limit:?}"))))
            }
            Action::Close => {
                self.live()?;
                self.sessions.remove(&self.current);
                Ok(())
            }
        }
    }

    fn live(&mut self) -> Result<&mut Live, Failure> {
        let name = &self.current;
        self.sessions.get_mut(name).ok_or_else(|| {
            let which = if name.is_empty() { String::new() } else { format!(" named {name}") };
            usage(format!("there is no session{which}: bind or connect first"))
        })
    }

    /// Where a step wants to go: what its URL leaves out is the command line's.
    fn connection(&self, url: Option<&str>) -> Result<Connection, Failure> {
        let mut connection = self.setting.connection.clone();
        let Some(url) = url else {
            return Ok(connection);
        };
        let mut target: Target = self.filled(url)?.parse().map_err(|error| usage(format!("{error}")))?;
        if target.system_id.is_empty() {
            target.system_id = connection.target.system_id;
            target.password = connection.target.password;
        }
        connection.target = target;
        Ok(connection)
    }

    async fn connect(&mut self, url: Option<&str>) -> Result<(), Failure> {
        let connection = self.connection(url)?;
        let peer = Peer::connect(&connection).await.map_err(|error| {
            let message = format!("cannot connect to {}: {error}", connection.target.address);
            Failure { kind: FailureKind::Connection, message, differences: Vec::new() }
        })?;
        let live = Live { peer, came: Vec::new(), closed: None, sequence_number: 0, is_bound: false };
        self.sessions.insert(self.current.clone(), live);
        Ok(())
    }

    async fn bind(
        &mut self,
        mode: Option<BindMode>,
        url: Option<&str>,
        request: &Request,
    ) -> Result<(), Failure> {
        let connection = self.connection(url)?;
        let open = self.sessions.get(&self.current).is_some_and(|live| live.closed.is_none());
        if !open || url.is_some() {
            self.connect(url).await?;
        }
        let mode = connection.mode(mode, BindMode::Transmitter);
        let mut draft = Draft::new(&format!("bind_{mode}"));
        let version = InterfaceVersion::from(connection.version).0.to_string();
        for (name, value) in [
            ("system_id", &connection.target.system_id),
            ("password", &connection.target.password),
            ("system_type", &connection.system_type),
            ("interface_version", &version),
            ("address_range", &connection.address_range),
        ] {
            draft.set(name, value).map_err(|error| usage(error.to_string()))?;
        }
        let draft = self.draft(draft, &request.fields)?;
        let kind = if request.status.is_some() { FailureKind::Check } else { FailureKind::Connection };
        let status = request.status.unwrap_or(CommandStatus::ESME_ROK);
        self.request(draft, &Request { status: Some(status), ..request.clone() }, kind).await?;
        self.live()?.is_bound = status.is_ok();
        Ok(())
    }

    /// A draft with fields set, the shorthands among them.
    fn draft(&self, mut draft: Draft, fields: &[(String, String)]) -> Result<Draft, Failure> {
        let given = |name: &str| fields.iter().any(|(field, _)| field == name);
        for (name, value) in fields {
            let value = self.filled(value)?;
            match name.as_str() {
                "from" => draft.set_address("source", &value),
                "to" => draft.set_address("destination", &value),
                "text" => set_text(&mut draft, &value, given("data_coding"))?,
                name => draft.set(name, &value).map_err(|error| usage(error.to_string()))?,
            }
        }
        Ok(draft)
    }

    /// Sends a PDU, and takes its answer if that was asked for.
    async fn request(
        &mut self,
        mut draft: Draft,
        request: &Request,
        kind: FailureKind,
    ) -> Result<(), Failure> {
        let limit = self.setting.connection.response_timeout;
        let live = self.live()?;
        if !draft.has("sequence_number") {
            live.sequence_number += 1;
            let next = live.sequence_number.to_string();
            draft.set("sequence_number", &next).map_err(|error| usage(error.to_string()))?;
        }
        let octets = draft.octets().map_err(|error| usage(error.to_string()))?;
        let header = Header::read(&octets);
        live.peer.send(octets).await;
        let Some(header) = header.filter(|_| request.status.is_some() || request.keep.is_some()) else {
            return Ok(());
        };
        let failed = |failure: Failure| Failure { kind, ..failure };
        let answer = live.answer(&header, Moment::now() + limit).await.map_err(failed)?;
        if let Some(wanted) = request.status {
            let want = Want::Is(wanted.to_string());
            let (differences, wrong) =
                compare(&answer, &[Match { field: "command_status".to_owned(), want }]);
            if wrong > 0 {
                let message = format!("the answer is {}", answer.summary());
                return Err(Failure { kind, message, differences });
            }
        }
        self.keep(request.keep.as_ref(), answer);
        Ok(())
    }

    fn keep(&mut self, name: Option<&String>, came: Dissection) {
        if let Some(name) = name {
            self.kept.insert(name.clone(), came);
        }
    }

    fn wanted(&self, wanted: &Match) -> Result<Match, Failure> {
        let want = match &wanted.want {
            Want::Is(value) => Want::Is(self.filled(value)?),
            Want::IsNot(value) => Want::IsNot(self.filled(value)?),
            other => other.clone(),
        };
        Ok(Match { field: wanted.field.clone(), want })
    }

    /// A text with what its `$NAME`, `$NAME.FIELD` and `${NAME.FIELD}` stand for; `$$` is a dollar, and so is one that no
    /// name follows.
    fn filled(&self, text: &str) -> Result<String, Failure> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                out.push('$');
                rest = after;
                continue;
            }
            let braced = after.strip_prefix('{').and_then(|after| after.split_once('}'));
            let (name, after) = braced.unwrap_or_else(|| after.split_at(name_end(after)));
            if name.is_empty() {
                out.push('$');
            } else {
                out.push_str(&self.value(name)?);
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn value(&self, path: &str) -> Result<String, Failure> {
        let (name, field) = path.split_once('.').map_or((path, None), |(name, field)| (name, Some(field)));
        if let Some(kept) = self.kept.get(name) {
            let of = |field| ways(kept, field).and_then(|ways| ways.into_iter().next());
            let value = match field {
                Some(field) => of(field),
                None => of("message_id").or_else(|| of("receipted_message_id")),
            };
            let field = field.unwrap_or("message_id");
            return value.ok_or_else(|| usage(format!("${name} has no {field}: it is {}", kept.summary())));
        }
        let text = self.texts.get(name).filter(|_| field.is_none()).cloned();
        text.ok_or_else(|| usage(format!("${path} was never given: keep a PDU with `as {name}`")))
    }
}

/// Where the name behind a `$` ends. A dot belongs to it when a field follows.
fn name_end(text: &str) -> usize {
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return 0;
    }
    let end = text.find(|c| !in_name(c)).unwrap_or(text.len());
    let field = text[end..].strip_prefix('.').unwrap_or_default();
    let length = field.find(|c| !in_name(c)).unwrap_or(field.len());
    if length == 0 { end } else { end + 1 + length }
}

/// User data and data_coding of a text.
fn set_text(draft: &mut Draft, text: &str, keeps_data_coding: bool) -> Result<(), Failure> {
    let whole = Options { carrier: Carrier::MessagePayload, ..Options::default() };
    let parts =
        smppkit_text::split(text, &Options::default(), 0).map_err(|error| usage(error.to_string()))?;
    let one = smppkit_text::split(text, &whole, 0).map_err(|error| usage(error.to_string()))?;
    let has_short_message =
        draft.def().is_some_and(|def| def.fields.iter().any(|field| field.name == "short_message"));
    let name = if parts.parts.len() == 1 && has_short_message { "short_message" } else { "message_payload" };
    let octets = one.parts.first().map_or(&[][..], |part| &part.user_data);
    let value = format!("hex:{}", crate::draft::hex(octets));
    draft.set(name, &value).map_err(|error| usage(error.to_string()))?;
    if !keeps_data_coding {
        let data_coding = one.encoding.data_coding().to_string();
        draft.set("data_coding", &data_coding).map_err(|error| usage(error.to_string()))?;
    }
    Ok(())
}

impl Live {
    /// Waits for more; `false` when nothing more comes in time.
    async fn more(&mut self, deadline: Moment) -> bool {
        if self.closed.is_some() {
            return false;
        }
        match tokio::time::timeout_at(deadline, self.peer.next()).await {
            Ok(Came::Pdu(dissection)) => self.came.push(*dissection),
            Ok(Came::Closed(why)) => self.closed = Some(why),
            Err(_) => return false,
        }
        true
    }

    /// The answer to a request.
    async fn answer(&mut self, request: &Header, deadline: Moment) -> Result<Dissection, Failure> {
        let ids = [request.command_id | Header::RESPONSE_BIT, Header::GENERIC_NACK];
        let answers = |came: &Dissection| {
            came.header.is_some_and(|header| {
                ids.contains(&header.command_id) && header.sequence_number == request.sequence_number
            })
        };
        loop {
            if let Some(at) = self.came.iter().position(answers) {
                return Ok(self.came.remove(at));
            }
            if !self.more(deadline).await {
                return Err(check(format!("no answer came{}", self.so_far())));
            }
        }
    }

    /// The first PDU that is as expected.
    async fn expect(
        &mut self,
        command: &str,
        matches: &[Match],
        deadline: Moment,
    ) -> Result<Dissection, Failure> {
        let named = |came: &&Dissection| came.def().is_some_and(|def| def.name == command);
        loop {
            let as_expected = |came: &Dissection| named(&came) && compare(came, matches).1 == 0;
            if let Some(at) = self.came.iter().position(as_expected) {
                return Ok(self.came.remove(at));
            }
            if !self.more(deadline).await {
                break;
            }
        }
        let candidates: Vec<&Dissection> = self.came.iter().filter(named).collect();
        let nearest = candidates.iter().map(|came| compare(came, matches)).min_by_key(|(_, wrong)| *wrong);
        let Some((differences, _)) = nearest else {
            return Err(check(format!("no {command} came{}", self.so_far())));
        };
        let message = match candidates.len() {
            1 => format!("{command} came, but not as expected"),
            several => format!("none of {several} {command} came as expected; the nearest:"),
        };
        Err(Failure { differences, ..check(message) })
    }

    async fn expect_nothing(&mut self, deadline: Moment) -> Result<(), Failure> {
        // Probes are no news.
        let is_news = |came: &Dissection| {
            came.header.is_some_and(|header| header.command_id != EnquireLink::COMMAND_ID)
        };
        loop {
            if let Some(came) = self.came.iter().find(|came| is_news(came)) {
                let differences =
                    vec![Difference::Expected("nothing".to_owned()), Difference::Received(came.summary())];
                return Err(Failure { differences, ..check("something came".to_owned()) });
            }
            if let Some(why) = &self.closed {
                return Err(check(why.clone()));
            }
            if !self.more(deadline).await {
                return Ok(());
            }
        }
    }

    async fn expect_closed(&mut self, deadline: Moment) -> Result<(), Failure> {
        while self.closed.is_none() {
            if !self.more(deadline).await {
                return Err(check("the server did not close the connection".to_owned()));
            }
        }
        Ok(())
    }

    async fn unbind(&mut self) -> Result<(), Failure> {
        if !self.is_bound || self.closed.is_some() {
            return Ok(());
        }
        self.is_bound = false;
        self.sequence_number += 1;
        let mut draft = Draft::new("unbind");
        let sequence_number = self.sequence_number.to_string();
        draft.set("sequence_number", &sequence_number).map_err(|error| usage(error.to_string()))?;
        let octets = draft.octets().map_err(|error| usage(error.to_string()))?;
        let header = Header::read(&octets);
        self.peer.send(octets).await;
        if let Some(header) = header {
            let never = Moment::now() + FOREVER;
            self.answer(&header, never).await?;
        }
        Ok(())
    }

    /// What did come, for when something did not.
    fn so_far(&self) -> String {
        if let Some(why) = &self.closed {
            return format!(": {why}");
        }
        let shown: Vec<String> = self.came.iter().rev().take(5).map(Dissection::summary).collect();
        if shown.is_empty() {
            " in time, nor anything else".to_owned()
        } else {
            format!(" in time; what came and was not expected yet: {}", shown.join("; "))
        }
    }
}

fn check(message: String) -> Failure {
    Failure { kind: FailureKind::Check, message, differences: Vec::new() }
}

fn usage(message: String) -> Failure {
    Failure { kind: FailureKind::Usage, ..check(message) }
}

/// How long `expect nothing` watches when it says nothing of it.
const NOTHING_WITHIN: Duration = Duration::from_secs(1);
/// How long the sessions that a script leaves open may take to unbind.
const LEAVE_TIME: Duration = Duration::from_secs(2);
/// Longer than any timeout around it.
const FOREVER: Duration = Duration::from_secs(3_600);
