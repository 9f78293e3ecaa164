//! `smppkit demo`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use smppkit_client::{
    Carrier, Connection, ConnectionArgs, Content, EncodingChoice, Message, ReferenceWidth, Secret, Sending,
    Step, SubmitAs,
};
use smppkit_gateway::Gateway;
use smppkit_ops::SignIn;
use smppkit_simulator::Simulator;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::console::ClientArgs;
use crate::stop::{Signals, stopped};

/// See it work: a gateway, a message centre behind it, and traffic.
///
/// A simulator plays the message centre; the gateway in front of it keeps its messages in a directory
/// that is removed at the end; two accounts send a message now and then. A third account is yours.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  smppkit demo
  smppkit demo --seconds 10          for a look, or a script
  smppkit demo --print-config        the gateway's settings, to begin your own from

Exit codes: 0 stopped, 2 wrong usage, 3 an address cannot be listened on, 130 ended by a second signal.")]
pub(crate) struct Args {
    /// Where the gateway listens; where that is taken, a free port is
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:2775")]
    listen: SocketAddr,
    /// End after so many seconds
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Send nothing: the traffic is yours
    #[arg(long)]
    quiet: bool,
    /// Print the gateway's settings, and end
    #[arg(long, exclusive = true)]
    print_config: bool,
}

/// What the gateway of the demo is told.
const GATEWAY: &str = include_str!("demo/gateway.toml");
/// What the message centre of the demo is told.
const MESSAGE_CENTRE: &str = include_str!("demo/simulator.toml");

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if args.print_config {
        print!("{GATEWAY}");
        return Ok(ExitCode::SUCCESS);
    }
    crate::logs::set_up(false, "warn");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let _entered = runtime.enter();
    let signals = Signals::caught()?;
    let directory = Directory::new()?;
    let done = runtime.block_on(demo(args, signals, &directory.0));
    // Whatever still runs holds files in it.
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

async fn demo(args: &Args, signals: Signals, directory: &Path) -> Result<ExitCode> {
    let settings = smppkit_ops::config::parse(MESSAGE_CENTRE, "simulator.toml");
    let centre = match Simulator::bind(settings?, None, true).await {
        Ok(centre) => centre,
        Err(error) => return Ok(not_started(&error)),
    };
    let behind = centre.listening().next().map(|listening| listening.address).context("it listens")?;
    let mut settings: smppkit_gateway::Settings = smppkit_ops::config::parse(GATEWAY, "gateway.toml")?;
    directory.clone_into(&mut settings.data);
    for connector in &mut settings.connector {
        connector.address = behind.to_string();
    }
    settings.listen = vec![free(args.listen).await];
    settings.admin.listen = match settings.admin.listen {
        Some(listen) => Some(free(listen).await),
        None => None,
    };
    // All there is to see is made up.
    settings.admin.sign_in = SignIn::Open;
    let gateway = match Gateway::bind(settings, None).await {
        Ok(gateway) => gateway,
        Err(error) => return Ok(not_started(&error)),
    };
    let front = gateway.listening().next().map(|listening| listening.address).context("it listens")?;
    tell(front, behind, gateway.admin(), centre.admin())?;

    let (stop, stopping) = tokio::sync::watch::channel(false);
    let wait = |mut stopping: tokio::sync::watch::Receiver<bool>| async move {
        // An error says that whoever would stop us is gone.
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    let centre = tokio::spawn(
        centre.serve(crate::console::pages(&ClientArgs::default()).named("demo"), wait(stopping.clone())),
    );
    let gateway = tokio::spawn(
        gateway.serve(crate::console::pages(&ClientArgs::default()).named("demo"), wait(stopping)),
    );
    let mut traffic = JoinSet::new();
    if !args.quiet {
        trickle(&mut traffic, front)?;
    }
    let end = async {
        match args.seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = stopped(signals) => {}
        () = end => {}
    }
    traffic.shutdown().await;
    // The gateway first: what it sent may still get its receipt.
    let _ = stop.send(true);
    let _ = gateway.await;
    let _ = centre.await;
    Ok(ExitCode::SUCCESS)
}

/// The lines that people read.
fn tell(
    front: SocketAddr,
    behind: SocketAddr,
    admin: Option<SocketAddr>,
    centre_admin: Option<SocketAddr>,
) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "a message centre (simulator)   {behind}")?;
    writeln!(out, "a gateway in front of it       {front}")?;
    if let Some(admin) = admin {
        writeln!(out, "  its REST, metrics, health    http://{admin}")?;
        writeln!(out, "  its console, for a browser   http://{admin}/")?;
    }
    if let Some(admin) = centre_admin {
        writeln!(out, "  and the message centre's     http://{admin}")?;
    }
    writeln!(out, "accounts that send now and then: shop, bank. One for you: you, password secret")?;
    writeln!(out, "try it:")?;
    writeln!(out, "  smppkit send --url smpp://you:secret@{front} --to 447700900123 'Hello'")?;
    writeln!(out, "  smppkit listen --url smpp://you:secret@{front}")?;
    if let Some(admin) = admin {
        writeln!(out, "  curl http://{admin}/api/v1/status")?;
    }
    if let Some(admin) = centre_admin {
        writeln!(out, "  smppkit ctl --admin http://{admin} mo --from 447700900123 --to 12345 'Hi'")?;
    }
    writeln!(out, "ctrl-c ends it")?;
    out.flush()?;
    Ok(())
}

/// Two accounts that send a message now and then, and say what came of it.
fn trickle(traffic: &mut JoinSet<()>, front: SocketAddr) -> Result<()> {
    let (say, mut said) = mpsc::channel::<String>(64);
    for (account, text, to) in [
        ("shop", "Your parcel arrives today between 10 and 12.", ["447700900101", "447700900102"]),
        ("bank", "Your code is 271828. Nobody will ever ask you for it.", ["4915112345678", "4915112345677"]),
    ] {
        let connection = connection(&format!("smpp://{account}:secret@{front}"))?;
        let sending = sending(connection, account, text, &to);
        let say = say.clone();
        traffic.spawn(async move {
            loop {
                let tell = |step| {
                    if let Some(line) = line(account, step) {
                        // Nobody reads fast enough: a line less.
                        let _ = say.try_send(line);
                    }
                };
                let ended = smppkit_client::send(&sending, std::future::pending(), tell).await;
                if let Err(error) = ended {
                    let _ = say.try_send(format!("{account}: {error}"));
                    tokio::time::sleep(Duration::from_secs(5)).await;
                }
            }
        });
    }
    traffic.spawn(async move {
        while let Some(line) = said.recv().await {
            println!("{line}");
        }
    });
    Ok(())
}

fn line(account: &str, step: Step) -> Option<String> {
    Some(match step {
        Step::Submitted { to, message_id, .. } => {
            format!("{account}: to {} accepted as {message_id}", to.join(", "))
        }
        Step::Refused { to, why, .. } => format!("{account}: to {} refused: {why}", to.join(", ")),
        Step::Receipt { message_id, state, after, .. } => {
            format!("{account}: {message_id} {state} after {:.1} s", after.as_secs_f64())
        }
        Step::Incoming { from, text, .. } => format!("{account}: {from} says {text:?}"),
        Step::Prepared { .. } | Step::Bound { .. } | Step::Notification { .. } => return None,
    })
}

fn sending(connection: Connection, from: &str, text: &str, to: &[&str]) -> Sending {
    let content =
        Content::Text { text: text.to_owned(), encoding: EncodingChoice::Auto, national_tables: false };
    Sending {
        connection,
        mode: None,
        message: Message {
            from: from.to_owned(),
            to: to.iter().map(|&to| to.to_owned()).collect(),
            content,
            submit_as: SubmitAs::SubmitSm,
            carrier: Carrier::Udh,
            reference: ReferenceWidth::Eight,
            receipts: true,
            fields: Vec::new(),
            tlvs: Vec::new(),
        },
        wait: Some(Duration::from_secs(30)),
        repeat: 100,
        rate: Some(0.5),
        window: 10,
    }
}

fn connection(url: &str) -> Result<Connection> {
    let args = ConnectionArgs { url: Some(Secret(url.to_owned())), ..ConnectionArgs::default() };
    args.resolve().map_err(|error| anyhow::anyhow!("{error}"))
}

/// The address, or another port of it where that one is taken.
async fn free(address: SocketAddr) -> SocketAddr {
    match tokio::net::TcpListener::bind(address).await {
        Ok(_) => address,
        Err(_) => SocketAddr::new(address.ip(), 0),
    }
}

fn not_started(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("smppkit: {error}");
    ExitCode::from(3)
}

/// Removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("smppkit-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // It is in the directory for temporary files: what is left there goes some day.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
