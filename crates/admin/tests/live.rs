//! The live feed and its neighbours over real sockets.

#![allow(clippy::unwrap_used, reason = "a test says what failed")]

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use smppkit_admin::record::{At, BoundAs, Direction, Place};
use smppkit_admin::series::{Key, Kind};
use smppkit_admin::{Party, Record, Series, Watched, live, record, series};
use smppkit_wire::pdu::table::{BindTransceiver, EnquireLink, SubmitSm, SubmitSmResp};
use smppkit_wire::{Body, CommandStatus, Pdu, State, Version};
use tokio::sync::watch;
use tungstenite::{Message, WebSocket};

const KEYS: &[Key] = &[Key { key: "accepted", label: "Accepted", unit: "/s", kind: Kind::Rate }];

struct Server {
    record: Arc<Record>,
    series: Arc<Series>,
    stopping: watch::Sender<bool>,
    address: SocketAddr,
    began: Instant,
}

impl Server {
    async fn start(octets: usize) -> Self {
        let began = Instant::now();
        let (record, series) = (Arc::new(Record::new(octets, began)), Arc::new(Series::new(KEYS)));
        let stopping = watch::Sender::new(false);
        let watched = Watched::new(Arc::clone(&record), Arc::clone(&series), stopping.subscribe());
        let routes = live::routes().merge(record::routes()).merge(series::routes());
        let router = routes.split_for_parts().0.with_state(watched);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { record, series, stopping, address, began }
    }

    fn connect(&self) -> Feed {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let url = format!("ws://{}/api/v1/live", self.address);
        Feed(tungstenite::client(url, stream).unwrap().0)
    }

    fn pass(&self, party: &Arc<Party>, direction: Direction, after_us: u64, pdus: &[Pdu]) {
        let mut octets = Vec::new();
        for pdu in pdus {
            pdu.encode(Version::V50, &mut octets);
        }
        let mono = self.began + Duration::from_micros(after_us);
        self.record.take(party, direction, At { unix_ms: 1_795_348_800_000, mono }, &octets);
    }

    async fn get(&self, path: &str) -> (u16, Json) {
        let (head, body) = self.octets(path).await;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn octets(&self, path: &str) -> (String, Vec<u8>) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let body = answer.split_off(end + 4);
        (String::from_utf8(answer).unwrap(), body)
    }
}

struct Feed(WebSocket<TcpStream>);

impl Feed {
    fn say(&mut self, what: &Json) {
        self.0.send(Message::text(what.to_string())).unwrap();
    }

    fn hear(&mut self) -> Json {
        loop {
            if let Message::Text(text) = self.0.read().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }
}

fn party(session: u64) -> Arc<Party> {
    let party = Party::new(session, Place::Connector("up".into()), ([127, 0, 0, 1], 9).into(), false);
    let bound = BoundAs { system_id: "shop".to_owned(), mode: "transceiver", version: Version::V50 };
    party.bound.set(bound).unwrap();
    Arc::new(party)
}

fn submit(seq: u32) -> Pdu {
    Pdu::request(seq, SubmitSm { destination_addr: "4477".parse().unwrap(), ..SubmitSm::default() })
}

fn taken(seq: u32) -> Pdu {
    Pdu::response(seq, SubmitSmResp { message_id: "1".parse().unwrap(), ..SubmitSmResp::default() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_come_as_they_pass_with_what_was_asked_for() {
    let server = Server::start(1 << 20).await;
    let party = party(7);
    server.pass(&party, Direction::In, 100, &[submit(5)]);
    let mut all = server.connect();
    all.say(&json!({"subscribe": {"id": 1, "topic": "pdus", "after": 0}}));
    let filter = json!({"session": "7", "command": "*_resp"});
    all.say(&json!({"subscribe": {"id": 2, "topic": "pdus", "filter": filter, "after": 0}}));
    let first = all.hear();
    assert_eq!((&first["id"], &first["skipped"]), (&json!(1), &json!(0)));
    assert_eq!(
        first["items"],
        json!([{
            "number": 1, "time_ms": 1_795_348_800_000_u64, "connector": "up", "session": 7, "system_id": "shop",
            "peer": "127.0.0.1:9", "direction": "in", "command": "submit_sm", "command_id": 4, "sequence_number": 5,
            "command_status": "ESME_ROK", "command_status_code": 0, "octets": 37,
            "summary": "submit_sm seq=5 \"\" -> 4477 0 octets",
        }])
    );
    server.pass(&party, Direction::Out, 1_350, &[taken(5)]);
    for id in [1, 2] {
        let answer = all.hear();
        assert_eq!(
            (&answer["id"], &answer["items"][0]["answered_us"]),
            (&json!(id), &json!(1_250)),
            "{answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_reader_goes_on_with_the_newest_and_is_told_what_was_skipped() {
    let server = Server::start(16 << 20).await;
    let party = party(1);
    let mut feed = server.connect();
    feed.say(&json!({"subscribe": {"id": 3, "topic": "pdus"}}));
    feed.say(&json!({"pause": 3}));
    // That it is paused is known when a message after it is answered.
    feed.say(&json!({"pause": 99}));
    assert_eq!(feed.hear()["error"], "there is no such subscription");
    let batch: Vec<Pdu> = (0..100).map(submit).collect();
    for _ in 0..200 {
        server.pass(&party, Direction::In, 0, &batch);
    }
    feed.say(&json!({"resume": 3}));
    let (mut seen, mut skipped, mut last) = (0, 0, 0);
    while last < 20_000 {
        let batch = feed.hear();
        let items = batch["items"].as_array().unwrap();
        assert!(items.len() <= 500, "{}", items.len());
        seen += items.len() as u64;
        skipped += batch["skipped"].as_u64().unwrap();
        last = items.last().map_or(last, |row| row["number"].as_u64().unwrap());
    }
    assert_eq!(seen + skipped, 20_000);
    assert_eq!(seen, 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_subscribed_is_refused_with_the_reason() {
    let server = Server::start(1 << 20).await;
    let mut feed = server.connect();
    for (filter, why) in [
        (json!({"password": "s*"}), "password is not told, and not asked for"),
        (json!({"souce_addr": "1"}), "souce_addr"),
        (json!({"command": "/(/"}), "is no pattern"),
    ] {
        feed.say(&json!({"subscribe": {"id": 1, "topic": "pdus", "filter": filter}}));
        let refused = feed.hear();
        assert!(refused["error"].as_str().unwrap().contains(why), "{refused}");
        assert_eq!(refused["id"], 1);
    }
    feed.say(&json!({"subscribe": {"id": 1, "topic": "news"}}));
    assert_eq!(feed.hear()["id"], 1);
    feed.say(&json!("hello"));
    assert_eq!(feed.hear()["id"], Json::Null);
    for id in 0..17 {
        feed.say(&json!({"subscribe": {"id": id, "topic": "pdus"}}));
    }
    let refused = feed.hear();
    assert_eq!(
        (&refused["id"], &refused["error"]),
        (&json!(16), &json!("there are 16 subscriptions: end one of them first"))
    );
    // Many sockets: the last has no place.
    let feeds: Vec<Feed> = (0..63).map(|_| server.connect()).collect();
    let stream = TcpStream::connect(server.address).unwrap();
    let url = format!("ws://{}/api/v1/live", server.address);
    let error = tungstenite::client(url, stream).map(drop).unwrap_err().to_string();
    assert!(error.contains("503"), "{error}");
    drop(feeds);
    assert_eq!(server.get("/api/v1/live").await.0, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn samples_come_once_a_second_and_feeds_end_with_the_server() {
    let server = Server::start(0).await;
    let mut feed = server.connect();
    feed.say(&json!({"subscribe": {"id": 1, "topic": "pdus"}}));
    assert_eq!(feed.hear()["error"], "nothing is recorded: the setting of the record is 0");
    feed.say(&json!({"subscribe": {"id": 1, "topic": "stats"}}));
    for second in 0..3_u32 {
        let now = server.began + Duration::from_secs(second.into());
        server.series.take(i64::from(second) * 1_000, now, &[Some(u64::from(second * second))]);
        let accepted = if second == 0 { Json::Null } else { (second * 2 - 1).into() };
        let item = json!({"time_ms": second * 1_000, "accepted": accepted});
        assert_eq!(feed.hear(), json!({"id": 1, "items": [item], "skipped": 0}));
    }
    let (_, series) = server.get("/api/v1/series?range=1h").await;
    assert_eq!(series["step_ms"], 20_000);
    assert_eq!(
        series["keys"],
        json!([{"key": "accepted", "label": "Accepted", "unit": "/s", "kind": "rate"}])
    );
    assert_eq!(series["series"]["accepted"][179], 2);
    server.stopping.send_replace(true);
    assert!(matches!(feed.0.read(), Ok(Message::Close(Some(_)))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pdus_are_asked_for_between_numbers_and_moments() {
    let server = Server::start(1 << 20).await;
    let party = party(7);
    for number in 1..=10 {
        let mut octets = Vec::new();
        submit(number).encode(Version::V50, &mut octets);
        let at = At { unix_ms: i64::from(number) * 1_000, mono: server.began };
        server.record.take(&party, Direction::In, at, &octets);
    }
    for (query, wanted) in [
        ("limit=2", vec![9, 10]),
        ("limit=2&before=9", vec![7, 8]),
        ("limit=2&after=3", vec![4, 5]),
        ("after=3&before=6", vec![4, 5]),
        ("from_ms=3000&until_ms=6000", vec![3, 4, 5]),
        ("from_ms=2500&until_ms=6001&limit=2", vec![5, 6]),
        ("from_ms=2500&after=4&limit=2", vec![5, 6]),
        ("from_ms=3000&after=0&limit=2", vec![3, 4]),
        ("before=1", vec![]),
        ("from_ms=11000", vec![]),
        ("after=8&before=3", vec![]),
    ] {
        let (status, answer) = server.get(&format!("/api/v1/pdus?{query}")).await;
        assert_eq!(status, 200, "{query}: {answer}");
        let items = answer["items"].as_array().unwrap();
        let numbers: Vec<u64> = items.iter().map(|item| item["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, wanted, "{query}");
    }
    assert_eq!(server.get("/api/v1/pdus?before=x").await.0, 422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_saved_as_a_capture_without_passwords() {
    let server = Server::start(1 << 20).await;
    let (one, other) = (party(1), party(2));
    let bind = BindTransceiver { password: "s3cret".parse().unwrap(), ..Default::default() };
    server.pass(&one, Direction::Out, 0, &[Pdu::request(1, Body::from(bind)), submit(2)]);
    server.pass(&other, Direction::Out, 0, &[submit(3)]);
    server.pass(&one, Direction::In, 40, &[taken(2)]);
    let (head, capture) = server.octets("/api/v1/pdus.pcapng?session=1").await;
    assert!(head.contains("application/x-pcapng") && head.contains("attachment"), "{head}");
    let holds = |pdu: &[u8]| capture.windows(pdu.len()).filter(|octets| *octets == pdu).count();
    let octets = |pdu: &Pdu| {
        let mut octets = Vec::new();
        pdu.encode(Version::V50, &mut octets);
        octets
    };
    assert_eq!([submit(2), taken(2), submit(3)].map(|pdu| holds(&octets(&pdu))), [1, 1, 0]);
    assert_eq!((holds(b"s3cret"), holds(b"******")), (0, 1));
    // We opened the connection: our address is first in what we sent, the peer's (127.0.0.1, port 9) in its answers.
    assert_eq!(holds(&[192, 0, 2, 1, 127, 0, 0, 1, 0xC0, 0x01, 0, 9]), 2);
    assert_eq!(holds(&[127, 0, 0, 1, 192, 0, 2, 1, 0, 9, 0xC0, 0x01]), 1);
    assert_eq!(server.octets("/api/v1/pdus.pcapng?session=9").await.1.len(), 28 + 20);
    assert!(server.octets("/api/v1/pdus.pcapng?limit=1").await.0.starts_with("HTTP/1.1 400"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_pdu_is_taken_apart_without_its_password() {
    let server = Server::start(1 << 20).await;
    let party = party(1);
    let bind = BindTransceiver {
        system_id: "a".parse().unwrap(),
        password: "s3cret".parse().unwrap(),
        ..Default::default()
    };
    server.pass(&party, Direction::In, 0, &[Pdu::request(1, Body::from(bind)), submit(2)]);
    server.pass(&party, Direction::Out, 40, &[taken(2)]);
    let (_, bind) = server.get("/api/v1/pdus/1").await;
    assert_eq!(bind["shown"]["pdu"]["password"], "******");
    assert!(!bind.to_string().contains("s3cret") && !bind.to_string().contains("733363726574"), "{bind}");
    let (_, answer) = server.get("/api/v1/pdus/3").await;
    assert_eq!((&answer["answered_us"], &answer["shown"]["command"]), (&json!(40), &json!("submit_sm_resp")));
    let (status, problem) = server.get("/api/v1/pdus/4").await;
    assert_eq!((status, problem["detail"].as_str()), (404, Some("there is no PDU 4 yet")));
    let (_, list) = server.get("/api/v1/pdus?connector=up&command=submit_*&limit=1").await;
    assert_eq!((&list["items"][0]["number"], &list["items"][0]["connector"]), (&json!(3), &json!("up")));
    assert_eq!(server.get("/api/v1/pdus?password=s*").await.0, 422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_a_session_does_is_found_in_what_passes() {
    let server = Server::start(1 << 20).await;
    let party = party(1);
    party.tell(State::BoundTrx, 10, 3);
    server.pass(&party, Direction::Out, 0, &[Pdu::request(1, EnquireLink::default())]);
    server.pass(&party, Direction::In, 900, &[Pdu::refusal(0x15, 1, CommandStatus::ESME_ROK)]);
    server.pass(&party, Direction::In, 950, &[Pdu::refusal(4, 2, CommandStatus::ESME_RTHROTTLED)]);
    assert_eq!(
        serde_json::to_value(party.vitals()).unwrap(),
        json!({
            "state": "BOUND_TRX", "tls": false, "window": 10, "in_flight": 3, "enquire_link_us": 900,
            "last_error": {"status": "ESME_RTHROTTLED", "code": 88, "command": "submit_sm_resp", "direction": "in",
                "time": "2026-11-22T12:00:00.000Z"},
        })
    );
}
