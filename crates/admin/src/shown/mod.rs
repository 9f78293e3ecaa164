//! One PDU taken apart, in the form that all pages read.

mod answer;
mod findings;
mod form;
mod node;
mod text;

pub use answer::Answer;
pub use findings::Found;
pub(crate) use node::named;
pub use node::{Class, Node};
pub use text::Text;

use bytes::Bytes;
use serde::Serialize;
use smppkit_inspect::{Defect, Dissection, Dissector, hex};
use smppkit_wire::Header;
use utoipa::ToSchema;

/// One PDU taken apart.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Shown {
    /// The PDU's name; nothing when no PDU has its command_id.
    #[schema(example = "submit_sm")]
    pub command: Option<&'static str>,
    /// Nothing when the header is not all there; so are the next two.
    #[schema(example = 4)]
    pub command_id: Option<u32>,
    /// What pairs a response with its request.
    pub sequence_number: Option<u32>,
    /// Its name, or a number where it has none.
    #[schema(example = "ESME_ROK")]
    pub command_status: Option<String>,
    /// The version it was read in.
    #[schema(example = "5.0")]
    pub version: &'static str,
    /// The PDU on one line.
    pub summary: String,
    /// Its octets, in lower case.
    pub hex: String,
    /// Its text; nothing in a PDU that carries none.
    pub text: Option<Text>,
    /// Header fields, fields and TLVs, in order.
    pub nodes: Vec<Node>,
    /// What is wrong first.
    pub defect: Option<Wrong>,
    /// What else is worth knowing.
    pub findings: Vec<Found>,
    /// What a good peer would answer; nothing to a response, and where nothing is answered.
    pub answer: Option<Answer>,
    /// The PDU in the form that encodes to the same octets; nothing when there is not even a header.
    #[schema(value_type = Object)]
    pub pdu: serde_json::Value,
}

/// What is wrong with a PDU first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Wrong {
    /// The field, by its name in the specification.
    pub field: Option<String>,
    /// Where that field begins, in octets.
    pub offset: Option<usize>,
    /// The same in words.
    pub message: String,
    /// What the receiver has to do: need_more, answer, close or drop.
    #[schema(example = "answer")]
    pub duty: &'static str,
    /// The status that says so to the sender.
    #[schema(example = "ESME_RINVMSGLEN")]
    pub status: Option<String>,
}

impl Shown {
    /// The first PDU of some octets.
    pub fn of(dissector: &Dissector, octets: &Bytes) -> Self {
        Self::new(dissector, &dissector.dissect(octets))
    }

    /// From what the dissector made of it.
    pub fn new(dissector: &Dissector, dissection: &Dissection) -> Self {
        let header = dissection.header;
        Self {
            command: dissection.def().map(|def| def.name),
            command_id: header.map(|header| header.command_id),
            sequence_number: header.map(|header| header.sequence_number),
            command_status: header.map(|header| header.command_status.to_string()),
            version: dissection.version.name(),
            summary: dissection.summary(),
            hex: hex(&dissection.octets),
            text: Text::of(dissection),
            nodes: node::nodes(dissection),
            defect: dissection.defect.as_ref().map(Wrong::new),
            findings: findings::findings(dissector, dissection),
            answer: answer::answer(dissection),
            pdu: if dissection.octets.len() < Header::OCTETS {
                serde_json::Value::Null
            } else {
                form::form(dissection)
            },
        }
    }
}

impl Wrong {
    fn new(defect: &Defect) -> Self {
        Self {
            field: defect.field.clone(),
            offset: defect.offset,
            message: defect.message.clone(),
            duty: defect.duty.name(),
            status: defect.status.map(|status| status.to_string()),
        }
    }
}
