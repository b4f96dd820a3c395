//! One anvil for one test, with funded owners, behind a proxy.

use crate::proxy::Proxy;
use alloy::hex;
use alloy::primitives::aliases::U48;
use alloy::primitives::{Address, B256, U256};
use alloy::sol_types::SolCall;
use async_trait::async_trait;
use kofo_adapter_api::ChainAdapter;
use kofo_adapter_api::conformance::Who;
use kofo_adapter_api::conformance::harness::{
    Counted, FaultyNode, FeeMarket, Forgetful, Harness, Merchant, Outage, Outsider, Overheard, Stranger,
    WrongLocks,
};
use kofo_evm::bindings::{Erc20, HashLanes};
use kofo_evm::{EvmAdapter, EvmConfig, Profile, SALT, creation_code};
use kofo_primitives::{Amount, AssetId, HtlcSpec, NetworkId, Preimage, Seed, Tip, UnixTime};
use kofo_regtest::{Chain, Options, Regtest};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const COIN: u128 = 1_000_000_000_000_000_000;
/// Far above what blocks cost before, below the cap.
const DEAR: u128 = 20_000_000_000;

alloy::sol! {
    function mint(address to, uint256 amount) external;
    function ban(address who) external;
}

/// What is swapped on which chain.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Swapped {
    Eth,
    Token,
    /// Returns nothing, and wants zero between two allowances.
    UsdtLike,
    FeeToken,
    FalseToken,
    BlockingToken,
    Ec,
}

impl Swapped {
    fn is_token(self) -> bool {
        !matches!(self, Self::Eth | Self::Ec)
    }

    /// A plain one is there also where coins are swapped.
    fn token(self) -> Value {
        let artifact = match self {
            Self::Eth | Self::Token | Self::Ec => include_str!("../../contracts/artifacts/TestToken.json"),
            Self::UsdtLike => include_str!("../../contracts/artifacts/NoReturnToken.json"),
            Self::FeeToken => include_str!("../../contracts/artifacts/FeeToken.json"),
            Self::FalseToken => include_str!("../../contracts/artifacts/FalseToken.json"),
            Self::BlockingToken => include_str!("../../contracts/artifacts/BlockingToken.json"),
        };
        serde_json::from_str(artifact).unwrap()
    }
}

pub(crate) struct Evm {
    pub(crate) regtest: Regtest,
    pub(crate) chain: Chain,
    pub(crate) proxy: Proxy,
    pub(crate) config: EvmConfig,
    pub(crate) asset: AssetId,
    /// Where they ask, if not where we do.
    pub(crate) their_url: Option<String>,
    dear: AtomicBool,
}

impl Evm {
    /// A chain with contract and token, and owners with coins and tokens, but with empty gas accounts and no allowance.
    pub(crate) async fn bare(test: &str, swapped: Swapped) -> Option<Self> {
        let (chain, profile) = match swapped {
            Swapped::Ec => (Chain::Echoin, Profile::Echoin),
            _ => (Chain::Ethereum, Profile::Ethereum),
        };
        let options = Options {
            chains: vec![chain],
            ..Options::manual()
        };
        let regtest = Regtest::up_or_skip(test, options).await?;
        let anvil = if chain == Chain::Ethereum {
            regtest.ethereum()
        } else {
            regtest.echoin()
        };
        let proxy = Proxy::before(&anvil.url).await;
        let id = anvil.chain_id;
        regtest
            .deploy(chain, &creation_code(profile, id), SALT.0)
            .await
            .unwrap();
        let token = regtest
            .deploy(chain, &token_code(swapped), [0; 32])
            .await
            .unwrap()
            .to_lowercase();
        let network = NetworkId::new("kofo-test").unwrap();
        let mut config = match profile {
            Profile::Ethereum => EvmConfig::ethereum(&proxy.url, id, network),
            Profile::Echoin => EvmConfig::echoin(&proxy.url, id, network),
        }
        .unwrap();
        let token_id = AssetId::new(&format!("eip155:{id}/erc20:{token}")).unwrap();
        config.tokens = vec![token_id.clone()];
        config.poll = Duration::from_millis(50);
        let asset = if swapped.is_token() {
            token_id
        } else {
            config.coin.clone()
        };
        let evm = Self {
            regtest,
            chain,
            proxy,
            config,
            asset,
            their_url: None,
            dear: AtomicBool::new(false),
        };
        for who in [Who::Us, Who::Them] {
            let owner = evm.owner(who).await;
            evm.rpc("anvil_setBalance", json!([owner, hex_of(100 * COIN)]))
                .await;
            let call = mintCall {
                to: owner,
                amount: U256::from(1_000 * COIN),
            };
            evm.faucet_sends(token.parse().unwrap(), call.abi_encode()).await;
        }
        evm.regtest.mine(chain, 1).await.unwrap();
        Some(evm)
    }

    /// As [`Evm::bare`], with all that an owner would otherwise see to before its first lock.
    pub(crate) async fn ready(test: &str, swapped: Swapped) -> Option<Self> {
        let evm = Self::bare(test, swapped).await?;
        for who in [Who::Us, Who::Them] {
            let adapter = evm.adapter(who).await;
            for account in adapter.gas_addresses() {
                evm.fund(account).await;
            }
            if swapped.is_token() {
                evm.approve(who, U256::MAX).await;
            }
        }
        evm.regtest.mine(evm.chain, 1).await.unwrap();
        Some(evm)
    }

    pub(crate) async fn adapter(&self, who: Who) -> EvmAdapter {
        let mut config = self.config.clone();
        if let Some(url) = self.their_url.clone().filter(|_| who != Who::Us) {
            (config.url, config.witnesses) = (url, Vec::new());
        }
        EvmAdapter::start(config, kofo_evm::local_signer(&seed(who)))
            .await
            .unwrap()
    }

    /// Somebody who is no party to any leg, with nothing on the chain.
    pub(crate) async fn tower(&self) -> EvmAdapter {
        EvmAdapter::start(self.config.clone(), kofo_evm::local_signer(&Seed::new([9; 64])))
            .await
            .unwrap()
    }

    /// Gives an account coins.
    pub(crate) async fn fund(&self, account: Address) {
        self.rpc("anvil_setBalance", json!([account, hex_of(10 * COIN)]))
            .await;
    }

    pub(crate) async fn owner(&self, who: Who) -> Address {
        let adapter = self.adapter(who).await;
        adapter.address(&self.config.coin).await.unwrap().parse().unwrap()
    }

    /// Every call of the token reverts from now on, but for what is asked about balances: those answer 10^21.
    pub(crate) async fn break_token(&self) {
        // selector == balanceOf ? return 10^21 : revert
        let code = "0x60003560e01c6370a0823114601357600080fd5b683635c9adc5dea0000060005260206000f3";
        self.rpc("anvil_setCode", json!([self.token(), code])).await;
    }

    /// Sends the approval; it waits for a block.
    pub(crate) async fn approve(&self, who: Who, amount: U256) {
        let spender = self.contract();
        let call = Erc20::approveCall { spender, amount };
        let owner = self.owner(who).await;
        self.owner_sends(owner, self.token(), call.abi_encode(), 0).await;
    }

    pub(crate) async fn allowance(&self, who: Who) -> U256 {
        let spender = self.contract();
        let owner = self.owner(who).await;
        let input = hex::encode_prefixed(Erc20::allowanceCall { owner, spender }.abi_encode());
        let call = json!([{ "to": self.token(), "data": input }, "latest"]);
        self.rpc("eth_call", call)
            .await
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// A blocking token neither pays nor takes from them from now on.
    pub(crate) async fn ban(&self, who: Address) {
        self.faucet_sends(self.token(), banCall { who }.abi_encode())
            .await;
        self.mine(1).await;
    }

    /// The token becomes another kind, with the balances that it has.
    pub(crate) async fn turn_token_into(&self, swapped: Swapped) {
        let code = swapped.token()["deployedBytecode"]["object"].clone();
        self.rpc("anvil_setCode", json!([self.token(), code])).await;
    }

    /// How many broadcasts went to this address so far: a raw transaction has it after a byte for its length.
    pub(crate) fn sent_to(&self, to: Address) -> usize {
        let to = format!("94{}", hex::encode(to));
        let asked = self.proxy.behaviour.asked.lock().unwrap();
        let sent = asked
            .iter()
            .filter(|request| request.contains("eth_sendRawTransaction"));
        sent.filter(|request| request.contains(&to)).count()
    }

    pub(crate) fn contract(&self) -> Address {
        kofo_evm::contract_address(self.config.profile, self.config.chain_id)
    }

    pub(crate) fn token(&self) -> Address {
        let (_, token) = self.config.tokens[0].on_chain();
        token.parse().unwrap()
    }

    pub(crate) async fn rpc(&self, method: &str, params: Value) -> Value {
        self.regtest.rpc(self.chain, method, params).await.unwrap()
    }

    async fn faucet_sends(&self, to: Address, input: Vec<u8>) {
        let anvil = if self.chain == Chain::Ethereum {
            self.regtest.ethereum()
        } else {
            self.regtest.echoin()
        };
        let faucet = anvil.faucet.parse().unwrap();
        self.sends(faucet, to, input, 0).await;
    }

    async fn owner_sends(&self, owner: Address, to: Address, input: Vec<u8>, wei: u128) {
        self.rpc("anvil_impersonateAccount", json!([owner])).await;
        self.sends(owner, to, input, wei).await;
        self.rpc("anvil_stopImpersonatingAccount", json!([owner])).await;
    }

    async fn sends(&self, from: Address, to: Address, input: Vec<u8>, wei: u128) {
        let tx = json!({
            "from": from, "to": to, "data": hex::encode_prefixed(input), "value": hex_of(wei),
            "gas": hex_of(300_000), "gasPrice": hex_of(3_000_000_000),
        });
        self.rpc("eth_sendTransaction", json!([tx])).await;
    }
}

fn seed(who: Who) -> Seed {
    let byte = match who {
        Who::Us => 1,
        Who::Them => 2,
        Who::Pauper => 3,
    };
    Seed::new([byte; 64])
}

fn hex_of(number: u128) -> String {
    format!("{number:#x}")
}

fn token_code(swapped: Swapped) -> Vec<u8> {
    hex::decode(swapped.token()["bytecode"]["object"].as_str().unwrap()).unwrap()
}

/// Owner, lane, and the lock as the contract wants it.
fn lock_of(spec: &HtlcSpec) -> (Address, u16, HashLanes::Lock) {
    let (owner, lane) = spec.refunder.as_slice().split_at(20);
    let (owner, lane) = (
        Address::from_slice(owner),
        u16::from_be_bytes(lane.try_into().unwrap()),
    );
    let token = match spec.asset.on_chain() {
        ("erc20", token) => token.parse().unwrap(),
        _ => Address::ZERO,
    };
    let lock = HashLanes::Lock {
        slot: kofo_evm::slot(owner, lane),
        redeemer: Address::from_slice(spec.redeemer.as_slice()),
        timelock: U48::from(spec.timelock.0),
        amount: U256::from(spec.amount.units()),
        token,
    };
    (owner, lane, lock)
}

fn contract_of(spec: &HtlcSpec) -> Address {
    Address::from_slice(spec.place.as_slice())
}

#[async_trait]
impl Harness for Evm {
    async fn start(&self, who: Who) -> Arc<dyn ChainAdapter> {
        Arc::new(self.adapter(who).await)
    }

    fn asset(&self) -> AssetId {
        self.asset.clone()
    }

    fn amount(&self) -> Amount {
        Amount::new(COIN)
    }

    fn most_fee(&self) -> Amount {
        let coins = self.asset == self.config.coin;
        Amount::new(if coins { COIN / 100 } else { 0 })
    }

    async fn tip(&self) -> Tip {
        let tip = self.regtest.tip(self.chain).await.unwrap();
        Tip {
            height: tip.height,
            time: UnixTime(tip.time),
        }
    }

    async fn waiting(&self) -> usize {
        usize::try_from(self.regtest.waiting(self.chain).await.unwrap()).unwrap()
    }

    async fn mine(&self, blocks: u32) {
        for _ in 0..blocks {
            if self.dear.load(Ordering::Relaxed) {
                self.rpc("anvil_setNextBlockBaseFeePerGas", json!([hex_of(DEAR)]))
                    .await;
            }
            self.regtest.mine(self.chain, 1).await.unwrap();
        }
    }

    async fn mine_until(&self, time: UnixTime) {
        self.regtest.advance_to(time.0).await.unwrap();
    }

    async fn reorg(&self, blocks: u32) {
        let _turn = self.proxy.behaviour.turn.write().await;
        self.regtest.reorg(self.chain, u64::from(blocks)).await.unwrap();
    }
}

#[async_trait]
impl WrongLocks for Evm {
    async fn lock_units(&self, spec: &HtlcSpec, units: Amount) {
        let (owner, lane, it) = lock_of(spec);
        let terms = kofo_evm::terms(
            B256::from(*spec.hashlock.as_bytes()),
            it.redeemer,
            spec.timelock.0,
        );
        let amount = U256::from(units.units());
        let (call, wei) = if it.token.is_zero() {
            (HashLanes::lockCall { lane, terms }.abi_encode(), units.units())
        } else {
            (
                HashLanes::lockTokenCall {
                    lane,
                    terms,
                    token: it.token,
                    amount,
                }
                .abi_encode(),
                0,
            )
        };
        self.owner_sends(owner, contract_of(spec), call, wei).await;
    }
}

#[async_trait]
impl Stranger for Evm {
    async fn redeem_as_stranger(&self, spec: &HtlcSpec, preimage: &Preimage) {
        let (_, _, it) = lock_of(spec);
        let call = HashLanes::redeemCall {
            preimage: B256::from(*preimage.expose()),
            it,
        };
        self.faucet_sends(contract_of(spec), call.abi_encode()).await;
    }
}

#[async_trait]
impl FaultyNode for Evm {
    async fn refuse_broadcasts(&self, times: u32) {
        self.proxy
            .behaviour
            .refuse
            .store(u64::from(times), Ordering::Relaxed);
    }

    async fn fail_after_accepting(&self, times: u32) {
        self.proxy
            .behaviour
            .deny
            .store(u64::from(times), Ordering::Relaxed);
    }
}

#[async_trait]
impl Outage for Evm {
    async fn cut(&self) {
        self.proxy.behaviour.cut.store(true, Ordering::Relaxed);
    }

    async fn restore(&self) {
        self.proxy.behaviour.cut.store(false, Ordering::Relaxed);
    }
}

#[async_trait]
impl Forgetful for Evm {
    async fn evict_mempool(&self) {
        self.rpc("anvil_dropAllTransactions", json!([])).await;
    }
}

#[async_trait]
impl Overheard for Evm {
    async fn requests_with(&self, bytes: &[u8]) -> Vec<String> {
        let wanted = hex::encode(bytes);
        let asked = self.proxy.behaviour.asked.lock().unwrap();
        let with = asked.iter().filter(|request| request.contains(&wanted));
        let method = |request: &String| serde_json::from_str::<Value>(request).unwrap()["method"].clone();
        with.map(|request| method(request).as_str().unwrap().to_owned())
            .collect()
    }

    fn broadcast_method(&self) -> &'static str {
        "eth_sendRawTransaction"
    }
}

#[async_trait]
impl FeeMarket for Evm {
    async fn raise_fees(&self) {
        self.dear.store(true, Ordering::Relaxed);
    }
}

#[async_trait]
impl Counted for Evm {
    async fn calls(&self) -> u64 {
        self.proxy.behaviour.calls.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Outsider for Evm {
    async fn outsider(&self) -> Arc<dyn ChainAdapter> {
        let tower = self.tower().await;
        for account in tower.gas_addresses() {
            self.fund(account).await;
        }
        Arc::new(tower)
    }
}

/// Nobody has ever paid it.
pub(crate) const MERCHANT: Address = Address::repeat_byte(0x7e);

#[async_trait]
impl Merchant for Evm {
    async fn merchant(&self) -> String {
        MERCHANT.to_string()
    }

    async fn merchant_has(&self) -> Amount {
        let has = if self.asset == self.config.coin {
            self.rpc("eth_getBalance", json!([MERCHANT, "latest"])).await
        } else {
            let input = Erc20::balanceOfCall { owner: MERCHANT }.abi_encode();
            let call = json!([{ "to": self.token(), "data": hex::encode_prefixed(input) }, "latest"]);
            self.rpc("eth_call", call).await
        };
        let has: U256 = has.as_str().unwrap().parse().unwrap();
        Amount::new(has.to())
    }

    /// The sender pays for gas.
    fn most_short(&self) -> Amount {
        Amount::ZERO
    }

    fn no_addresses(&self) -> Vec<String> {
        let wrong = [
            // Of Bitcoin.
            "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
            // With a typing error.
            "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92267",
            "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb9226",
            "f39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
            // Nobody's.
            "0x0000000000000000000000000000000000000000",
            "0x0000000000000000000000000000000000000002",
        ];
        let mut wrong: Vec<_> = wrong.map(str::to_owned).into();
        wrong.push(self.contract().to_string());
        if self.asset != self.config.coin {
            wrong.push(self.token().to_string());
        }
        wrong
    }
}
