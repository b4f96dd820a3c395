//! Accounts and validators as people read them.

use kofo_cli::text::claim::short;
use kofo_cli::text::{table, when_ms};
use kofo_node::rpc::types::{AccountShown, AssetAmount, ClearanceShown, HoldingShown};

/// An account with all that it has.
pub(super) fn account(account: &AccountShown) -> String {
    let own = if account.own { ", this node's own" } else { "" };
    let mut text = format!("account {}{own}\nas of height {}\n", account.key, account.height);
    if account.holdings.is_empty() {
        text.push_str("it has nothing\n");
    } else {
        let rows: Vec<_> = account.holdings.iter().map(row).collect();
        let head = [
            "asset",
            "free",
            "provider's bond",
            "relay's bond",
            "stake",
            "delegated",
            "rewards",
        ];
        text.push_str(&format!("\n{}\n", table(&head, &[1, 2, 3, 4, 5, 6], &rows)));
    }
    for back in account.holdings.iter().flat_map(|holding| &holding.unbonding) {
        text.push_str(&format!("{} comes back: {}\n", back.amount, when_ms(back.at_ms)));
    }
    if account.settled > 0 || account.failed > 0 {
        text.push_str(&format!(
            "orders as provider: {} settled, {} failed\n",
            account.settled, account.failed
        ));
    }
    if account.points > 0 {
        text.push_str(&format!("points {}\n", account.points));
    }
    if account.power > 0 {
        text.push_str(&format!("a validator with power {}\n", account.power));
    }
    if let Some(until) = account.jailed_until_ms {
        text.push_str(&format!(
            "jailed: may ask to vote again {} by `kofo stake unjail`\n",
            when_ms(until)
        ));
    }
    text
}

fn row(holding: &HoldingShown) -> Vec<String> {
    let amounts = [
        &holding.free,
        &holding.provider_bond,
        &holding.relay_bond,
        &holding.stake,
        &holding.delegated,
        &holding.reward,
    ];
    let amounts = amounts.into_iter().map(|amount| amount.amount.clone());
    std::iter::once(holding.free.symbol.clone())
        .chain(amounts)
        .collect()
}

/// What an account earned.
pub(super) fn rewards(account: &AccountShown) -> String {
    let some = |reward: &&AssetAmount| reward.amount.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
    let rewards = account
        .holdings
        .iter()
        .map(|holding| &holding.reward)
        .filter(some);
    let rewards: Vec<_> = rewards.map(AssetAmount::to_string).collect();
    if rewards.is_empty() {
        return "nothing to collect: rewards are divided at the end of each epoch".to_owned();
    }
    format!("{}: take it by `kofo reward collect`", rewards.join(", "))
}

/// The validators that a node knows.
pub(super) fn clearance(clearance: &ClearanceShown) -> String {
    let rows = clearance.validators.iter().map(|validator| {
        let height = validator
            .height
            .map_or_else(|| "-".to_owned(), |height| height.to_string());
        let name = validator
            .account
            .map_or_else(|| "-".to_owned(), |account| short(&account.to_string()));
        let (power, service) = (validator.power.to_string(), validator.service.clone());
        vec![
            name,
            power,
            height,
            service,
            validator.trouble.clone().unwrap_or_default(),
        ]
    });
    let head = ["validator", "power", "height", "service", "trouble"];
    format!(
        "genesis {}\naccount {}, this node's own\nepoch   {}, power {} in all\nassets  {}\n\n{}",
        clearance.genesis,
        clearance.account,
        clearance.epoch,
        clearance.power,
        clearance.assets.join(", "),
        table(&head, &[1, 2], &rows.collect::<Vec<_>>())
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use kofo_node::rpc::types::{Id, UnbondingShown};

    fn money(amount: &str) -> AssetAmount {
        AssetAmount {
            amount: amount.into(),
            symbol: "KOFO".into(),
        }
    }

    fn some() -> AccountShown {
        let holding = HoldingShown {
            asset: "kofo:kofo-test/ledger:kofo".into(),
            free: money("12.5"),
            provider_bond: money("500"),
            relay_bond: money("0"),
            stake: money("0"),
            delegated: money("3"),
            reward: money("0.015"),
            unbonding: vec![UnbondingShown {
                at_ms: 0,
                amount: money("7"),
            }],
        };
        AccountShown {
            key: Id([0xab; 32]),
            own: true,
            height: 42,
            sequence: 1,
            holdings: vec![holding],
            points: 0,
            score: 0,
            settled: 3,
            failed: 1,
            power: 0,
            jailed_until_ms: None,
        }
    }

    #[test]
    fn an_account_shows_each_purse_in_its_column_and_what_comes_back() {
        let text = account(&some());
        let rows: Vec<Vec<_>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert!(
            rows.contains(&vec!["KOFO", "12.5", "500", "0", "0", "3", "0.015"]),
            "{text}"
        );
        assert!(text.contains("7 KOFO comes back: "), "{text}");
        assert!(text.contains("3 settled, 1 failed"), "{text}");
        let nothing = AccountShown {
            holdings: vec![],
            ..some()
        };
        assert!(account(&nothing).contains("it has nothing"));
    }

    #[test]
    fn rewards_are_those_that_are_not_zero() {
        assert_eq!(rewards(&some()), "0.015 KOFO: take it by `kofo reward collect`");
        let mut none = some();
        none.holdings[0].reward = money("0.000000");
        assert!(rewards(&none).contains("nothing to collect"));
    }
}
