//! Lines to steps.

use core::fmt;
use core::time::Duration;

use regex::Regex;
use smppkit_net::BindMode;
use smppkit_wire::CommandStatus;
use smppkit_wire::pdu::TABLE;

use crate::connection::duration;
use crate::draft::from_hex;

/// One line that does something.
#[derive(Debug, Clone)]
pub struct Step {
    /// Where it begins, from 1.
    pub(crate) line: usize,
    /// As it is written, without passwords.
    pub(crate) shown: String,
    /// Which session it is about.
    pub(crate) session: Option<String>,
    pub(crate) action: Action,
}

#[derive(Debug, Clone)]
pub(crate) enum Action {
    Connect { url: Option<String> },
    Bind { mode: Option<BindMode>, url: Option<String>, request: Request },
    Request { command: String, request: Request },
    Json { object: String, request: Request },
    Raw(Vec<u8>),
    Expect { command: String, within: Option<Duration>, matches: Vec<Match>, keep: Option<String> },
    ExpectNothing(Option<Duration>),
    ExpectClosed(Option<Duration>),
    Answer { command: String, status: Option<CommandStatus> },
    Wait(Duration),
    Unbind,
    Close,
}

/// What is said of a request and its answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) status: Option<CommandStatus>,
    pub(crate) keep: Option<String>,
}

/// What a field must be.
#[derive(Debug, Clone)]
pub(crate) struct Match {
    pub(crate) field: String,
    pub(crate) want: Want,
}

#[derive(Debug, Clone)]
pub(crate) enum Want {
    Is(String),
    IsNot(String),
    Like(Regex),
    Range(u64, u64),
    There,
    Absent,
}

/// A script that cannot be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

/// Reads a script.
pub fn parse(text: &str) -> Result<Vec<Step>, ScriptError> {
    let mut steps = Vec::new();
    let mut lines = text.lines().zip(1..);
    while let Some((first, line)) = lines.next() {
        let mut whole = first.trim().to_owned();
        while let Some(open) = whole.strip_suffix('\\') {
            let Some((next, _)) = lines.next() else {
                return Err(ScriptError { line, message: "the last line goes on".to_owned() });
            };
            whole = format!("{open} {}", next.trim());
        }
        let step = step(&whole, line).map_err(|message| ScriptError { line, message })?;
        steps.extend(step);
    }
    Ok(steps)
}

fn step(text: &str, line: usize) -> Result<Option<Step>, String> {
    let (session, rest) = named_session(text);
    let verb = rest.split_whitespace().next().unwrap_or_default();
    if verb.is_empty() && session.is_none() || verb.starts_with('#') {
        return Ok(None);
    }
    let rest_of = |verb: &str| rest[verb.len()..].trim();
    let action = if verb == "send" {
        json(rest_of(verb))?
    } else {
        let words = words(rest_of(verb))?;
        action(verb, &words)?
    };
    Ok(Some(Step { line, shown: without_passwords(text), session, action }))
}

/// `name: …`.
fn named_session(text: &str) -> (Option<String>, &str) {
    if let Some((name, rest)) = text.split_once(':')
        && !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
    {
        return (Some(name.to_owned()), rest.trim_start());
    }
    (None, text)
}

fn action(verb: &str, words: &[Word]) -> Result<Action, String> {
    Ok(match verb {
        "connect" => Action::Connect { url: optional(words, "a URL")? },
        "bind" => bind(words)?,
        "raw" => Action::Raw(octets(&words.iter().map(|word| word.text.as_str()).collect::<String>())?),
        "expect" => expect(words)?,
        "answer" => answer(words)?,
        "wait" => Action::Wait(duration(&optional(words, "a time")?.ok_or("a time is missing")?)?),
        "unbind" if words.is_empty() => Action::Unbind,
        "close" => {
            none(words)?;
            Action::Close
        }
        command => {
            pdu(command)?;
            Action::Request { command: command.to_owned(), request: request(words)? }
        }
    })
}

fn bind(words: &[Word]) -> Result<Action, String> {
    let (mut mode, mut url) = (None, None);
    let mut rest = words;
    while let [first, others @ ..] = rest {
        if first.text.contains("://") && url.is_none() && !first.text.contains('=') {
            url = Some(first.text.clone());
        } else if let Ok(named) = first.text.parse() {
            mode = Some(named);
        } else {
            break;
        }
        rest = others;
    }
    Ok(Action::Bind { mode, url, request: request(rest)? })
}

/// `send {…} -> STATUS as NAME`: JSON has spaces of its own.
fn json(text: &str) -> Result<Action, String> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
    match values.next() {
        Some(Ok(serde_json::Value::Object(_))) => {}
        Some(Err(error)) => return Err(format!("the JSON cannot be read: {error}")),
        _ => return Err("send wants a PDU as JSON, such as {\"command\": \"enquire_link\"}".to_owned()),
    }
    let end = values.byte_offset();
    let request = request(&words(text.get(end..).unwrap_or_default())?)?;
    if let Some((field, _)) = request.fields.first() {
        return Err(format!("{field} belongs into the JSON"));
    }
    Ok(Action::Json { object: text.get(..end).unwrap_or_default().to_owned(), request })
}

fn request(words: &[Word]) -> Result<Request, String> {
    let mut request = Request::default();
    let mut rest = words;
    while let [word, others @ ..] = rest {
        rest = match (word.text.as_str(), others) {
            ("->", [status, others @ ..]) => {
                request.status = Some(self::status(&status.text)?);
                others
            }
            ("as", [name, others @ ..]) => {
                request.keep = Some(variable(&name.text)?);
                others
            }
            _ => {
                let (name, value) = word.text.split_once('=').ok_or_else(|| {
                    format!("{:?} is no FIELD=VALUE, nor -> STATUS, nor as NAME", word.text)
                })?;
                request.fields.push((name.to_owned(), value.to_owned()));
                others
            }
        };
    }
    Ok(request)
}

fn expect(words: &[Word]) -> Result<Action, String> {
    let [what, rest @ ..] = words else {
        return Err("expect what? a PDU, nothing, or closed".to_owned());
    };
    let (mut within, mut keep, mut matches) = (None, None, Vec::new());
    let mut rest = rest;
    while let [word, others @ ..] = rest {
        rest = match (word.text.as_str(), others) {
            ("within", [time, others @ ..]) => {
                within = Some(duration(&time.text)?);
                others
            }
            ("as", [name, others @ ..]) => {
                keep = Some(variable(&name.text)?);
                others
            }
            _ => {
                matches.push(matching(word)?);
                others
            }
        };
    }
    match what.text.as_str() {
        "nothing" | "closed" if keep.is_some() || !matches.is_empty() => {
            Err(format!("expect {} has no fields", what.text))
        }
        "nothing" => Ok(Action::ExpectNothing(within)),
        "closed" => Ok(Action::ExpectClosed(within)),
        command => {
            pdu(command)?;
            Ok(Action::Expect { command: command.to_owned(), within, matches, keep })
        }
    }
}

fn matching(word: &Word) -> Result<Match, String> {
    let text = word.text.as_str();
    if let Some(field) = text.strip_prefix('!') {
        return Ok(Match { field: field.to_owned(), want: Want::Absent });
    }
    let end = text.find(['=', '!', '~', '<', '>']).unwrap_or(text.len());
    let (field, rest) = text.split_at(end);
    if field.is_empty() {
        return Err(format!("{text:?} names no field"));
    }
    let number =
        |digits: &str| digits.parse::<u64>().map_err(|_| format!("{digits:?} in {text:?} is no number"));
    let want = if rest.is_empty() {
        Want::There
    } else if let Some(pattern) = rest.strip_prefix('~') {
        let inner = pattern.strip_prefix('/').and_then(|pattern| pattern.strip_suffix('/'));
        let inner = inner.ok_or_else(|| format!("{text:?} has no regex between slashes"))?;
        Want::Like(Regex::new(inner).map_err(|error| format!("{inner:?} is no regex: {error}"))?)
    } else if let Some(value) = rest.strip_prefix("!=") {
        Want::IsNot(value.to_owned())
    } else if let Some(value) = rest.strip_prefix("<=") {
        Want::Range(0, number(value)?)
    } else if let Some(value) = rest.strip_prefix(">=") {
        Want::Range(number(value)?, u64::MAX)
    } else if let Some(value) = rest.strip_prefix('<') {
        Want::Range(0, number(value)?.checked_sub(1).ok_or("nothing is below 0")?)
    } else if let Some(value) = rest.strip_prefix('>') {
        Want::Range(number(value)?.saturating_add(1), u64::MAX)
    } else if let Some(value) = rest.strip_prefix('=') {
        match value.split_once("..").map(|(low, high)| (low.parse(), high.parse())) {
            Some((Ok(low), Ok(high))) if !word.quoted => Want::Range(low, high),
            _ => match value.strip_prefix('/').and_then(|value| value.strip_suffix('/')) {
                Some(inner) if !word.quoted => {
                    Want::Like(Regex::new(inner).map_err(|error| format!("{inner:?} is no regex: {error}"))?)
                }
                _ => Want::Is(value.to_owned()),
            },
        }
    } else {
        return Err(format!("{text:?} compares in no way that is known: = != ~ < <= > >="));
    };
    Ok(Match { field: field.to_owned(), want })
}

fn answer(words: &[Word]) -> Result<Action, String> {
    let [command, with] = words else {
        return Err("answer wants a PDU and a status, or nothing".to_owned());
    };
    pdu(&command.text)?;
    let status = if with.text == "nothing" { None } else { Some(status(&with.text)?) };
    Ok(Action::Answer { command: command.text.clone(), status })
}

fn status(text: &str) -> Result<CommandStatus, String> {
    text.parse().map_err(|error| format!("{text:?} is {error}"))
}

/// A name of the table; the message for others comes from where PDUs are made.
fn pdu(name: &str) -> Result<(), String> {
    if TABLE.iter().any(|def| def.name == name) {
        return Ok(());
    }
    let verbs = ["bind", "connect", "expect", "answer", "send", "raw", "wait", "unbind", "close"];
    let error = crate::Draft::new(name).octets().map_or_else(|error| error.message, |_| String::new());
    Err(format!("{error}; other steps are {}", verbs.join(", ")))
}

fn variable(name: &str) -> Result<String, String> {
    if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        Ok(name.to_owned())
    } else {
        Err(format!("{name:?} is no name: letters, digits and _"))
    }
}

fn optional(words: &[Word], what: &str) -> Result<Option<String>, String> {
    match words {
        [] => Ok(None),
        [one] => Ok(Some(one.text.clone())),
        [_, more, ..] => Err(format!("{:?} is too much after {what}", more.text)),
    }
}

fn none(words: &[Word]) -> Result<(), String> {
    words.first().map_or(Ok(()), |word| Err(format!("{:?} is too much", word.text)))
}

fn octets(digits: &str) -> Result<Vec<u8>, String> {
    let octets = from_hex(digits).filter(|octets| !octets.is_empty());
    octets.ok_or_else(|| "raw wants an even number of hexadecimal digits".to_owned())
}

/// One word, its quotes gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    /// Whether some of it stood in quotes, and so means only itself.
    pub(crate) quoted: bool,
}

/// Words up to the end or a comment. Quotes may stand anywhere in one; between the slashes of a regex a space is one.
fn words(text: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut characters = text.chars().peekable();
    loop {
        while characters.next_if(|c| c.is_whitespace()).is_some() {}
        match characters.peek() {
            None | Some('#') => return Ok(words),
            Some(_) => {}
        }
        let mut word = Word { text: String::new(), quoted: false };
        while let Some(character) = characters.next_if(|c| !c.is_whitespace()) {
            match character {
                '"' => {
                    word.quoted = true;
                    quoted(&mut characters, &mut word.text)?;
                }
                '/' if word.text.ends_with(['~', '=']) => {
                    word.text.push('/');
                    regex(&mut characters, &mut word.text)?;
                }
                other => word.text.push(other),
            }
        }
        words.push(word);
    }
}

type Characters<'a> = core::iter::Peekable<core::str::Chars<'a>>;

fn quoted(characters: &mut Characters<'_>, text: &mut String) -> Result<(), String> {
    loop {
        match characters.next().ok_or("a quotation mark is open")? {
            '"' => return Ok(()),
            '\\' => text.push(match characters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(other) => other,
                None => return Err("a quotation mark is open".to_owned()),
            }),
            other => text.push(other),
        }
    }
}

/// Up to the slash that ends a word; `\/` is one that does not. A value that only begins with a slash ends as any word.
fn regex(characters: &mut Characters<'_>, text: &mut String) -> Result<(), String> {
    let is_match = text.ends_with("~/");
    let rest: String = characters.clone().collect();
    if !is_match && !closes(&rest) {
        return Ok(());
    }
    loop {
        match characters.next().ok_or("a regex has no slash at its end")? {
            '/' => {
                text.push('/');
                return Ok(());
            }
            '\\' if characters.peek() == Some(&'/') => text.extend(characters.next()),
            other => text.push(other),
        }
    }
}

/// Whether a slash ends a word somewhere.
fn closes(rest: &str) -> bool {
    rest.match_indices('/').any(|(at, _)| rest[at + 1..].chars().next().is_none_or(char::is_whitespace))
}

/// A line as reports may show it.
fn without_passwords(text: &str) -> String {
    let hide = |word: &str| {
        if let Some((name, _)) = word.split_once('=').filter(|(name, _)| *name == "password") {
            return format!("{name}=…");
        }
        match (word.split_once("://"), word.rsplit_once('@')) {
            (Some((scheme, rest)), Some((_, host))) if rest.contains('@') => {
                let user = rest.split([':', '@']).next().unwrap_or_default();
                format!("{scheme}://{user}:…@{host}")
            }
            _ => word.to_owned(),
        }
    };
    let hidden: Vec<String> = text.split(' ').map(hide).collect();
    // JSON has a form of its own.
    if text.contains("\"password\"") { "send {…}".to_owned() } else { hidden.join(" ") }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ScriptError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Action {
        parse(text).unwrap().remove(0).action
    }

    #[test]
    fn words_keep_what_quotes_and_regexes_hold() {
        let texts: Vec<String> = words(r#"text="a \"b\" # c" x~/d e\/f/ y=1 # rest"#)
            .unwrap()
            .into_iter()
            .map(|word| word.text)
            .collect();
        assert_eq!(texts, [r#"text=a "b" # c"#, "x~/d e/f/", "y=1"]);
        assert!(words("\"open").is_err() && words("x~/open").is_err());
    }

    #[test]
    fn a_request_says_its_fields_its_answer_and_its_name() {
        let Action::Request { command, request } = one("submit_sm to=1 text=\"a=b c\" -> ESME_ROK as first")
        else {
            panic!("a request")
        };
        assert_eq!(command, "submit_sm");
        assert_eq!(request.fields[1], ("text".to_owned(), "a=b c".to_owned()));
        assert_eq!((request.status, request.keep.as_deref()), (Some(CommandStatus::ESME_ROK), Some("first")));
    }

    #[test]
    fn each_way_to_compare_is_read() {
        let Action::Expect { within, matches, .. } =
            one("expect deliver_sm within 2s a=1 b!=2 c~/x y/ d=1..5 e<5 f>=7 g !h i=/^z$/ j=\"1..5\"")
        else {
            panic!("an expectation")
        };
        assert_eq!(within, Some(Duration::from_secs(2)));
        let wants: Vec<String> = matches
            .iter()
            .map(|m| match &m.want {
                Want::Is(value) => format!("{}={value}", m.field),
                Want::IsNot(value) => format!("{}!={value}", m.field),
                Want::Like(regex) => format!("{}~{regex}", m.field),
                Want::Range(low, high) => format!("{} {low} {high}", m.field),
                Want::There => m.field.clone(),
                Want::Absent => format!("!{}", m.field),
            })
            .collect();
        let to_the_end = format!("f 7 {}", u64::MAX);
        assert_eq!(
            wants,
            ["a=1", "b!=2", "c~x y", "d 1 5", "e 0 4", &to_the_end, "g", "!h", "i~^z$", "j=1..5"]
        );
    }

    #[test]
    fn sessions_comments_and_long_lines() {
        let steps = parse("# comment\n\na: bind receiver \\\n  smpp://h\nb: wait 1s # end\n").unwrap();
        assert_eq!(steps.len(), 2);
        assert_eq!((steps[0].line, steps[0].session.as_deref()), (3, Some("a")));
        assert!(matches!(
            &steps[0].action,
            Action::Bind { mode: Some(BindMode::Receiver), url: Some(_), .. }
        ));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (text, named) in [
            ("\nsubmit_sn to=1", "line 2: \"submit_sn\" names no PDU; did you mean submit_sm?"),
            ("submit_sm to", "no FIELD=VALUE"),
            ("submit_sm -> ESME_NONE", "ESME_NONE"),
            ("wait soon", "soon"),
            ("raw 0", "hexadecimal"),
            ("send {", "JSON"),
            ("expect", "expect what?"),
            ("expect closed a=1", "no fields"),
            ("expect deliver_sm a~/(/", "no regex"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(named), "{text:?}: {error}");
        }
    }

    #[test]
    fn reports_show_no_password() {
        let shown = |text| parse(text).unwrap().remove(0).shown;
        assert_eq!(shown("bind smpp://app:s3cret@h:1"), "bind smpp://app:…@h:1");
        assert_eq!(shown("bind system_id=a password=s3cret"), "bind system_id=a password=…");
        let json = r#"send {"command": "bind_receiver", "password": "s3cret"}"#;
        assert!(!shown(json).contains("s3cret"));
    }
}
