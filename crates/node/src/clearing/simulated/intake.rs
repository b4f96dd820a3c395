//! What a validator does with an order that is submitted, and what it keeps of it.

use crate::clock::now_ms;
use kofo_clearance::{
    Ask, CheckedOp, ClearedOrder, Genesis, GenesisError, Ledger, MAX_ANSWERED, MerkleProof, NoProofs, Op,
    OrderProof, Receipt, ReceiptProof, Settlement, SubmittedOrder, Wanted,
};
use kofo_primitives::{
    Bytes, Certificate, ClaimId, HopEntry, HopOpening, MatchedOrder, MatchedParts, NodeKey, Opening,
    ReturnEntry, SwapId, ValidatorSecret, Vote, VoteKind,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A ledger that goes on, each header certified by all of its validators.
pub(super) struct Chain {
    pub(super) ledger: Ledger,
    last: Option<Certificate>,
    votes: Vec<ValidatorSecret>,
    seal: NodeKey,
    orders: BTreeMap<SwapId, Known>,
}

/// An order that is final.
pub(super) struct Known {
    pub(super) cleared: ClearedOrder,
    pub(super) proof: OrderProof,
    pub(super) receipt: Option<ReceiptProof>,
    pub(super) settlement: Option<Settlement>,
}

impl Chain {
    pub(super) fn new(
        genesis: Genesis,
        votes: Vec<ValidatorSecret>,
        seal: NodeKey,
    ) -> Result<Self, GenesisError> {
        Ok(Self {
            ledger: Ledger::new(genesis, Arc::new(NoProofs))?,
            last: None,
            votes,
            seal,
            orders: BTreeMap::new(),
        })
    }

    pub(super) fn known(&self, order: SwapId) -> Option<&Known> {
        self.orders.get(&order)
    }

    pub(super) fn orders(&self) -> Vec<ClearedOrder> {
        self.orders.values().map(|known| known.cleared.clone()).collect()
    }

    /// Orders on an account's reservations from a height on; at that very one, after the order that it names.
    pub(super) fn on(&self, ask: &Ask) -> Vec<(SwapId, u64)> {
        let of = |known: &Known| known.cleared.order.parts().terms.reservation.bond == ask.key;
        let ours = self.orders.iter().filter(|(_, known)| of(known));
        let mut ours: Vec<_> = ours
            .map(|(order, known)| (known.proof.header.height, *order))
            .filter(|(height, order)| {
                let behind = *height == ask.after && ask.of.is_none_or(|last| *order > last);
                *height > ask.after || behind
            })
            .collect();
        ours.sort_unstable();
        ours.truncate(MAX_ANSWERED);
        ours.into_iter().map(|(height, order)| (order, height)).collect()
    }

    /// Opens what is sealed to the validators, and joins the parts.
    pub(super) fn open(&self, order: SubmittedOrder) -> Result<ClearedOrder, String> {
        let claim = order.claim.body.id();
        let sealed = order.fulfil.body.for_validators.as_ref();
        let sealed = sealed.ok_or("the quote has no opening for validators")?;
        let sealed = Bytes::new(sealed.as_slice()).map_err(|e| e.to_string())?;
        let provider = Opening::unseal(&claim, &self.seal, &sealed).map_err(|e| e.to_string())?;
        let hops = order.path.iter().skip(1);
        let hops = hops
            .map(|hop| self.opening(&claim, hop, &order.returns))
            .collect();
        let matched = MatchedOrder::new(MatchedParts {
            claim: order.claim,
            path: order.path,
            fulfil: order.fulfil,
            terms: order.terms,
            returns: order.returns,
            select: order.select,
            claimant: order.claimant,
            provider,
        });
        Ok(ClearedOrder {
            order: matched.map_err(|e| e.to_string())?,
            hops,
            payment: order.payment,
        })
    }

    fn opening(&self, claim: &ClaimId, hop: &HopEntry, returns: &[ReturnEntry]) -> Option<HopOpening> {
        let back = returns.iter().find(|entry| entry.index == hop.index)?;
        let opening = HopOpening::unseal(claim, &self.seal, back.opening.as_ref()?).ok()?;
        (hop.payee == Some(opening.commit())).then_some(opening)
    }

    /// One operation, in a batch of its own.
    pub(super) fn take(&mut self, op: Op) -> Result<(), String> {
        self.next(op, None)
    }

    /// The same, of somebody who is told in its own words why not.
    pub(super) fn take_for(&mut self, op: Op, wanted: &Wanted) -> Result<(), String> {
        self.next(op, Some(wanted))
    }

    fn next(&mut self, op: Op, wanted: Option<&Wanted>) -> Result<(), String> {
        let time_ms = now_ms().max(self.ledger.tip().time_ms.saturating_add(1));
        self.batch(time_ms, Some((op, wanted)))
    }

    /// An empty batch at that time.
    pub(super) fn pass(&mut self, time_ms: u64) {
        if let Err(error) = self.batch(time_ms, None) {
            tracing::error!(error, "an empty batch is refused");
        }
    }

    fn batch(&mut self, time_ms: u64, op: Option<(Op, Option<&Wanted>)>) -> Result<(), String> {
        let draft = self.ledger.next(time_ms, self.last.as_ref());
        let mut draft = draft.map_err(|e| e.to_string())?;
        let network = self.ledger.genesis().network.clone();
        if let Some((op, wanted)) = &op {
            let checked = CheckedOp::new(op.clone(), &network).map_err(|e| e.to_string())?;
            let params = &self.ledger.genesis().params;
            draft.take(&checked).map_err(|refused| match wanted {
                Some(wanted) => refused.in_words(wanted, params),
                None => refused.to_string(),
            })?;
        }
        let finished = draft.finish();
        let (header, set) = (finished.header, self.ledger.validators());
        let vote = Vote {
            kind: VoteKind::Precommit,
            height: header.height,
            round: 0,
            header: Some(header.id()),
        };
        let digest = vote.digest(&network);
        let signed: Vec<_> = self
            .votes
            .iter()
            .map(|vote| (vote.key(), vote.sign(&digest)))
            .collect();
        let certificate = Certificate::new((header.height, 0, header.id()), &set, &signed);
        let certificate = certificate.map_err(|e| e.to_string())?;
        if let Some((Op::Order(cleared), _)) = op {
            let leaf = Op::Order(cleared.clone()).leaf();
            let at = finished.leaves.iter().position(|one| *one == leaf);
            let path = at.and_then(|at| MerkleProof::of(&finished.leaves, at));
            let proof = OrderProof {
                header: header.clone(),
                certificate: certificate.clone(),
                hidden: cleared.hidden(),
                path: path.ok_or("the order is not in its batch")?,
            };
            let known = Known {
                cleared: *cleared,
                proof,
                receipt: None,
                settlement: None,
            };
            self.orders.insert(known.cleared.order.id(), known);
        }
        let receipts: Vec<Receipt> = finished.settlements.iter().map(Settlement::receipt).collect();
        let leaves: Vec<_> = receipts.iter().map(Receipt::leaf).collect();
        for (at, settlement) in finished.settlements.into_iter().enumerate() {
            let (Some(known), Some(path), Some(receipt)) = (
                self.orders.get_mut(&settlement.order),
                MerkleProof::of(&leaves, at),
                receipts.get(at),
            ) else {
                continue;
            };
            known.receipt = Some(ReceiptProof {
                header: header.clone(),
                certificate: certificate.clone(),
                receipt: *receipt,
                path,
            });
            known.settlement = Some(settlement);
        }
        self.ledger = finished.ledger;
        self.last = Some(certificate);
        Ok(())
    }
}
