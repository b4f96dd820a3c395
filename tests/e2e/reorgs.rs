//! A reorg takes a confirmation away, and never a preimage: both nodes unlearn the block, and end the swap as if it had
//! not been. All blocks of the chain are made by the test, and what was in the blocks that go waits in the mempool again.

use crate::shared::{STEP, Scene, act, outcomes, reaches};
use kofo_cli::demo::{Follow, Ground, Who, waits};
use kofo_node::rpc::types::OutcomeName;
use kofo_regtest::{Chain, Chains};
use std::time::{Duration, Instant};

const LOOK: Duration = Duration::from_millis(200);

/// An act on the first leg of a side.
#[derive(Clone, Copy)]
pub(crate) struct What {
    pub(crate) side: &'static str,
    pub(crate) act: &'static str,
}

const ALPHA_LOCK: What = What {
    side: "alpha",
    act: "lock",
};
pub(crate) const BETA_LOCK: What = What {
    side: "beta",
    act: "lock",
};
pub(crate) const BETA_REDEEM: What = What {
    side: "beta",
    act: "redeem",
};

impl What {
    /// The block that a node saw it in.
    pub(crate) fn height(self, follow: &Follow, who: Who) -> Option<u64> {
        act(follow.of(who), self.side, self.act)?.height
    }

    /// That neither node sees it in a block.
    async fn is_unlearned(self, follow: &mut Follow) {
        let nowhere = |now: &Follow| Who::BOTH.iter().all(|who| self.height(now, *who).is_none());
        follow
            .until("both nodes unlearn the confirmation", STEP, nowhere)
            .await
            .unwrap();
    }
}

impl Scene {
    pub(crate) fn chains(&self) -> &Chains {
        let Ground::Daemons(daemons) = self.ground() else {
            panic!("these tests run on daemons");
        };
        daemons.regtest()
    }

    /// Mines whatever waits on a chain without blocks until both nodes see the act in one, and then until it is so deep.
    pub(crate) async fn bury(&self, follow: &mut Follow, chain: Chain, what: What, depth: u64) {
        let deadline = Instant::now() + STEP;
        let seen = |now: &Follow| Who::BOTH.iter().all(|who| what.height(now, *who).is_some());
        while follow.until("the act in a block", LOOK, seen).await.is_err() {
            assert!(
                Instant::now() < deadline,
                "{} of {} does not come",
                what.act,
                what.side
            );
            if self.ground().waiting(chain).await.unwrap() > 0 {
                self.ground().mine(chain).await.unwrap();
            }
        }
        let height = what.height(follow, Who::Initiator).unwrap();
        while self.chains().tip(chain).await.unwrap().height < height + depth - 1 {
            self.ground().mine(chain).await.unwrap();
        }
    }
}

/// The other chain of a swap on this one, and what is given and wanted so that this one is alpha's.
const fn offer(chain: Chain) -> (Chain, &'static str, &'static str) {
    match chain {
        Chain::Bitcoin => (Chain::Ethereum, "0.05btc", "1eth"),
        Chain::Ethereum | Chain::Echoin => (Chain::Bitcoin, "1eth", "0.05btc"),
    }
}

/// Alpha's lock is as deep as is final, and the participant relies on it: a reorg takes all its blocks away.
async fn under_a_lock(chain: Chain, blocks: u32) {
    let Some(mut scene) = Scene::alone_with_depth("reorg under a lock", blocks).await else {
        return;
    };
    let (other, give, want) = offer(chain);
    scene.ground().pause(chain).await.unwrap();
    let swap = scene.stage.agree(give, want).await.unwrap();
    let mut follow = scene.follow(swap.id, give);
    scene.ground().pause(other).await.unwrap();
    scene
        .bury(&mut follow, chain, ALPHA_LOCK, u64::from(blocks))
        .await;
    // The participant relies on it: its lock, or the gas for it, is on its way.
    waits(scene.ground(), other).await.unwrap();
    scene.chains().reorg(chain, u64::from(blocks)).await.unwrap();
    ALPHA_LOCK.is_unlearned(&mut follow).await;
    for chain in [chain, other] {
        scene.ground().resume(chain).await.unwrap();
    }
    let both = follow.done(STEP).await.unwrap();
    assert_eq!(outcomes(&both), [Some(OutcomeName::Redeemed); 2]);
    // A version that pays more may have taken the first lock's place; that there is but one, the balances show.
    let played = scene.played(both).await;
    scene.balances_conserve(&[played]).await;
}

/// Beta's redeem is in blocks, not yet final, and the preimage is public: a reorg takes the blocks away. The participant
/// redeems alpha all the same, before there is a block for beta's redeem again.
async fn under_a_redeem(chain: Chain, blocks: u32) {
    let Some(mut scene) = Scene::alone_with_depth("reorg under a redeem", blocks + 1).await else {
        return;
    };
    let (other, want, give) = offer(chain);
    scene.ground().pause(chain).await.unwrap();
    let swap = scene.stage.agree(give, want).await.unwrap();
    let mut follow = scene.follow(swap.id, give);
    scene
        .bury(&mut follow, chain, BETA_LOCK, u64::from(blocks) + 1)
        .await;
    // Alpha's redeem finds no block before the reorg.
    scene.ground().pause(other).await.unwrap();
    reaches(&mut follow, Who::Initiator, &["redeeming", "done"])
        .await
        .unwrap();
    scene
        .bury(&mut follow, chain, BETA_REDEEM, u64::from(blocks))
        .await;
    scene.chains().reorg(chain, u64::from(blocks)).await.unwrap();
    BETA_REDEEM.is_unlearned(&mut follow).await;
    scene.ground().resume(other).await.unwrap();
    let alpha_redeemed = |now: &Follow| {
        act(now.of(Who::Participant), "alpha", "redeem").is_some_and(|redeem| redeem.height.is_some())
    };
    follow
        .until("the participant's redeem", STEP, alpha_redeemed)
        .await
        .unwrap();
    assert_eq!(BETA_REDEEM.height(&follow, Who::Participant), None);
    scene.ground().resume(chain).await.unwrap();
    let both = follow.done(STEP).await.unwrap();
    assert_eq!(outcomes(&both), [Some(OutcomeName::Redeemed); 2]);
    let played = scene.played(both).await;
    scene.balances_conserve(&[played]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorg_of_one_block_under_a_lock_on_bitcoin_is_unlearned_and_both_redeem() {
    under_a_lock(Chain::Bitcoin, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorg_of_three_blocks_under_a_lock_on_bitcoin_is_unlearned_and_both_redeem() {
    under_a_lock(Chain::Bitcoin, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorg_of_one_block_under_a_lock_on_an_evm_chain_is_unlearned_and_both_redeem() {
    under_a_lock(Chain::Ethereum, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorg_of_three_blocks_under_a_lock_on_an_evm_chain_is_unlearned_and_both_redeem() {
    under_a_lock(Chain::Ethereum, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorg_of_one_block_under_a_redeem_on_bitcoin_takes_the_block_and_not_the_preimage() {
    under_a_redeem(Chain::Bitcoin, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorg_of_three_blocks_under_a_redeem_on_bitcoin_takes_the_blocks_and_not_the_preimage() {
    under_a_redeem(Chain::Bitcoin, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorg_of_one_block_under_a_redeem_on_an_evm_chain_takes_the_block_and_not_the_preimage() {
    under_a_redeem(Chain::Ethereum, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorg_of_three_blocks_under_a_redeem_on_an_evm_chain_takes_the_blocks_and_not_the_preimage() {
    under_a_redeem(Chain::Ethereum, 3).await;
}
