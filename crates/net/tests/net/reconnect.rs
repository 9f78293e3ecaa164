//! Connections that come back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smppkit_net::{Backoff, Connector};
use tokio::net::{TcpListener, TcpSocket};

use crate::peer::{never, soon};
use crate::script::{Script, Seen};

/// Short waits: 40, 80, 160, 160, .. ms at most, half of it at least.
fn backoff(seed: u64) -> Backoff {
    Backoff::new(Duration::from_millis(40), Duration::from_millis(160), seed)
}

fn keep(address: SocketAddr, seed: u64) -> (Arc<Seen>, tokio::task::JoinHandle<()>) {
    let seen = Arc::new(Seen::default());
    let shown = Arc::clone(&seen);
    let keep = tokio::spawn(async move {
        Connector::new(address.to_string()).keep(backoff(seed), || Script::polite(&shown), |_, _| {}).await;
    });
    (seen, keep)
}

#[tokio::test]
async fn a_connection_that_ends_is_opened_again_later_and_later_until_the_future_is_dropped() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (seen, keep) = keep(listener.local_addr().unwrap(), 1);
    let mut accepted = Vec::new();
    for _ in 0..5 {
        drop(soon(listener.accept()).await.unwrap());
        accepted.push(Instant::now());
    }
    let waits: Vec<_> = accepted.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect();
    for (wait, full) in waits.iter().zip([40, 80, 160, 160]) {
        // A machine under load waits longer; a little less is what the accepts themselves vary by.
        assert!(*wait + 10 >= full / 2, "{waits:?}");
    }
    keep.abort();
    assert!(soon(keep).await.unwrap_err().is_cancelled());
    // What was on its way may still come.
    let _ = tokio::time::timeout(Duration::from_millis(10), listener.accept()).await;
    never(listener.accept()).await;
    assert!(seen.ended().len() >= 4, "each application was told: {:?}", seen.ended());
}

#[tokio::test]
async fn a_server_that_comes_later_is_found() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    // Bound but not listening: connections are refused, and nobody else takes the port.
    let (_seen, keep) = keep(socket.local_addr().unwrap(), 2);
    never(async {
        while !keep.is_finished() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let listener = socket.listen(8).unwrap();
    soon(listener.accept()).await.unwrap();
    keep.abort();
}

#[test]
fn two_clients_do_not_come_back_in_step() {
    let waits = || {
        let mut backoff = Backoff::default();
        (0..8).map(|_| backoff.wait()).collect::<Vec<_>>()
    };
    assert_ne!(waits(), waits());
}

#[tokio::test]
async fn before_each_wait_it_is_said_how_long_and_why() {
    // Nobody listens there any more.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let keep = tokio::spawn(async move {
        let seen = Arc::new(Seen::default());
        let waits =
            |error: Option<&std::io::Error>, wait| _ = tell.send((error.map(std::io::Error::kind), wait));
        Connector::new(address.to_string()).keep(backoff(1), || Script::polite(&seen), waits).await;
    });
    let mut limit = Duration::from_millis(40);
    for _ in 0..3 {
        let (why, wait) = soon(told.recv()).await.unwrap();
        assert_eq!(why, Some(std::io::ErrorKind::ConnectionRefused));
        assert!(limit / 2 <= wait && wait <= limit, "{wait:?} of {limit:?}");
        limit = (limit * 2).min(Duration::from_millis(160));
    }
    keep.abort();
}
