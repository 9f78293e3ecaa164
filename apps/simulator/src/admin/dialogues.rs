//! Two-way dialogues, run on demand.

use axum::extract::State;
use smppkit_ops::{Json, Path, Problem, Span};
use smppkit_wire::observe::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::Operated;
use super::messages::submitted;
use crate::dialogue::{Dialogue, Outcome, Said, Step};
use crate::mo::Mo;
use crate::node::Node;
use crate::rules::Chance;

/// The dialogues of an SMSC.
#[utoipa::path(get, path = "/api/v1/smscs/{smsc}/dialogues", tag = "dialogues",
    params(("smsc" = String, Path, description = "The SMSC's name")),
    responses((status = 200, body = Vec<Dialogue>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(operated): State<Operated>,
    Path(smsc): Path<String>,
) -> Result<Json<Vec<Dialogue>>, Problem> {
    Ok(Json(operated.node(&smsc)?.settings.load().dialogue.clone()))
}

/// Runs a dialogue, and says how it went: a 409 when the application did not answer as it should.
#[utoipa::path(post, path = "/api/v1/smscs/{smsc}/dialogues/{name}/run", tag = "dialogues",
    params(("smsc" = String, Path, description = "The SMSC's name"),
        ("name" = String, Path, description = "The dialogue's name")),
    responses((status = 200, body = Outcome), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(super) async fn run(
    State(operated): State<Operated>,
    Path((smsc, name)): Path<(String, String)>,
) -> Result<Json<Outcome>, Problem> {
    let node = operated.node(&smsc)?;
    let settings = node.settings.load_full();
    let dialogue = settings.dialogue.iter().find(|dialogue| dialogue.name == name);
    let dialogue = dialogue.ok_or_else(|| Problem::not_found(format!("there is no dialogue {name:?}")))?;
    let outcome = hold(node, dialogue).await;
    match &outcome.failure {
        None => Ok(Json(outcome)),
        Some(failure) => {
            let said = serde_json::to_value(&outcome.said).unwrap_or_default();
            Err(Problem::conflict(failure.clone()).with("dialogue", name).with("said", said))
        }
    }
}

/// Runs all steps, up to the first that fails.
async fn hold(node: &Node, dialogue: &Dialogue) -> Outcome {
    let mut chance = Chance::of_session(node.hub.seed, dialogue.name.as_bytes(), 0);
    let mut said = Vec::new();
    // What was there before is not an answer.
    let mut seen = submitted(node).iter().map(super::messages::Submitted::number).max();
    for (at, step) in dialogue.step.iter().enumerate() {
        let done = match step {
            Step::Send { send, after } => {
                sleep(after.sample(&mut chance)).await;
                say(node, dialogue, send).map(|()| said.push(Said { by: "subscriber", text: send.clone() }))
            }
            Step::Expect { expect, within } => {
                hear(node, dialogue, &mut seen, *within).await.and_then(|text| {
                    said.push(Said { by: "application", text: text.clone() });
                    if expect.holds(&Value::Text(text.clone()), None) {
                        Ok(())
                    } else {
                        Err(format!("expected {:?}, got {text:?}", expect.to_string()))
                    }
                })
            }
        };
        if let Err(why) = done {
            let failure = Some(format!("step {}: {why}", at + 1));
            return Outcome { dialogue: dialogue.name.clone(), passed: false, failure, said };
        }
    }
    Outcome { dialogue: dialogue.name.clone(), passed: true, failure: None, said }
}

fn say(node: &Node, dialogue: &Dialogue, text: &str) -> Result<(), String> {
    let mo = Mo {
        source_addr: dialogue.subscriber.clone(),
        destination_addr: dialogue.application.clone(),
        text: text.to_owned(),
        ..Mo::default()
    };
    let parts = mo.parts(node.next_reference())?;
    let mut smsc = node.smsc();
    let account = smsc
        .account_for(dialogue.system_id.as_deref(), &dialogue.application)
        .map_err(|error| error.to_string())?;
    smsc.send_mobile_originated(account, None, parts);
    Ok(())
}

/// The next text to the subscriber.
async fn hear(
    node: &Node,
    dialogue: &Dialogue,
    seen: &mut Option<u32>,
    within: Span,
) -> Result<String, String> {
    let deadline = Instant::now() + within.0;
    loop {
        let news = node.hub.record.news();
        let next = submitted(node).into_iter().find(|message| {
            message.destination_addr == dialogue.subscriber.trim_start_matches('+')
                && message.is_whole()
                && seen.is_none_or(|seen| message.number().wrapping_sub(seen).cast_signed() > 0)
        });
        if let Some(message) = next {
            *seen = Some(message.number());
            return Ok(message.text);
        }
        if Instant::now() >= deadline {
            return Err(format!("the application sent nothing to {} within {within}", dialogue.subscriber));
        }
        let look = Instant::now() + std::time::Duration::from_millis(100);
        let _ = timeout_at(deadline.min(look), news).await;
    }
}
