//! The application of a session that only listens.

use core::task::{Context, Poll};

use smppkit_net::{Application, Asked, Bind, BindMode, Cut, Ended, Event, Link};
use smppkit_wire::pdu::table::Outbind;
use smppkit_wire::{Body, CommandStatus, Header, Version};
use tokio::sync::mpsc;

/// What an ear hands over.
#[derive(Debug)]
pub(crate) enum Said {
    /// An MC asked for a bind.
    Outbind(Outbind),
    /// The bind was accepted.
    Bound { system_id: String, version: Version },
    /// The bind was refused.
    Refused(CommandStatus),
    /// A PDU came, and was answered.
    Pdu { sequence_number: u32, body: Box<Body> },
    /// The session is over.
    Ended(String),
}

/// Binds, answers all that comes, hands it over, and unbinds when told.
pub(crate) struct Ear {
    /// The bind to send, at once or when an outbind asks for it.
    pub(crate) opening: Option<(BindMode, Bind)>,
    /// Whether the MC speaks first.
    pub(crate) awaits_outbind: bool,
    /// What each delivery is answered with.
    pub(crate) answer: CommandStatus,
    pub(crate) said: mpsc::Sender<Said>,
    /// Closed when it is time to unbind.
    pub(crate) stop: mpsc::Receiver<()>,
    pub(crate) stopping: bool,
}

impl Ear {
    fn bind(&mut self, link: &mut Link<'_, ()>) {
        if let Some((mode, bind)) = self.opening.take() {
            let (session, out, now) = link.parts();
            // A fresh session of an ESME may always bind.
            let _ = session.bind(now.mono, mode, &bind, out);
        }
    }

    fn asked(&mut self, link: &mut Link<'_, ()>, asked: Asked, body: Body) {
        let Some(empty) = Body::empty(asked.command_id | Header::RESPONSE_BIT) else {
            return link.refuse(asked, CommandStatus::ESME_RINVCMDID);
        };
        let sequence_number = asked.sequence_number;
        // What cannot be shown is not taken: the MC keeps it, and tries again.
        match self.said.try_send(Said::Pdu { sequence_number, body: Box::new(body) }) {
            Ok(()) if self.answer.is_ok() => link.respond(asked, empty),
            Ok(()) => link.refuse(asked, self.answer),
            Err(_) => link.refuse(asked, CommandStatus::ESME_RX_T_APPN),
        }
    }

    fn say(&self, said: Said) {
        // Nobody listens to an ear whose channel is full of what is more important.
        let _ = self.said.try_send(said);
    }
}

impl Application for Ear {
    type Token = ();
    const KEEPS_BODIES: bool = true;

    fn event(&mut self, link: &mut Link<'_, ()>, event: Event<()>) {
        match event {
            Event::Outbind(outbind) => {
                self.say(Said::Outbind(outbind));
                self.bind(link);
            }
            Event::Bound { version, system_id, .. } => {
                self.say(Said::Bound { system_id: system_id.to_text(), version });
            }
            Event::BindRefused(status) => {
                self.say(Said::Refused(status));
                link.cut(Cut::Close);
            }
            Event::Request(asked, body) => self.asked(link, asked, body),
            Event::Notification(body) => self.say(Said::Pdu { sequence_number: 0, body: Box::new(body) }),
            _ => {}
        }
    }

    fn poll(&mut self, link: &mut Link<'_, ()>, cx: &mut Context<'_>) {
        if !self.awaits_outbind {
            self.bind(link);
        }
        if !self.stopping
            && let Poll::Ready(None) = self.stop.poll_recv(cx)
        {
            self.stopping = true;
            if link.session.state().is_bound() { link.unbind() } else { link.cut(Cut::Close) }
        }
    }

    fn ended(&mut self, ended: &Ended) {
        self.say(Said::Ended(ended.to_string()));
    }
}
