//! Whatever comes in whatever order: never more is selected than the claim gives, and nothing comes back.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Quote(usize),
    Pick,
    Select(usize, u8),
    Answer(usize, Verdict),
    Open(usize),
    GiveUp(usize),
    NotBegun(usize),
    Restart,
    Later(u64),
    Cancel,
}

fn step() -> impl Strategy<Value = Step> {
    let no = prop_oneof![
        Just(Verdict::ReservationUsed),
        Just(Verdict::ClaimExhausted),
        Just(Verdict::Expired),
        Just(Verdict::Refused)
    ];
    prop_oneof![
        6 => (0usize..8).prop_map(Step::Quote),
        4 => Just(Step::Pick),
        4 => (0usize..8, 0u8..12).prop_map(|(i, n)| Step::Select(i, n)),
        2 => (0usize..8, no).prop_map(|(i, v)| Step::Answer(i, v)),
        4 => (0usize..8).prop_map(Step::Open),
        3 => (0usize..8).prop_map(Step::GiveUp),
        1 => (0usize..8).prop_map(Step::NotBegun),
        3 => Just(Step::Restart),
        1 => (0u64..20_000).prop_map(Step::Later),
        1 => Just(Step::Cancel),
    ]
}

/// Eight quotes: of the whole and of parts, some on one reservation.
fn deals() -> Vec<Deal> {
    let gives = [100, 100, 60, 50, 40, 30, 25, 10];
    let each = |(n, give): (u8, &u128)| Deal {
        relays: vec![30 + n],
        ..deal(10 + n % 6, *give, give * 20 + u128::from(n))
    };
    (0..).zip(&gives).map(each).collect()
}

struct Run {
    own: OwnClaim,
    deals: Vec<Deal>,
    ids: Vec<FulfilId>,
    seen: SeenReservations,
    now: u64,
    /// What was selected last of each quote, by us.
    selects: BTreeMap<FulfilId, Select>,
    /// Given up or declined at some time.
    over: BTreeSet<FulfilId>,
    hashlock: u8,
}

impl Run {
    fn new(partial: Option<u128>) -> Self {
        let (own, deals) = (own(partial), deals());
        let ids = deals.iter().map(|d| d.fulfil(&own.claim().body).id()).collect();
        Self {
            own,
            deals,
            ids,
            seen: SeenReservations::default(),
            now: NOW,
            selects: BTreeMap::new(),
            over: BTreeSet::new(),
            hashlock: 100,
        }
    }

    fn select(&mut self, id: FulfilId, n: u8) -> bool {
        let select = self.own.select(&id, chosen(n), &claim_key(), self.now);
        let taken = select.is_ok();
        if let Ok(select) = select {
            assert!(!self.over.contains(&id), "what ended was selected again");
            self.selects.insert(id, select.body);
        }
        taken
    }

    fn answer(&mut self, i: usize, verdict: Verdict) {
        let id = self.ids[i];
        let Some(select) = self.selects.get(&id) else {
            return;
        };
        let answer = self.deals[i].answer(&self.own, select, verdict);
        match self.own.answer(&answer, &seal_key()) {
            Ok(Answered::Opened(parts)) => {
                assert!(!self.over.contains(&id), "what ended was opened");
                assert!(SettlementOrder::matched(*parts).is_ok());
            }
            Ok(Answered::Declined(..)) => drop(self.over.insert(id)),
            Err(_) => {}
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Quote(i) => {
                let envelope = self.deals[i].envelope(&self.own.claim().body);
                let _ = self.own.quote(envelope, &seal_key(), &mut self.seen, self.now);
            }
            Step::Pick => {
                for id in self.own.pick(&|_| Reliability::default(), self.now) {
                    self.hashlock += 1;
                    assert!(self.select(id, self.hashlock), "what is picked can be selected");
                }
            }
            Step::Select(i, n) => drop(self.select(self.ids[i], n)),
            Step::Answer(i, verdict) => self.answer(i, verdict),
            Step::Open(i) => self.answer(i, self.deals[i].opened(&self.own)),
            Step::GiveUp(i) => {
                if self.own.give_up(&self.ids[i]).is_ok() {
                    self.over.insert(self.ids[i]);
                }
            }
            Step::NotBegun(i) => {
                if self.own.not_begun(&self.ids[i]).is_ok() {
                    self.over.insert(self.ids[i]);
                }
            }
            Step::Restart => {
                let read = OwnClaim::read(&self.own.write()).unwrap();
                assert_eq!(read, self.own);
                self.own = read;
                self.seen = SeenReservations::of([&self.own], self.now);
            }
            Step::Later(by) => self.now += by,
            Step::Cancel => drop(self.own.cancel(&claim_key()).unwrap()),
        }
    }

    fn check(&self) {
        let taken: u128 = self.own.selections().map(|s| s.quote.terms.give.units()).sum();
        assert!(taken <= GIVE, "{taken} are selected");
        assert_eq!(self.own.left(), Amount::new(GIVE - taken));
        assert!(self.own.filled().0 <= Amount::new(taken));
        let hashlocks: BTreeSet<_> = self.selects.values().map(|s| s.hashlock).collect();
        assert_eq!(hashlocks.len(), self.selects.len(), "one hashlock, one selection");
        for parts in self.own.orders() {
            assert!(!self.over.contains(&parts.fulfil.body.id()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn never_more_than_the_claim_gives_is_selected_and_what_ended_never_comes_back(
        partial in prop_oneof![Just(None), Just(Some(10)), Just(Some(40))],
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut run = Run::new(partial);
        for step in steps {
            run.step(step);
            run.check();
        }
    }
}
