//! `kofo claim`, `kofo quotes`, `kofo book` and `kofo peers`.

mod book;
mod claim;
mod peers;
mod quotes;

pub(crate) use book::run as book;
pub(crate) use claim::run as claim;
pub(crate) use peers::run as peers;
pub(crate) use quotes::run as quotes;

use crate::failure::Refused;
use crate::node::Node;
use jsonrpsee::core::ClientError;
use kofo_node::rpc::ApiErrorKind;

/// The answer of a call about a claim; if there is none of that id, with where to look for it.
fn of_claim<T>(node: &Node, answer: Result<T, ClientError>) -> anyhow::Result<T> {
    let mut refused = match node.answer(answer) {
        Ok(answer) => return Ok(answer),
        Err(error) => error,
    };
    let data = refused
        .downcast_mut::<Refused>()
        .and_then(|refused| refused.data.as_mut());
    if let Some(data) = data.filter(|data| data.kind == ApiErrorKind::NotFound) {
        data.hint
            .get_or_insert_with(|| "see `kofo claim list` and `kofo quotes ID`".to_owned());
    }
    Err(refused)
}
