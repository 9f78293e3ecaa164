//! A server that does what a test says, and tells what it was sent.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use smppkit_inspect::{Dialect, Dissector, encode};

/// What is done about a PDU: the PDUs that are sent then.
type Plays = dyn FnMut(&Value) -> Vec<Value> + Send;

/// A listening server; it goes with the process.
#[derive(Debug)]
pub(crate) struct Mc {
    address: SocketAddr,
    came: Receiver<Value>,
}

impl Mc {
    pub(crate) fn start(plays: impl FnMut(&Value) -> Vec<Value> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it listens");
        let (say, came) = channel();
        let plays: Arc<Mutex<Plays>> = Arc::new(Mutex::new(plays));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (say, plays) = (say.clone(), Arc::clone(&plays));
                std::thread::spawn(move || serve(stream, &say, &plays));
            }
        });
        Self { address, came }
    }

    pub(crate) fn url(&self) -> String {
        format!("smpp://me:secret@{}", self.address)
    }

    /// The next PDU of a name that came.
    #[track_caller]
    pub(crate) fn next(&self, command: &str) -> Value {
        loop {
            let came = self.came.recv_timeout(Duration::from_secs(10)).expect("it came in time");
            if came["command"] == command {
                return came;
            }
        }
    }
}

/// The answer of success that any request gets, with some fields.
pub(crate) fn answer(request: &Value, fields: &Value) -> Value {
    let command = request["command"].as_str().unwrap_or_default();
    let mut answer = json!({
        "command": format!("{command}_resp"), "sequence_number": request["sequence_number"],
    });
    let fields = fields.as_object().cloned().unwrap_or_default();
    answer.as_object_mut().expect("it is one").extend(fields);
    answer
}

/// What a server does that has nothing special to do.
pub(crate) fn usual(request: &Value) -> Vec<Value> {
    let command = request["command"].as_str().unwrap_or_default();
    if command.ends_with("_resp") { Vec::new() } else { vec![answer(request, &json!({}))] }
}

/// A receipt by its text.
pub(crate) fn receipt(sequence_number: u32, esm_class: u8, text: &str) -> Value {
    let digits: Vec<String> = text.bytes().map(|octet| format!("{octet:02x}")).collect();
    json!({
        "command": "deliver_sm", "sequence_number": sequence_number, "esm_class": esm_class,
        "source_addr": "4477", "destination_addr": "me", "short_message": digits.concat(),
    })
}

fn serve(mut stream: TcpStream, say: &Sender<Value>, plays: &Mutex<Plays>) {
    let dissector = Dissector { dialect: Dialect::RECEIVE, ..Dissector::default() };
    let mut length = [0; 4];
    while stream.read_exact(&mut length).is_ok() {
        let mut octets = length.to_vec();
        octets.resize(u32::from_be_bytes(length) as usize, 0);
        if stream.read_exact(&mut octets[4..]).is_err() {
            return;
        }
        let request = dissector.dissect(&octets.into()).json();
        let answers = plays.lock().unwrap_or_else(PoisonError::into_inner)(&request);
        let _ = say.send(request);
        for answer in answers {
            let octets = encode(&answer).unwrap_or_else(|error| panic!("{answer}: {error}"));
            if stream.write_all(&octets).is_err() {
                return;
            }
        }
    }
}
