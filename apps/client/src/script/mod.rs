//! Files of steps, played against a server: a smoke test for CI.
//!
//! A step is a line; `#` begins a comment, a line that ends in `\` goes on in the next. Words are separated by
//! spaces; `"…"` holds spaces, with `\"`, `\\` and `\n` inside.
//!
//! ```text
//! bind transceiver smpp://app:secret@127.0.0.1:2775     the URL may be left to the command line
//! submit_sm to=447700900123 from=1234 text="Hello" registered_delivery=1 -> ESME_ROK as first
//! expect deliver_sm within 5s short_message~/stat:DELIVRD/ receipted_message_id=$first
//! query_sm message_id=$first source_addr=1234
//! expect query_sm_resp message_state=DELIVERED
//! unbind
//! ```
//!
//! | step | does |
//! |---|---|
//! | `bind [transmitter\|receiver\|transceiver] [URL] [FIELD=VALUE…] [-> STATUS] [as NAME]` | connects, unless `connect` has, and binds |
//! | `connect [URL]` | connects and says nothing |
//! | `PDU [FIELD=VALUE…] [-> STATUS] [as NAME]` | sends any PDU of the table; `->` waits for its answer |
//! | `send {JSON}`, `raw HEX` | sends a PDU in the JSON of `smppkit inspect`, or octets, right or wrong |
//! | `expect PDU [within TIME] [MATCH…] [as NAME]` | takes the first such PDU that matches from what has come |
//! | `expect nothing [within TIME]`, `expect closed [within TIME]` | no PDU comes; the server closes |
//! | `answer PDU STATUS\|nothing` | how requests of the server are answered from here on; else with success |
//! | `wait TIME` | lets time pass, answering the server |
//! | `unbind`, `close` | ends the session, or the connection |
//!
//! Fields are those of the PDU's table, TLVs by name or tag, and header fields. `to=`, `from=` set an address with TON
//! and NPI by its looks, `text=` user data with its data_coding; a text too long for one part goes into
//! message_payload. Where octets are wanted, `hex:00ff` gives them.
//!
//! A MATCH is `FIELD=VALUE`, `FIELD!=VALUE`, `FIELD~/REGEX/`, `FIELD=1..5`, `FIELD<5`, `FIELD>=5`, `FIELD` (is there) or
//! `!FIELD` (is not). Numbers also match by their name: `message_state=DELIVERED`. `text`, `short_message` and
//! `message_payload` are the text that they say, or octets with `hex:`.
//!
//! `as NAME` keeps a PDU: `$NAME.FIELD` is a field of it, `$NAME` its message id. Names given from outside are `$NAME`.
//! `a: bind …` names a session; without a name it is the one named last, at first one without a name.

mod line;
mod matching;
mod peer;
mod report;
mod run;

pub use line::{ScriptError, Step, parse};
pub use matching::Difference;
pub use report::{Failure, FailureKind, Outcome, Played, junit};
pub use run::{Setting, play};
