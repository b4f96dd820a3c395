//! Stories, one file each: `cargo run -p kofo-examples --example NAME`. Each is run by `cargo test` too.
//!
//! * `wallet`: a wallet finds a provider and swaps, in twenty lines.
//! * `merchant`: a payer who holds bitcoin pays a merchant in ether.
//! * `pricing`: a provider with a pricing source of its own.
//! * `otc`: two people who know each other swap without any network.
//! * `watch_foreign_swap`: somebody watches a swap that is not theirs.
//! * `fourth_chain`: a chain that kofo does not know, its adapter, and a swap on it.
//! * `settlement_alone`: two swap machines on two chains, and nothing else.
//! * `exchange_alone`: a claim, two providers' quotes, and the claimant's pick.
//! * `clearance_alone`: trades of a venue that is not ours are made final, paid and proven.
//!
//! The first three need a network: they are run by `cargo test -p kofo-cli --test e2e sdk`, on real daemons.
//! Each of the last three imports one layer, the nouns of `kofo-primitives`, and at most a chain in memory.

#[cfg(test)]
mod tests {
    #[test]
    fn each_layer_alone_is_alone() {
        let layers = ["kofo_settlement", "kofo_exchange", "kofo_clearance"];
        let shells = [
            "kofo_node",
            "kofo_network",
            "kofo_journal",
            "kofo_consensus",
            "kofo_validator",
        ];
        for (own, source) in [
            ("kofo_settlement", include_str!("settlement_alone.rs")),
            ("kofo_exchange", include_str!("exchange_alone.rs")),
            ("kofo_clearance", include_str!("clearance_alone.rs")),
        ] {
            let uses = |name: &str| source.contains(&format!("{name}::"));
            assert!(uses(own));
            let others = layers.into_iter().filter(|layer| *layer != own).chain(shells);
            assert_eq!(
                others.filter(|name| uses(name)).collect::<Vec<_>>(),
                [""; 0],
                "{own}"
            );
        }
    }
}
