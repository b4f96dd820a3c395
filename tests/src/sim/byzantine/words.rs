//! Messages that are garbage, old, doubled, or that ask for what they must not get.

use super::{Liar, Vice, submit};
use crate::sim::town::deal::{Deal, key};
use crate::sim::town::scene::Scene;
use crate::sim::town::wire::{Kind, Letter};
use futures::FutureExt;
use kofo_adapter_api::{Round, RoundReply};
use kofo_node::direct::{LegAsked, Request, Response, SignRequest};
use kofo_primitives::{ChainId, Preimage, Together};
use kofo_sim::{SimAdapter, SimTx};
use std::collections::BTreeMap;

/// Rounds that it opened for itself.
#[derive(Debug, Default)]
pub(crate) struct Rounds(BTreeMap<u64, (ChainId, Round)>);

impl Liar {
    /// What it says in place of this.
    pub(crate) fn speak(&mut self, scene: &mut Scene, letter: Letter) -> Vec<Letter> {
        match self.vice {
            Vice::Mute => Vec::new(),
            Vice::Babbles => vec![garbled(scene, letter)],
            Vice::Repeats => {
                self.said.push(letter.clone());
                let old = self.said[scene.dice.below(self.said.len())].clone();
                vec![letter.clone(), old, letter]
            }
            Vice::SignsOther => vec![self.other_words(scene, letter)],
            Vice::Vanishes(_)
            | Vice::LocksWrong(_)
            | Vice::LocksLate(_)
            | Vice::RedeemsLate(_)
            | Vice::RedeemsCheaply
            | Vice::AsksForAll(_) => vec![letter],
        }
    }

    /// Signatures that were right for an earlier request, or are none.
    fn other_words(&mut self, scene: &mut Scene, letter: Letter) -> Letter {
        if !matches!(
            kofo_primitives::decode::<Response>(&letter.body),
            Ok(Response::Signed(_))
        ) {
            return letter;
        }
        self.said.push(letter.clone());
        let body = match scene.dice.roll(3) {
            0 => self.said[scene.dice.below(self.said.len())].body.clone(),
            1 => Response::Signed(RoundReply::new(vec![0; 36]).expect("short")).write(),
            _ => Response::Signed(RoundReply::default()).write(),
        };
        Letter { body, ..letter }
    }

    /// Whether it keeps this to itself: the answer to a round that its driver knows nothing of.
    pub(crate) fn hear(&mut self, scene: &Scene, letter: &Letter) -> bool {
        if letter.kind == Kind::Asks {
            return self.vice == Vice::Mute;
        }
        let Some((chain, round)) = self.rounds.0.remove(&letter.number) else {
            return false;
        };
        let signed = Response::read_signed(&letter.body).ok();
        for prepared in signed
            .and_then(|reply| round.finish(&reply).now_or_never()?.ok())
            .unwrap_or_default()
        {
            let tx = SimTx::of_prepared(&prepared).expect("of a round of this chain");
            submit(&scene.chains[&chain], tx);
        }
        true
    }

    /// Asks for every signature of its deals that it would like, right or wrong.
    pub(crate) fn ask_for_all(
        &mut self,
        scene: &mut Scene,
        player: usize,
        adapters: &BTreeMap<ChainId, SimAdapter>,
    ) {
        let asks = matches!(self.vice, Vice::AsksForAll(from) if scene.step >= from);
        if !asks || !scene.dice.one_in(3) {
            return;
        }
        let mine: Vec<Deal> = scene.deals.clone();
        for deal in mine.iter().filter(|deal| deal.role(player).is_some()) {
            let role = deal.role(player).expect("it is its own");
            let Some(terms) = deal.terms(role, crate::sim::world::START) else {
                continue;
            };
            for (id, leg) in terms.legs() {
                for what in [Together::Redeem, Together::Refund] {
                    let at = terms.leg_ref(*id);
                    let chain = leg.spec.chain();
                    let Ok(round) = adapters[&chain].open_round_now(what, &[(at, leg.spec.clone())]) else {
                        continue;
                    };
                    // Often it does not say the preimage, and sometimes a wrong one.
                    let preimage = scene.dice.one_in(3).then(|| Preimage::new([7; 32]));
                    let (swap, leg) = (at.swap, at.leg);
                    let told = vec![LegAsked { swap, leg, preimage }];
                    let request = SignRequest::new(what, told, round.request.clone(), key(player));
                    let letter = Letter {
                        from: player,
                        to: deal.partner(player),
                        kind: Kind::Asks,
                        number: scene.number(),
                        body: Request::Sign(Box::new(request)).write(),
                    };
                    self.rounds.0.insert(letter.number, (chain, round));
                    scene.send(letter);
                }
            }
        }
    }
}

/// A byte flipped, the end cut off, or nothing right at all.
fn garbled(scene: &mut Scene, mut letter: Letter) -> Letter {
    let len = letter.body.len();
    match scene.dice.roll(3) {
        0 if len > 0 => {
            let at = scene.dice.below(len);
            letter.body[at] ^= 1 << scene.dice.roll(8);
        }
        1 => letter.body.truncate(scene.dice.below(len + 1)),
        _ => letter.body = vec![0xa5; scene.dice.below(600)],
    }
    letter
}
