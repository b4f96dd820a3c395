//! What the chain would say to calls, before anybody pays for them. None of them shows a preimage.

use super::endpoint::{Endpoint, cut};
use super::{NodeError, Result};
use crate::account::Call;
use crate::bindings::HashLanes::HashLanesErrors;
use alloy::primitives::Address;
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::rpc::types::simulate::{SimBlock, SimulatePayload};
use alloy::sol_types::SolInterface;

/// The error code of a call that reverted.
const REVERTED: i64 = 3;

fn request(from: Address, call: &Call) -> TransactionRequest {
    TransactionRequest::default()
        .from(from)
        .to(call.to)
        .value(call.value)
        .gas_limit(call.gas)
        .input(call.input.clone().into())
}

impl Endpoint {
    /// Whether the call would succeed today with the gas that it names. [`NodeError::Reverted`]: it would not.
    pub(super) async fn try_call(&self, from: Address, call: &Call) -> Result<()> {
        self.within(self.provider.call(request(from, call)))
            .await
            .map(drop)
    }

    /// Whether the last of these calls, made one after the other, would succeed today. Not every node can say: older
    /// ones answer with another error than [`NodeError::Reverted`].
    pub(super) async fn try_calls(&self, from: Address, calls: &[Call]) -> Result<()> {
        let block = SimBlock::default().extend_calls(calls.iter().map(|call| request(from, call)));
        let payload = SimulatePayload {
            block_state_calls: vec![block],
            ..SimulatePayload::default()
        };
        let blocks = self.within(self.provider.simulate(&payload)).await?;
        let done = blocks.into_iter().next().map(|block| block.calls);
        let last = done
            .filter(|done| done.len() == calls.len())
            .and_then(|mut done| done.pop());
        let last = last.ok_or(NodeError::Odd(
            "a simulation answered with another number of calls",
        ))?;
        if last.status {
            return Ok(());
        }
        // Nodes differ in where they put what the contract said.
        let data = last.error.as_ref().and_then(|error| error.data.as_ref());
        let said = contract_says(data.unwrap_or(&last.return_data));
        let message = last.error.as_ref().map_or("it reverts", |error| &error.message);
        Err(NodeError::Reverted(
            said.map_or_else(|| cut(message), str::to_owned),
        ))
    }
}

/// The contract's own errors that a lock can meet, in words for whoever chose the token.
pub(super) fn contract_says(data: &[u8]) -> Option<&'static str> {
    match HashLanesErrors::abi_decode(data).ok()? {
        HashLanesErrors::WrongAmountReceived(_) => {
            Some("its transfers move another amount than asked (does it keep a fee?): no lock of it is exact")
        }
        HashLanesErrors::TransferFailed(_) => Some("it refuses the transfer"),
        _ => None,
    }
}

/// The code that nodes agreed on, or the words of those that use another: a revert, or a call that broke otherwise.
pub(super) fn is_revert(code: i64, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    let words = [
        "revert",
        "out of gas",
        "outofgas",
        "opcode",
        "invalid jump",
        "vm execution error",
    ];
    code == REVERTED || words.iter().any(|word| message.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::sol_types::SolError;

    #[test]
    fn a_contract_that_says_no_is_told_from_a_node_that_does() {
        for (code, message) in [
            (3, "execution reverted"),
            (-32_000, "execution reverted: blocked"),
            (-32_000, "out of gas"),
            (-32_000, "invalid opcode: INVALID"),
            (-32_603, "EVM error OutOfGas"),
            (-32_015, "VM execution error."),
        ] {
            assert!(is_revert(code, message), "{message}");
        }
        for (code, message) in [
            (-32_005, "rate limit exceeded"),
            (-32_601, "the method eth_simulateV1 does not exist"),
            (-32_000, "header not found"),
        ] {
            assert!(!is_revert(code, message), "{message}");
        }
    }

    #[test]
    fn only_what_the_contract_says_of_a_token_gets_our_words() {
        use crate::bindings::HashLanes;
        let fee = HashLanes::WrongAmountReceived {}.abi_encode();
        assert!(contract_says(&fee).is_some_and(|why| why.contains("another amount")));
        let no = HashLanes::TransferFailed {}.abi_encode();
        assert!(contract_says(&no).is_some_and(|why| why.contains("refuses")));
        assert_eq!(contract_says(&HashLanes::LaneBusy {}.abi_encode()), None);
        assert_eq!(contract_says(&[]), None);
    }
}
