//! What neighbours ask: taken or refused at once, with whatever it brings about done after the answer.

use super::{Market, MarketError, Work};
use crate::clock::now_ms;
use crate::config::NodeRole;
use kofo_exchange::{
    AnswerRefused, Blame, ClaimEnvelope, ClaimMessage, ClaimReply, FulfilEnvelope, Link, Passed,
    ReturnMessage, ReturnReply, SelectEnvelope,
};
use kofo_network::{Fault, MeshEvent, MeshRequest, PeerId, Plane, Responder};
use kofo_primitives::{Answer, Signed, Text};
use std::fmt::Display;

pub(super) const fn fault(blame: Blame) -> Fault {
    match blame {
        Blame::Malformed => Fault::Malformed,
        Blame::Signature => Fault::Signature,
        Blame::Path => Fault::Path,
        Blame::Replay => Fault::Replay,
        Blame::Unsolicited => Fault::Unsolicited,
        Blame::Flood => Fault::Flood,
    }
}

/// Why a neighbour's message is not taken.
struct No {
    why: String,
    blame: Option<Blame>,
}

impl No {
    fn new(why: impl Display, blame: Option<Blame>) -> Self {
        let why = why.to_string();
        Self { why, blame }
    }
}

impl Market {
    /// Something happened in the mesh.
    pub(super) fn event(&self, event: MeshEvent) {
        match event {
            MeshEvent::Asked(request) => self.asked(request),
            MeshEvent::Heard(heard) => self.heard(heard),
            MeshEvent::Joined(peer) => self.joined(peer),
            MeshEvent::Left(peer) => self.left(peer),
        }
    }

    fn asked(&self, request: MeshRequest) {
        let MeshRequest {
            from,
            plane,
            body,
            responder,
        } = request;
        match plane {
            Plane::Claim => match ClaimMessage::read(&body) {
                Ok(message) => self.claim_message(from, message, responder),
                Err(_) => self.parts.mesh.judge(from, Fault::Malformed),
            },
            Plane::Return => match ReturnMessage::read(&body) {
                Ok(message) => {
                    let reply = match self.return_message(from, message) {
                        Ok(()) => ReturnReply::Taken,
                        Err(no) => ReturnReply::Refused(self.blamed(from, &no)),
                    };
                    respond(responder, reply.write());
                }
                Err(_) => self.parts.mesh.judge(from, Fault::Malformed),
            },
            Plane::Direct => {}
        }
    }

    fn blamed(&self, from: PeerId, no: &No) -> Text<200> {
        if let Some(blame) = no.blame {
            tracing::debug!(peer = %from, ?blame, why = no.why, "a neighbour is to blame");
            self.parts.mesh.judge(from, fault(blame));
        }
        Text::lossy(&no.why)
    }

    fn claim_message(&self, from: PeerId, message: ClaimMessage, responder: Responder) {
        let reply = match message {
            ClaimMessage::Link(hello) => match self.heard_hello(from, &hello) {
                Ok(()) => self.answer_hello(from),
                Err(fault) => {
                    self.parts.mesh.judge(from, fault);
                    ClaimReply::Refused(Text::lossy("expected a hello of this network and version 1"))
                }
            },
            ClaimMessage::Claim(envelope) => match self.claim_came(from, *envelope) {
                Ok(()) => ClaimReply::Taken,
                Err(None) => return, // No answer: it comes again when the hello is through.
                Err(Some(no)) => ClaimReply::Refused(self.blamed(from, &no)),
            },
        };
        respond(responder, reply.write());
    }

    /// A claim of somebody else. `Err(None)`: its sender has not said hello yet, or not quite.
    fn claim_came(&self, from: PeerId, envelope: ClaimEnvelope) -> Result<(), Option<No>> {
        if self.parts.role == NodeRole::Wallet {
            return Err(Some(No::new(
                "this node is a wallet: it neither relays nor quotes",
                None,
            )));
        }
        let mut state = self.state();
        let link = state.linked(from).ok_or(None)?;
        let taken = state.relay.claim(link, envelope, now_ms());
        let taken = taken.map_err(|e| Some(No::new(&e, e.blame())))?;
        state.guards_changed = true;
        state.pass_on(taken.forward);
        let deals = state.dealing.is_some();
        drop(state);
        if deals {
            self.consider(taken.received);
        }
        Ok(())
    }

    fn return_message(&self, from: PeerId, message: ReturnMessage) -> Result<(), No> {
        let link = self.state().linked(from);
        let link = link.ok_or_else(|| No::new("say hello on this link first", None))?;
        match message {
            ReturnMessage::Fulfil(envelope) => self.fulfil_came(link, *envelope),
            ReturnMessage::Select(envelope) => self.select_came((from, link), *envelope),
            ReturnMessage::Answer(answer) => self.answer_came(link, *answer),
        }
    }

    fn fulfil_came(&self, link: Link, envelope: FulfilEnvelope) -> Result<(), No> {
        let mut state = self.state();
        let passed = state.relay.fulfil(link, envelope, now_ms());
        match passed.map_err(|e| No::new(&e, e.blame()))? {
            Passed::On(to, envelope) => state.send_back(to, ReturnMessage::Fulfil(Box::new(envelope))),
            Passed::Ours(envelope) => {
                let changed = self.quote_came(&mut state, envelope);
                drop(state);
                if let Err(why) = changed {
                    // Its provider's fault, or nobody's: whoever passed it cannot see the terms.
                    tracing::info!(%why, "a quote is not looked at");
                }
            }
        }
        Ok(())
    }

    fn select_came(&self, (peer, link): (PeerId, Link), envelope: SelectEnvelope) -> Result<(), No> {
        let mut state = self.state();
        let fulfil = envelope.select.body.fulfil;
        let ours = state
            .dealing
            .as_ref()
            .is_some_and(|dealing| dealing.knows(&fulfil));
        let envelope = match state.relay.select(Some(link), envelope.clone(), now_ms()) {
            Ok(Passed::On(to, envelope)) => {
                state.send_back(to, ReturnMessage::Select(Box::new(envelope)));
                return Ok(());
            }
            Ok(Passed::Ours(envelope)) => envelope,
            // The relay forgets over a restart what we do not; and whoever selects twice gets an answer.
            Err(error) if ours && !is_forged(error.blame()) => envelope,
            Err(error) => return Err(No::new(&error, error.blame())),
        };
        drop(state);
        self.queue(Work::Chosen(peer, Box::new(envelope)));
        Ok(())
    }

    fn answer_came(&self, link: Link, answer: Signed<Answer>) -> Result<(), No> {
        let mut state = self.state();
        if state.claims.get(&answer.body.claim).is_some() {
            return self.answered(&mut state, &answer).map_err(|why| {
                let forged = matches!(why, MarketError::Answer(AnswerRefused::Signature(_)));
                No::new(&why, forged.then_some(Blame::Signature))
            });
        }
        let passed = state.relay.answer(Some(link), answer, now_ms());
        match passed.map_err(|e| No::new(&e, e.blame()))? {
            Passed::On(to, answer) => state.send_back(to, ReturnMessage::Answer(Box::new(answer))),
            Passed::Ours(_) => tracing::debug!("an answer to a claim that is forgotten"),
        }
        Ok(())
    }
}

/// What no honest neighbour passes on.
const fn is_forged(blame: Option<Blame>) -> bool {
    matches!(blame, Some(Blame::Signature | Blame::Malformed))
}

fn respond(responder: Responder, answer: Vec<u8>) {
    if let Err(error) = responder.respond(answer) {
        tracing::warn!(%error, "an answer was not sent");
    }
}
