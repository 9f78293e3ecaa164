//! Octets to a tree: every field with its octets, value and meaning, up to the first fault.

use core::ops::Range;
use std::borrow::Cow;

use bytes::Bytes;
use smppkit_wire::observe::{Observer, Shown, TlvSeen, Value};
use smppkit_wire::pdu::{PduDef, Role, def_of};
use smppkit_wire::tlv::TlvDef;
use smppkit_wire::{BodyError, CommandStatus, Dialect, Fault, Frame, Frames, Header, Pdu, Version};

use crate::defect::Defect;
use crate::user_data;

/// How octets are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dissector {
    /// The version the peers speak; 5.0 by default.
    pub version: Version,
    /// What is forgiven; nothing by default.
    pub dialect: Dialect,
    /// A longer command_length is refused. 69,632 by default: the longest message_payload (65,535 octets) and 4 KiB
    /// for all else.
    pub frame_limit_octets: u32,
}

impl Default for Dissector {
    fn default() -> Self {
        Self { version: Version::V50, dialect: Dialect::STRICT, frame_limit_octets: 69_632 }
    }
}

/// One PDU taken apart.
#[derive(Debug, Clone)]
pub struct Dissection {
    /// The PDU's octets, as far as they are there; all of the input when they cannot be framed.
    pub octets: Bytes,
    /// What follows the PDU in the input.
    pub rest: Bytes,
    /// The version it was read in.
    pub version: Version,
    /// The header, when all of it is there.
    pub header: Option<Header>,
    /// Header fields, fields and TLVs, in order, as far as they could be read.
    pub nodes: Vec<Node>,
    /// The PDU, when it could be read.
    pub pdu: Option<Pdu>,
    /// What is wrong first.
    pub defect: Option<Defect>,
}

/// One line of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name in the specification; an unknown TLV's tag.
    pub name: Cow<'static, str>,
    /// What it is.
    pub kind: NodeKind,
    /// Where it stands, in octets from the start of the PDU.
    pub octets: Range<usize>,
    /// Its value; none for lists and their items.
    pub value: Option<Value>,
    /// The value in words.
    pub meaning: Option<Cow<'static, str>>,
    /// What it is made of.
    pub children: Vec<Node>,
}

/// What a node of the tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// One of the four header fields.
    Header,
    /// A mandatory field, the count in front of a list, or a field of a list's item.
    Field,
    /// A counted list; its items are below it.
    List,
    /// An item of a list; its fields are below it.
    Item,
    /// A TLV; `tag`, `length` and `value` are below it.
    Tlv {
        /// Whether the tag is in the table.
        known: bool,
    },
    /// A part of a TLV or of user data.
    Part,
}

impl Dissector {
    /// Takes the first PDU apart.
    pub fn dissect(&self, octets: &Bytes) -> Dissection {
        match Frames::new(octets, self.frame_limit_octets).next() {
            Some(Ok(frame)) => self.whole(&frame, octets),
            None => self.incomplete(octets),
            Some(Err(error)) => self.unread(octets, header_nodes(octets), Defect::framing(&error)),
        }
    }

    /// Takes all PDUs apart that follow each other; the last may be one that is not all there.
    pub fn dissect_all(&self, octets: &Bytes) -> impl Iterator<Item = Dissection> + use<> {
        let dissector = *self;
        let mut rest = octets.clone();
        let mut first = true;
        core::iter::from_fn(move || {
            if rest.is_empty() && !first {
                return None;
            }
            first = false;
            let dissection = dissector.dissect(&rest);
            rest = dissection.rest.clone();
            Some(dissection)
        })
    }

    fn whole(&self, frame: &Frame<'_>, run: &Bytes) -> Dissection {
        let (header, octets) = (frame.header, frame.to_bytes());
        let (mut nodes, read) = self.read(frame);
        let (pdu, error) = match read {
            Ok(pdu) => {
                let error = pdu.check(self.version, &self.dialect).err();
                (Some(pdu), error.map(|error| BodyError { at: place(&nodes, &error, octets.len()), ..error }))
            }
            Err(error) => (None, Some(error)),
        };
        user_data::mark(&mut nodes, &octets, self.version);
        let defect = error.map(|error| Defect::body(&error, &header, error.at));
        let rest = run.slice(octets.len()..);
        Dissection { octets, rest, version: self.version, header: Some(header), nodes, pdu, defect }
    }

    /// What has come of a PDU is worth showing, even when the rest is not there.
    fn incomplete(&self, octets: &Bytes) -> Dissection {
        let mut nodes = header_nodes(octets);
        let header = Header::read(octets);
        if header.is_some() {
            // Read as if the PDU ended where the octets do.
            let mut ended = octets.to_vec();
            ended[..4].copy_from_slice(&(octets.len() as u32).to_be_bytes());
            let ended = Bytes::from(ended);
            if let Some(Ok(frame)) = Frames::new(&ended, u32::MAX).next() {
                let (read, _) = self.read(&frame);
                nodes.extend(read.into_iter().skip(nodes.len()));
            }
        }
        let defect = Defect::incomplete(octets.len(), header.as_ref());
        self.unread(octets, nodes, defect)
    }

    /// What cannot be framed: nothing is known to follow it.
    fn unread(&self, octets: &Bytes, nodes: Vec<Node>, defect: Defect) -> Dissection {
        Dissection {
            octets: octets.clone(),
            rest: Bytes::new(),
            version: self.version,
            header: Header::read(octets),
            nodes,
            pdu: None,
            defect: Some(defect),
        }
    }

    fn read(&self, frame: &Frame<'_>) -> (Vec<Node>, Result<Pdu, BodyError>) {
        let mut tree = Tree { nodes: header_nodes(frame.octets()), open: Vec::new() };
        let read = Pdu::decode_observed(frame, self.version, &self.dialect, &mut tree);
        (tree.done(), read)
    }
}

impl Dissection {
    /// The node of a name among the PDU's fields and TLVs.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// The PDU's entry in the table, in whatever version.
    pub fn def(&self) -> Option<&'static PduDef> {
        self.header.and_then(|header| def_of(header.command_id))
    }

    /// Whether only the MC may have sent it.
    pub fn is_mc_s(&self) -> bool {
        self.def().is_some_and(|def| def.senders.iter().all(|(role, _)| *role == Role::Mc))
    }

    /// The integer value of a field.
    pub(crate) fn int(&self, name: &str) -> Option<u32> {
        match self.node(name)?.value {
            Some(Value::Int(value)) => Some(value),
            _ => None,
        }
    }

    /// The text value of a field.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match &self.node(name)?.value {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

impl Node {
    pub(crate) fn new(name: impl Into<Cow<'static, str>>, kind: NodeKind, octets: Range<usize>) -> Self {
        Self { name: name.into(), kind, octets, value: None, meaning: None, children: Vec::new() }
    }

    pub(crate) fn part(name: &'static str, octets: Range<usize>, value: Value) -> Self {
        Self { value: Some(value), ..Self::new(name, NodeKind::Part, octets) }
    }

    /// The child of a name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// A list, an item: from its first octet to its last.
    fn span(mut self) -> Self {
        if let (Some(first), Some(last)) = (self.children.first(), self.children.last()) {
            self.octets = first.octets.start..last.octets.end;
        }
        self
    }
}

/// The header fields, as far as they are there.
fn header_nodes(octets: &[u8]) -> Vec<Node> {
    let names = ["command_length", "command_id", "command_status", "sequence_number"];
    let fields = names.into_iter().zip(octets.chunks_exact(4)).enumerate();
    let nodes = fields.map(|(index, (name, octets))| {
        let number = octets.iter().fold(0, |number, &octet| number << 8 | u32::from(octet));
        let meaning = match name {
            "command_id" => def_of(number).map(|def| Cow::Borrowed(def.name)),
            "command_status" => CommandStatus(number).name().map(Cow::Borrowed),
            _ => None,
        };
        let node = Node::new(name, NodeKind::Header, index * 4..index * 4 + 4);
        Node { value: Some(Value::Int(number)), meaning, ..node }
    });
    nodes.collect()
}

/// Where a fault of value stands: the check does not know, the tree does. What is missing would stand at the end.
fn place(nodes: &[Node], error: &BodyError, end: usize) -> usize {
    if matches!(error.fault, Fault::TlvMissing(_)) {
        return end;
    }
    nodes.iter().find(|node| node.name == error.field).map_or(0, |node| node.octets.start)
}

/// Builds the tree while the PDU is read.
struct Tree {
    nodes: Vec<Node>,
    /// The list being read, and its item.
    open: Vec<Node>,
}

impl Tree {
    fn push(&mut self, node: Node) {
        self.open.last_mut().map_or(&mut self.nodes, |open| &mut open.children).push(node);
    }

    fn close_item(&mut self) {
        if let Some(item) = self.open.pop_if(|open| open.kind == NodeKind::Item) {
            self.push(item.span());
        }
    }

    /// The tree, with whatever a fault left open.
    fn done(mut self) -> Vec<Node> {
        while let Some(open) = self.open.pop() {
            if open.kind == NodeKind::List || !open.children.is_empty() {
                self.push(open.span());
            }
        }
        self.nodes
    }
}

impl Observer for Tree {
    fn field(&mut self, name: &'static str, octets: Range<usize>, shown: impl FnOnce() -> Shown) {
        let Shown { value, meaning } = shown();
        self.push(Node { value: Some(value), meaning, ..Node::new(name, NodeKind::Field, octets) });
    }

    fn list(&mut self, name: &'static str) {
        // The count has just been read: the list begins behind it.
        let at = self.nodes.last().map_or(0, |count| count.octets.end);
        self.open.push(Node::new(name, NodeKind::List, at..at));
    }

    fn item(&mut self) {
        self.close_item();
        let at = self.open.last().map_or(0, |list| list.octets.end);
        self.open.push(Node::new("", NodeKind::Item, at..at));
    }

    fn list_end(&mut self, octets: Range<usize>) {
        self.close_item();
        if let Some(list) = self.open.pop() {
            self.push(Node { octets, ..list });
        }
    }

    fn tlv(&mut self, seen: impl FnOnce() -> TlvSeen) {
        let seen = seen();
        let (start, end) = (seen.octets.start, seen.octets.end);
        let name = seen.name.map_or_else(|| Cow::Owned(seen.tag.to_string()), Cow::Borrowed);
        let value = seen.typed();
        let meaning = seen.def.and_then(|def| tlv_meaning(def, &value));
        let parts = vec![
            Node::part("tag", start..start + 2, Value::Int(u32::from(seen.tag.0))),
            Node::part("length", start + 2..start + 4, Value::Int((end - start - 4) as u32)),
            Node { meaning, ..Node::part("value", start + 4..end, value) },
        ];
        let kind = NodeKind::Tlv { known: seen.def.is_some() };
        self.push(Node { children: parts, ..Node::new(name, kind, seen.octets) });
    }
}

/// A TLV's value in words, where the wire types have some.
pub(crate) fn tlv_meaning(def: &TlvDef, value: &Value) -> Option<Cow<'static, str>> {
    let &Value::Int(number) = value else {
        return None;
    };
    (def.meaning)(number).map(Cow::Borrowed)
}
