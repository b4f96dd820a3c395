//! What people ask the ledger.

use crate::book::{Book, Purse};
use crate::ledger::Ledger;
use crate::timers::unbonding;
use crate::wire::{AccountView, Holding};
use crate::{accounts, importance, orders, points, staking};
use kofo_primitives::{Amount, AssetId, NodeId};

impl Ledger {
    /// What an account has, and what is known of it. An account that nobody ever paid has nothing.
    #[must_use]
    pub fn account(&self, account: NodeId) -> AccountView {
        let set = self.validators();
        let member = set.members().iter().find(|member| member.account == account);
        let (settled, failed) = orders::reliability(&self.state, account);
        let points = points::points(&self.state, account);
        AccountView {
            account,
            height: self.tip.height,
            sequence: accounts::sequence(&self.state, account),
            holdings: self.holdings(account),
            points: u64::try_from(points).unwrap_or(u64::MAX),
            score: importance::importance(&self.state, account),
            settled,
            failed,
            power: member.map_or(0, |member| member.power),
            jailed_until_ms: staking::jailed_until(&self.state, account),
        }
    }

    fn holdings(&self, account: NodeId) -> Vec<Holding> {
        let assets = self.genesis.params.assets.iter();
        let back = unbonding(&self.state, account);
        let all = assets.map(|asset| self.holding(account, &asset.asset, &back));
        all.filter(|holding| !is_empty(holding)).collect()
    }

    fn holding(&self, account: NodeId, asset: &AssetId, back: &[(u64, AssetId, Amount)]) -> Holding {
        let balance = |purse| self.state.balance(purse, asset);
        let [provider, relay] = accounts::bonds(&self.state, account, asset);
        let staked = *asset == self.genesis.params.stake;
        let delegated = staked.then(|| staking::delegated_by(&self.state, account, asset));
        Holding {
            asset: asset.clone(),
            free: balance(Purse::Free(account)),
            provider,
            relay,
            stake: balance(Purse::Stake(account)),
            delegated: delegated.unwrap_or(Amount::ZERO),
            reward: balance(Purse::Reward(account)),
            unbonding: back
                .iter()
                .filter_map(|(at, of, amount)| (of == asset).then_some((*at, *amount)))
                .collect(),
        }
    }
}

fn is_empty(holding: &Holding) -> bool {
    let amounts = [
        holding.free,
        holding.provider,
        holding.relay,
        holding.stake,
        holding.delegated,
        holding.reward,
    ];
    amounts.iter().all(|amount| *amount == Amount::ZERO) && holding.unbonding.is_empty()
}
