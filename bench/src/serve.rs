//! `serve`: the servers that are measured and that are no program of their own.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;
use futures_util::{FutureExt, SinkExt, StreamExt};
use rusmpp::pdus::{BindTransceiverResp, SubmitSmResp};
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::types::COctetString;
use rusmpp::{Command, CommandStatus, Pdu};
use smpp34::{
    SmppConnectionInformation, SmppServer, SmppServerListener, bind_transceiver, bind_transceiver_resp,
    submit_sm, submit_sm_resp,
};
use smppkit_net::{Application, Link, Listener, SessionConfig};
use smppkit_session::Event;
use smppkit_wire::pdu::table::SubmitSmResp as OurSubmitSmResp;
use smppkit_wire::{Body, CommandStatus as OurStatus};
use tokio_util::codec::Framed;

use crate::frames::MESSAGE_ID;
use crate::sink;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    which: Which,
    /// Octets that the ceiling reads at once
    #[arg(long, default_value_t = 64 * 1024)]
    buffer: usize,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Which {
    /// The ceiling, on tokio.
    Sink,
    /// The ceiling, on blocking sockets.
    SinkBlocking,
    /// The least that a server on smppkit-net is.
    Smppkit,
    Smpp34,
    /// A loop on rusmpp's codec: rusmpp itself has no server.
    Rusmpp,
}

/// Two workers each: as many as the simulator takes on the two cores of the reference machine.
const WORKERS: usize = 2;

pub(crate) fn run(args: &Args) -> Result<()> {
    if let Which::SinkBlocking = args.which {
        return sink::serve_blocking(args.buffer, say);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    runtime.block_on(async {
        match args.which {
            Which::Sink | Which::SinkBlocking => sink::serve(args.buffer, say).await,
            Which::Smppkit => {
                let listener = Listener::bind(("127.0.0.1", 0)).await?;
                let listener = listener.session(SessionConfig::default());
                say(listener.local_addr()?);
                listener.serve(|_| Acceptor).await;
                Ok(())
            }
            Which::Smpp34 => serve_smpp34().await,
            Which::Rusmpp => serve_rusmpp().await,
        }
    })
}

fn say(address: SocketAddr) {
    println!("listening on {address}");
    // Whoever started us waits for the line; if nobody does, nobody misses it.
    let _ = std::io::stdout().flush();
}

/// Accepts every bind and every submit_sm.
pub(crate) struct Acceptor;

impl Application for Acceptor {
    type Token = ();

    fn event(&mut self, link: &mut Link<'_, ()>, event: Event<()>) {
        match event {
            Event::Bind(asked, _) => link.accept_bind(asked, "bench"),
            Event::Request(asked, Body::SubmitSm(_)) => {
                let message_id = MESSAGE_ID.parse().expect("8 characters fit");
                link.respond(asked, OurSubmitSmResp { message_id, ..OurSubmitSmResp::default() });
            }
            Event::Request(asked, _) => link.refuse(asked, OurStatus::ESME_RINVCMDID),
            _ => {}
        }
    }
}

struct Smpp34Acceptor;

#[async_trait]
impl SmppServerListener for Smpp34Acceptor {
    async fn on_bind_transceiver(
        &self,
        request: bind_transceiver,
        _: &SmppConnectionInformation,
        _: &String,
    ) -> bind_transceiver_resp {
        request.accept("bench".to_owned(), Some(0x34))
    }

    async fn on_submit_sm(
        &self,
        request: submit_sm,
        _: &SmppConnectionInformation,
        _: &String,
    ) -> submit_sm_resp {
        request.accept(MESSAGE_ID.to_owned())
    }
}

async fn serve_smpp34() -> Result<()> {
    // It takes no port 0 and tells no address: a port that was free a moment ago has to do.
    let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let mut server =
        SmppServer::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port(), Arc::new(Smpp34Acceptor));
    server.start().await;
    anyhow::ensure!(server.is_alive(), "smpp34 could not listen on {address}");
    say(address);
    std::future::pending().await
}

async fn serve_rusmpp() -> Result<()> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    say(listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            // A peer that goes away is no news.
            let _ = converse_rusmpp(stream).await;
        });
    }
}

/// All that one read brought is fed, then flushed: the fastest of the ways that `Framed` offers.
async fn converse_rusmpp(stream: tokio::net::TcpStream) -> Result<()> {
    let mut framed = Framed::with_capacity(stream, CommandCodec::new(), 64 * 1024);
    framed.set_backpressure_boundary(64 * 1024);
    while let Some(command) = framed.next().await {
        framed.feed(rusmpp_answer(&command?)?).await?;
        while let Some(Some(command)) = framed.next().now_or_never() {
            framed.feed(rusmpp_answer(&command?)?).await?;
        }
        SinkExt::<Command>::flush(&mut framed).await?;
    }
    Ok(())
}

fn rusmpp_answer(command: &Command) -> Result<Command> {
    let pdu: Pdu = match command.pdu() {
        Some(Pdu::SubmitSm(_)) => {
            let message_id = COctetString::from_static_slice(b"0a1b2c3d\0").context("8 characters fit")?;
            SubmitSmResp::builder().message_id(message_id).build().into()
        }
        Some(Pdu::BindTransceiver(_)) => BindTransceiverResp::default().into(),
        Some(Pdu::Unbind) => Pdu::UnbindResp,
        _ => Pdu::EnquireLinkResp,
    };
    Ok(Command::new(CommandStatus::EsmeRok, command.sequence_number(), pdu))
}
