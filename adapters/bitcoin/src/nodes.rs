//! The nodes that we ask: our own, and witnesses, which need not be ours.
//!
//! One bitcoind that lies, or that is cut off from the network, could show us money that is not there and hide what
//! is. Who cannot be sure of it names others, and then:
//!
//! * The chain is followed block by block as our own node gives it, and each block is checked here: its hash, its work,
//!   that it builds on the one below, and that its transactions and their witnesses are all there. The median time is
//!   reckoned from the headers. So nobody can alter, hide or add anything within a block whose hash is right.
//! * A block counts when every witness has named its hash for its height. Only then a fact in it is told as being in a
//!   block, and only a tip that counts is told. What counted once counts until our own node follows another branch:
//!   a witness that changes its mind takes nothing back.
//! * What needs time to be known (a tip, the answer to `Watch`, a broadcast with `not_after`) waits while the nodes
//!   are apart: while one is silent, or more than one block ahead of what counts. A stale view can therefore make
//!   nobody show a secret too late, or lock too late.
//! * What needs no time never waits: a preimage is told from wherever it is seen, mempool of any node or block that
//!   does not count yet, because it proves itself; a redeem whose preimage is public, and a refund, are built and
//!   sent whatever the witnesses say.
//! * Nodes that are apart for [`APART_FOR`] are a `Fault`: no new swap begins. It ends when all name the same best block.
//! * Transactions go to all nodes. One with `not_after`, which may carry a secret, goes to witnesses only when our own
//!   node has taken it.
//! * The fee is the lowest that any of them asks for.
//! * Where all are peers of light clients ([`crate::light`]), the first is followed and the second is the witness. None is
//!   ours, so what may be shown only for a while goes to both at once; and a block is read whole where the filter of
//!   either says that it may concern us.
//!
//! For each block every node is asked the same few questions, however many legs there are. A witness that is silent is
//! left alone for a few seconds and delays nothing.

use std::time::Duration;

use crate::source::Source;

/// Nodes differ for a moment at every block; for so long they do not.
pub(crate) const APART_FOR: Duration = Duration::from_secs(15);

/// All nodes of one chain.
pub(crate) struct Nodes {
    /// Ours: the chain as it tells it is followed, as far as the others agree.
    pub(crate) ours: Box<dyn Source>,
    /// The others.
    pub(crate) witnesses: Vec<Box<dyn Source>>,
    /// None of them is ours: light clients among strangers.
    pub(crate) strangers: bool,
}
