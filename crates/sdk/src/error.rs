//! Why something did not happen.

use jsonrpsee::core::ClientError;
use kofo_node::rpc::{ApiErrorData, ConnectError};
use kofo_node::run::RunError;

/// Why something did not happen.
#[derive(Debug, thiserror::Error)]
pub enum SdkError {
    /// The node does not start, or had to stop.
    #[error(transparent)]
    Run(#[from] RunError),
    /// No node can be called.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The node said no: its sentence, its stable code, and what was expected, what came and what to do.
    #[error("{message}")]
    Refused {
        /// The code; the kinds are [`kofo_node::rpc::ApiErrorKind`].
        code: i32,
        /// One sentence for a person.
        message: String,
        /// The parts of it, if the node gave them.
        data: Option<Box<ApiErrorData>>,
    },
    /// The node is there and does not answer.
    #[error("the node does not answer: {0}; see whether it runs")]
    NoAnswer(String),
    /// No quote came that gives what is wanted.
    #[error("nobody quoted what is wanted until the claim was over{}", why.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    NoQuote {
        /// What the node says about it.
        why: Option<String>,
    },
    /// The quote that was taken came to nothing; nothing of ours is locked.
    #[error("no swap came of the quote: {why}; ask for quotes again")]
    Failed {
        /// Why.
        why: String,
    },
}

impl From<ClientError> for SdkError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Call(error) => {
                let data = error
                    .data()
                    .and_then(|data| serde_json::from_str(data.get()).ok());
                Self::Refused {
                    code: error.code(),
                    message: error.message().to_owned(),
                    data,
                }
            }
            other => Self::NoAnswer(other.to_string()),
        }
    }
}
