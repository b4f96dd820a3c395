use super::*;
use crate::round::tests::{leg, now, purse};
use kofo_primitives::{Hashlock, UnixTime};

const TOWER: u8 = 9;

fn refused<T: std::fmt::Debug>(answer: Result<T, AdapterError>, field: &str) {
    assert!(
        matches!(&answer, Err(AdapterError::Malformed { field: f, .. }) if *f == field),
        "{answer:?}"
    );
}

/// The redeemer of the leg, who leaves so much of a thousand to the tower.
fn owner(per_mille: u16) -> Purse {
    let mut owner = purse(2);
    let account = purse(TOWER).gas[0].address();
    owner.config.tower_wage = Some(TowerWage { account, per_mille });
    owner
}

fn entrust_now(purse: &Purse, spec: &HtlcSpec, act: ActKind) -> Result<Vec<Entrusted>, AdapterError> {
    now(entrust(purse, spec, act))
}

fn package(owner: &Purse) -> Entrusted {
    let spec = leg(1, End::Redeemer).1;
    let [package] = entrust_now(owner, &spec, ActKind::Redeem)
        .unwrap()
        .try_into()
        .unwrap();
    package
}

/// What the tower reads in it.
fn read_by(tower: &Purse, package: &Entrusted, spec: &HtlcSpec) -> Result<Option<Wage>, AdapterError> {
    let it = Htlc::new(&tower.config, spec).unwrap();
    wage(tower, &it, ActKind::Redeem, package)
}

#[test]
fn without_a_wage_a_package_is_empty() {
    let redeem = package(&purse(2));
    assert_eq!(redeem.as_slice(), [1, 0]);
    let refund = entrust_now(&purse(1), &leg(1, End::Refunder).1, ActKind::Refund).unwrap();
    assert_eq!(refund, std::slice::from_ref(&redeem));
    assert_eq!(
        read_by(&purse(TOWER), &redeem, &leg(1, End::Redeemer).1),
        Ok(None)
    );
}

#[test]
fn a_wage_is_the_towers_and_bounded() {
    let spec = leg(1, End::Redeemer).1;
    for (per_mille, keeps) in [(1, 1), (10, 10), (50, 50), (1_000, 50)] {
        let wage = read_by(&purse(TOWER), &package(&owner(per_mille)), &spec)
            .unwrap()
            .unwrap();
        assert_eq!(
            (wage.keeps, wage.account()),
            (keeps, purse(TOWER).gas[0].address())
        );
    }
    assert_eq!(
        package(&owner(0)).as_slice(),
        [1, 0],
        "nothing kept needs no word"
    );
    // Nobody else's: he may redeem at his own cost.
    assert_eq!(read_by(&purse(8), &package(&owner(10)), &spec), Ok(None));
    let huge = TowerWage {
        account: Address::ZERO,
        per_mille: 50,
    };
    assert_eq!(huge.of(Amount::new(u128::MAX)), u128::MAX / 20);
    assert_eq!(huge.of(Amount::new(1_999)), 99);
}

#[test]
fn the_package_is_pinned() {
    let package = package(&owner(10));
    let bytes = package.as_slice();
    let mut head = vec![1, 1];
    head.extend(purse(TOWER).gas[0].address());
    head.extend(10u128.to_le_bytes());
    assert_eq!((&bytes[..38], bytes.len()), (head.as_slice(), 103));
}

#[test]
fn a_word_that_is_not_the_redeemers_over_these_terms_is_refused() {
    let package = package(&owner(10));
    let mut others = vec![leg(2, End::Redeemer).1, leg(1, End::Redeemer).1];
    others[1].timelock = UnixTime(1_800_000_001);
    for spec in others {
        refused(
            read_by(&purse(TOWER), &package, &spec),
            "the redeemer's signature",
        );
    }
    let spec = leg(1, End::Redeemer).1;
    // More than was granted, and more than there is.
    for (place, field) in [(22, "the redeemer's signature"), (37, "a tower's wage")] {
        let mut greedy = package.as_slice().to_vec();
        greedy[place] = 0x7f;
        let greedy = Bytes::new(greedy).unwrap();
        refused(read_by(&purse(TOWER), &greedy, &spec), field);
    }
}

#[test]
fn junk_and_a_wage_for_a_refund_are_refused() {
    let spec = leg(1, End::Redeemer).1;
    for junk in [
        vec![],
        vec![1],
        vec![2, 0],
        vec![1, 0, 0],
        vec![1, 2],
        vec![0xff; 4_096],
    ] {
        let junk = Bytes::new(junk).unwrap();
        refused(read_by(&purse(TOWER), &junk, &spec), "what is entrusted");
    }
    let tower = purse(TOWER);
    let it = Htlc::new(&tower.config, &leg(1, End::Refunder).1).unwrap();
    let answer = wage(&tower, &it, ActKind::Refund, &package(&owner(10)));
    refused(answer, "what is entrusted");
}

#[test]
fn only_an_owner_entrusts_and_only_its_own_act() {
    let redeemers = leg(1, End::Redeemer).1;
    let refunders = leg(1, End::Refunder).1;
    refused(entrust_now(&purse(2), &refunders, ActKind::Refund), "refunder");
    refused(
        entrust_now(&purse(2), &redeemers, ActKind::Refund),
        "the owner's end of the leg",
    );
    for kind in [
        ActKind::Lock,
        ActKind::Cancel,
        ActKind::RedeemTogether,
        ActKind::RefundTogether,
    ] {
        refused(entrust_now(&purse(2), &redeemers, kind), "what is entrusted");
    }
}

#[test]
fn a_redeem_that_pays_somebody_else_leaves_no_wage() {
    // The redeemer of the leg is another's account, as a merchant's would be.
    let mut pays_another = purse(1);
    pays_another.config.tower_wage = owner(50).config.tower_wage;
    let package = entrust_now(&pays_another, &leg(1, End::Redeemer).1, ActKind::Redeem).unwrap();
    assert_eq!(package[0].as_slice(), [1, 0]);
}

#[tokio::test]
async fn a_preimage_of_another_hashlock_is_refused_before_the_node_is_asked() {
    let mut spec = leg(1, End::Redeemer).1;
    spec.hashlock = Hashlock::new([0x12; 32]);
    let package = Bytes::new(vec![1, 0]).unwrap();
    let act = Act::Redeem(Preimage::new([3; 32]));
    let answer = take_over(&purse(TOWER), &spec, &act, &package).await;
    refused(answer, "hashlock of the preimage");
}
