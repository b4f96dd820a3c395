//! The vectors of `docs/protocol/settlement.md` and `tower.md`, and of the wire messages of both: what another implementation
//! must come to, byte by byte. `KOFO_WRITE=1 cargo test -p kofo-tests --test vectors` writes them anew.
//!
//! What the adapters alone can make (packages for towers, requests for signatures) their own tests hold against these files.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod bitcoin;
mod evm;
mod file;
mod order;
mod samples;
mod tower;

use file::Vectors;

#[test]
fn settlement_is_as_its_vectors_say() {
    let mut out = Vectors::default();
    order::keys(&mut out);
    order::order(&mut out);
    order::messages(&mut out);
    bitcoin::script(&mut out);
    bitcoin::spends(&mut out);
    bitcoin::together(&mut out);
    evm::lock(&mut out);
    evm::words(&mut out);
    evm::batches(&mut out);
    evm::elsewhere(&mut out);
    out.check("settlement.json");
}

#[test]
fn towers_are_spoken_to_as_their_vectors_say() {
    let mut out = Vectors::default();
    tower::package(&mut out);
    tower::messages(&mut out);
    out.check("tower.json");
}
