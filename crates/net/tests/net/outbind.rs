//! An MC that connects, and an ESME that listens (SMPP 5.0, 2.2.1): outbind, bind, and a message.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::Context;

use smppkit_net::{Application, Bind, BindMode, Connector, Ended, Event, Link};
use smppkit_wire::Role;
use smppkit_wire::pdu::table::{DeliverSm, Outbind};

use crate::peer::{soon, until};
use crate::script::{Script, Seen, Server};

/// Asks to be bound to, delivers one message, unbinds.
struct Mc {
    script: Script,
    asked: bool,
}

impl Application for Mc {
    type Token = ();

    fn event(&mut self, link: &mut Link<'_, ()>, event: Event<()>) {
        self.script.event(link, event);
    }

    fn ended(&mut self, ended: &Ended) {
        self.script.ended(ended);
    }

    fn poll(&mut self, link: &mut Link<'_, ()>, _: &mut Context<'_>) {
        if !self.asked {
            self.asked = true;
            let outbind = Outbind { system_id: "mc".parse().unwrap(), ..Outbind::default() };
            let (session, out, now) = link.parts();
            session.outbind(now.mono, outbind, out).unwrap();
        }
    }
}

#[tokio::test]
async fn an_mc_that_connects_is_bound_to_and_delivers() {
    let esme = Server::start(
        |listener| listener.role(Role::Esme),
        |seen, _| {
            Script::new(seen, |link, event| match event {
                Event::Outbind(outbind) => {
                    assert_eq!(outbind.system_id, "mc");
                    let (session, out, now) = link.parts();
                    let bind = Bind::new("esme", "secret").unwrap();
                    session.bind(now.mono, BindMode::Receiver, &bind, out).unwrap();
                    Ok(())
                }
                event => Err(event),
            })
        },
    )
    .await;
    let seen = Arc::new(Seen::default());
    let script = Script::new(&seen, |link, event| match event {
        Event::Bind(asked, bind) => {
            assert_eq!((bind.system_id.to_text().as_str(), bind.mode), ("esme", BindMode::Receiver));
            link.accept_bind(asked, "mc");
            link.request(DeliverSm::default(), ()).unwrap();
            Ok(())
        }
        Event::Response { status, .. } => {
            assert!(status.is_ok());
            link.unbind();
            Ok(())
        }
        event => Err(event),
    });
    let connector = Connector::new(esme.url()).role(Role::Mc);
    soon(async { connector.start(Mc { script, asked: false }).await.unwrap().await }).await.unwrap();
    assert_eq!((seen.answers.load(SeqCst), esme.seen.requests()), (1, 1));
    assert_eq!((seen.end().await, esme.seen.end().await), ("unbound".into(), "unbound".into()));
    until(|| esme.gate.is_empty()).await;
}
