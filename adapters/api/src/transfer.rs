//! Payments out of the wallet to somebody, outside of all swaps.

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Amount, AssetId, LegId, LegRef, Side, SwapId};

/// What the wallet is to pay.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Transfer {
    /// Names it for ever, unlike any other: 32 random bytes.
    pub id: [u8; 32],
    /// What is paid.
    pub asset: AssetId,
    /// Whom, in the chain's own notation.
    pub to: String,
    /// How much, the fee not included.
    pub amount: Amount,
    /// What is paid for it at most: satoshi per virtual byte on Bitcoin, gwei per gas on an EVM chain. `None`: what the
    /// chain asks for today.
    pub fee_rate: Option<u64>,
}

impl Transfer {
    /// The name under which its coins, or its nonce, are reserved: as if it were a leg of a swap that nobody has.
    #[must_use]
    pub fn holder(&self) -> LegRef {
        LegRef {
            swap: SwapId::new(self.id),
            leg: LegId::first(Side::Alpha),
        }
    }
}

/// A transfer that is signed. It is to be durable before it is sent: sent again it pays nobody twice.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedTransfer {
    /// What the adapter makes the same transaction of, after a restart too.
    pub prepared: Vec<u8>,
    /// The transaction's id as the chain writes it.
    pub txid: String,
    /// The most that it pays for itself.
    pub fee: Amount,
    /// In which asset.
    pub fee_asset: AssetId,
}

/// How far a transfer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transferred {
    /// The chain's node has it.
    Sent,
    /// It is in a block of the best chain.
    InBlock,
}
