//! What a node's answer to a sent transaction means. None of it is proof: what became of a transaction is read from the
//! chain.

use crate::node::NodeError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// In the pool, now or already.
    Accepted,
    /// Its nonce is consumed.
    Late,
    /// Another transaction with its nonce is in the pool and pays too much to be replaced, or the pool wants more.
    Underpriced,
    /// The account cannot pay for it.
    Funds,
    /// Something else. Also that the next block's base fee is above what it pays: the block itself will tell how much.
    Refused,
    /// No answer: it may have been accepted or not.
    Lost,
}

impl Verdict {
    pub(super) fn of(answer: Result<(), NodeError>) -> Self {
        let message = match answer {
            Ok(()) => return Self::Accepted,
            Err(NodeError::Refused { message, .. } | NodeError::Reverted(message)) => {
                message.to_ascii_lowercase()
            }
            Err(NodeError::Lost(_) | NodeError::Odd(_) | NodeError::Apart(_) | NodeError::Signer(_)) => {
                return Self::Lost;
            }
        };
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        if says(&[
            "already known",
            "already imported",
            "known transaction",
            "alreadyknown",
        ]) {
            Self::Accepted
        } else if says(&["nonce too low", "nonce is too low", "oldnonce"]) {
            Self::Late
        } else if says(&["underpriced", "fee too low", "feetoolow"]) {
            Self::Underpriced
        } else if says(&["insufficient funds"]) {
            Self::Funds
        } else {
            tracing::warn!(message, "the node refuses a transaction");
            Self::Refused
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_usual_nodes_are_understood() {
        for (message, verdict) in [
            ("already known", Verdict::Accepted),
            ("transaction already imported", Verdict::Accepted),
            ("nonce too low: next nonce 5, tx nonce 4", Verdict::Late),
            ("replacement transaction underpriced", Verdict::Underpriced),
            ("insufficient funds for gas * price + value", Verdict::Funds),
            ("exceeds block gas limit", Verdict::Refused),
            ("max fee per gas less than block base fee", Verdict::Refused),
        ] {
            let error = NodeError::Refused {
                code: -32000,
                message: message.to_owned(),
            };
            assert_eq!(Verdict::of(Err(error)), verdict, "{message}");
        }
        assert_eq!(Verdict::of(Ok(())), Verdict::Accepted);
        assert_eq!(
            Verdict::of(Err(NodeError::Lost("timeout".to_owned()))),
            Verdict::Lost
        );
    }
}
