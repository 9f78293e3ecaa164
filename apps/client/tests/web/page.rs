//! A page in a browser, and the server that it came from.

use core::time::Duration;
use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use smppkit_client::web::{Clients, Settings};
use smppkit_ops::{Admin, AdminConfig};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::mc::Mc;

/// A server of pages.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    pub(crate) clients: Clients,
}

/// A page with its WebSocket.
pub(crate) struct Page {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// All that it was told and did not ask for yet.
    pub(crate) told: Vec<Value>,
    /// PDUs that it was shown.
    pub(crate) rows: Vec<Value>,
    pub(crate) skipped: u64,
}

impl Host {
    pub(crate) async fn start(settings: Settings) -> Self {
        let clients = Clients::new(settings);
        let (router, _) = clients.routes().split_for_parts();
        let admin = Admin::bind(AdminConfig::default()).await.unwrap();
        let address = admin.local_addr();
        tokio::spawn(admin.serve(router, core::future::pending()));
        Self { address, clients }
    }

    pub(crate) async fn page(&self) -> Page {
        self.try_page().await.expect("there is room for a page")
    }

    pub(crate) async fn try_page(&self) -> Result<Page, tokio_tungstenite::tungstenite::Error> {
        let url = format!("ws://{}/api/v1/client", self.address);
        let (socket, _) = tokio_tungstenite::connect_async(url).await?;
        Ok(Page { socket, told: Vec::new(), rows: Vec::new(), skipped: 0 })
    }

    /// The body of a plain GET.
    pub(crate) async fn get(&self, path: &str) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

/// A connect to a message centre.
pub(crate) fn connect(mc: &Mc) -> Value {
    json!({
        "host": "127.0.0.1", "port": mc.address.port(), "system_id": "me", "password": "secret",
    })
}

impl Page {
    /// A page of a host of its own, that asks a message centre of its own for a session with these settings.
    pub(crate) async fn connecting(settings: Value) -> (Mc, Self) {
        let mc = Mc::start().await;
        let mut page = Host::start(Settings::default()).await.page().await;
        let mut connect = connect(&mc);
        for (name, setting) in settings.as_object().into_iter().flatten() {
            connect[name] = setting.clone();
        }
        page.ask(json!({ "connect": connect })).await;
        (mc, page)
    }

    /// A page of a host of its own, bound.
    pub(crate) async fn bound(mc: &Mc) -> (Host, Self) {
        let host = Host::start(Settings::default()).await;
        let mut page = host.page().await;
        page.ask(json!({ "connect": connect(mc) })).await;
        page.state("bound_trx").await;
        (host, page)
    }

    pub(crate) async fn ask(&mut self, ask: Value) {
        self.say(&ask.to_string()).await;
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// The next that is told and not a row; `None` when the WebSocket is closed.
    async fn next(&mut self) -> Option<Value> {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(10), self.socket.next()).await;
            let message = next.expect("something came in time")?.ok()?;
            let Message::Text(text) = message else { continue };
            let mut told: Value = serde_json::from_str(&text).unwrap();
            if let Some(rows) = told.get_mut("pdus") {
                let Value::Array(rows) = rows.take() else { panic!("rows are a list") };
                assert!(rows.len() <= 500, "{} rows at once", rows.len());
                self.rows.extend(rows);
                self.skipped += told["skipped"].as_u64().unwrap();
            }
            return Some(told);
        }
    }

    /// The next that is told with a key.
    #[track_caller]
    pub(crate) fn told(&mut self, key: &str) -> impl Future<Output = Value> {
        let key = key.to_owned();
        async move {
            loop {
                let told = self.next().await.unwrap_or_else(|| panic!("closed before {key}"));
                if told.get(&key).is_some() {
                    return told;
                }
                self.told.push(told);
            }
        }
    }

    pub(crate) async fn state(&mut self, state: &str) -> Value {
        loop {
            let told = self.told("state").await;
            if told["state"] == state {
                return told;
            }
        }
    }

    /// The first row of a PDU.
    pub(crate) async fn row(&mut self, direction: &str, command: &str) -> Value {
        loop {
            let is = |row: &&Value| row["direction"] == direction && row["command"] == command;
            if let Some(row) = self.rows.iter().find(is) {
                return row.clone();
            }
            let told = self.next().await.unwrap_or_else(|| panic!("closed before {command}"));
            self.told.push(told);
        }
    }

    /// How the server closes the WebSocket.
    pub(crate) async fn close(&mut self) -> CloseFrame {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(10), self.socket.next()).await;
            match next.expect("it closed in time") {
                Some(Ok(Message::Close(Some(frame)))) => return frame,
                Some(Ok(_)) => {}
                other => panic!("closed without a reason: {other:?}"),
            }
        }
    }
}
