//! The port.

use crate::account::Account;
use crate::config::{EvmConfig, MAX_WITNESSES};
use crate::contract::{contract_address, runtime_code};
use crate::engine::{Command, Engine};
use crate::entrust;
use crate::htlc::{Htlc, refunder, slot, token_of};
use crate::node::{Node, NodeError};
use crate::payee::payee;
use crate::purse::{Ledger, Purse};
use crate::round;
use crate::transfer::Payment;
use alloy::primitives::{Address, U256};
use async_trait::async_trait;
use kofo_adapter_api::{
    AdapterError, ChainAdapter, Entrusted, PartyWanted, Round, RoundReply, RoundRequest, Signer, SignerError,
};
use kofo_adapter_api::{SignedTransfer, Transfer, Transferred};
use kofo_primitives::{
    Act, ActKind, Amount, AssetId, Bytes, ChainAction, ChainEvent, ChainId, End, HtlcSpec, LegRef, Party,
    Place, Prepared, Tip, Together, UnixTime,
};
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, oneshot};

/// Actions that wait for the engine.
const COMMANDS: usize = 256;
/// Payments out of the wallet that wait for the engine.
const PAYMENTS: usize = 16;
/// Events that wait for the driver. When it is full the engine waits, and with it everything: the driver must read
/// while it acts.
const EVENTS: usize = 4_096;
/// Lanes from here on are ephemeral; we use recycled ones, which are cheap from the second use on.
const EPHEMERAL: u16 = 0x8000;
/// Lanes looked at beyond those that are taken.
const SPARE_LANES: usize = 16;

/// One EVM chain with our accounts on it. Ends its task when dropped.
pub struct EvmAdapter {
    chain: ChainId,
    contract: Address,
    purse: Arc<Purse>,
    commands: mpsc::Sender<Command>,
    payments: mpsc::Sender<Payment>,
    events: tokio::sync::Mutex<mpsc::Receiver<ChainEvent>>,
}

impl EvmAdapter {
    /// Speaks to the node, checks that it is the chain that was configured and that the contract stands where it must
    /// with the code that it must have, and starts to follow the chain. Must be called in a tokio runtime. The
    /// signer must answer: it names our accounts.
    pub async fn start(config: EvmConfig, signer: Arc<dyn Signer>) -> Result<Self, AdapterError> {
        let chain = config.chain();
        let broken = |why: &NodeError| AdapterError::Node {
            chain: chain.clone(),
            why: why.to_string(),
        };
        let malformed =
            |field, expected: String, got: String| AdapterError::Malformed { field, expected, got };
        if config.witnesses.len() > MAX_WITNESSES {
            let (expected, got) = (format!("at most {MAX_WITNESSES}"), config.witnesses.len());
            return Err(malformed("witnesses", expected, got.to_string()));
        }
        let contract = contract_address(config.profile, config.chain_id);
        let runtime_code = runtime_code(config.profile, config.chain_id);
        let node = Node::new(&config, contract, runtime_code.clone()).map_err(|e| broken(&e))?;
        let (has, code) = node.our_introduction().await.map_err(|e| broken(&e))?;
        if has != config.chain_id {
            return Err(malformed(
                "chain id of the node",
                config.chain_id.to_string(),
                has.to_string(),
            ));
        }
        if code != runtime_code {
            let expected =
                format!("the HashLanes contract at {contract}: deploy it through the CREATE2 deployer");
            let got = format!("{} bytes of other code", code.len());
            return Err(malformed("code of the contract", expected, got));
        }
        match node.meet_witnesses().await {
            // It is met when it answers; until then no block counts.
            Err(error @ NodeError::Apart(_)) => tracing::warn!(%chain, %error, "a witness is missing"),
            Err(error) => {
                let expected = format!(
                    "an endpoint of chain {} with the contract at {contract}",
                    config.chain_id
                );
                return Err(malformed("witness", expected, error.to_string()));
            }
            Ok(()) => {}
        }
        let (owner, gas) =
            accounts(&signer, config.gas_accounts)
                .await
                .map_err(|source| AdapterError::Signer {
                    chain: chain.clone(),
                    source,
                })?;
        let purse = Arc::new(Purse {
            owner,
            gas,
            ledger: Mutex::new(Ledger::default()),
            runtime_code,
            node,
            config,
        });
        let (commands, received) = mpsc::channel(COMMANDS);
        let (told, events) = mpsc::channel(EVENTS);
        let (payments, asked) = mpsc::channel(PAYMENTS);
        tokio::spawn(Engine::new(Arc::clone(&purse), contract, told).run(received, asked));
        Ok(Self {
            chain,
            contract,
            purse,
            commands,
            payments,
            events: tokio::sync::Mutex::new(events),
        })
    }

    /// The accounts that pay for redeems and refunds. They are filled from the owner account ([`ChainAdapter::address`])
    /// when a leg needs it; filling them by hand saves that transaction.
    #[must_use]
    pub fn gas_addresses(&self) -> Vec<Address> {
        self.purse.gas.iter().map(Account::address).collect()
    }

    /// Asks the engine, which alone gives out nonces.
    async fn payment<T>(
        &self,
        ask: impl FnOnce(oneshot::Sender<Result<T, AdapterError>>) -> Payment,
    ) -> Result<T, AdapterError> {
        let (answer, answered) = oneshot::channel();
        let stopped = || AdapterError::Stopped(self.chain.clone());
        self.payments.send(ask(answer)).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    fn node_error(&self, error: &NodeError) -> AdapterError {
        self.purse.node_error(error)
    }

    /// A lane of ours that is free on chain and in no live offer or swap: one that was used before if there is any,
    /// because locking there costs 17,100 gas less.
    async fn free_lane(&self, taken: &[Party]) -> Result<u16, AdapterError> {
        let owner = self.purse.owner.address();
        let ours = taken
            .iter()
            .filter_map(|party| refunder(party).ok())
            .filter(|(who, _)| *who == owner);
        let taken: Vec<u16> = ours.map(|(_, lane)| lane).collect();
        let reach = taken.len().saturating_add(SPARE_LANES);
        let lanes: Vec<u16> = (0..EPHEMERAL)
            .filter(|lane| !taken.contains(lane))
            .take(reach)
            .collect();
        let slots: Vec<U256> = lanes.iter().map(|lane| slot(owner, *lane)).collect();
        let values = self
            .purse
            .node
            .our_slots(self.contract, &slots)
            .await
            .map_err(|e| self.node_error(&e))?;
        let with = |wanted: u64| {
            let wanted = U256::from(wanted);
            lanes
                .iter()
                .zip(&values)
                .find(move |(_, value)| U256::from_be_bytes(value.0) == wanted)
                .map(|(lane, _)| *lane)
        };
        with(1)
            .or_else(|| with(0))
            .ok_or_else(|| AdapterError::Malformed {
                field: "lanes",
                expected: "a free lane of the owner account".to_owned(),
                got: format!("{reach} lanes with locks in them: is another node using this seed?"),
            })
    }
}

/// The owner, and those that pay for redeems and refunds: at least one.
async fn accounts(signer: &Arc<dyn Signer>, wanted: u8) -> Result<(Account, Vec<Account>), SignerError> {
    let mut gas = Vec::new();
    for index in 0..wanted.max(1) {
        gas.push(Account::gas(signer, index).await?);
    }
    Ok((Account::owner(signer).await?, gas))
}

#[async_trait]
impl ChainAdapter for EvmAdapter {
    fn chain(&self) -> &ChainId {
        &self.chain
    }

    async fn act(&self, leg: LegRef, action: ChainAction) {
        if self.commands.send((leg, action)).await.is_err() {
            tracing::error!(chain = %self.chain, "the adapter's task has ended");
        }
    }

    async fn next(&self) -> Option<ChainEvent> {
        self.events.lock().await.recv().await
    }

    async fn tip(&self) -> Result<Tip, AdapterError> {
        let head = self.purse.node.best().await.map_err(|e| self.node_error(&e))?;
        Ok(Tip {
            height: head.height,
            time: UnixTime(head.time),
        })
    }

    async fn party(&self, wanted: PartyWanted<'_>) -> Result<Party, AdapterError> {
        token_of(&self.purse.config, wanted.asset)?;
        let payee = payee(&self.purse.config, &wanted)?;
        let mut party = payee.unwrap_or(self.purse.owner.address()).to_vec();
        if wanted.end == End::Refunder {
            party.extend(self.free_lane(wanted.taken).await?.to_be_bytes());
        }
        Ok(Bytes::new(party).expect("22 bytes fit"))
    }

    fn place(&self, asset: &AssetId) -> Result<Place, AdapterError> {
        token_of(&self.purse.config, asset)?;
        Ok(Bytes::new(self.contract.to_vec()).expect("20 bytes fit"))
    }

    async fn check(&self, leg: LegRef, spec: &HtlcSpec) -> Result<(), AdapterError> {
        let it = Htlc::new(&self.purse.config, spec)?;
        let purse = &self.purse;
        // A redeemer may be anybody: that it is the one that we named is for the order to say, which we sign.
        if spec.end == End::Refunder {
            it.ours(spec.end, purse.owner.address())?;
        }
        let asset = &spec.asset;
        let head = purse.node.best().await.map_err(|e| self.node_error(&e))?;
        let price = purse
            .price(head.base_fee)
            .await
            .map_err(|e| self.node_error(&e))?;
        self.worth_its_fees(spec, &it, price)?;
        let refused = |trouble| purse.adapter_error(asset, trouble);
        purse.pays(&it).await.map_err(refused)?;
        match spec.end {
            End::Refunder => {
                purse.afford(leg, asset, &it, price).await.map_err(refused)?;
                purse.takes(&it).await.map_err(refused)
            }
            End::Redeemer => {
                purse.payee_takes_coins(&it).await.map_err(refused)?;
                purse.afford_end(leg, &it, price).await.map_err(refused)
            }
        }
    }

    async fn sign_transfer(&self, transfer: &Transfer, keep: Amount) -> Result<SignedTransfer, AdapterError> {
        let transfer = transfer.clone();
        self.payment(|answer| Payment::Sign(transfer, keep, answer)).await
    }

    async fn send_transfer(
        &self,
        transfer: &Transfer,
        signed: &SignedTransfer,
    ) -> Result<Transferred, AdapterError> {
        let (transfer, signed) = (transfer.clone(), signed.clone());
        self.payment(|answer| Payment::Send(transfer, signed, answer))
            .await
    }

    async fn drop_transfer(&self, transfer: &Transfer) {
        let holder = transfer.holder();
        // An engine that has ended holds nothing.
        let _ended = self.payment(|answer| Payment::Drop(holder, answer)).await;
    }

    async fn balance(&self, asset: &AssetId) -> Result<Amount, AdapterError> {
        let token = token_of(&self.purse.config, asset)?;
        let has = self.purse.has(token).await.map_err(|e| self.node_error(&e))?;
        Ok(Amount::new(has.saturating_sub(self.purse.earmarked(asset, None))))
    }

    async fn address(&self, asset: &AssetId) -> Result<String, AdapterError> {
        token_of(&self.purse.config, asset)?;
        Ok(self.purse.owner.address().to_string())
    }

    async fn open_round(&self, what: Together, legs: &[(LegRef, HtlcSpec)]) -> Result<Round, AdapterError> {
        round::open(&self.purse, what, legs).await
    }

    async fn cosign(
        &self,
        what: Together,
        legs: &[(LegRef, HtlcSpec)],
        request: &RoundRequest,
    ) -> Result<RoundReply, AdapterError> {
        round::cosign(&self.purse, what, legs, request).await
    }

    async fn entrust(
        &self,
        _: LegRef,
        spec: &HtlcSpec,
        act: ActKind,
    ) -> Result<Vec<Entrusted>, AdapterError> {
        entrust::entrust(&self.purse, spec, act).await
    }

    async fn take_over(
        &self,
        _: LegRef,
        spec: &HtlcSpec,
        act: &Act,
        entrusted: &Entrusted,
    ) -> Result<Prepared, AdapterError> {
        entrust::take_over(&self.purse, spec, act, entrusted).await
    }
}

impl EvmAdapter {
    /// Nothing is dust to an EVM but nothing itself; coins must be worth the gas of their end also when fees grow. What a
    /// token is worth nobody here knows.
    fn worth_its_fees(&self, spec: &HtlcSpec, it: &Htlc, price: u128) -> Result<(), AdapterError> {
        let (asset, have) = (spec.asset.clone(), spec.amount);
        if have == Amount::ZERO {
            return Err(AdapterError::Dust {
                asset,
                have,
                least: Amount::new(1),
            });
        }
        let least = Amount::new(self.purse.config.fees.least_amount(price, it.end_gas()));
        if it.is_coin() && have < least {
            return Err(AdapterError::Uneconomic { asset, have, least });
        }
        Ok(())
    }
}
