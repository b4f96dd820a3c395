//! One suite for every adapter: what the port promises, as cases that any chain can run.
//!
//! The author of an adapter implements [`Harness`] for a chain that the test controls (a daemon on a test network, or a
//! simulation) and writes
//!
//! ```ignore
//! kofo_adapter_api::conformance_tests!(my_harness => always, mempool, faulty_node);
//! ```
//!
//! where `my_harness` is an `async fn(test: &str) -> Option<impl Harness>` that gives each test fresh, funded owners, or
//! `None` (after a loud word) if this machine cannot have the daemon. Each case becomes a test whose name is the sentence
//! that it proves. `always` is for every chain; each further group needs one more trait of [`harness`], for what only
//! some chains or test set-ups can do.
//!
//! No case sleeps to wait for something: it mines, and waits with a deadline until the adapter told the tip. Whatever
//! was true at that tip must have been told before (promise 2).

pub mod ends;
pub mod entrusted;
pub mod faults;
pub mod following;
pub mod harness;
pub mod locks;
pub mod money;
mod peer;
pub mod raw;
pub mod refusals;
pub mod restarts;
mod stage;
pub mod third_party;
pub mod together;
pub mod transfers;
pub mod wrong_locks;

pub use harness::{Harness, Who};
pub use peer::{Peer, Told};
pub use stage::{Leg, Stage};

/// Expands to one `#[tokio::test]` per case of the named groups; see [`conformance`](crate::conformance).
#[macro_export]
macro_rules! conformance_tests {
    ($make:path => $($group:ident),+ $(,)?) => {
        $($crate::conformance_tests!(@group $make, $group);)+
    };
    (@group $make:path, always) => {
        $crate::conformance_tests!(@cases $make, following:
            the_tip_follows_the_blocks
            blocks_that_come_at_once_are_not_missed
            no_block_is_told_twice
            a_reorg_of_one_block_unlearns_a_lock_and_it_is_learned_again
            a_reorg_of_one_block_moves_a_redeem
            a_reorg_of_three_blocks_takes_back_all_that_was_in_them
            many_locks_of_one_block_are_all_told
            watching_again_tells_all_facts_again_and_a_fresh_tip
            watching_tells_what_is_not_there
            a_leg_that_is_unwatched_is_told_no_more
        );
        $crate::conformance_tests!(@cases $make, locks:
            a_lock_is_told_to_both_ends_with_its_exact_block
            building_sends_nothing
            building_again_answers_with_the_same_lock
            a_broadcast_that_is_repeated_makes_one_transaction
            what_is_too_late_is_not_sent
            locks_that_are_built_together_never_spend_the_same
            unwatching_frees_what_was_not_sent
            a_lock_that_was_discarded_blocks_no_later_one
            a_cancelled_lock_is_dead_and_never_comes_back
            a_cancel_that_comes_too_late_is_dead
            a_lock_that_the_wallet_cannot_pay_fails_for_want_of_funds
        );
        $crate::conformance_tests!(@cases $make, money:
            a_redeemed_swap_moves_the_amount_and_nothing_else
            a_refunded_lock_costs_nothing_but_fees
        );
        $crate::conformance_tests!(@cases $make, ends:
            a_redeem_tells_both_ends_the_preimage
            a_wrong_preimage_is_refused
            the_wrong_end_cannot_redeem_or_refund
            a_refund_before_its_time_is_in_no_block
            a_refund_is_taken_at_exactly_its_time
            a_refund_is_taken_one_second_after_its_time
            a_redeem_after_the_timelock_works_while_nothing_is_refunded
            a_redeem_that_comes_after_the_refund_is_dead
            a_refund_that_comes_after_the_redeem_is_dead
            two_legs_with_one_preimage_are_kept_apart
        );
        $crate::conformance_tests!(@cases $make, restarts:
            a_restart_finds_the_lock_that_came_meanwhile
            a_restart_finds_the_preimage_that_came_meanwhile
            a_restart_finds_the_refund_that_came_meanwhile
            a_restart_finds_that_a_reorg_took_the_lock_away
            a_held_lock_is_not_sent_by_watching
            a_held_lock_stays_reserved_after_a_restart
            a_lock_that_was_sent_before_a_restart_stays_one_lock
            a_redeem_that_was_sent_before_a_restart_is_sent_again
            a_cancel_survives_a_restart
            a_redeem_needs_nothing_but_the_leg
            a_refund_needs_nothing_but_the_leg
        );
        $crate::conformance_tests!(@cases $make, refusals:
            a_leg_that_is_right_passes_the_check_at_both_ends
            a_party_never_repeats_what_is_taken
            check_refuses_an_unknown_asset
            check_refuses_malformed_parties
            check_refuses_a_foreign_place
            check_refuses_a_party_that_is_not_ours
            check_refuses_what_an_empty_wallet_cannot_pay
            check_locks_and_reserves_nothing
            check_refuses_the_largest_amount
            bytes_that_were_not_built_here_are_refused
            building_for_a_leg_that_is_not_watched_is_refused
        );
    };
    (@group $make:path, transfers) => {
        $crate::conformance_tests!(@cases $make, transfers:
            a_payment_that_is_sent_again_and_again_pays_once
            a_payment_and_a_lock_never_spend_the_same
            a_payment_that_is_dropped_holds_nothing
            a_payment_that_cannot_be_is_refused
        );
    };
    (@group $make:path, dust) => {
        $crate::conformance_tests!(@cases $make, refusals: check_refuses_dust);
    };
    (@group $make:path, mempool) => {
        $crate::conformance_tests!(@cases $make, ends: a_preimage_is_told_from_the_mempool);
        $crate::conformance_tests!(@cases $make, restarts: a_restart_finds_the_preimage_in_the_mempool);
    };
    (@group $make:path, wrong_locks) => {
        $crate::conformance_tests!(@cases $make, wrong_locks:
            an_underfunded_lock_is_a_wrong_amount
            an_overfunded_lock_is_a_wrong_amount
        );
    };
    (@group $make:path, two_locks) => {
        $crate::conformance_tests!(@cases $make, wrong_locks:
            two_locks_are_a_wrong_amount
            what_was_locked_wrongly_is_refunded_whole
            what_is_added_to_a_lock_hides_no_preimage
        );
    };
    (@group $make:path, stranger) => {
        $crate::conformance_tests!(@cases $make, ends: a_preimage_is_told_when_a_stranger_redeems);
    };
    (@group $make:path, raw) => {
        $crate::conformance_tests!(@cases $make, raw:
            a_preimage_that_is_not_32_bytes_long_opens_nothing
            the_chain_itself_refuses_a_refund_one_second_early
            a_replaced_or_cancelled_lock_is_refused_by_the_chain
        );
    };
    (@group $make:path, faulty_node) => {
        $crate::conformance_tests!(@cases $make, faults:
            a_broadcast_that_errs_but_was_accepted_is_found
            a_broadcast_that_is_refused_is_sent_again
        );
    };
    (@group $make:path, outage) => {
        $crate::conformance_tests!(@cases $make, faults: what_happens_while_the_node_is_away_is_told_afterwards);
    };
    (@group $make:path, forgetful) => {
        $crate::conformance_tests!(@cases $make, faults:
            a_lock_that_falls_out_of_the_mempool_is_sent_again
            a_redeem_that_our_node_took_is_told_even_if_the_mempool_forgets_it_at_once
        );
    };
    (@group $make:path, overheard) => {
        $crate::conformance_tests!(@cases $make, raw: a_preimage_leaves_only_in_the_broadcast_of_the_redeem);
    };
    (@group $make:path, fees) => {
        $crate::conformance_tests!(@cases $make, faults:
            a_lock_that_is_stuck_is_replaced_by_one_that_spends_the_same
            a_redeem_that_is_stuck_is_replaced_by_one_that_pays_more
            a_replacement_that_was_lost_in_a_crash_is_made_again
            a_cancel_outbids_a_lock_that_was_replaced
        );
    };
    (@group $make:path, counted) => {
        $crate::conformance_tests!(@cases $make, faults: following_costs_the_same_for_many_legs_as_for_one);
    };
    (@group $make:path, together) => {
        $crate::conformance_tests!(@cases $make, together:
            a_refund_that_both_signed_comes_before_its_time_and_both_hear_it
            a_refund_is_not_harmed_by_a_reply_that_is_garbage
            a_refund_of_other_terms_is_not_signed
            a_refund_is_signed_by_the_other_end_only
            a_refund_round_after_a_restart_works
            a_refund_that_both_signed_survives_a_restart
            a_reorg_unlearns_a_refund_that_both_signed_and_it_is_learned_again
            a_refund_that_both_signed_is_dead_after_a_redeem
            one_round_refunds_two_legs
            a_refund_round_sends_nothing
        );
    };
    (@group $make:path, redeem_together) => {
        $crate::conformance_tests!(@cases $make, together:
            a_redeem_that_both_signed_shows_no_preimage_and_both_hear_it
            a_redeem_is_not_harmed_by_a_reply_that_is_garbage
            a_redeem_of_other_terms_is_not_signed
            a_redeem_is_signed_by_the_other_end_only
            a_redeem_round_after_a_restart_works
            a_redeem_that_both_signed_survives_a_restart
            a_reorg_unlearns_a_redeem_that_both_signed_and_it_is_learned_again
            a_redeem_that_both_signed_is_dead_after_a_refund
            one_round_redeems_two_legs
            a_redeem_round_sends_nothing
        );
    };
    (@group $make:path, redeem_alone) => {
        $crate::conformance_tests!(@cases $make, together: a_redeem_together_is_answered_with_alone);
    };
    (@group $make:path, redeem_together_stuck) => {
        $crate::conformance_tests!(@cases $make, together:
            a_redeem_alone_replaces_what_both_signed_and_is_stuck
        );
    };
    (@group $make:path, entrusted) => {
        $crate::conformance_tests!(@cases $make, entrusted:
            an_entrusted_refund_pays_the_owner
            an_entrusted_redeem_pays_the_owner
            an_entrusted_refund_is_in_no_block_before_its_time
            a_package_that_was_tampered_with_is_refused
            an_entrusted_redeem_needs_the_right_preimage
            nobody_but_the_owner_entrusts_a_leg
        );
    };
    (@group $make:path, third_party) => {
        $crate::conformance_tests!(@cases $make, third_party:
            a_redeem_to_a_third_party_pays_it_and_not_us
            a_redeem_to_a_third_party_needs_nothing_but_the_leg
            a_lock_for_a_third_party_is_refunded_to_its_payer
            an_address_that_is_none_is_refused
            a_refund_to_a_third_party_is_refused
        );
    };
    (@group $make:path, third_party_together) => {
        $crate::conformance_tests!(@cases $make, third_party:
            a_redeem_that_both_signed_pays_the_third_party
            legs_for_several_payees_are_redeemed_apart
            one_round_pays_two_legs_to_one_third_party
            a_refund_is_signed_also_for_a_lock_that_would_pay_a_third_party
        );
    };
    (@group $make:path, third_party_alone) => {
        $crate::conformance_tests!(@cases $make, third_party:
            a_refund_that_only_a_third_party_could_sign_is_answered_with_alone
        );
    };
    (@group $make:path, third_party_entrusted) => {
        $crate::conformance_tests!(@cases $make, entrusted: an_entrusted_redeem_pays_the_third_party);
    };
    (@cases $make:path, $module:ident: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                if let Some(chain) = $make(stringify!($case)).await {
                    $crate::conformance::$module::$case(chain).await;
                }
            }
        )+
    };
}
