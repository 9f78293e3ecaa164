//! `smppkit inspect`: PDUs taken apart for people and for programs, and made from JSON.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal as _, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use clap::ValueEnum;
use smppkit_inspect::{
    Capture, Colour, Dialect, Direction, Dissection, Dissector, Duty, Input, InputError, Stream,
};
use smppkit_inspect::{Version, printable};

/// Takes PDUs apart: every field with its octets, value and meaning; or makes them from JSON.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// PDUs in hexadecimal, base64 or JSON; without any, and without --file, they are read from standard input
    #[arg(value_name = "PDU")]
    input: Vec<String>,
    /// Reads PDUs from a file: octets one PDU behind the other, or text as on standard input
    #[arg(long, short, value_name = "PATH", conflicts_with = "input")]
    file: Option<PathBuf>,
    /// Prints one line of JSON for each PDU, or for each line of standard input
    #[arg(long, conflicts_with_all = ["encode", "summary"])]
    json: bool,
    /// Prints one line of text for each PDU
    #[arg(long, short, conflicts_with = "encode")]
    summary: bool,
    /// Makes PDUs instead: lines of JSON in, lines of hexadecimal digits out
    #[arg(long, short)]
    encode: bool,
    /// With --encode, writes the octets themselves
    #[arg(long, requires = "encode")]
    binary: bool,
    /// Version that the peers speak
    #[arg(long, short, value_name = "VERSION", default_value = "5.0")]
    protocol: Version,
    /// What is forgiven: nothing, or what servers and clients accept by default
    #[arg(long, value_name = "DIALECT", default_value = "strict")]
    dialect: Profile,
    /// When to colour
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: When,
    /// Writes the PDUs also to a pcapng file for Wireshark
    #[arg(long, value_name = "PATH")]
    capture: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Examples:
  smppkit inspect 00000010000000150000000000000007
  smppkit inspect --protocol 3.4 --file session.bin
  smppkit inspect --json < pdus.hex
  smppkit inspect '{\"command\": \"enquire_link\", \"sequence_number\": 7}'
  smppkit inspect --encode < pdus.jsonl

Text holds one PDU a line, in hexadecimal, base64 or JSON (as --json prints
it; lengths and counts that are not given are computed). One PDU may be spread
over lines, but not on standard input with --json or --encode: there each line,
good or bad, is answered by one line before the next is read.

Exit code: 0 when all went well; 1 when a PDU had an error or could not be
read (with --json always 0: errors are in the lines); 2 when the command line
is wrong.";

/// Named dialects.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Profile {
    /// By the letter of the specifications
    Strict,
    /// As servers and clients read
    Receive,
}

/// When to do something.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum When {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The longest line that is read. The longest PDU takes a third of it in JSON.
const LINE_LIMIT_OCTETS: usize = 2 << 20;

/// Does it.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match Inspection::new(args)?.run() {
        // Whoever reads has read enough.
        Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error),
        Ok(failed) if failed && !args.json => Ok(ExitCode::FAILURE),
        Ok(_) => Ok(ExitCode::SUCCESS),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

struct Inspection<'a> {
    args: &'a Args,
    dissector: Dissector,
    colour: Colour,
    out: BufWriter<io::StdoutLock<'static>>,
    capture: Option<(Capture<BufWriter<File>>, Stream)>,
    /// Whether a PDU had an error.
    failed: bool,
}

impl<'a> Inspection<'a> {
    fn new(args: &'a Args) -> anyhow::Result<Self> {
        let dialect = match args.dialect {
            Profile::Strict => Dialect::STRICT,
            Profile::Receive => Dialect::RECEIVE,
        };
        let dissector = Dissector { version: args.protocol, dialect, ..Dissector::default() };
        let capture = args.capture.as_deref().map(open_capture).transpose()?;
        let out = BufWriter::new(io::stdout().lock());
        Ok(Self { args, dissector, colour: colour(args.color), out, capture, failed: false })
    }

    fn run(mut self) -> anyhow::Result<bool> {
        let line_by_line = self.args.json || self.args.encode;
        if !self.args.input.is_empty() {
            self.texts(&self.args.input, " ")?;
        } else if let Some(path) = &self.args.file {
            let octets = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            self.octets_or_text(octets)?;
        } else {
            let mut input = BufReader::new(io::stdin().lock());
            if line_by_line && !is_binary(input.fill_buf()?) {
                self.lines(&mut input)?;
            } else {
                let mut octets = Vec::new();
                input.read_to_end(&mut octets)?;
                self.octets_or_text(octets)?;
            }
        }
        self.out.flush()?;
        if let Some((capture, _)) = &mut self.capture {
            capture.flush()?;
        }
        Ok(self.failed)
    }

    /// A file: PDUs as they are on the wire, or text.
    fn octets_or_text(&mut self, octets: Vec<u8>) -> anyhow::Result<()> {
        if is_binary(&octets) {
            return self.pdus(self.dissector.dissect_all(&octets.into()));
        }
        let text = String::from_utf8_lossy(&octets);
        let lines: Vec<String> =
            text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
        self.texts(&lines, "\n")
    }

    /// Several texts: one PDU each, or all of them one PDU that was cut up.
    fn texts(&mut self, texts: &[String], between: &str) -> anyhow::Result<()> {
        if let [first, _, ..] = texts
            && !self.is_whole(first)
        {
            let joined = texts.join(between);
            if self.is_whole(&joined) {
                return self.text(&joined);
            }
        }
        texts.iter().try_for_each(|text| self.text(text))
    }

    fn is_whole(&self, text: &str) -> bool {
        let whole = |input: Input| {
            let defect = self.dissector.dissect(input.octets()).defect;
            defect.is_none_or(|defect| defect.duty != Duty::NeedMore)
        };
        Input::parse(text).is_ok_and(whole)
    }

    /// Standard input: each line has its answer before the next is waited for.
    fn lines(&mut self, input: &mut BufReader<impl Read>) -> anyhow::Result<()> {
        let mut line = Vec::new();
        while read_line(input, &mut line)? {
            let text = String::from_utf8_lossy(&line);
            if !text.trim().is_empty() {
                self.text(&text)?;
            }
            if !input.buffer().contains(&b'\n') {
                self.out.flush()?;
            }
        }
        Ok(())
    }

    /// One text.
    fn text(&mut self, text: &str) -> anyhow::Result<()> {
        match Input::parse(text) {
            Ok(input) if self.args.encode => self.encoded(&input),
            // A line has one answer, which tells how many octets follow the first PDU.
            Ok(input) if self.args.json => self.pdu(&self.dissector.dissect(input.octets())),
            Ok(input) => self.pdus(self.dissector.dissect_all(input.octets())),
            Err(error) => self.unreadable(&error),
        }
    }

    fn encoded(&mut self, input: &Input) -> anyhow::Result<()> {
        let octets = input.octets();
        for dissection in self.dissector.dissect_all(octets) {
            self.captured(&dissection)?;
        }
        if self.args.binary {
            self.out.write_all(octets)?;
        } else {
            for octet in octets {
                write!(self.out, "{octet:02x}")?;
            }
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn pdus(&mut self, dissections: impl Iterator<Item = Dissection>) -> anyhow::Result<()> {
        for mut dissection in dissections {
            // What follows is shown next.
            dissection.rest.clear();
            self.pdu(&dissection)?;
        }
        Ok(())
    }

    fn pdu(&mut self, dissection: &Dissection) -> anyhow::Result<()> {
        self.failed |= dissection.defect.is_some();
        self.captured(dissection)?;
        if self.args.json {
            writeln!(self.out, "{}", dissection.json_line())?;
        } else if self.args.summary {
            writeln!(self.out, "{}", dissection.summary())?;
        } else {
            writeln!(self.out, "{}", dissection.tree(self.colour))?;
        }
        Ok(())
    }

    /// A text that is no PDU has an answer where lines are counted, and a message where people read.
    fn unreadable(&mut self, error: &InputError) -> anyhow::Result<()> {
        self.failed = true;
        let stream = self.args.json || self.args.encode && !self.args.binary;
        if stream {
            writeln!(self.out, "{}", error.json_line())?;
        } else {
            self.out.flush()?;
            eprintln!("error: {}", printable(&error.to_string()));
        }
        Ok(())
    }

    fn captured(&mut self, dissection: &Dissection) -> anyhow::Result<()> {
        let Some((capture, stream)) = &mut self.capture else {
            return Ok(());
        };
        let direction = if dissection.is_mc_s() { Direction::FromListener } else { Direction::FromConnector };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        capture.write(stream, direction, now, &dissection.octets)?;
        Ok(())
    }
}

fn open_capture(path: &Path) -> anyhow::Result<(Capture<BufWriter<File>>, Stream)> {
    let cannot = || format!("cannot write {}", path.display());
    let file = BufWriter::new(File::create(path).with_context(cannot)?);
    let esme = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 40_000);
    let mc = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 2), 2775);
    Ok((Capture::new(file).with_context(cannot)?, Stream::between(esme, mc)))
}

fn colour(when: When) -> Colour {
    let wanted = match when {
        When::Always => true,
        When::Never => false,
        When::Auto => {
            let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            io::stdout().is_terminal() && !refused
        }
    };
    if wanted { Colour::On } else { Colour::Off }
}

/// Octets of the wire: a command_length below 16 million begins with a NUL, no text does.
fn is_binary(octets: &[u8]) -> bool {
    octets.first() == Some(&0)
}

/// Reads a line without its end; a longer one than the limit is cut, so that it has an answer, and passed over.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let buffered = input.fill_buf()?;
        if buffered.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = buffered.iter().position(|&octet| octet == b'\n');
        let taken = end.unwrap_or(buffered.len());
        let room = LINE_LIMIT_OCTETS.saturating_sub(line.len()).min(taken);
        line.extend_from_slice(&buffered[..room]);
        let whole = end.is_some();
        input.consume(taken + usize::from(whole));
        if whole {
            return Ok(true);
        }
    }
}
