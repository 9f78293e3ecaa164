use std::sync::Arc;
use std::time::Instant;

use smppkit_relay::{Incoming, Outgoing, Parcel};
use smppkit_store::{
    Accepted, Change, MessageIds, NodeId, Page, Reader, RemoteId, Settings, Sqlite, Store, Timestamp,
};
use smppkit_wire::Version;
use smppkit_wire::field::ShortMessage;
use smppkit_wire::pdu::table::{DeliverSm, SubmitSm};
use smppkit_wire::value::DataCoding;

use super::*;

const NOW: Timestamp = Timestamp(1_795_348_800_000);

/// A store on a disk, with messages of an account.
struct Kept {
    dir: std::path::PathBuf,
    store: Sqlite,
    ids: MessageIds,
}

impl Kept {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("smppkit-search-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let store = Sqlite::open(&dir, NOW, Settings::default()).unwrap();
        let ids = MessageIds::after(NodeId::default(), store.last_id());
        Self { dir, store, ids }
    }

    fn message(&mut self, to: &str, text: &[u8], data_coding: DataCoding) -> Accepted {
        let short_message = ShortMessage::new(text.to_vec()).unwrap();
        let pdu = SubmitSm {
            destination_addr: to.parse().unwrap(),
            short_message,
            data_coding,
            ..SubmitSm::default()
        };
        let parcel = Parcel::Message(Box::new(Outgoing::new(pdu, Version::V34)));
        self.accepted("up", to, &parcel)
    }

    fn incoming(&mut self, text: &[u8]) -> Accepted {
        let pdu =
            DeliverSm { short_message: ShortMessage::new(text.to_vec()).unwrap(), ..DeliverSm::default() };
        let parcel = Parcel::Incoming(Box::new(Incoming { pdu, connector: "other".into() }));
        self.accepted("esme:shop", "4477", &parcel)
    }

    fn accepted(&mut self, queue: &str, to: &str, parcel: &Parcel) -> Accepted {
        Accepted {
            id: self.ids.next(NOW),
            account: "shop".into(),
            queue: queue.into(),
            priority: 0,
            due_at: NOW,
            expires_at: None,
            source: "Shop, 1".into(),
            destination: to.into(),
            reference: None,
            payload: parcel.to_octets(),
        }
    }

    fn commit(&mut self, changes: &[Change]) {
        self.store.commit(NOW, changes, &mut Vec::new()).unwrap();
        self.store.settle(NOW).unwrap();
    }

    fn accept(&mut self, message: Accepted) -> MessageId {
        let id = message.id;
        self.commit(&[Change::Accept(Arc::new(message))]);
        id
    }

    fn find(&self, query: &[(&str, &str)]) -> Page {
        let Wanted { search, mut conditions, can_hold, .. } = read(query).unwrap();
        let reader = Reader::open(self.store.path().unwrap()).unwrap();
        if can_hold { reader.search(&search, &mut conditions).unwrap() } else { Page::default() }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn read(query: &[(&str, &str)]) -> Result<Wanted, Problem> {
    Wanted::read(query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

#[test]
fn conditions_hold_for_what_lists_show() {
    let mut kept = Kept::new("conditions");
    let code = kept.message("447700900123", b"Your Code is 4711", DataCoding::MC_DEFAULT);
    let code = kept.accept(code);
    let cyrillic: Vec<u8> = "Привет, code".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let cyrillic = kept.message("4670", &cyrillic, DataCoding::UCS2);
    let cyrillic = kept.accept(cyrillic);
    let came = kept.incoming(b"STOP");
    let came = kept.accept(came);
    let remote = Arc::new(RemoteId { connector: "up".into(), forms: vec!["7F".into()] });
    kept.commit(&[Change::Sent { id: cyrillic, remote }]);
    kept.commit(&[Change::Finish {
        id: code,
        state: Final::Failed,
        reason: "ESME_RINVDSTADR, twice".into(),
        then: None,
    }]);
    let id = cyrillic.to_string();
    for (query, wanted) in [
        (&[("text", "*Code*")][..], &[code][..]),
        (&[("text", "/code/i")], &[cyrillic, code]),
        (&[("text", "/привет/i")], &[cyrillic]),
        (&[("text", "!/code/i")], &[came]),
        (&[("text", "Привет, code")], &[cyrillic]),
        (&[("contains", "CODE")], &[cyrillic, code]),
        (&[("contains", "rinvdst")], &[code]),
        (&[("contains", "900123")], &[code]),
        (&[("contains", &id)], &[cyrillic]),
        (&[("contains", "!code")], &[came]),
        (&[("kind", "incoming")], &[came]),
        (&[("kind", "message,receipt")], &[cyrillic, code]),
        (&[("kind", "!incoming")], &[cyrillic, code]),
        (&[("destination_addr", "4477*")], &[came, code]),
        (&[("destination_addr", "4477*"), ("destination_addr", "!4477")], &[code]),
        (&[("destination_addr", "4670,4477")], &[came, cyrillic]),
        (&[("source_addr", "/^Shop, 1$/")], &[came, cyrillic, code]),
        (&[("account", "!shop")], &[]),
        (&[("state", "failed,ENROUTE")], &[cyrillic, code]),
        (&[("state", "!SCHEDULED")], &[cyrillic, code]),
        (&[("state", "!queued"), ("state", "!sent")], &[code]),
        (&[("state", "queued"), ("state", "sent")], &[]),
        (&[("message_id", &id)], &[cyrillic]),
        (&[("message_id", &id), ("state", "queued")], &[]),
        (&[("remote_id", "7?")], &[cyrillic]),
        (&[("reason", "ESME_RINVDSTADR,*")], &[code]),
        (&[("connector", "up")], &[cyrillic, code]),
        (&[("connector", "other")], &[came]),
        (&[("queue", "esme:*")], &[came]),
        (&[("attempts", "1..")], &[]),
        (&[("attempts", "0")], &[came, cyrillic, code]),
    ] {
        let page = kept.find(query);
        let found: Vec<MessageId> = page.messages.iter().map(|message| message.accepted.id).collect();
        assert_eq!(found, wanted, "{query:?}");
    }
    assert_eq!(kept.find(&[("message_id", &id)]).rows, 1, "an id says where it stands");
}

#[test]
fn what_is_asked_for_wrongly_is_named() {
    let refused = |name: &str, value: &str| {
        let problem = read(&[(name, value)]).unwrap_err();
        (problem.status, problem.detail)
    };
    let (status, detail) = refused("color", "red");
    assert_eq!(status, 400);
    assert!(
        detail.starts_with("color: there is no such parameter; there are account, source_addr"),
        "{detail}"
    );
    let states = "\"lost\" is no state; there are queued, sent, delivered, failed, expired, cancelled";
    assert_eq!(refused("state", "sent,lost"), (400, format!("state: {states}")));
    assert_eq!(refused("text", "/(/").0, 422);
    assert_eq!(refused("rows", "100001").1, "rows: \"100001\" is no number from 1 to 100000");
    assert_eq!(refused("after", "x").1, "after: \"x\" is no message_id");
    assert_eq!(refused("count", "1").1, "count: \"1\" is neither true nor false");
    assert_eq!(read(&[("state", "sent")]).unwrap().dead_letters().unwrap_err().status, 422);
}

/// With `SMPPKIT_SEARCHED=200000` and `--release --nocapture` it says how long searches of so many take.
#[test]
fn a_search_ends_in_bounded_steps_and_finds_what_is_rare() {
    let all: usize = std::env::var("SMPPKIT_SEARCHED").map_or(2_000, |text| text.parse().unwrap());
    let mut kept = Kept::new("rare");
    let mut made = 0;
    while made < all {
        let group: Vec<Change> = (made..all.min(made + 1_000))
            .map(|n| {
                let text = format!(
                    "Your parcel {n} is at the door; a text of a usual length, that is, {}",
                    "x".repeat(60)
                );
                let text = if n == all / 2 { "the needle" } else { &text };
                Change::Accept(Arc::new(kept.message(
                    &format!("4477{n:08}"),
                    text.as_bytes(),
                    DataCoding::MC_DEFAULT,
                )))
            })
            .collect();
        made += group.len();
        kept.commit(&group);
        let ends: Vec<Change> = group
            .iter()
            .filter_map(|change| match change {
                Change::Accept(message) => Some(Change::Finish {
                    id: message.id,
                    state: Final::Delivered,
                    reason: "".into(),
                    then: None,
                }),
                _ => None,
            })
            .collect();
        kept.commit(&ends);
    }
    while kept.store.maintain(NOW, Timestamp(0)).unwrap() {}
    for query in [
        ("text", "*needle*"),
        ("text", "/NEEDLE/i"),
        ("contains", "Needle"),
        ("destination_addr", "*nobody"),
        ("state", "failed"),
        ("kind", "receipt"),
    ] {
        let (began, mut steps, mut found, mut longest) = (Instant::now(), 0, 0, 0.0);
        let mut cursor = None::<String>;
        loop {
            let step = Instant::now();
            let before = cursor.as_deref().map(|cursor| ("before", cursor));
            let query: Vec<(&str, &str)> = [query, ("rows", "700")]
                .into_iter()
                .take(if all > 2_000 { 1 } else { 2 })
                .chain(before)
                .collect();
            let page = kept.find(&query);
            steps += 1;
            found += page.messages.len();
            longest = step.elapsed().as_secs_f64().max(longest);
            match page.next {
                Some(next) => cursor = Some(next.to_string()),
                None => break,
            }
        }
        println!(
            "{query:?}: {found} of {all} in {:.2} s, {steps} steps, the longest {longest:.3} s",
            began.elapsed().as_secs_f64()
        );
        assert_eq!(found, usize::from(query.1.to_lowercase().contains("needle")));
        assert!(steps >= all / 100_000 && (all > 2_000 || steps == 3), "{query:?}: {steps}");
    }
}
