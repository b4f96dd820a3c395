//! Swaps as people read them.

use kofo_node::clock;
use kofo_node::rpc::types::{ActSeen, AssetAmount, LegStatus, RoleName, SwapStatus};
use kofo_primitives::{Seconds, UnixTime};

/// `0.1 BTC + 2 ETH`.
pub(super) fn amounts(list: &[AssetAmount]) -> String {
    let each: Vec<_> = list.iter().map(ToString::to_string).collect();
    if each.is_empty() {
        "nothing".to_owned()
    } else {
        each.join(" + ")
    }
}

/// One swap in one line.
pub(super) fn line(swap: &SwapStatus) -> String {
    format!(
        "{}  {:<12}  {} for {}",
        swap.id,
        state(swap),
        amounts(&swap.give),
        amounts(&swap.get)
    )
}

/// A change of a swap in one line.
pub(super) fn progress(swap: &SwapStatus) -> String {
    let seen = swap.legs.iter().flat_map(|leg| {
        leg.acts
            .iter()
            .map(move |act| format!("{} {} {}", leg.leg, act.act, place(act)))
    });
    let seen: Vec<_> = seen.collect();
    format!("{:<12}  {}", state(swap), seen.join(", "))
        .trim_end()
        .to_owned()
}

/// All about one swap.
pub(super) fn status(swap: &SwapStatus) -> String {
    let role = match swap.role {
        RoleName::Initiator => "initiator: locks first",
        RoleName::Participant => "participant: locks second",
    };
    let mut text = format!(
        "swap      {}\nwe are    {role}\nstate     {}\ngive      {}\nget       {}\nat risk   {}\n",
        swap.id,
        state(swap),
        amounts(&swap.give),
        amounts(&swap.get),
        amounts(&swap.at_risk),
    );
    if let Some(next) = &swap.deadline {
        let at = when("", next.at);
        text.push_str(&format!(
            "deadline {at} by the time of {}: {}\n",
            next.chain, next.then
        ));
    }
    if let Some(trouble) = &swap.trouble {
        text.push_str(&format!("trouble   {trouble}\n"));
    }
    for one in &swap.legs {
        text.push_str(&leg(one));
    }
    text
}

fn state(swap: &SwapStatus) -> String {
    match swap.outcome {
        Some(outcome) => outcome.to_string(),
        None => swap.state.replace('_', " "),
    }
}

fn leg(leg: &LegStatus) -> String {
    let whose = if leg.ours { "ours" } else { "theirs" };
    let mut text = format!(
        "{:<9} {whose}: {} on {}, {}\n",
        leg.leg,
        leg.amount,
        leg.chain,
        when("timelock", leg.timelock)
    );
    for act in &leg.acts {
        let txid = act
            .txid
            .as_deref()
            .unwrap_or("in a transaction that the chain does not name");
        text.push_str(&format!("          {} {}: {txid}\n", act.act, place(act)));
    }
    text
}

fn place(act: &ActSeen) -> String {
    match (act.height, act.final_ms) {
        (None, _) => "in the mempool".to_owned(),
        (Some(height), None) => format!("in block {height}"),
        (Some(height), Some(_)) => format!("final in block {height}"),
    }
}

/// A time, and how far it is from now by our clock.
pub(crate) fn when(what: &str, at: u64) -> String {
    let (now, at) = (clock::now(), UnixTime(at));
    let far = if at > now {
        format!("in {}", now.until(at))
    } else {
        format!("{} ago", ago(now, at))
    };
    format!("{what} {} ({far})", at.0)
}

fn ago(now: UnixTime, at: UnixTime) -> Seconds {
    at.until(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kofo_node::rpc::types::{DeadlineStatus, Id, OutcomeName};

    fn amount(amount: &str, symbol: &str) -> AssetAmount {
        AssetAmount {
            amount: amount.into(),
            symbol: symbol.into(),
        }
    }

    fn swap() -> SwapStatus {
        let lock = ActSeen {
            act: "lock".into(),
            txid: Some("ab".repeat(32)),
            height: Some(7),
            seen_ms: 1,
            final_ms: None,
        };
        SwapStatus {
            id: Id([1; 32]),
            offer: Id([2; 32]),
            seq: 3,
            role: RoleName::Initiator,
            peer: None,
            state: "lock_sent".into(),
            outcome: None,
            give: vec![amount("0.1", "BTC")],
            get: vec![amount("2", "ETH"), amount("5", "USDX")],
            hashlock: Id([3; 32]),
            at_risk: vec![amount("0.1", "BTC")],
            deadline: Some(DeadlineStatus {
                chain: "bip122:a".into(),
                at: 1_000,
                then: "our lock is taken back".into(),
            }),
            legs: vec![LegStatus {
                leg: "alpha/0".into(),
                chain: "bip122:a".into(),
                amount: amount("0.1", "BTC"),
                ours: true,
                timelock: 1_000,
                acts: vec![lock],
            }],
            trouble: None,
            created_ms: 0,
            updated_ms: 0,
        }
    }

    #[test]
    fn state_risk_deadline_and_what_happens_then_are_shown() {
        let text = status(&swap());
        for part in [
            "state     lock sent",
            "give      0.1 BTC\n",
            "get       2 ETH + 5 USDX\n",
            "at risk   0.1 BTC\n",
            "by the time of bip122:a: our lock is taken back",
            "alpha/0   ours: 0.1 BTC on bip122:a",
            "lock in block 7: abab",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
        assert_eq!(progress(&swap()), "lock sent     alpha/0 lock in block 7");
    }

    #[test]
    fn what_has_ended_shows_its_outcome() {
        let over = SwapStatus {
            outcome: Some(OutcomeName::Redeemed),
            at_risk: vec![],
            ..swap()
        };
        assert!(status(&over).contains("state     redeemed\n"));
        assert!(status(&over).contains("at risk   nothing\n"));
    }
}
