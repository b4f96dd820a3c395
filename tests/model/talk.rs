//! What the two parties say to each other, and what a party may do that is no node of ours.

use crate::chain::Chain;
use crate::machine::{Said, of};
use crate::terms;
use crate::world::{Breach, Heard, State, World, who};
use kofo_primitives::ActKind::{self, Cancel, Lock, Redeem, RedeemTogether, Refund, RefundTogether};
use kofo_primitives::{Role, Side, Together};

const fn other(role: Role) -> Role {
    match role {
        Role::Initiator => Role::Participant,
        Role::Participant => Role::Initiator,
    }
}

impl World {
    /// One node asks for a signature. To ask for a redeem is to tell the preimage.
    pub(crate) fn ask(&self, next: &mut State, role: Role, side: Side, heard: Heard) -> Option<()> {
        let before = next.clone();
        let asks = next.nodes[who(role)].asks(self.machine(role));
        let (_, what) = asks.into_iter().find(|(asked, _)| *asked == side)?;
        let mut said = Vec::new();
        if what == Together::Redeem {
            self.reveal(next, role, heard != Heard::Lost);
            said.push(Said::Tell);
        }
        if heard != Heard::Lost {
            self.hears(next, other(role), what)?;
        }
        if heard == Heard::Answered {
            let honest = self.liar() != Some(other(role));
            let helper = &next.nodes[who(other(role))];
            if honest && !helper.signs(self.machine(other(role)), side, what) {
                return None;
            }
            said.extend((what == Together::Redeem).then_some(Said::PeerKnows));
            said.push(Said::Built(side, what.kind()));
        }
        self.tell(next, role, &said);
        (*next != before).then_some(())
    }

    fn tell(&self, next: &mut State, role: Role, said: &[Said]) {
        match next.nodes[who(role)].told(self.machine(role), said) {
            Ok(node) => next.nodes[who(role)] = node,
            Err(_) => next.breach = Some(Breach::MachineFailed),
        }
    }

    /// The other party gets the request, if it is there.
    fn hears(&self, next: &mut State, role: Role, what: Together) -> Option<()> {
        if self.liar() == Some(role) {
            return Some(());
        }
        let said = match what {
            Together::Redeem => Said::PeerKnows,
            Together::Refund => Said::PeerGaveUp,
        };
        next.nodes[who(role)].up.then_some(())?;
        self.tell(next, role, &[said]);
        Some(())
    }

    /// The preimage leaves in a message: the conditions are those of showing it on a chain.
    fn reveal(&self, next: &mut State, role: Role, arrives: bool) {
        if role == Role::Initiator && !next.shown {
            let beta: &Chain = &next.chains[of(Side::Beta)];
            if !beta.is_final(Lock, self.depth) {
                next.breach = Some(Breach::RevealedBeforeBetaWasFinal);
            }
            if beta.time >= terms::reveal_over(self.steps_of(Side::Beta)) {
                next.breach = Some(Breach::RevealedLate);
            }
            next.shown = arrives;
        }
    }

    /// The liar sends what its chain takes: its keys, the preimage if it knows it, and the signatures that it was given.
    pub(crate) fn lie(&self, next: &mut State, side: Side, act: ActKind) -> Option<()> {
        let liar = self.liar()?;
        let pays = liar.locks() == side;
        let knows = liar == Role::Initiator || next.shown;
        let may = match act {
            Lock | Cancel => pays,
            Refund => pays && self.last_time(next, side),
            Redeem => !pays && knows,
            RefundTogether => pays && next.given(side),
            RedeemTogether => !pays && next.given(side),
        };
        let chain = &mut next.chains[of(side)];
        (may && chain.accepts(act)).then_some(())?;
        chain.submit(act);
        next.shown |= act == Redeem;
        Some(())
    }

    /// The liar asks for the signature that takes a leg for it: its own lock back, or theirs with the preimage.
    pub(crate) fn lie_ask(&self, next: &mut State, side: Side) -> Option<()> {
        let (before, liar) = (next.clone(), self.liar()?);
        let what = match liar.locks() == side {
            true => Together::Refund,
            false => Together::Redeem,
        };
        if what == Together::Redeem && liar == Role::Participant && !next.shown {
            return None;
        }
        next.shown |= what == Together::Redeem;
        self.hears(next, other(liar), what)?;
        if next.nodes[who(other(liar))].signs(self.machine(other(liar)), side, what) {
            next.give(side);
        }
        (*next != before).then_some(())
    }
}
