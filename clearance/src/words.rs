//! What the ledger refuses, as people read it: amounts in whole units of their assets, accounts by whose they are.

use crate::accounts::ActRefused;
use crate::book::{BondKind, Purse, TooLittle};
use crate::genesis::Params;
use crate::op::Act;
use crate::orders::OrderRefused;
use crate::refused::Refused;
use crate::wire::Submission;
use kofo_primitives::{Amount, AssetId, FeeTerms, NodeId};

/// So many characters of an account are shown.
const SHOWN: usize = 12;

/// What somebody handed in, as far as words about its refusal need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Whose words they are: its account.
    you: Option<NodeId>,
    /// What is wanted, such as `the bond`.
    what: &'static str,
    /// The asset of its fee, if it has one.
    fee: Option<AssetId>,
    /// The asset of its reserve, if it has one.
    reserve: Option<AssetId>,
}

impl Wanted {
    /// By a submission.
    #[must_use]
    pub fn of(submission: &Submission) -> Self {
        let plain = |you, what| Self {
            you,
            what,
            fee: None,
            reserve: None,
        };
        match submission {
            Submission::Order(order) => Self {
                fee: match &order.claim.body.fee {
                    FeeTerms::Pool { asset, .. } => Some(asset.clone()),
                    FeeTerms::Free | FeeTerms::Posted { .. } => None,
                },
                reserve: order
                    .terms
                    .reservation
                    .reserve
                    .as_ref()
                    .map(|(asset, _)| asset.clone()),
                ..plain(
                    order.payment.as_ref().map(|payment| payment.body.account),
                    "the order",
                )
            },
            Submission::Act(act) => plain(Some(act.body.account), act_name(&act.body.act)),
            Submission::Amend(_) => plain(None, "the amendment"),
            Submission::DoubleQuote(_) => plain(None, "the evidence"),
            Submission::Proven(_) => plain(None, "the proof"),
        }
    }
}

const fn act_name(act: &Act) -> &'static str {
    match act {
        Act::Transfer { .. } => "the transfer",
        Act::Bond { .. } => "the bond",
        Act::Unbond { .. } | Act::Unstake { .. } | Act::Undelegate { .. } => "what is asked back",
        Act::Stake { .. } => "the stake",
        Act::Delegate { .. } => "the delegation",
        Act::Collect => "the collection",
        Act::Observe { .. } | Act::List { .. } => "the list",
        Act::Unjail => "the end of the jail",
        Act::Grant { .. } => "the grant",
    }
}

/// Who reads them, and how the ledger counts.
struct Words<'a> {
    wanted: &'a Wanted,
    params: &'a Params,
}

impl Refused {
    /// The refusal in words of whoever wanted it.
    #[must_use]
    pub fn in_words(&self, wanted: &Wanted, params: &Params) -> String {
        let words = Words { wanted, params };
        match self {
            Self::Act(why) => words.act(why),
            Self::Order(why) => words.order(why),
            Self::Staking(why) => why.to_string(),
        }
    }
}

impl Words<'_> {
    fn money(&self, asset: &AssetId, amount: Amount) -> String {
        self.params.asset(asset).map_or_else(
            || format!("{amount} of {asset}"),
            |known| {
                format!(
                    "{} {}",
                    amount.display_units(known.decimals),
                    known.symbol.as_str()
                )
            },
        )
    }

    /// Of an asset that the refusal itself does not name.
    fn of(&self, asset: Option<&AssetId>, amount: Amount) -> String {
        asset.map_or_else(
            || format!("{amount} smallest units"),
            |asset| self.money(asset, amount),
        )
    }

    /// Something of an account.
    fn whose(&self, account: &NodeId, what: &str) -> String {
        if self.wanted.you == Some(*account) {
            return format!("your {what}");
        }
        format!("the {what} of account {}", short(account))
    }

    fn purse(&self, purse: &Purse) -> String {
        match purse {
            Purse::Free(account) => self.whose(account, "free balance"),
            Purse::Bond(account, BondKind::Provider) => self.whose(account, "free provider's bond"),
            Purse::Bond(account, BondKind::Relay) => self.whose(account, "relay's bond"),
            Purse::Stake(account) => self.whose(account, "own stake"),
            Purse::Delegated(to, from) => {
                let whose = self.whose(from, "delegation");
                format!("{whose} to validator {}", short(to))
            }
            Purse::Unbonding(account) => self.whose(account, "bond on its way back"),
            Purse::Reward(account) => self.whose(account, "reward"),
            Purse::Escrow(order) => format!("the escrow of order {order}"),
            Purse::Reserved(order) => format!("the reserve of order {order}"),
            Purse::Pool => "the validators' pool".to_owned(),
            Purse::Burnt => "what is burnt".to_owned(),
            Purse::Outside => "the ledger's outside".to_owned(),
        }
    }

    fn too_little(&self, why: &TooLittle) -> String {
        let (have, need) = (self.money(&why.asset, why.have), self.money(&why.asset, why.need));
        let (purse, what) = (self.purse(&why.purse), self.wanted.what);
        match what {
            "what is asked back" => format!("{purse} has {have}, and {need} is asked back"),
            _ => format!("{purse} has {have}, {what} needs {need}"),
        }
    }

    fn act(&self, why: &ActRefused) -> String {
        match why {
            ActRefused::TooLittle(why) => self.too_little(why),
            ActRefused::Least { asset, have, least } => format!(
                "{} would be there, expected nothing or at least {}: put up more, or take all",
                self.money(asset, *have),
                self.money(asset, *least)
            ),
            ActRefused::Part { asset, have, least } => format!(
                "{} is too little to ask back: expected at least {}, or all that is there",
                self.money(asset, *have),
                self.money(asset, *least)
            ),
            ActRefused::NoCandidate(account) if self.wanted.you == Some(*account) => {
                "your account is no candidate: stake first".to_owned()
            }
            ActRefused::NoCandidate(account) => {
                format!(
                    "account {} is no candidate: it has to stake first",
                    short(account)
                )
            }
            ActRefused::NoBond(_) => {
                "your account has neither a provider's bond nor a validator's stake: put up \
                                      one of them before you list"
                    .to_owned()
            }
            ActRefused::NotFoundation(_) => {
                "only the foundation gives points, and your account is not its".to_owned()
            }
            ActRefused::Jailed { until_ms, now_ms } => format!(
                "the validator is jailed for {} more seconds: ask again then",
                until_ms.saturating_sub(*now_ms).div_ceil(1_000)
            ),
            ActRefused::Sequence { .. }
            | ActRefused::Nothing
            | ActRefused::Asset(_)
            | ActRefused::Commission { .. }
            | ActRefused::NotAKey(_)
            | ActRefused::KeyTaken(_)
            | ActRefused::KeySoon { .. }
            | ActRefused::NotJailed
            | ActRefused::TooMany { .. }
            | ActRefused::Repeated(_)
            | ActRefused::NothingEarned => why.to_string(),
        }
    }

    fn order(&self, why: &OrderRefused) -> String {
        let Wanted { fee, reserve, .. } = self.wanted;
        let (fee, reserve) = (fee.as_ref(), reserve.as_ref());
        // The others name no amounts of the ledger and no accounts.
        if let OrderRefused::TooLittle(why) = why {
            return self.too_little(why);
        }
        if let OrderRefused::FeeTooSmall { have, need } = why {
            let (have, need) = (self.of(fee, *have), self.of(fee, *need));
            return format!("the fee is {have}, expected at least {need}");
        }
        if let OrderRefused::ReserveTooSmall { have, need } = why {
            let (have, need) = (self.of(reserve, *have), self.of(reserve, *need));
            return format!("the reserve is {have}, expected at least {need}: take another quote");
        }
        if let OrderRefused::BondTooSmall { bond, have, need } = why {
            let (have, need) = (self.of(reserve, *have), self.of(reserve, *need));
            let bond = self.whose(bond, "free provider's bond");
            return format!("{bond} has {have}, the order needs {need}: take another quote");
        }
        if let OrderRefused::ReservationUsed { seq, bond } = why {
            let bond = short(bond);
            return format!(
                "reservation {seq} of account {bond} was used by another order: take another quote"
            );
        }
        why.to_string()
    }
}

fn short(account: &NodeId) -> String {
    let text = account.to_string();
    let shown: String = text.chars().take(SHOWN).collect();
    format!("{shown}…")
}

#[cfg(test)]
mod tests;
