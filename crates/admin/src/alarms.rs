//! What needs a person, and what needed one in the last hour.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{FromRef, State};
use serde::Serialize;
use smppkit_ops::Json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What an app tells now and then.
#[derive(Debug, Default)]
pub struct Alarms {
    /// The oldest first.
    inside: Mutex<VecDeque<Alarm>>,
}

/// Something that needs a person, or needed one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Alarm {
    /// What it is about, the same each time.
    #[schema(example = "up/down")]
    key: String,
    /// In words.
    #[schema(example = "up is down")]
    title: String,
    /// When it was first seen, in milliseconds since 1970.
    began_ms: i64,
    /// When it was seen no more.
    ended_ms: Option<i64>,
}

/// How long one is kept that has ended.
const KEPT_MS: i64 = 3_600_000;
/// As many are kept at most; the oldest go.
const LIMIT: usize = 500;

impl Alarms {
    /// Tells all that are open: their keys and titles.
    pub fn take(&self, now_ms: i64, open: &[(String, String)]) {
        let mut alarms = self.inside();
        for alarm in alarms.iter_mut().filter(|alarm| alarm.ended_ms.is_none()) {
            if !open.iter().any(|(key, _)| *key == alarm.key) {
                alarm.ended_ms = Some(now_ms);
            }
        }
        for (key, title) in open {
            if !alarms.iter().any(|alarm| alarm.ended_ms.is_none() && alarm.key == *key) {
                let (key, title) = (key.clone(), title.clone());
                alarms.push_back(Alarm { key, title, began_ms: now_ms, ended_ms: None });
            }
        }
        alarms.retain(|alarm| alarm.ended_ms.is_none_or(|ended_ms| now_ms - ended_ms < KEPT_MS));
        let surplus = alarms.len().saturating_sub(LIMIT);
        alarms.drain(..surplus);
    }

    fn inside(&self) -> MutexGuard<'_, VecDeque<Alarm>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The route, for a router whose state has them.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<Alarms>: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list))
}

/// What needs a person, and what needed one in the last hour: the newest first.
#[utoipa::path(get, path = "/api/v1/alarms", tag = "status", responses((status = 200, body = Vec<Alarm>)))]
async fn list(State(alarms): State<Arc<Alarms>>) -> Json<Vec<Alarm>> {
    Json(alarms.inside().iter().rev().cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_begins_once_ends_once_and_is_forgotten_after_an_hour() {
        let alarms = Alarms::default();
        let down = [("up/down".to_owned(), "up is down".to_owned())];
        let told = || -> Vec<(i64, Option<i64>)> {
            alarms.inside().iter().map(|alarm| (alarm.began_ms, alarm.ended_ms)).collect()
        };
        alarms.take(1_000, &down);
        alarms.take(2_000, &down);
        assert_eq!(told(), [(1_000, None)]);
        alarms.take(3_000, &[]);
        alarms.take(4_000, &down);
        assert_eq!(told(), [(1_000, Some(3_000)), (4_000, None)]);
        alarms.take(3_602_999, &down);
        assert_eq!(told().len(), 2);
        alarms.take(3_603_000, &down);
        assert_eq!(told(), [(4_000, None)], "what is open stays");
        let many: Vec<(String, String)> = (0..600).map(|at| (at.to_string(), String::new())).collect();
        alarms.take(3_604_000, &many);
        assert_eq!(told().len(), LIMIT);
    }
}
