//! Payments from the owner account to others. Each has a nonce of its own from when it is signed: under that nonce the chain
//! takes it once, however often it is sent, and at whatever fee.

use crate::account::{Call, Signed};
use crate::bindings::Erc20;
use crate::config::EvmConfig;
use crate::contract::contract_address;
use crate::engine::Engine;
use crate::fees::{END_TOKEN_GAS, Fee, LOCK_TOKEN_GAS, PAYMENT_GAS};
use crate::htlc::token_of;
use crate::node::NodeError;
use crate::payee::{RESERVED, address};
use crate::prepared::Numbered;
use crate::purse::{Earmark, Purse, Shortage, Trouble};
use crate::send::Sender;
use alloy::eips::BlockId;
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolCall;
use kofo_adapter_api::{AdapterError, SignedTransfer, Transfer, Transferred};
use kofo_primitives::{Amount, LegRef};
use tokio::sync::oneshot;

/// So much of an address that is none is shown, in characters.
const SHOWN: usize = 100;
/// Coins to an account with code of its own.
const CODE_GAS: u64 = 100_000;
const GWEI: u128 = 1_000_000_000;
const VERSION: u8 = 1;

type Answer<T> = oneshot::Sender<Result<T, AdapterError>>;

/// What the engine is asked about payments.
pub(crate) enum Payment {
    /// To sign one, and keep so much of the asset.
    Sign(Transfer, Amount, Answer<SignedTransfer>),
    /// To send one.
    Send(Transfer, SignedTransfer, Answer<Transferred>),
    /// To let go of what one holds.
    Drop(LegRef, Answer<()>),
}

impl Engine {
    pub(crate) async fn payment(&mut self, payment: Payment) {
        match payment {
            Payment::Sign(transfer, keep, answer) => {
                let signed = self.sign_payment(&transfer, keep).await;
                // Whoever asked may be gone: then nobody will send it.
                if answer.send(signed).is_err() {
                    self.drop_payment(transfer.holder());
                }
            }
            Payment::Send(transfer, signed, answer) => {
                let sent = self.send_payment(&transfer, &signed).await;
                let _gone = answer.send(sent);
            }
            Payment::Drop(holder, answer) => {
                self.drop_payment(holder);
                let _gone = answer.send(Ok(()));
            }
        }
    }

    async fn sign_payment(
        &mut self,
        transfer: &Transfer,
        keep: Amount,
    ) -> Result<SignedTransfer, AdapterError> {
        let purse = self.purse.clone();
        let node = |error: NodeError| purse.node_error(&error);
        let to = payee(&purse.config, transfer)?;
        let token = token_of(&purse.config, &transfer.asset)?;
        let call = call(&purse, token, (to, transfer.amount)).await.map_err(node)?;
        let head = purse.node.best().await.map_err(node)?;
        let price = purse.price(head.base_fee).await.map_err(node)?;
        let fee = fee(&purse.config, transfer.fee_rate, price)?;
        let holder = transfer.holder();
        let refused = |trouble| purse.adapter_error(&transfer.asset, trouble);
        affords(&purse, transfer, (token, keep), fee.of(call.gas), fee)
            .await
            .map_err(refused)?;
        let owner = purse.owner.address();
        purse
            .node
            .try_call(owner, &call)
            .await
            .map_err(|error| match error {
                NodeError::Reverted(why) => AdapterError::PayeeRefused {
                    asset: transfer.asset.clone(),
                    why,
                },
                other => purse.node_error(&other),
            })?;
        let mined = purse
            .node
            .nonce(owner, BlockId::hash(head.hash))
            .await
            .map_err(node)?;
        let numbered = Numbered {
            nonce: self.sender.next_nonce(mined),
            gas: call.gas,
            fee,
        };
        self.hold_payment(transfer, numbered.nonce);
        let signed = match signed(&purse, &call, numbered).await {
            Ok(signed) => signed,
            Err(error) => {
                self.drop_payment(holder);
                return Err(error);
            }
        };
        tracing::info!(chain = %purse.config.chain(), %holder.swap, nonce = numbered.nonce, "a payment is signed");
        let (value, input) = (call.value.to_be_bytes::<32>(), call.input.to_vec());
        let form = (VERSION, numbered, *call.to.0, value, input);
        Ok(SignedTransfer {
            prepared: borsh::to_vec(&form).expect("writing to memory does not fail"),
            txid: signed.hash.to_string(),
            fee: Amount::new(fee.of(call.gas)),
            fee_asset: purse.config.coin.clone(),
        })
    }

    fn hold_payment(&mut self, transfer: &Transfer, nonce: u64) {
        let holder = transfer.holder();
        self.sender.hold_nonce(holder, nonce);
        let earmark = Earmark {
            asset: transfer.asset.clone(),
            amount: transfer.amount,
        };
        self.purse.ledger().earmarks.insert(holder, earmark);
    }

    fn drop_payment(&mut self, holder: LegRef) {
        self.sender.free_nonce(holder);
        self.purse.ledger().earmarks.remove(&holder);
    }

    async fn send_payment(
        &mut self,
        transfer: &Transfer,
        prepared: &SignedTransfer,
    ) -> Result<Transferred, AdapterError> {
        let purse = self.purse.clone();
        let node = |error: NodeError| purse.node_error(&error);
        let (call, numbered) = read(prepared)?;
        // First of all, so that nothing else takes its nonce, whatever the node says.
        self.hold_payment(transfer, numbered.nonce);
        let head = purse.node.best().await.map_err(node)?;
        let owner = purse.owner.address();
        let mined = purse
            .node
            .nonce(owner, BlockId::hash(head.hash))
            .await
            .map_err(node)?;
        if numbered.nonce < mined {
            self.drop_payment(transfer.holder());
            return Ok(Transferred::InBlock);
        }
        let price = purse.price(head.base_fee).await.map_err(node)?;
        let mut fee = numbered.fee;
        // Blocks became dearer: the same payment, under the same nonce, for more.
        if price > fee.max && transfer.fee_rate.is_none() {
            fee = purse.config.fees.bump(fee, price).unwrap_or(fee);
        }
        let signed = signed(&purse, &call, Numbered { fee, ..numbered }).await?;
        Sender::pay(&purse, &signed).await.map_err(node)?;
        Ok(Transferred::Sent)
    }
}

async fn signed(purse: &Purse, call: &Call, numbered: Numbered) -> Result<Signed, AdapterError> {
    let signed = purse
        .owner
        .sign(&purse.config, call, numbered.nonce, numbered.fee);
    signed.await.map_err(|source| purse.signer_error(source))
}

/// What was signed, read back.
fn read(signed: &SignedTransfer) -> Result<(Call, Numbered), AdapterError> {
    type Form = (u8, Numbered, [u8; 20], [u8; 32], Vec<u8>);
    let form = borsh::from_slice::<Form>(&signed.prepared).ok();
    let form = form.filter(|(version, ..)| *version == VERSION);
    let (_, numbered, to, value, input) = form.ok_or_else(|| AdapterError::Malformed {
        field: "signed transfer",
        expected: "one of this adapter".to_owned(),
        got: format!("{} bytes", signed.prepared.len()),
    })?;
    let call = Call {
        to: to.into(),
        value: U256::from_be_bytes(value),
        input: input.into(),
        gas: numbered.gas,
    };
    Ok((call, numbered))
}

fn payee(config: &EvmConfig, transfer: &Transfer) -> Result<Address, AdapterError> {
    let malformed = |expected: &str| AdapterError::Malformed {
        field: "address to pay to",
        expected: expected.to_owned(),
        got: transfer.to.chars().take(SHOWN).collect(),
    };
    let form = "an address as 0x and 40 hexadecimal digits, in lower case or with the capitals of EIP-55";
    let to = address(&transfer.to).ok_or_else(|| malformed(form))?;
    let token = token_of(config, &transfer.asset)?;
    let contract = contract_address(config.profile, config.chain_id);
    if to == contract || to == token || to.starts_with(&RESERVED) {
        return Err(malformed(
            "an address that somebody has: none of a token, a precompile or the swap contract",
        ));
    }
    if transfer.amount == Amount::ZERO {
        let (asset, have, least) = (transfer.asset.clone(), Amount::ZERO, Amount::new(1));
        return Err(AdapterError::Dust { asset, have, least });
    }
    Ok(to)
}

async fn call(purse: &Purse, token: Address, (to, amount): (Address, Amount)) -> Result<Call, NodeError> {
    let amount = U256::from(amount.units());
    if !token.is_zero() {
        let input = Erc20::transferCall { to, amount }.abi_encode().into();
        return Ok(Call {
            to: token,
            value: U256::ZERO,
            input,
            gas: END_TOKEN_GAS,
        });
    }
    let has_code = !purse.node.our_code(to).await?.is_empty();
    Ok(Call {
        to,
        value: amount,
        input: Bytes::new(),
        gas: if has_code { CODE_GAS } else { PAYMENT_GAS },
    })
}

/// What was asked for, or today's.
fn fee(config: &EvmConfig, asked: Option<u64>, price: u128) -> Result<Fee, AdapterError> {
    let policy = &config.fees;
    let Some(gwei) = asked else {
        return Ok(policy.today(price));
    };
    let max = u128::from(gwei).saturating_mul(GWEI);
    if max < policy.floor.max(1) || max > policy.cap {
        return Err(AdapterError::Malformed {
            field: "fee rate",
            expected: format!(
                "{} to {} gwei per gas",
                policy.floor.max(GWEI) / GWEI,
                policy.cap / GWEI
            ),
            got: gwei.to_string(),
        });
    }
    let tip = if policy.legacy { max } else { policy.tip.min(max) };
    Ok(Fee { max, tip })
}

/// Whether the owner has the amount, what is to stay, and the gas: of the payment, of the locks that may still be built,
/// and of the ends of all open legs.
async fn affords(
    purse: &Purse,
    transfer: &Transfer,
    (token, keep): (Address, Amount),
    own: u128,
    fee: Fee,
) -> Result<(), Trouble> {
    let coin = &purse.config.coin;
    let top_ups = purse.top_ups(None).await?;
    let open = u128::try_from(purse.ledger().ends.len()).unwrap_or(u128::MAX);
    let locks = fee.of(LOCK_TOKEN_GAS).saturating_mul(open);
    let gas = purse
        .cost(&top_ups, fee)
        .saturating_add(locks)
        .saturating_add(own);
    let coins = purse.has(Address::ZERO).await?;
    let coins = coins.saturating_sub(purse.earmarked(coin, None));
    let amount = transfer.amount.units().saturating_add(keep.units());
    let short = |asset, have, need| {
        let (have, need) = (Amount::new(have), Amount::new(need));
        Err(Trouble::Short(Shortage::Funds { asset, have, need }))
    };
    if token.is_zero() {
        let need = amount.saturating_add(gas);
        return if coins < need {
            short(coin.clone(), coins, need)
        } else {
            Ok(())
        };
    }
    let tokens = purse.has(token).await?;
    let tokens = tokens.saturating_sub(purse.earmarked(&transfer.asset, None));
    if tokens < amount {
        return short(transfer.asset.clone(), tokens, amount);
    }
    if coins < gas {
        short(coin.clone(), coins, gas)
    } else {
        Ok(())
    }
}
