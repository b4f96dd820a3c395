use proptest::prelude::*;

use super::*;

fn pressure() -> impl Strategy<Value = Pressure> {
    let rate = || (1u64..3_000).prop_map(SatPerVb);
    (rate(), rate(), rate(), 0u64..500, 0u64..500).prop_map(|(start, now, cap, waited, left)| Pressure {
        start,
        now,
        cap,
        waited,
        left,
    })
}

fn calm() -> Pressure {
    Pressure {
        start: SatPerVb(2),
        now: SatPerVb(2),
        cap: SatPerVb(200),
        waited: 0,
        left: 72,
    }
}

#[test]
fn with_time_left_a_transaction_pays_todays_price() {
    assert_eq!(calm().rate(), SatPerVb(2));
    let dear = Pressure {
        now: SatPerVb(20),
        ..calm()
    };
    assert_eq!(dear.rate(), SatPerVb(20));
    assert_eq!(
        Pressure {
            now: SatPerVb(900),
            ..calm()
        }
        .rate(),
        SatPerVb(200)
    );
}

#[test]
fn the_climb_is_slow_at_first_and_ends_at_the_cap() {
    let after = |blocks: u64| {
        Pressure {
            waited: blocks,
            left: 72 - blocks,
            ..calm()
        }
        .rate()
        .0
    };
    assert_eq!([after(0), after(6), after(36)], [2, 4, 55]);
    assert!(after(60) < 200);
    assert_eq!([after(69), after(72)], [200, 200]);
}

#[test]
fn a_wrong_estimate_is_outgrown_although_the_deadline_is_far() {
    let late = Pressure {
        waited: 18,
        left: 100_000,
        ..calm()
    };
    assert_eq!(late.rate(), SatPerVb(8));
}

#[test]
fn a_cap_is_a_share_of_the_value_and_never_below_the_relay_minimum() {
    let most = SatPerVb(200);
    assert_eq!(cap(most, Amount::from_sat(10_000_000), 2, 155), most);
    assert_eq!(cap(most, Amount::from_sat(31_000), 2, 155), SatPerVb(100));
    assert_eq!(cap(most, Amount::from_sat(100), 2, 155), SatPerVb(1));
}

proptest! {
    #[test]
    fn never_above_the_cap_and_never_below_what_it_started_with(p in pressure()) {
        prop_assert!(p.rate() <= p.cap);
        prop_assert!(p.rate() >= p.start.min(p.cap));
        prop_assert!(p.rate() >= p.now.min(p.cap));
    }

    #[test]
    fn less_time_is_never_cheaper(p in pressure(), sooner in 0u64..500) {
        let urgent = Pressure { left: p.left.saturating_sub(sooner), ..p };
        prop_assert!(urgent.rate() >= p.rate());
    }

    #[test]
    fn a_longer_wait_is_never_cheaper(p in pressure(), longer in 0u64..500) {
        let patient = Pressure { waited: p.waited + longer, ..p };
        prop_assert!(patient.rate() >= p.rate());
    }

    #[test]
    fn a_dearer_market_is_never_cheaper(p in pressure(), more in 0u64..3_000) {
        let dear = Pressure { now: SatPerVb(p.now.0 + more), ..p };
        prop_assert!(dear.rate() >= p.rate());
    }

    /// Whatever the blocks' times are: the last ones before the deadline find it at the cap.
    #[test]
    fn the_cap_is_reached_before_the_deadline(p in pressure(), steps in prop::collection::vec(0u64..4, 1..600)) {
        let mut p = p;
        for step in steps {
            p.waited += 1;
            p.left = p.left.saturating_sub(step);
        }
        p.left = RESERVE;
        prop_assert_eq!(p.rate(), p.cap);
    }

    /// Block after block, replacing what is worth it: every version is one that nodes accept, none is beyond the cap,
    /// and at the end no more could have been paid.
    #[test]
    fn every_replacement_is_valid_and_the_last_pays_the_cap(p in pressure(), vsize in 99u64..400) {
        let mut p = Pressure { waited: 0, left: p.left + RESERVE, ..p };
        let mut paid = Paid { fee: p.start.min(p.cap).fee(vsize), vsize };
        let mut replaced = 0u32;
        loop {
            let target = p.rate();
            if paid.worth_replacing(target, p.cap) {
                let fee = replacement(paid.fee, target, vsize);
                prop_assert!(fee.to_sat() >= paid.fee.to_sat() + vsize);
                prop_assert!(fee <= p.cap.fee(vsize));
                paid.fee = fee;
                replaced += 1;
            }
            if p.left == 0 {
                break;
            }
            p.left -= 1;
            p.waited += 1;
        }
        prop_assert!(paid.fee.to_sat() + vsize > p.cap.fee(vsize).to_sat());
        prop_assert!(replaced <= 40, "{} replacements", replaced);
    }
}
