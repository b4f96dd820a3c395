//! `kofo order`.

use crate::args::{OrderCommand, Scope};
use crate::ledger::patiently;
use crate::node::Node;
use crate::out::Out;
use kofo_cli::text::when_ms;
use kofo_node::rpc::ClearingRpcClient;
use kofo_node::rpc::types::{OrderShown, ProofShown};

pub(crate) async fn run(scope: &Scope, out: &Out, command: OrderCommand) -> anyhow::Result<()> {
    let OrderCommand::Show { id, proof } = command;
    let node = Node::find(scope)?;
    let order = patiently(out, node.client.order_show(id, Some(proof))).await;
    out.result(&node.answer(order)?, text)
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
    use kofo_node::rpc::types::{Id, OrderState, ReceiptShown};

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

    #[test]
    fn an_order_says_where_it_is_final_how_it_ended_and_its_proofs_if_asked() {
        let open = OrderShown {
            id: Id([2; 32]),
            state: OrderState::Open,
            refused: None,
            committed: None,
            receipt: None,
        };
        assert_eq!(text(&open).lines().count(), 2);
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
            ..open
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
