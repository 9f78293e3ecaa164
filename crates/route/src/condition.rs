//! The conditions of a rule, ready to be asked.

use smppkit_wire::tlv::{TlvKind, TlvText, TlvType as _, table, tag};
use smppkit_wire::value::{InterfaceVersion, MessageState, ReceiptRequest};
use smppkit_wire::{Tag, Version};

use crate::error::BadRoute;
use crate::facts::Facts;
use crate::field::{NumberField, TextField};
use crate::limits::Budget;
use crate::number::{Meaning, Numbers, is_name};
use crate::pattern::Texts;
use crate::rule::Rule;
use crate::time::{HourSpan, Span, Spans, Zone};
use crate::written::{Patterns, TlvWish, cut};

/// One condition.
#[derive(Debug)]
pub(crate) struct Condition {
    check: Check,
    /// As it is written, cut.
    wanted: Box<str>,
}

#[derive(Debug)]
enum Check {
    Text(TextField, Texts),
    Number(NumberField, Numbers),
    Udh(bool),
    WantsReceipt(bool),
    Hours(Zone, Spans<HourSpan>),
    Weekdays(Zone, Spans<Span>),
    From(Zone, i64),
    Until(Zone, i64),
    Tlv(Tag, TlvCheck),
    /// The decoded text.
    Said(Texts),
}

#[derive(Debug)]
enum TlvCheck {
    Present(bool),
    Number(Numbers),
    Text(Texts),
    /// In hexadecimal.
    Octets(Texts),
}

/// All conditions of a rule, those first that cost least; the text, which has to be decoded, last.
pub(crate) fn conditions(rule: &Rule, budget: &mut Budget) -> Result<Vec<Condition>, BadRoute> {
    let mut all = Vec::new();
    let mut add = |check: Check, wanted: String| all.push(Condition { check, wanted: wanted.into() });
    for field in TextField::ALL {
        let patterns = field.of(rule);
        if !patterns.is_empty() {
            let texts = Texts::new(patterns, budget).map_err(|why| bad(field.name(), why))?;
            add(Check::Text(field, texts), patterns.to_string());
        }
    }
    for field in NumberField::ALL {
        let patterns = field.of(rule);
        if !patterns.is_empty() {
            let numbers = field.numbers(patterns, budget).map_err(|why| bad(field.name(), why))?;
            add(Check::Number(field, numbers), patterns.to_string());
        }
    }
    if let Some(udh) = rule.udh {
        add(Check::Udh(udh), udh.to_string());
    }
    if let Some(wants) = rule.wants_receipt {
        add(Check::WantsReceipt(wants), wants.to_string());
    }
    for (check, wanted) in times(rule, budget)? {
        add(check, wanted);
    }
    for (name, wish) in &rule.tlv {
        let field = || format!("tlv.{}", cut(name));
        let tag = tag_of(name).map_err(|why| bad(field(), why))?;
        let check = TlvCheck::new(tag, wish, budget).map_err(|why| bad(field(), why))?;
        add(Check::Tlv(tag, check), wish.to_string());
    }
    if !rule.text.is_empty() {
        let texts = Texts::new(&rule.text, budget).map_err(|why| bad("text", why))?;
        add(Check::Said(texts), rule.text.to_string());
    }
    Ok(all)
}

fn times(rule: &Rule, budget: &mut Budget) -> Result<Vec<(Check, String)>, BadRoute> {
    let mut all = Vec::new();
    let zone = rule.zone.as_deref().map_or(Ok(Zone::default()), Zone::parse);
    let zone = zone.map_err(|why| bad("zone", why))?;
    if !rule.hours.is_empty() {
        let spans = Spans::hours(&rule.hours, budget).map_err(|why| bad("hours", why))?;
        all.push((Check::Hours(zone, spans), rule.hours.to_string()));
    }
    if !rule.weekdays.is_empty() {
        let spans = Spans::weekdays(&rule.weekdays, budget).map_err(|why| bad("weekdays", why))?;
        all.push((Check::Weekdays(zone, spans), rule.weekdays.to_string()));
    }
    if let Some(from) = &rule.valid_from {
        let moment = zone.moment(from, false).map_err(|why| bad("valid_from", why))?;
        all.push((Check::From(zone, moment), from.clone()));
    }
    if let Some(until) = &rule.valid_until {
        let moment = zone.moment(until, true).map_err(|why| bad("valid_until", why))?;
        all.push((Check::Until(zone, moment), until.clone()));
    }
    if all.is_empty() && rule.zone.is_some() {
        let why = "says nothing without hours, weekdays, valid_from or valid_until; remove it".to_owned();
        return Err(bad("zone", why));
    }
    Ok(all)
}

impl Condition {
    pub(crate) fn holds(&self, facts: &Facts<'_>) -> bool {
        match &self.check {
            Check::Text(field, texts) => texts.hold(field.value(facts)),
            Check::Number(field, numbers) => numbers.hold(field.value(facts)),
            Check::Udh(wanted) => facts.esm_class.has_udh() == *wanted,
            Check::WantsReceipt(wanted) => wants_receipt(facts) == *wanted,
            Check::Hours(zone, spans) => {
                spans.hold(zone.weekday(facts.unix_ms), zone.minute_of_day(facts.unix_ms))
            }
            Check::Weekdays(zone, spans) => spans.hold(zone.weekday(facts.unix_ms)),
            Check::From(_, moment) => *moment <= facts.unix_ms,
            Check::Until(_, moment) => facts.unix_ms < *moment,
            Check::Tlv(tag, check) => check.holds(*tag, facts),
            Check::Said(texts) => texts.hold(Some(facts.text.get())),
        }
    }

    /// The field, as rules write it.
    pub(crate) fn field(&self) -> String {
        match &self.check {
            Check::Text(field, _) => field.name().to_owned(),
            Check::Number(field, _) => field.name().to_owned(),
            Check::Udh(_) => "udh".to_owned(),
            Check::WantsReceipt(_) => "wants_receipt".to_owned(),
            Check::Hours(..) => "hours".to_owned(),
            Check::Weekdays(..) => "weekdays".to_owned(),
            Check::From(..) => "valid_from".to_owned(),
            Check::Until(..) => "valid_until".to_owned(),
            Check::Tlv(tag, _) => format!("tlv.{tag}"),
            Check::Said(_) => "text".to_owned(),
        }
    }

    /// What has to be, for people.
    pub(crate) fn wanted(&self) -> &str {
        &self.wanted
    }

    /// What is, for people.
    pub(crate) fn found(&self, facts: &Facts<'_>) -> String {
        match &self.check {
            Check::Text(field, _) => field.value(facts).map_or_else(none, shown),
            Check::Number(field, _) => field.value(facts).map_or_else(none, |number| field.shown(number)),
            Check::Udh(_) => facts.esm_class.has_udh().to_string(),
            Check::WantsReceipt(_) => wants_receipt(facts).to_string(),
            Check::Hours(zone, _)
            | Check::Weekdays(zone, _)
            | Check::From(zone, _)
            | Check::Until(zone, _) => zone.shown(facts.unix_ms),
            Check::Tlv(tag, check) => check.found(*tag, facts),
            Check::Said(_) => shown(facts.text.get()),
        }
    }

    /// With what the field begins in every message that the condition holds for: one of these.
    pub(crate) fn beginnings(&self) -> Option<(TextField, Vec<&str>)> {
        match &self.check {
            Check::Text(field, texts) => Some((*field, texts.beginnings()?)),
            _ => None,
        }
    }
}

impl TlvCheck {
    fn new(tag: Tag, wish: &TlvWish, budget: &mut Budget) -> Result<Self, String> {
        let patterns = match wish {
            TlvWish::Present(there) => return Ok(Self::Present(*there)),
            TlvWish::Value(patterns) => patterns,
        };
        match tag.def().map(|def| def.kind) {
            Some(TlvKind::Int) => Self::number(tag, patterns, budget).map(Self::Number),
            Some(TlvKind::Text) => Texts::new(patterns, budget).map(Self::Text),
            Some(TlvKind::Octets) | None => Texts::new(patterns, budget).map(Self::Octets),
        }
    }

    fn number(tag: Tag, patterns: &Patterns, budget: &mut Budget) -> Result<Numbers, String> {
        let named = |text: &str| {
            let of = |octet: u8| match tag {
                tag if tag == tag::message_state.tag() => MessageState(octet).meaning(),
                tag if tag == tag::sc_interface_version.tag() => InterfaceVersion(octet).meaning(),
                _ => None,
            };
            let named = |octet: &u8| of(*octet).is_some_and(|meaning| is_name(text, meaning));
            (0..=u8::MAX).filter(named).map(u32::from).collect()
        };
        let example = "a number, or a range such as 100..199";
        Numbers::new(patterns, &Meaning { named: &named, example, highest: u32::MAX }, budget)
    }

    /// Of several TLVs with one tag, one has to be as wanted.
    fn holds(&self, tag: Tag, facts: &Facts<'_>) -> bool {
        let mut values = facts.tlvs.iter().filter(|tlv| tlv.tag == tag).map(|tlv| tlv.value).peekable();
        if values.peek().is_none() {
            return match self {
                Self::Present(wanted) => !wanted,
                Self::Number(numbers) => numbers.hold(None),
                Self::Text(texts) | Self::Octets(texts) => texts.hold(None),
            };
        }
        match self {
            Self::Present(wanted) => *wanted,
            Self::Number(numbers) => values.any(|value| numbers.hold(u32::read(value))),
            Self::Text(texts) => values.any(|value| texts.hold(Some(&text(value)))),
            Self::Octets(texts) => values.any(|value| texts.hold(Some(&hex(value)))),
        }
    }

    fn found(&self, tag: Tag, facts: &Facts<'_>) -> String {
        let values = facts.tlvs.iter().filter(|tlv| tlv.tag == tag).map(|tlv| match self {
            Self::Number(_) => u32::read(tlv.value).map_or_else(|| hex(tlv.value), |n| n.to_string()),
            Self::Text(_) => text(tlv.value),
            Self::Present(_) | Self::Octets(_) => hex(tlv.value),
        });
        let values: Vec<String> = values.collect();
        if values.is_empty() { none() } else { shown(&values.join(", ")) }
    }
}

/// A TLV's tag by its name, or as `0x1400`.
fn tag_of(name: &str) -> Result<Tag, String> {
    if let Some(hex) = name.strip_prefix("0x") {
        return u16::from_str_radix(hex, 16)
            .map(Tag)
            .map_err(|_| "is no tag; write 0x and up to four hexadecimal digits".to_owned());
    }
    let def = table::TABLE.iter().find(|def| def.name == name);
    def.map(|def| def.tag).ok_or_else(|| "is the name of no TLV; give its tag, such as 0x1400".to_owned())
}

fn wants_receipt(facts: &Facts<'_>) -> bool {
    facts.registered_delivery.receipt() != ReceiptRequest::None
}

fn text(value: &[u8]) -> String {
    TlvText(value.strip_suffix(b"\0").unwrap_or(value)).to_text()
}

fn hex(octets: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    octets
        .iter()
        .flat_map(|octet| [DIGITS[usize::from(octet >> 4)], DIGITS[usize::from(octet & 15)]])
        .collect()
}

fn none() -> String {
    "none".to_owned()
}

fn shown(text: &str) -> String {
    format!("{:?}", cut(text))
}

fn bad(field: impl Into<String>, why: String) -> BadRoute {
    BadRoute { rule: String::new(), field: field.into(), why }
}

/// Numbers of interface_version, so that versions have an order.
pub(crate) fn version_number(version: Version) -> u32 {
    u32::from(InterfaceVersion::from(version).0)
}
