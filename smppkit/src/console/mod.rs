//! `smppkit console`, and the pages of every server.

mod proxy;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use smppkit_client::{Network, web};
use smppkit_ops::{Admin, AdminConfig, Health, Pages, Token, documented, fallbacks};
use utoipa::openapi::Info;
use utoipa_axum::router::OpenApiRouter;

use self::proxy::Proxy;
use crate::ctl::api;
use crate::stop::{Signals, stopped};

/// Serve the web console.
///
/// Simulators and gateways serve it themselves, at their REST address. By itself it has the pages that
/// need no server; with --connect it shows a server that runs elsewhere, with that one's token.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  smppkit console
  smppkit console --listen 127.0.0.1:8080
  smppkit console --connect http://127.0.0.1:2781
  smppkit console --connect http://10.0.0.5:2781 --token-file token

Exit codes: 0 stopped, 2 wrong usage, 3 the address cannot be listened on, 130 ended by a second
signal.")]
pub(crate) struct Args {
    /// Serve it here. Port 0 takes a free port, which is printed
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The REST address of a simulator or gateway, to be shown
    #[arg(long, value_name = "URL")]
    connect: Option<api::Admin>,
    #[command(flatten)]
    client: ClientArgs,
    /// The first line of this file is the token that is asked for there, and here; needed beyond loopback
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Logs and addresses as JSON, a line each
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// What the client in the pages may do.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ClientArgs {
    /// Network whose SMPP servers the client in the console may connect to, on any port; repeatable.
    /// Default: this machine only. Whoever may use the console reaches what this machine reaches there
    #[arg(long, value_name = "CIDR", help_heading = "Console")]
    client_target: Vec<Network>,
}

/// What servers serve besides their own: the pages, and what these need of any server.
pub(crate) fn pages(client: &ClientArgs) -> Pages {
    let mut settings = web::Settings::default();
    if !client.client_target.is_empty() {
        settings.targets.clone_from(&client.client_target);
    }
    let targets = settings.allowed().names();
    Pages::new(smppkit_console::pages())
        .routes(smppkit_admin::codec::routes().merge(web::routes(settings)))
        .client_targets(targets)
        .looks(&["/api/v1/codec/", "/api/v1/explain"])
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    crate::logs::set_up(args.json, "info");
    let token = args.token_file.as_deref().map(token).transpose()?;
    let config = AdminConfig {
        listen: args.listen,
        token: token.clone(),
        request_timeout: proxy::LONGEST_REQUEST,
        ..AdminConfig::default()
    };
    config.check().map_err(anyhow::Error::msg)?;
    let proxy = args.connect.as_ref().map(|to| Arc::new(Proxy::new(to.clone(), token.as_ref())));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let signals = Signals::caught()?;
        let admin = match Admin::bind(config).await {
            Ok(admin) => admin,
            Err(error) => {
                eprintln!("smppkit: {error}");
                return Ok(ExitCode::from(3));
            }
        };
        let pages = pages(&args.client);
        let admin = admin.pages("console", &pages);
        tell(&admin, args.json)?;
        let health = Health::new();
        health.ready(true);
        let router = fallbacks(router(&pages, proxy).merge(health.routes()));
        admin.serve(router, stopped(signals)).await;
        Ok(ExitCode::SUCCESS)
    })
}

/// What this process answers itself, and the rest by the server that it shows.
fn router(pages: &Pages, proxy: Option<Arc<Proxy>>) -> axum::Router {
    let info = Info::new("smppkit console", env!("CARGO_PKG_VERSION"));
    let (router, document) = documented(pages.add_routes(OpenApiRouter::new()), info);
    proxy::routes(router, &document, proxy)
}

fn token(file: &Path) -> Result<Token> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let line = text.lines().next().unwrap_or_default().trim();
    Token::new(line).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))
}

/// The line that scripts wait for, and people read.
fn tell(admin: &Admin, json: bool) -> Result<()> {
    let (address, link) = (admin.local_addr(), admin.link());
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, r#"{{"admin":"http://{address}","console":"{link}"}}"#)?;
    } else {
        writeln!(out, "console {link}")?;
    }
    out.flush()?;
    Ok(())
}
