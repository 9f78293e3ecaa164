//! Accounts, changed while the simulator runs.

use axum::extract::State;
use smppkit_ops::{Json, Path, Problem};

use super::Operated;
use crate::node::Node;
use crate::settings::{Account, SmscSettings};

/// Accounts an SMSC takes at most.
const LIMIT: usize = 10_000;

/// The accounts of an SMSC. Nobody listed means that anybody may bind.
#[utoipa::path(get, path = "/api/v1/smscs/{smsc}/accounts", tag = "accounts",
    params(("smsc" = String, Path, description = "The SMSC's name")),
    responses((status = 200, body = Vec<Account>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(operated): State<Operated>,
    Path(smsc): Path<String>,
) -> Result<Json<Vec<Account>>, Problem> {
    Ok(Json(operated.node(&smsc)?.settings.load().account.clone()))
}

/// Adds an account, or puts it in place of the one with its name. Sessions that are bound stay bound.
///
/// From the first account on only those that are listed may bind.
#[utoipa::path(put, path = "/api/v1/smscs/{smsc}/accounts/{system_id}", tag = "accounts", request_body = Account,
    params(("smsc" = String, Path, description = "The SMSC's name"),
        ("system_id" = String, Path, description = "The account's name")),
    responses((status = 200, body = Account), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn put(
    State(operated): State<Operated>,
    Path((smsc, system_id)): Path<(String, String)>,
    Json(account): Json<Account>,
) -> Result<Json<Account>, Problem> {
    let node = operated.node(&smsc)?;
    if account.system_id != system_id {
        let detail = format!("system_id: is {:?}, but the path says {system_id:?}", account.system_id);
        return Err(Problem::unprocessable(detail).with("field", "system_id"));
    }
    let put = account.clone();
    change(node, |settings| {
        let at = settings.account.iter().position(|known| known.system_id == system_id);
        if at.is_none() && settings.account.len() >= LIMIT {
            return Err(Problem::conflict(format!("there are {LIMIT} accounts already")));
        }
        settings.account.retain(|known| known.system_id != system_id);
        settings.account.insert(at.unwrap_or(settings.account.len()), put);
        Ok(())
    })?;
    Ok(Json(account))
}

/// Takes an account away. Sessions that are bound stay bound; the last one that goes lets anybody bind again.
#[utoipa::path(delete, path = "/api/v1/smscs/{smsc}/accounts/{system_id}", tag = "accounts",
    params(("smsc" = String, Path, description = "The SMSC's name"),
        ("system_id" = String, Path, description = "The account's name")),
    responses((status = 200, body = Account), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn remove(
    State(operated): State<Operated>,
    Path((smsc, system_id)): Path<(String, String)>,
) -> Result<Json<Account>, Problem> {
    let node = operated.node(&smsc)?;
    change(node, |settings| {
        let at = settings.account.iter().position(|known| known.system_id == system_id);
        let at = at.ok_or_else(|| Problem::not_found(format!("there is no account {system_id:?}")))?;
        Ok(Json(settings.account.remove(at)))
    })
}

pub(super) fn change<R>(
    node: &Node,
    change: impl FnOnce(&mut SmscSettings) -> Result<R, Problem>,
) -> Result<R, Problem> {
    let mut settings = SmscSettings::clone(&node.settings.load());
    let answer = change(&mut settings)?;
    node.configure(settings).map_err(|error| Problem::unprocessable(error.to_string()))?;
    Ok(answer)
}
