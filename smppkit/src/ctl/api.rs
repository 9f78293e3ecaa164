//! A small HTTP/1.1 client: one request on a connection, all of it limited in time and size.

use core::fmt;
use std::str::FromStr;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use smppkit_inspect::printable;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Where the REST interface is.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    host: String,
    port: u16,
    /// As the Host header has it.
    authority: String,
}

/// The REST interface, and what it asks for.
#[derive(Debug)]
pub(super) struct Api {
    admin: Admin,
    authorization: Option<HeaderValue>,
}

/// What is asked.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// Path and query, encoded.
    pub(super) target: String,
    /// Content type and octets.
    pub(super) body: Option<(&'static str, String)>,
    /// Until all of the answer is there.
    pub(super) time: Duration,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) text: String,
}

/// Why there is no good answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing came, or nothing that can be read.
    Unreached { authority: String, why: String },
    /// The simulator says no.
    Refused(Refusal),
}

/// A problem document (RFC 9457), or what stood in its place.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) text: String,
}

impl Api {
    pub(super) fn new(admin: Admin, token: Option<&str>) -> Result<Self, String> {
        let bearer = |token: &str| {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|_| "the token has characters that a header cannot have".to_owned())?;
            value.set_sensitive(true);
            Ok::<_, String>(value)
        };
        let authorization = token.filter(|token| !token.is_empty()).map(bearer).transpose()?;
        Ok(Self { admin, authorization })
    }

    /// The whole answer, if it is a good one.
    pub(super) async fn call(&self, ask: Ask) -> Result<Answer, Failure> {
        self.any(ask).await?.good()
    }

    /// The whole answer, whatever it says.
    pub(super) async fn any(&self, ask: Ask) -> Result<Answer, Failure> {
        let time = ask.time;
        let answered = async {
            let response = self.send(ask).await?;
            self.whole(response).await
        };
        let late = |_| self.unreached(format!("no answer within {} s", time.as_secs()));
        timeout(time, answered).await.map_err(late)?
    }

    /// The beginning of an answer that has no end, if it is a good one.
    pub(super) async fn stream(&self, target: String) -> Result<Incoming, Failure> {
        let ask = Ask { method: Method::GET, target, body: None, time: USUAL };
        let response = timeout(USUAL, self.send(ask)).await;
        let response =
            response.map_err(|_| self.unreached(format!("no answer within {} s", USUAL.as_secs())))??;
        if response.status().is_success() {
            return Ok(response.into_body());
        }
        let answer = timeout(USUAL, self.whole(response)).await;
        let answer = answer.map_err(|_| self.unreached("the answer has no end".to_owned()))??;
        Err(Failure::Refused(Refusal { status: answer.status, text: answer.text }))
    }

    pub(super) fn unreached(&self, why: impl Into<String>) -> Failure {
        Failure::Unreached { authority: self.admin.authority.clone(), why: why.into() }
    }

    async fn send(&self, ask: Ask) -> Result<Response<Incoming>, Failure> {
        let tcp = self.admin.connect().await.map_err(|why| self.unreached(why))?;
        let broken = |error: hyper::Error| self.unreached(whole_story(&error));
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(tcp)).await.map_err(broken)?;
        // It ends with the answer, or with the runtime. What goes wrong there, the answer says, too.
        tokio::spawn(async move { drop(connection.await) });
        let mut request = Request::builder().method(ask.method).uri(ask.target).header(ACCEPT, "*/*");
        request = request.header(HOST, &self.admin.authority);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let mut octets = Bytes::new();
        if let Some((content_type, body)) = ask.body {
            request = request.header(CONTENT_TYPE, content_type);
            octets = Bytes::from(body);
        }
        let request = request.body(Full::new(octets));
        let request = request.map_err(|error| self.unreached(format!("no request: {error}")))?;
        sender.send_request(request).await.map_err(broken)
    }

    async fn whole(&self, response: Response<Incoming>) -> Result<Answer, Failure> {
        let status = response.status();
        let octets = Limited::new(response.into_body(), ANSWER_LIMIT_OCTETS).collect().await;
        let octets = octets.map_err(|error| {
            let too_long = error.is::<LengthLimitError>();
            self.unreached(if too_long { TOO_LONG.to_owned() } else { whole_story(&*error) })
        })?;
        let text = String::from_utf8_lossy(&octets.to_bytes()).into_owned();
        Ok(Answer { status, text })
    }
}

impl Answer {
    pub(super) fn good(self) -> Result<Self, Failure> {
        if self.status.is_success() {
            return Ok(self);
        }
        Err(Failure::Refused(Refusal { status: self.status, text: self.text }))
    }
}

impl Failure {
    /// The exit code: 2 where the command has to change, 3 where the simulator has to.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Refused(refusal) if refusal.status.is_client_error() => 2,
            Self::Refused(_) | Self::Unreached { .. } => 3,
        }
    }
}

impl Refusal {
    /// The document, if it is one.
    pub(super) fn document(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

impl Admin {
    /// A connection, to be had in a time.
    pub(crate) async fn connect(&self) -> Result<TcpStream, String> {
        let connect = TcpStream::connect((self.host.as_str(), self.port));
        let tcp = timeout(CONNECT, connect).await;
        let tcp = tcp.map_err(|_| format!("no connection within {} s", CONNECT.as_secs()))?;
        tcp.map_err(|error| error.to_string())
    }

    /// Host and port, as the Host header has them.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }
}

impl FromStr for Admin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|error| format!("{error}: want http://HOST:PORT"))?;
        if uri.scheme_str() != Some("http") {
            return Err("only http:// is spoken here: want http://HOST:PORT".to_owned());
        }
        let authority = uri.authority().ok_or("there is no host: want http://HOST:PORT")?;
        if authority.as_str().contains('@') {
            return Err("a name and a password have no place in it: see --token".to_owned());
        }
        if !matches!(uri.path_and_query().map(hyper::http::uri::PathAndQuery::as_str), None | Some("/")) {
            return Err("there is a path behind the host: want http://HOST:PORT".to_owned());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err("there is no host: want http://HOST:PORT".to_owned());
        }
        Ok(Self {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: authority.as_str().to_owned(),
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreached { authority, why } => write!(f, "http://{authority}: {}", printable(why)),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl core::error::Error for Failure {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.document().get("detail").and_then(Value::as_str) {
            Some(detail) => write!(f, "{}", printable(detail))?,
            None => write!(f, "the answer is {}", self.status)?,
        }
        if self.status == StatusCode::UNAUTHORIZED {
            write!(f, ": give it with --token or SMPPKIT_ADMIN_TOKEN")?;
        }
        Ok(())
    }
}

/// An error with those behind it.
fn whole_story(error: &dyn core::error::Error) -> String {
    let mut story = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        story.push_str(": ");
        story.push_str(&error.to_string());
        next = error.source();
    }
    story
}

/// For what is answered at once. The simulator looks through 10 000 messages in well under a second.
pub(super) const USUAL: Duration = Duration::from_secs(30);
/// A machine that drops packets keeps silent; all others answer at once.
const CONNECT: Duration = Duration::from_secs(5);
/// Held in memory; 1000 PDUs of usual size have about 2 MiB.
pub(super) const ANSWER_LIMIT_OCTETS: usize = 16 * 1024 * 1024;
const TOO_LONG: &str = "the answer is longer than 16 MiB: ask for less with --limit";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_and_a_host() {
        let admin: Admin = "http://[::1]:2780/".parse().unwrap();
        assert_eq!((&*admin.host, admin.port, &*admin.authority), ("::1", 2780, "[::1]:2780"));
        assert_eq!("http://sim".parse::<Admin>().unwrap().port, 80);
        for wrong in [
            "https://sim:2780",
            "sim:2780",
            "127.0.0.1:2780",
            "http://",
            "http://a:b@sim",
            "http://s/x",
            "",
            "/",
        ] {
            assert!(wrong.parse::<Admin>().is_err(), "{wrong}");
        }
    }
}
