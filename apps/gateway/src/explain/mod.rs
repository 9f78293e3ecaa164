//! Where a message would go and why, without sending it.

mod drafted;
mod question;

use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use smppkit_net::Now;
use smppkit_relay::{Outgoing, Parcel, fit, from_neutral, outgoing};
use smppkit_route::{Decision, Explanation, Targets};
use smppkit_wire::pdu::table::{DeliverSm, SubmitSm};
use utoipa::ToSchema;

use crate::access::{Judgement, ServerKey};
use crate::facts::{Origin, of_deliver_sm, of_submit_sm};
use crate::plan::{Account, Lives, Plan, Upstream};
use crate::settings::{Settings, millis};

pub(crate) use self::drafted::compare;
use self::question::bad;
pub use self::question::{BadQuestion, Question};

/// Where it would go, and why.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Explained {
    /// What becomes of its source address.
    pub source: SourceSeen,
    /// What each rule says of it, how the targets stand, and what comes of it; nothing for a source that is
    /// refused.
    #[schema(value_type = Option<Object>)]
    pub explanation: Option<Explanation>,
    /// The connector or account it would go to.
    pub to: Option<String>,
    /// The PDU that would be sent there.
    #[schema(value_type = Option<Object>)]
    pub pdu: Option<Value>,
    /// Parts that its text has.
    pub parts: usize,
    /// All of it in words, line by line.
    pub words: String,
    /// Beside an answer to a draft: the same message as things are now, if its account or connector is there.
    #[schema(no_recursion)]
    pub before: Option<Box<Explained>>,
}

/// What becomes of a source address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceSeen {
    /// The account may use it.
    Allowed,
    /// It may not; another takes its place.
    Rewritten,
    /// It may not: `ESME_RINVSRCADR`.
    Refused,
}

/// Answers by the settings of a file, as if every connector that is enabled were up within its hours.
pub fn explain(config: &Path, question: &Question) -> Result<Explained, String> {
    // Not whether files for TLS are here: it may be asked elsewhere.
    let settings = smppkit_ops::config::load(config).map_err(|error| error.to_string())?;
    of_settings(settings, question)
}

fn of_settings(settings: Settings, question: &Question) -> Result<Explained, String> {
    if question.draft.is_some() {
        return Err(bad("draft", "needs a gateway that runs".to_owned()).to_string());
    }
    // Nobody binds here: any key will do.
    let key = ServerKey::new(&[0; 32]);
    let now = Now::read();
    let plan = Plan::new(settings, &mut Lives::default(), &key, now)?;
    answer(&plan, &AllUp { plan: &plan, now_ms: now.unix_ms }, question, now.unix_ms, 0)
        .map_err(|bad| bad.to_string())
}

/// Connectors as they are meant to be.
struct AllUp<'a> {
    plan: &'a Plan,
    now_ms: i64,
}

impl Targets for AllUp<'_> {
    fn exists(&self, name: &str) -> bool {
        self.plan.at(self.now_ms).exists(name)
    }

    fn is_up(&self, name: &str) -> bool {
        let is_up = |upstream: &Upstream| upstream.settings.enabled && upstream.live.is_open(self.now_ms);
        self.plan.connectors.get(name).is_none_or(|upstream| is_up(upstream))
    }
}

/// Answers by a plan, and by how its targets are.
pub(crate) fn answer(
    plan: &Plan,
    targets: &dyn Targets,
    question: &Question,
    now_ms: i64,
    dice: u64,
) -> Result<Explained, BadQuestion> {
    match (&question.account, &question.connector) {
        (Some(account), None) => {
            let known = plan.accounts.get(account.as_str());
            let account = known.ok_or_else(|| bad("account", format!("there is no account {account:?}")))?;
            of_account(plan, targets, question, account, (now_ms, dice))
        }
        (None, Some(connector)) if plan.connectors.contains_key(connector.as_str()) => {
            of_connector(plan, targets, question, connector, (now_ms, dice))
        }
        (None, Some(connector)) => Err(bad("connector", format!("there is no connector {connector:?}"))),
        _ => Err(bad("account", "give either the account or the connector that it comes from".to_owned())),
    }
}

fn of_account(
    plan: &Plan,
    targets: &dyn Targets,
    question: &Question,
    account: &Account,
    (now_ms, dice): (i64, u64),
) -> Result<Explained, BadQuestion> {
    let (mut pdu, parts): (SubmitSm, usize) = question.message()?;
    let sources = &account.settings.sources;
    let source = match sources.judge(pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr.as_octets()) {
        Judgement::Allowed => SourceSeen::Allowed,
        Judgement::Rewritten(sender) => {
            (pdu.source_addr_ton, pdu.source_addr_npi) = (sender.ton, sender.npi);
            pdu.source_addr = sender.address;
            SourceSeen::Rewritten
        }
        Judgement::Refused(status) => {
            let words = format!("the account may not send from this address: {status}\n");
            let source = SourceSeen::Refused;
            return Ok(Explained {
                source,
                explanation: None,
                to: None,
                pdu: None,
                parts,
                words,
                before: None,
            });
        }
    };
    let version = question.interface_version;
    let facts = of_submit_sm(&pdu, Origin::Account(&account.name, version), now_ms);
    let explanation = plan.routes.explain(&facts, targets, dice);
    drop(facts);
    let to = sent_to(&explanation);
    let mut words = String::new();
    if source == SourceSeen::Rewritten {
        words =
            format!("the account may not send from this address: it becomes {}\n", pdu.source_addr.to_text());
    }
    words.push_str(&explanation.to_string());
    let upstream = to.as_deref().and_then(|to| plan.connectors.get(to));
    let sent = upstream.and_then(|upstream| {
        let Parcel::Message(message) = Parcel::message(pdu, version) else { return None };
        let message: &Outgoing = &message;
        let expires_ms = now_ms + millis(plan.settings.life.message.0);
        let settings = &upstream.settings;
        let (mut pdu, _) =
            outgoing(message, settings.receipts.into(), settings.version, Some(expires_ms), now_ms);
        fit(&mut pdu, settings.carry());
        from_neutral(&mut pdu, settings.alphabet.into());
        Some(crate::admin::pdu_json(&pdu.into()))
    });
    Ok(Explained { source, explanation: Some(explanation), to, pdu: sent, parts, words, before: None })
}

fn of_connector(
    plan: &Plan,
    targets: &dyn Targets,
    question: &Question,
    connector: &str,
    (now_ms, dice): (i64, u64),
) -> Result<Explained, BadQuestion> {
    let (pdu, parts): (DeliverSm, usize) = question.message()?;
    let facts = of_deliver_sm(&pdu, Origin::Connector(connector), now_ms);
    let explanation = plan.mo_routes.explain(&facts, targets, dice);
    drop(facts);
    let (to, words) = (sent_to(&explanation), explanation.to_string());
    let sent = to.as_ref().map(|_| crate::admin::pdu_json(&pdu.into()));
    let source = SourceSeen::Allowed;
    Ok(Explained { source, explanation: Some(explanation), to, pdu: sent, parts, words, before: None })
}

fn sent_to(explanation: &Explanation) -> Option<String> {
    match &explanation.decision {
        Decision::Send { target, .. } => Some(target.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
        [[account]]
        system_id = "shop"
        password = "secret"
        [account.sources]
        allowed = ["SHOP*", "447*"]

        [[connector]]
        name = "cheap"
        address = "127.0.0.1:1"
        system_id = "me"
        enabled = false

        [[connector]]
        name = "good"
        address = "127.0.0.1:2"
        system_id = "me"

        [[route]]
        name = "uk"
        destination_addr = "44*"
        to = ["cheap", "good"]

        [[mo_route]]
        text = "STOP*"
        to = "shop"
    "#;

    fn ask(question: Value) -> Result<Explained, String> {
        let settings = smppkit_ops::config::parse(CONFIG, "test").unwrap();
        of_settings(settings, &serde_json::from_value(question).unwrap())
    }

    #[test]
    fn a_message_is_followed_to_its_connector() {
        let answer = ask(serde_json::json!({
            "account": "shop", "source_addr": "SHOP1", "destination_addr": "447700900123", "text": "Grüße"
        }))
        .unwrap();
        assert_eq!((answer.source, answer.to.as_deref()), (SourceSeen::Allowed, Some("good")));
        assert!(answer.words.contains("cheap: down"), "{}", answer.words);
        let pdu = answer.pdu.unwrap();
        assert_eq!(
            (&pdu["registered_delivery"], &pdu["destination_addr"]),
            (&1.into(), &"447700900123".into())
        );
    }

    #[test]
    fn a_source_that_is_not_allowed_asks_no_route() {
        let question =
            serde_json::json!({"account": "shop", "source_addr": "BANK", "destination_addr": "44"});
        let answer = ask(question).unwrap();
        assert_eq!((answer.source, answer.explanation, answer.to), (SourceSeen::Refused, None, None));
    }

    #[test]
    fn a_message_from_a_connector_asks_the_other_routes() {
        let mut question = serde_json::json!({"connector": "good", "source_addr": "447", "text": "STOP now"});
        assert_eq!(ask(question.clone()).unwrap().to.as_deref(), Some("shop"));
        question["text"] = "GO".into();
        assert_eq!(ask(question).unwrap().to, None);
    }

    #[test]
    fn a_question_that_cannot_be_is_refused_by_its_field() {
        for (question, field) in [
            (serde_json::json!({}), "account"),
            (serde_json::json!({"account": "x"}), "account"),
            (serde_json::json!({"account": "shop", "connector": "good"}), "account"),
            (serde_json::json!({"connector": "x"}), "connector"),
            (serde_json::json!({"account": "shop", "source_addr": "1".repeat(21)}), "source_addr"),
            (serde_json::json!({"account": "shop", "text": "a", "pdu": {}}), "pdu"),
            (serde_json::json!({"account": "shop", "pdu": {"command": "bind_receiver"}}), "pdu"),
        ] {
            let error = ask(question).unwrap_err();
            assert!(error.starts_with(&format!("{field}: ")), "{error}");
        }
    }
}
