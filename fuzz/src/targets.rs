//! The table of all targets.

use crate::{
    bitcoin, claimant, claims, clearance, clearing, codec, direct, disk, driver, evm, machine, offers,
    planes, provider, relay, rounds, text, tower,
};

/// One decoder, or one kind of sequence of operations.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, which is its corpus's folder too.
    pub name: &'static str,
    /// Panics when a promise is broken.
    pub run: fn(&[u8]),
    /// Real encodings, the same each time.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How many inputs it gets, in per cent of what is asked for: fewer where one takes long.
    pub share: u64,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({})", self.name)
    }
}

const fn target(name: &'static str, run: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>, share: u64) -> Target {
    Target {
        name,
        run,
        seeds,
        share,
    }
}

/// All targets: from a peer, from a chain, from a person, from a disk; then the sequences of operations.
pub const TARGETS: [Target; 65] = [
    target("signed_offer", codec::signed_offer, codec::seeds_of_offers, 100),
    target(
        "signed_acceptance",
        codec::signed_acceptance,
        codec::seeds_of_acceptances,
        100,
    ),
    target(
        "settlement_order",
        codec::order_of_two,
        codec::seeds_of_orders,
        50,
    ),
    target(
        "resigned_order",
        offers::resigned_order,
        offers::seeds_of_orders,
        25,
    ),
    target("direct_request", direct::request, direct::seeds_of_requests, 50),
    target(
        "direct_response",
        direct::response,
        direct::seeds_of_responses,
        50,
    ),
    target(
        "signed_response",
        direct::signed_response,
        direct::seeds_of_signed,
        50,
    ),
    target("round_request", rounds::request, rounds::seeds_of_requests, 50),
    target("round_reply", rounds::reply, rounds::seeds_of_replies, 50),
    target("entrusted", rounds::entrusted, rounds::seeds_of_entrusted, 50),
    target("signed_claim", claims::signed_claim, claims::seeds_of_claims, 100),
    target("cancel", claims::cancel, claims::seeds_of_cancels, 50),
    target("claim_path", claims::claim_path, claims::seeds_of_paths, 50),
    target(
        "signed_fulfil",
        claims::signed_fulfil,
        claims::seeds_of_fulfils,
        25,
    ),
    target(
        "sealed_parts",
        claims::sealed_parts,
        claims::seeds_of_sealed_parts,
        100,
    ),
    target(
        "select_and_answer",
        claims::select_and_answer,
        claims::seeds_of_selects_and_answers,
        50,
    ),
    target(
        "matched_order",
        claims::matched_order,
        claims::seeds_of_orders,
        50,
    ),
    target(
        "resigned_match",
        claims::resigned_match,
        claims::seeds_of_unsigned,
        15,
    ),
    target(
        "claim_plane",
        planes::claim_plane,
        planes::seeds_of_claim_plane,
        50,
    ),
    target(
        "return_plane",
        planes::return_plane,
        planes::seeds_of_return_plane,
        50,
    ),
    target("gossip", planes::gossip, planes::seeds_of_gossip, 50),
    target("clearance_op", clearance::op, clearance::seeds_of_ops, 25),
    target("batch", clearance::batch, clearance::seeds_of_batches, 5),
    target(
        "validator_request",
        clearance::request,
        clearance::seeds_of_requests,
        25,
    ),
    target(
        "validator_response",
        clearance::response,
        clearance::seeds_of_responses,
        50,
    ),
    target(
        "order_proof",
        clearance::order_proof,
        clearance::seeds_of_order_proofs,
        25,
    ),
    target(
        "set_change",
        clearance::set_change,
        clearance::seeds_of_set_changes,
        25,
    ),
    target(
        "light_state",
        clearance::light_state,
        clearance::seeds_of_light_states,
        5,
    ),
    target("genesis", clearance::any_genesis, clearance::seeds_of_geneses, 10),
    target("snapshot", clearance::snapshot, clearance::seeds_of_snapshots, 5),
    target("tower_request", tower::request, tower::seeds_of_requests, 100),
    target("tower_response", tower::response, tower::seeds_of_responses, 100),
    target("multiaddrs", direct::multiaddrs, direct::seeds_of_multiaddrs, 100),
    target("bitcoin_party", bitcoin::party, bitcoin::seeds_of_parties, 100),
    target("bitcoin_htlc", bitcoin::htlc, bitcoin::seeds_of_htlcs, 25),
    target(
        "bitcoin_witness",
        bitcoin::witness,
        bitcoin::seeds_of_witnesses,
        100,
    ),
    target("evm_calldata", evm::calldata, evm::seeds_of_calldata, 100),
    target(
        "evm_commitments",
        evm::commitments,
        evm::seeds_of_commitments,
        100,
    ),
    target("leg_event", codec::leg_event, codec::seeds_of_events, 100),
    target("htlc_spec", codec::htlc_spec, codec::seeds_of_specs, 100),
    target("offer_text", offers::offer_text, offers::seeds_of_texts, 100),
    target(
        "offer_text_among_others",
        offers::offer_text_among_others,
        offers::seeds_of_other_texts,
        25,
    ),
    target("amount", text::amount, text::seeds_of_amounts, 100),
    target(
        "asset_amount",
        text::asset_amount,
        text::seeds_of_asset_amounts,
        100,
    ),
    target("ids", text::ids, text::seeds_of_ids, 100),
    target("secrets", text::secrets, text::seeds_of_secrets, 100),
    target("endpoint", text::endpoint, text::seeds_of_endpoints, 100),
    target("rpc_json", text::rpc_json, text::seeds_of_rpc_json, 100),
    target("config", disk::config, disk::seeds_of_configs, 50),
    target("keystore", disk::keystore, disk::seeds_of_keystores, 25),
    target("node_files", disk::node_files, disk::seeds_of_node_files, 5),
    target("driver_records", disk::driver_records, disk::seeds_of_records, 25),
    target("swap_state", codec::swap_state, codec::seeds_of_states, 100),
    target("swap_terms", codec::swap_terms, codec::seeds_of_terms, 100),
    target("swap_input", codec::input, codec::seeds_of_inputs, 100),
    target("swap_begin", codec::begin, codec::seeds_of_begins, 50),
    target("seen_offers", codec::seen_offers, codec::seeds_of_seen, 100),
    target(
        "sim_prepared",
        codec::sim_prepared,
        codec::seeds_of_sim_prepared,
        100,
    ),
    target(
        "kept_states",
        planes::kept_states,
        planes::seeds_of_kept_states,
        25,
    ),
    target("swap_machine", machine::swap_machine, machine::seeds, 200),
    target("driver", driver::driver, driver::seeds, 50),
    target("clearing", clearing::ledger_of, clearing::seeds, 5),
    target("claimant", claimant::claimant, claimant::seeds, 5),
    target("provider", provider::provider, provider::seeds, 10),
    target("relay", relay::relay, relay::seeds, 5),
];
