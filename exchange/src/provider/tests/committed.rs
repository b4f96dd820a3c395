//! Orders on our quotes that are final before we hear of them.

use super::*;

fn terms(claim: &Claim, offered: &Offered) -> FulfilTerms {
    let bond = maker();
    FulfilTerms {
        give: offered.give,
        want: offered.want,
        alpha_timelock: UnixTime(4),
        beta_timelock: UnixTime(3),
        alpha_lock_by: UnixTime(1),
        beta_lock_by: UnixTime(2),
        redeem_by: UnixTime(2),
        premium_bps: 0,
        nonce: SwapNonce::new([1; 32]),
        opening: [1; 32],
        reservation: Reservation::sign(&bond, offered.seq, None, &claim.id(), &bond.id()),
    }
}

#[test]
fn a_committed_order_binds_its_provider_also_after_the_quote_was_freed_or_its_order_cancelled() {
    for spoil in 0..3 {
        let mut provider = provider([order(1, 100, 20)], 200);
        let (one, two) = (claim(1, 10, None), claim(2, 5, None));
        let offered = quote(&mut provider, &one, 1, NOW);
        match spoil {
            0 => {}
            1 => provider.expire(offered.until_ms),
            _ => assert!(provider.cancel_order(&[1; 32])),
        }
        let terms = terms(&one, &offered);
        provider.committed(fulfil(1), &one, &terms);
        provider.committed(fulfil(1), &one, &terms);
        provider.expire(NOW + 10_000_000);
        assert_eq!(eth_held(&provider), 200, "held until the swap is over: {spoil}");
        let later = Claim {
            expires_ms: NOW + 20_000_000,
            ..two
        };
        assert_eq!(provider.offers(&later, &later.id(), NOW), None, "all is promised");
        let again = provider.select(&fulfil(1), &one, NOW);
        assert!(again.is_err(), "nobody selects it again");
        assert!(provider.over(&fulfil(1), false) && !provider.over(&fulfil(1), false));
        assert_eq!(eth_held(&provider), 0);
    }
}
