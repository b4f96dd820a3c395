//! `kofo order`: what became of an order, and what its party proves of it.

use crate::args::{OrderCommand, Scope};
use crate::ledger::patiently;
use crate::node::Node;
use crate::out::Out;
use kofo_cli::text::claim::short;
use kofo_cli::text::{table, when_ms};
use kofo_node::rpc::ClearingRpcClient;
use kofo_node::rpc::types::{
    LegProved, OrderProved, OrderShown, OrderState, PayoutShown, PayoutsShown, ProofShown,
};

pub(crate) async fn run(scope: &Scope, out: &Out, command: OrderCommand) -> anyhow::Result<()> {
    let node = Node::find(scope)?;
    match command {
        OrderCommand::Show { id, proof } => {
            let order = patiently(out, node.client.order_show(id, Some(proof))).await;
            out.result(&node.answer(order)?, text)
        }
        OrderCommand::Prove { id, leg } => {
            let proved = patiently(out, node.client.order_prove(id, leg)).await;
            out.result(&node.answer(proved)?, proved_text)
        }
    }
}

fn proved_text(proved: &OrderProved) -> String {
    let one = |leg: &LegProved| {
        let LegProved {
            leg,
            chain,
            fact,
            txid,
            height,
            depth,
            bytes,
        } = leg;
        format!(
            "proved  {leg} {fact} by {txid}\n        in block {height} of {chain}: {depth} headers, {bytes} bytes\n"
        )
    };
    let mut text: String = proved.proved.iter().map(one).collect();
    if proved.proved.is_empty() {
        text.push_str("nothing was to be proved: the order was over\n");
    }
    text.push_str(&self::text(&proved.order));
    if proved.order.state != OrderState::Ended {
        text.push_str(
            "validators took it; the order goes on, as it may need its other leg: see `kofo order show`\n",
        );
    }
    text
}

fn text(order: &OrderShown) -> String {
    let mut text = format!("order   {}\nstate   {}\n", order.id, order.state);
    if let Some(why) = &order.refused {
        text.push_str(&format!("refused {why}\n"));
    }
    if let Some(proof) = &order.committed {
        text.push_str(&format!("final   at {}\n", header(proof)));
    }
    if let Some(receipt) = &order.receipt {
        let ending = receipt.ending.replace('_', " ");
        text.push_str(&format!("ended   {ending}, {}\n", when_ms(receipt.time_ms)));
        text.push_str(&format!(
            "receipt at {}\npayouts {}\n",
            header(&receipt.proof),
            receipt.payouts
        ));
    }
    if let Some(paid) = &order.payouts {
        text.push_str(&format!("\n{}\n", payouts(paid)));
    }
    let proofs = [
        &order.committed,
        &order.receipt.as_ref().map(|receipt| receipt.proof.clone()),
    ];
    for (name, proof) in ["proof of the order", "proof of the receipt"].iter().zip(proofs) {
        if let Some(bytes) = proof.as_ref().and_then(|proof| proof.proof.as_ref()) {
            text.push_str(&format!("{name}, verified:\n{bytes}\n"));
        }
    }
    text
}

/// Who got how much, a line each.
fn payouts(paid: &PayoutsShown) -> String {
    let row = |row: &PayoutShown| vec![reason(&row.why), payee(row), row.amount.to_string()];
    let mut rows: Vec<_> = paid.rows.iter().map(row).collect();
    for sum in &paid.sums {
        rows.push(vec!["in all".to_owned(), String::new(), sum.to_string()]);
    }
    let proved = if paid.whole {
        "every payment, as the receipt proves"
    } else {
        "what this node was paid, as validators say"
    };
    format!("{}\n{proved}", table(&["for", "to", "amount"], &[2], &rows))
}

/// What a payment was for, as people say it.
fn reason(why: &str) -> String {
    match why.strip_prefix("hop ") {
        Some(entry) => format!("relay {entry}"),
        None => match why {
            "fee_back" => "fee, back".to_owned(),
            "back" => "put up, back".to_owned(),
            "harmed" => "harmed, after the unbonding time".to_owned(),
            other => other.to_owned(),
        },
    }
}

fn payee(row: &PayoutShown) -> String {
    match (&row.to, row.why.as_str()) {
        (Some(_), _) if row.own => "this node".to_owned(),
        (Some(_), _) if row.foundation => "the foundation".to_owned(),
        (Some(account), _) => short(&account.to_string()),
        (None, "validators") => "the epoch's pool".to_owned(),
        (None, "back") => "the provider's bond".to_owned(),
        (None, _) => "nobody".to_owned(),
    }
}

fn header(proof: &ProofShown) -> String {
    let ProofShown {
        height,
        epoch,
        signers,
        header,
        ..
    } = proof;
    format!("height {height} of epoch {epoch}, signed by {signers} validators: {header}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kofo_node::rpc::types::{AssetAmount, Id, ReceiptShown};

    fn proof(proof: Option<&str>) -> ProofShown {
        let header = Id([1; 32]);
        ProofShown {
            height: 7,
            epoch: 0,
            time_ms: 1,
            header,
            signers: 3,
            proof: proof.map(str::to_owned),
        }
    }

    fn open() -> OrderShown {
        OrderShown {
            id: Id([2; 32]),
            state: OrderState::Open,
            refused: None,
            committed: None,
            receipt: None,
            payouts: None,
        }
    }

    #[test]
    fn what_was_proved_is_told_with_its_place_and_that_an_order_goes_on() {
        let leg = LegProved {
            leg: "beta/0".to_owned(),
            chain: "bip122:x".to_owned(),
            fact: "redeemed".to_owned(),
            txid: "cafe".to_owned(),
            height: 107,
            depth: 6,
            bytes: 1_200,
        };
        let mut proved = OrderProved {
            proved: vec![leg],
            order: open(),
        };
        let text = proved_text(&proved);
        for part in [
            "beta/0 redeemed by cafe",
            "block 107 of bip122:x: 6 headers, 1200 bytes",
            "goes on",
        ] {
            assert!(text.contains(part), "{part:?} in {text}");
        }
        proved.proved.clear();
        proved.order.state = OrderState::Ended;
        let text = proved_text(&proved);
        assert!(
            text.contains("the order was over") && !text.contains("goes on"),
            "{text}"
        );
    }

    #[test]
    fn payments_are_told_by_what_they_are_for_with_this_nodes_own_and_their_sum() {
        let money = |amount: &str| AssetAmount {
            amount: amount.to_owned(),
            symbol: "KOFO".to_owned(),
        };
        let row = |to: Option<u8>, why: &str, amount| PayoutShown {
            to: to.map(|n| Id([n; 32])),
            own: to == Some(1),
            foundation: to == Some(2),
            why: why.to_owned(),
            amount: money(amount),
        };
        let mut paid = PayoutsShown {
            whole: true,
            rows: vec![
                row(Some(2), "foundation", "0.03"),
                row(None, "validators", "0.06"),
                row(Some(1), "hop 2", "0.21"),
                row(None, "back", "10"),
                row(Some(7), "fee_back", "1"),
            ],
            sums: vec![money("11.3")],
        };
        let text = payouts(&paid);
        let lines: Vec<Vec<_>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        for line in [
            vec!["foundation", "the", "foundation", "0.03", "KOFO"],
            vec!["validators", "the", "epoch's", "pool", "0.06", "KOFO"],
            vec!["relay", "2", "this", "node", "0.21", "KOFO"],
            vec!["put", "up,", "back", "the", "provider's", "bond", "10", "KOFO"],
            vec!["in", "all", "11.3", "KOFO"],
        ] {
            assert!(lines.contains(&line), "{line:?} in {text}");
        }
        assert!(text.contains("the receipt proves"), "{text}");
        paid.whole = false;
        assert!(payouts(&paid).contains("as validators say"));
    }

    #[test]
    fn an_order_says_where_it_is_final_how_it_ended_and_its_proofs_if_asked() {
        assert_eq!(text(&open()).lines().count(), 2);
        let ending = "provider_walked".to_owned();
        let receipt = ReceiptShown {
            ending,
            time_ms: 2,
            payouts: Id([3; 32]),
            proof: proof(Some("beef")),
        };
        let state = OrderState::Ended;
        let ended = OrderShown {
            state,
            committed: Some(proof(None)),
            receipt: Some(receipt),
            ..open()
        };
        let text = text(&ended);
        for part in [
            "at height 7 of epoch 0, signed by 3 validators",
            "provider walked",
            "receipt, verified:\nbeef",
        ] {
            assert!(text.contains(part), "{part:?} in {text}");
        }
        assert!(!text.contains("proof of the order"), "{text}");
    }
}
