//! Validators in this process: real engines, sockets and disks, as the daemon has them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use kofo_clearance::{Genesis, GenesisBalance, GenesisValidator, LedgerAsset, NoProofs, PairRule, Params};
use kofo_consensus::Pace;
use kofo_primitives::{Amount, AssetId, ChainId, NodeKey, Seconds, Seed, Text};
use kofo_regtest::free_ports;
use kofo_validator::{
    Clock, Head, Keys, Role, Sight, Start, Validator, ValidatorConfig, engine_peer, share_of,
};
use tempfile::TempDir;

use super::orders::{self, EACH, GIVEN, Kind, WANTED, committee, money, network};

/// Somebody waits no longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(120);
const RICH: u128 = 1 << 60;

/// Validators that run.
pub(super) struct Town {
    pub(super) validators: Vec<Validator>,
    pub(super) genesis: Genesis,
    pace: Pace,
    folders: Vec<TempDir>,
    /// Of the follower that validators admit.
    follower: TempDir,
}

fn seed(nth: usize) -> Result<Seed> {
    Ok(Seed::new([u8::try_from(nth + 1)?; 64]))
}

fn short<const MOST: usize>(text: &str) -> Result<Text<MOST>> {
    Text::new(text).ok_or_else(|| anyhow::anyhow!("{text} is too long"))
}

/// The rules of a network whose orders are those of `orders`; nobody is punished for the speed of this machine.
pub(super) fn params(seats: usize) -> Result<Params> {
    let chain = |asset: &str| -> Result<ChainId> { Ok(AssetId::new(asset)?.chain()) };
    let listed = LedgerAsset {
        asset: money()?,
        symbol: short("kofo")?,
        decimals: 6,
        min_fee: Amount::new(100),
        min_bond: Amount::new(1_000),
        weight_cap: Amount::new(1_000_000),
        double_quote: Amount::new(1_000),
    };
    Ok(Params {
        seats: u8::try_from(seats)?,
        power_cap_bps: 10_000,
        epoch_ms: 3_600_000,
        unbond_ms: 7 * 86_400_000,
        unstake_ms: 21 * 86_400_000,
        foundation_bps: 1_000,
        validators_bps: 2_000,
        foundation: orders::account(Kind::Other, 63)?,
        stake: money()?,
        min_stake: Amount::new(1_000),
        listing_ms: 0,
        margin_bps: 1_000,
        harmed_bps: 100,
        cancel_bps: 1_000,
        double_vote_bps: 120,
        missed_heights: 100_000,
        missed_bps: 0,
        jail_ms: 60_000,
        unobserved_ms: 86_400_000,
        unclear_ms: 86_400_000,
        points_trades: 10_000_000,
        clock_ms: 10_000,
        max_batch_bytes: 8 << 20,
        assets: vec![listed],
        pairs: vec![PairRule {
            alpha: chain(GIVEN)?,
            beta: chain(WANTED)?,
            min_gap: Seconds::minutes(60),
            min_beta: Seconds::minutes(60),
            reveal: Seconds::minutes(5),
        }],
        proofs: Vec::new(),
    })
}

/// Everybody's money.
pub(super) fn balances() -> Result<Vec<GenesisBalance>> {
    let kinds = [
        (Kind::Claimant, [RICH, 0, 0]),
        (Kind::Provider, [0, RICH, 0]),
        (Kind::Relay, [0, 0, 30_000]),
    ];
    let mut balances = Vec::new();
    for (of, [free, provider, relay]) in kinds {
        for nth in 0..EACH {
            balances.push(GenesisBalance {
                account: orders::account(of, nth)?,
                asset: money()?,
                free: Amount::new(free),
                provider: Amount::new(provider),
                relay: Amount::new(relay),
            });
        }
    }
    Ok(balances)
}

fn genesis(ports: &[(u16, u16)]) -> Result<Genesis> {
    let observes = vec![AssetId::new(GIVEN)?.chain(), AssetId::new(WANTED)?.chain()];
    let (mut validators, mut shares) = (Vec::new(), Vec::new());
    for (nth, (engine, service)) in ports.iter().enumerate() {
        let keys = Keys::new(&seed(nth)?, &network()?);
        let (account, peer) = (keys.account.id(), keys.identity.peer_id());
        shares.push((account, share_of(&committee(), account)?));
        validators.push(GenesisValidator {
            account,
            key: keys.voter(),
            stake: Amount::new(1_000_000),
            commission_bps: 1_000,
            observes: observes.clone(),
            engine: short(&format!("/ip4/127.0.0.1/tcp/{engine}"))?,
            service: short(&format!("/ip4/127.0.0.1/tcp/{service}/p2p/{peer}"))?,
        });
    }
    let seal_key = NodeKey::new(&committee()).ok_or_else(|| anyhow::anyhow!("a digest is a key"))?;
    Ok(Genesis {
        version: 1,
        network: network()?,
        time_ms: Clock::system().now_ms() - 1_000,
        params: params(ports.len())?,
        balances: balances()?,
        shares,
        validators,
        seal_key: seal_key.id(),
    })
}

impl Town {
    /// Starts so many, and waits until they agree.
    pub(super) async fn start(count: usize, pace: Pace) -> Result<Self> {
        let free = free_ports(2 * count)?;
        let pairs: Vec<_> = free.chunks_exact(2).map(|two| (two[0], two[1])).collect();
        let mut town = Self {
            validators: Vec::new(),
            genesis: genesis(&pairs)?,
            pace,
            folders: Vec::new(),
            follower: TempDir::new()?,
        };
        let listed = engine_peer(town.follower.path())?;
        for (nth, (engine, service)) in pairs.iter().enumerate() {
            let config = ValidatorConfig {
                followers: vec![listed.clone()],
                engine: format!("/ip4/127.0.0.1/tcp/{engine}"),
                service: vec![format!("/ip4/127.0.0.1/tcp/{service}")],
                ..ValidatorConfig::default()
            };
            let one = town.run(nth, config, TempDir::new()?).await?;
            town.validators.push(one);
        }
        town.reach(2).await?;
        Ok(town)
    }

    async fn run(&mut self, nth: usize, config: ValidatorConfig, folder: TempDir) -> Result<Validator> {
        let start = Start {
            data: folder.path().to_owned(),
            genesis: self.genesis.clone(),
            seed: seed(nth)?,
            config,
            pace: self.pace,
            proofs: Arc::new(NoProofs),
            sight: Sight::Blind,
            clock: Clock::system(),
        };
        self.folders.push(folder);
        Ok(Validator::start(start).await?)
    }

    /// One more that follows with an empty folder; how long it takes to be where the others are now.
    pub(super) async fn follower(&mut self) -> Result<(Validator, Duration)> {
        let to = self.height();
        let free = free_ports(2)?;
        let config = ValidatorConfig {
            role: Role::Follower,
            engine: format!("/ip4/127.0.0.1/tcp/{}", free[0]),
            service: vec![format!("/ip4/127.0.0.1/tcp/{}", free[1])],
            ..ValidatorConfig::default()
        };
        let start = Instant::now();
        // Validators list the engine of this very folder: there is one follower.
        let folder = std::mem::replace(&mut self.follower, TempDir::new()?);
        let follower = self.run(200, config, folder).await?;
        wait(&follower, to).await?;
        Ok((follower, start.elapsed()))
    }

    /// The last height at the first validator.
    pub(super) fn height(&self) -> u64 {
        self.validators
            .first()
            .map_or(0, |one| height(&one.replica().now()))
    }

    /// Waits until all are at a height.
    pub(super) async fn reach(&self, to: u64) -> Result<()> {
        for one in &self.validators {
            wait(one, to).await?;
        }
        Ok(())
    }

    pub(super) async fn stop(self) {
        for one in self.validators {
            one.stop().await;
        }
    }
}

fn height(head: &Head) -> u64 {
    head.ledger.tip().height
}

async fn wait(one: &Validator, to: u64) -> Result<()> {
    let mut head = one.head();
    let reached = tokio::time::timeout(PATIENCE, head.wait_for(|head| height(head) >= to)).await;
    ensure!(
        matches!(reached, Ok(Ok(_))),
        "expected height {to} within {PATIENCE:?}, a validator is at {}",
        height(&one.replica().now())
    );
    Ok(())
}
