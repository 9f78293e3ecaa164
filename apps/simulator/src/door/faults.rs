//! What rules do to answers and connections.

use std::time::Duration;

use smppkit_admin::record::{At, Direction};
use smppkit_net::{Arriving, Cut, Now, Pace};
use smppkit_session::Asked;
use smppkit_wire::pdu::table::{EnquireLink, EnquireLinkResp, Unbind, UnbindResp};
use smppkit_wire::{Body, CommandStatus, Frame, Pdu};

use super::{Door, DoorLink, refusal};
use crate::rules::{Answer, Fate, Segments, Verdict, spoiled};
use crate::smsc::HeldAnswer;

/// How long a connection hangs before it is reset.
const HANG: Duration = Duration::from_secs(60);

impl Door {
    /// Answers a bind as a rule wants it.
    pub(super) fn spoil_bind(
        &mut self,
        link: &mut DoorLink<'_>,
        asked: Asked,
        status: Option<CommandStatus>,
        verdict: &Verdict,
    ) {
        let then = verdict.then();
        if let Some(segments) = then.segments {
            link.pace(Some(pace(segments)));
        }
        let answer = then.answer.unwrap_or(Answer::Once);
        match (&then.octets, answer) {
            (Some(octets), _) => link.raw(&octets.0),
            (None, Answer::None) => {}
            (None, Answer::Once) => self.answer_bind(link, asked, status),
            (None, answer) => {
                // The session says what it would, and that is spoiled on its way.
                let (session, out, now) = link.parts();
                let before = out.len();
                let system_id = &self.node.settings.load().system_id;
                match status {
                    None => session.accept_bind(now.mono, asked, system_id, out),
                    Some(status) => session.refuse_bind(asked, status, out),
                }
                let pdu = out.split_off(before);
                out.extend_from_slice(&spoiled(answer, pdu, verdict.salt));
            }
        }
        if let Some(fate) = then.connection {
            meet(link, fate);
        }
    }

    /// What the session answers by itself: a rule may want it otherwise.
    pub(super) fn intercept(&mut self, link: &mut DoorLink<'_>, frame: &Frame<'_>) -> Arriving {
        let id = frame.header.command_id;
        let (name, body, answer): (_, Body, Body) = match id {
            EnquireLink::COMMAND_ID => {
                ("enquire_link", EnquireLink {}.into(), EnquireLinkResp::default().into())
            }
            Unbind::COMMAND_ID => ("unbind", Unbind {}.into(), UnbindResp::default().into()),
            _ => return Arriving::Take,
        };
        let seq = frame.header.sequence_number;
        let Some(verdict) = self.judge(link, name, seq, &body, None) else {
            return Arriving::Take;
        };
        let refused = refusal(Some(&verdict));
        if refused.is_none() && !verdict.changes_answer() {
            return Arriving::Take;
        }
        let then = verdict.then();
        if let Some(segments) = then.segments {
            link.pace(Some(pace(segments)));
        }
        let octets = if let Some(octets) = &then.octets {
            octets.0.clone()
        } else {
            let command_status = refused.unwrap_or_default();
            let mut octets = Vec::new();
            Pdu { command_status, sequence_number: seq, body: answer }
                .encode(link.session.version(), &mut octets);
            spoiled(then.answer.unwrap_or(Answer::Once), octets, verdict.salt)
        };
        // Whoever sent unbind, and was told that it is done, closes; so do we.
        let parted = id == Unbind::COMMAND_ID && refused.is_none() && !octets.is_empty();
        let fate = then.connection.or(parted.then_some(Fate::Close));
        if verdict.answer_after.is_zero() {
            link.raw(&octets);
            if let Some(fate) = fate {
                meet(link, fate);
            }
        } else {
            let (now_ms, wait) = (self.now_ms(link), verdict.answer_after);
            self.card(link);
            self.hold(now_ms, wait, HeldAnswer::Raw(octets, fate));
        }
        Arriving::Swallow
    }

    /// Counts and records what passed.
    pub(super) fn passed(&self, now: Now, direction: Direction, octets: &[u8]) {
        let unix_ms = self.node.hub.unix_ms(now);
        // The batch began when it was read; what goes out goes out now.
        let mono = if direction == Direction::In { now.mono } else { Now::read().mono };
        let at = At { unix_ms, mono };
        let Some(card) = &self.card else {
            self.node.counts.add(direction, octets, |_, _| ());
            return;
        };
        let note = |command_id, status| card.party.note(direction, at, command_id, status);
        let pdus = self.node.counts.add(direction, octets, note);
        card.passed(if direction == Direction::In { &card.came } else { &card.went }, pdus, unix_ms);
        self.node.hub.record.push(&card.party, direction, at, octets, pdus);
    }
}

/// Sends an answer as a rule wants it.
pub(super) fn emit(
    link: &mut DoorLink<'_>,
    asked: Asked,
    status: CommandStatus,
    body: Option<Body>,
    verdict: Option<&Verdict>,
) {
    let Some(verdict) = verdict.filter(|verdict| verdict.changes_answer()) else {
        return match body {
            Some(body) => link.respond_with(asked, status, body),
            None => link.refuse(asked, status),
        };
    };
    let then = verdict.then();
    if let Some(segments) = then.segments {
        link.pace(Some(pace(segments)));
    }
    match (&then.octets, then.answer.unwrap_or(Answer::Once), body) {
        (None, Answer::Once, Some(body)) => link.respond_with(asked, status, body),
        (None, Answer::Once, None) => link.refuse(asked, status),
        (octets, answer, body) => {
            let octets = match octets {
                Some(octets) => octets.0.clone(),
                None => spoiled(answer, pdu(link, asked, status, body), verdict.salt),
            };
            let (session, out, _) = link.parts();
            session.forget(asked, out);
            link.raw(&octets);
        }
    }
    if let Some(fate) = then.connection {
        meet(link, fate);
    }
}

/// Does to the connection what it is fated to.
pub(super) fn meet(link: &mut DoorLink<'_>, fate: Fate) {
    match fate {
        Fate::Unbind => link.unbind(),
        Fate::Close => link.cut(Cut::Close),
        Fate::Reset => link.cut(Cut::Reset),
        Fate::Hang => link.cut(Cut::Hang(HANG)),
    }
}

pub(super) fn pace(segments: Segments) -> Pace {
    Pace { octets: segments.octets as usize, gap: segments.pause.0 }
}

/// The answer as it would go out.
fn pdu(link: &DoorLink<'_>, asked: Asked, status: CommandStatus, body: Option<Body>) -> Vec<u8> {
    let mut octets = Vec::new();
    let pdu = match body {
        Some(body) => Pdu { command_status: status, sequence_number: asked.sequence_number, body },
        None => Pdu::refusal(asked.command_id, asked.sequence_number, status),
    };
    pdu.encode(link.session.version(), &mut octets);
    octets
}
