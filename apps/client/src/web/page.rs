//! The WebSocket of a page.

use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use super::ask::Ask;
use super::say::Say;
use super::session::Session;
use super::settings::Settings;

/// Why a WebSocket ends.
struct Over {
    code: u16,
    reason: String,
}

/// Joins a page and its session until one of them is gone.
pub(super) async fn serve(
    mut socket: WebSocket,
    number: u64,
    settings: Arc<Settings>,
    mut stop: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) {
    let (asks, asked) = mpsc::channel(ASKS);
    let (say, mut said) = mpsc::channel(SAID);
    let limit = settings.message_limit.octets();
    let session = tokio::spawn(Session::new(number, settings, asked, say).run());
    let over = tokio::select! {
        over = talk(&mut socket, limit, &asks, &mut said) => over,
        _ = stop.wait_for(|stop| *stop) => {
            Some(Over { code: close_code::AWAY, reason: "this server stops".to_owned() })
        }
    };
    // The session now unbinds by itself.
    drop((asks, said));
    if let Some(Over { code, reason }) = over {
        let _ = tokio::time::timeout(PARTING, part(&mut socket, code, reason)).await;
    }
    drop(socket);
    let _ = session.await;
}

/// Until the end; the last word, if there is somebody to hear it.
async fn talk(
    socket: &mut WebSocket,
    limit: usize,
    asks: &mpsc::Sender<Ask>,
    said: &mut mpsc::Receiver<Say>,
) -> Option<Over> {
    let mut heard = Instant::now();
    let mut ping = tokio::time::interval(PING);
    loop {
        let next = async {
            let room = asks.reserve().await;
            (room, socket.recv().await)
        };
        let answer = tokio::select! {
            (room, message) = next => {
                heard = Instant::now();
                let (Ok(room), Some(message)) = (room, message) else { return None };
                match message {
                    Ok(Message::Text(text)) if text.len() <= limit => match Ask::parse(&text) {
                        Ok(ask) => {
                            room.send(ask);
                            continue;
                        }
                        Err(why) => Message::Text(Say::error(why).json().into()),
                    },
                    Ok(Message::Binary(_)) => {
                        let why = "a binary message means nothing here: JSON goes in text messages";
                        Message::Text(Say::error(why).json().into())
                    }
                    Ok(Message::Ping(_) | Message::Pong(_)) => continue,
                    Ok(Message::Text(_)) => return Some(too_long(limit)),
                    Err(error) if error.to_string().contains("too long") => return Some(too_long(limit)),
                    Ok(Message::Close(_)) | Err(_) => return None,
                }
            }
            say = said.recv() => match say? {
                Say::Over(why) => return Some(Over { code: close_code::NORMAL, reason: why.to_owned() }),
                say => Message::Text(say.json().into()),
            },
            _ = ping.tick() => {
                if heard.elapsed() > GONE {
                    return None;
                }
                Message::Ping(axum::body::Bytes::new())
            }
        };
        // A page that takes nothing for so long is none.
        tokio::time::timeout(SEND, socket.send(answer)).await.ok()?.ok()?;
    }
}

/// Says why, and waits until that was heard.
async fn part(socket: &mut WebSocket, code: u16, reason: String) {
    let close = CloseFrame { code, reason: Utf8Bytes::from(reason) };
    if socket.send(Message::Close(Some(close))).await.is_ok() {
        while let Some(Ok(_)) = socket.recv().await {}
    }
}

fn too_long(limit: usize) -> Over {
    Over { code: close_code::SIZE, reason: format!("the message is longer than {limit} octets") }
}

/// Messages of a page that wait for its session.
const ASKS: usize = 16;
/// Messages to a page that wait for it; more wait in the session, which then counts what it skips.
const SAID: usize = 2;
/// Browsers answer pings by themselves.
const PING: Duration = Duration::from_secs(20);
/// A page that answers none is gone.
const GONE: Duration = Duration::from_secs(70);
const SEND: Duration = Duration::from_secs(30);
const PARTING: Duration = Duration::from_secs(2);
