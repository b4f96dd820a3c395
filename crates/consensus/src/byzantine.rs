//! Validators that lie, for tests. Only with the feature `byzantine`.

use crate::application::Application;
use crate::codec::Wire;
use crate::context::{BallotProposal, BallotVote, Ctx, Value};
use crate::engine::{Engine, Launched, Plan, REQUESTS, refused, start};
use crate::settings::{Settings, StartError};
use crate::sign::{Pen, proposal_digest};
use arc_malachitebft_app_channel::{
    ByzantineContext, EngineBuilder, RequestContext, SyncContext, WalContext,
};
use arc_malachitebft_core_types::{SignedMessage, ValidatorProof, VoteExtensionScope};
use arc_malachitebft_engine_byzantine::{ByzantineConfig, Trigger};
use arc_malachitebft_signing::{Error, Signer};
use async_trait::async_trait;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// What a validator does that it must not, each at these heights.
#[derive(Clone, Debug, Default)]
pub struct Lies {
    /// It sends with each vote a second one, for something else.
    pub double_votes: Option<RangeInclusive<u64>>,
    /// It signs with each proposal a second one.
    pub double_proposals: Option<RangeInclusive<u64>>,
    /// Its votes do not leave it.
    pub silent_votes: Option<RangeInclusive<u64>>,
    /// Its proposals do not leave it.
    pub silent_proposals: Option<RangeInclusive<u64>>,
    /// Height and round at which it precommits nothing, whatever it is locked on.
    pub no_precommit: Option<(u64, u32)>,
}

fn trigger(at: Option<&RangeInclusive<u64>>) -> Trigger {
    at.map_or(Trigger::Never, |at| Trigger::HeightRange {
        from: *at.start(),
        to: *at.end(),
    })
}

fn another(of: Option<&Value>) -> Value {
    let Value(mut id) = of.copied().unwrap_or(Value([7; 32]));
    id.iter_mut().take(1).for_each(|byte| *byte ^= 1);
    Value(id)
}

impl Engine {
    /// Starts a validator that lies.
    ///
    /// # Panics
    ///
    /// Without a secret: a follower says nothing, so it cannot lie.
    pub async fn start_lying(
        settings: Settings,
        application: Arc<dyn Application>,
        lies: Lies,
    ) -> Result<Self, StartError> {
        start(settings, application, |plan| lying(plan, lies)).await
    }
}

/// Signs whatever it is asked to: the record of what was signed is not asked.
struct ForgetfulPen(Pen);

#[async_trait]
impl Signer<Ctx> for ForgetfulPen {
    async fn sign_vote(&self, vote: BallotVote) -> Result<SignedMessage<Ctx, BallotVote>, Error> {
        let cast = vote.as_vote().expect("the engine's votes have a round");
        let mark = self.0.mark(&cast.digest(self.0.network()));
        Ok(SignedMessage::new(vote, mark))
    }

    async fn sign_proposal(
        &self,
        proposal: BallotProposal,
    ) -> Result<SignedMessage<Ctx, BallotProposal>, Error> {
        let mark = self.0.mark(&proposal_digest(self.0.network(), &proposal));
        Ok(SignedMessage::new(proposal, mark))
    }

    async fn sign_vote_extension(
        &self,
        scope: VoteExtensionScope<Ctx>,
        extension: (),
    ) -> Result<SignedMessage<Ctx, ()>, Error> {
        self.0.sign_vote_extension(scope, extension).await
    }

    async fn sign_validator_proof(&self, key: Vec<u8>, peer: Vec<u8>) -> Result<ValidatorProof<Ctx>, Error> {
        self.0.sign_validator_proof(key, peer).await
    }
}

async fn lying(mut plan: Plan, lies: Lies) -> Launched {
    let pen = plan.pen.clone().expect("who lies has a secret");
    plan.ctx.no_precommit = lies.no_precommit.map(|at| (pen.address(), at));
    let config = ByzantineConfig::new(Some(0))
        .with_equivocate_votes(trigger(lies.double_votes.as_ref()))
        .with_equivocate_proposals(trigger(lies.double_proposals.as_ref()))
        .with_drop_votes(trigger(lies.silent_votes.as_ref()))
        .with_drop_proposals(trigger(lies.silent_proposals.as_ref()));
    let consensus = plan.consensus();
    let network = ByzantineContext {
        identity: plan.identity,
        codec: Wire,
        config,
        signer: Box::new(ForgetfulPen(pen.clone())),
        address: pen.address(),
        conflicting_value_fn: Some(Box::new(|of| another(Some(of)))),
        conflicting_vote_value_fn: Some(Box::new(another)),
    };
    EngineBuilder::new(plan.ctx, plan.config)
        .with_default_wal(WalContext::new(plan.wal, Wire))
        .with_byzantine_network(network)
        .await
        .map_err(refused)?
        .with_default_sync(SyncContext::new(Wire))
        .with_default_consensus(consensus)
        .with_default_request(RequestContext::new(REQUESTS))
        .build()
        .await
        .map_err(refused)
}
