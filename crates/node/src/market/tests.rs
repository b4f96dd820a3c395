//! Whole markets over a simulated network, with a settlement that needs no chains.

mod cleared;
mod crashes;
mod fixture;
mod flow;
mod gossip;
mod graph;
mod no;
mod restart;
mod sources;
mod town;
