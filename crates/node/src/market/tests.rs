//! Whole markets over a simulated network, with a settlement that needs no chains.

mod fixture;
mod flow;
mod gossip;
mod no;
mod restart;
mod sources;
