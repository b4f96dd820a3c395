//! What relays do with what honest and dishonest neighbours send.

mod bounds;
mod claims;
mod desk;
mod graphs;
mod joining;
mod line;
mod paid;
mod privacy;
mod restart;
mod returns;
mod selects;
mod world;
