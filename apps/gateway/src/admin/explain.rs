//! A dry run of the routes.

use axum::extract::State;
use smppkit_ops::{Json, Problem};

use super::Operated;
use super::entities::problem;
use crate::entities::{Draft, NotMade};
use crate::explain::{BadQuestion, Explained, Question, answer, compare};
use crate::plan::{Lives, Plan};

/// Says where a message would go and why, and what would be sent; nothing is. With a draft: as if that were
/// in use, and as it is now. Connectors that are new or were not used are then taken to be up.
#[utoipa::path(post, path = "/api/v1/explain", tag = "routes", request_body = Question,
    responses((status = 200, body = Explained), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn explain(
    State(operated): State<Operated>,
    Json(mut question): Json<Question>,
) -> Result<Json<Explained>, Problem> {
    let hub = &operated.hub;
    if let Some(draft) = question.draft.take() {
        // Settings are made ready as a whole: not in a thread that serves others.
        let explained = tokio::task::spawn_blocking(move || operated.compare(draft, &question)).await;
        return explained.map_err(|_| Problem::unavailable("the draft was not looked at"))?.map(Json);
    }
    let (plan, now_ms) = (hub.plan.load_full(), hub.now().unix_ms);
    answer(&plan, &plan.at(now_ms), &question, now_ms, hub.dice()).map(Json).map_err(|bad| in_field(&bad))
}

impl Operated {
    fn compare(&self, draft: Draft, question: &Question) -> Result<Explained, Problem> {
        let (hub, now) = (&self.hub, self.hub.now());
        let settings = self.entities.drafted(draft, &hub.key).map_err(problem)?;
        let would_be = Plan::new(settings, &mut Lives::default(), &hub.key, now);
        let would_be = would_be.map_err(|why| problem(NotMade::Invalid(why)))?;
        compare(&hub.plan.load(), &would_be, question, now, hub.dice()).map_err(|bad| in_field(&bad))
    }
}

fn in_field(bad: &BadQuestion) -> Problem {
    Problem::unprocessable(bad.to_string()).with("field", bad.field)
}
