//! A message centre to bind to.

use core::time::Duration;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use smppkit_net::{Application, Event, Gate, Identity, Link, Listener, TlsServer};
use smppkit_wire::field::ShortMessage;
use smppkit_wire::pdu::table::{DeliverSm, SubmitSmResp};
use smppkit_wire::value::{EsmClass, RegisteredDelivery};
use smppkit_wire::{Body, CommandStatus};

/// A listening message centre: the password is `secret`, messages to `full` are refused, receipts come at once.
pub(crate) struct Mc {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    gate: Gate,
}

/// What it saw.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) connections: AtomicU32,
    pub(crate) messages: AtomicU32,
    /// Receipts that were answered with ESME_ROK.
    pub(crate) accepted: AtomicU32,
    /// Sessions that ended by unbind.
    pub(crate) unbound: AtomicU32,
}

impl Mc {
    pub(crate) async fn start() -> Self {
        Self::listening(None).await
    }

    /// Speaking TLS, with a certificate that nobody vouches for.
    pub(crate) async fn with_tls() -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let (certificates, key) =
            (made.cert.pem().into_bytes(), made.signing_key.serialize_pem().into_bytes());
        Self::listening(Some(TlsServer::new(&Identity { certificates, key }, None).unwrap())).await
    }

    async fn listening(tls: Option<TlsServer>) -> Self {
        let mut listener = Listener::bind("127.0.0.1:0").await.unwrap();
        if let Some(tls) = tls {
            listener = listener.tls(tls);
        }
        let (address, gate) = (listener.local_addr().unwrap(), listener.gate_handle());
        let seen = Arc::new(Seen::default());
        let shared = Arc::clone(&seen);
        tokio::spawn(listener.serve(move |_| {
            shared.connections.fetch_add(1, Ordering::SeqCst);
            Door { seen: Arc::clone(&shared) }
        }));
        Self { address, seen, gate }
    }

    /// Until nobody is connected any more.
    pub(crate) async fn is_left(&self) {
        until(|| self.gate.is_empty()).await;
    }
}

/// Waits until something holds, ten seconds at most.
pub(crate) async fn until(holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("it came about in time");
}

struct Door {
    seen: Arc<Seen>,
}

impl Application for Door {
    type Token = ();

    fn event(&mut self, link: &mut Link<'_, ()>, event: Event<()>) {
        match event {
            Event::Bind(asked, bind) if bind.password.to_text() == "secret" => link.accept_bind(asked, "mc"),
            Event::Bind(asked, _) => link.refuse_bind(asked, CommandStatus::ESME_RINVPASWD),
            Event::Request(asked, Body::SubmitSm(message)) => {
                let number = self.seen.messages.fetch_add(1, Ordering::SeqCst) + 1;
                if message.destination_addr.to_text() == "full" {
                    return link.refuse(asked, CommandStatus::ESME_RMSGQFUL);
                }
                let message_id = number.to_string().parse().unwrap();
                link.respond(asked, SubmitSmResp { message_id, ..SubmitSmResp::default() });
                if message.registered_delivery != RegisteredDelivery::NONE {
                    let receipt = DeliverSm {
                        esm_class: EsmClass::DELIVERY_RECEIPT,
                        source_addr: message.destination_addr,
                        destination_addr: message.source_addr,
                        short_message: ShortMessage::new(format!("id:{number} stat:DELIVRD")).unwrap(),
                        ..DeliverSm::default()
                    };
                    link.request(receipt, ()).unwrap();
                }
            }
            Event::Request(asked, _) => link.refuse(asked, CommandStatus::ESME_RINVCMDID),
            Event::Response { status, .. } if status.is_ok() => {
                self.seen.accepted.fetch_add(1, Ordering::SeqCst);
            }
            Event::Unbinding => {
                self.seen.unbound.fetch_add(1, Ordering::SeqCst);
            }
            _ => {}
        }
    }
}
