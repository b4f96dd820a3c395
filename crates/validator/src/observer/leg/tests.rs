use super::*;
use kofo_primitives::{Amount, Preimage};

/// A chain whose block of height `h` has the time `h` times ten.
const fn tip(height: u64) -> Tip {
    Tip {
        height,
        time: UnixTime(height * 10),
    }
}

const fn ms(height: u64) -> u64 {
    height * 10_000
}

fn seen(act: Act, height: u64) -> LegEvent {
    LegEvent::Seen {
        act,
        at: At::Block(height),
        tx: Some(TxId([7; 32])),
    }
}

fn redeem() -> Act {
    Act::Redeem(Preimage::new([9; 32]))
}

/// What was said, and what matters.
struct Said {
    leg: Leg,
    watch_ms: Vec<u64>,
    last: Option<(Fact, UnixTime)>,
    words: Vec<Word>,
}

impl Said {
    /// The adapter has answered at this height that nothing is there.
    fn nothing(height: u64, watch_ms: &[u64]) -> Self {
        let mut said = Self {
            leg: Leg::default(),
            watch_ms: watch_ms.to_vec(),
            last: None,
            words: Vec::new(),
        };
        said.hear(LegEvent::Watched(tip(height)));
        said
    }

    fn hear(&mut self, event: LegEvent) {
        self.leg.hear(event);
        self.say();
    }

    fn tip(&mut self, height: u64) {
        self.leg.tip(tip(height));
        self.say();
    }

    fn say(&mut self) {
        self.leg.look(&self.watch_ms);
        let asked = Asked {
            depth: 3,
            watch_ms: &self.watch_ms,
            last: self.last,
        };
        if let Some(word) = self.leg.word(&asked) {
            self.last = Some((word.fact, word.tip));
            self.words.push(word);
        }
    }

    fn facts(&self) -> Vec<Fact> {
        self.words.iter().map(|word| word.fact).collect()
    }
}

#[test]
fn a_lock_is_seen_in_its_first_block_and_final_at_its_depth() {
    let mut said = Said::nothing(5, &[ms(100)]);
    said.hear(LegEvent::Seen {
        act: Act::Lock,
        at: At::Mempool,
        tx: None,
    });
    said.tip(6);
    assert_eq!(said.facts(), [], "what is in the mempool is nothing");
    said.hear(seen(Act::Lock, 7));
    assert_eq!(said.facts(), [], "not before the tip that it is under");
    said.tip(7);
    said.tip(8);
    said.tip(9);
    said.tip(10);
    assert_eq!(said.facts(), [Fact::Seen, Fact::Final]);
    let last = said.words[1];
    assert_eq!((last.height, last.depth, last.tip), (7, 3, UnixTime(90)));
    assert_eq!(last.tx, Some(TxId([7; 32])));
}

#[test]
fn a_lock_is_absent_only_two_blocks_after_the_first_that_is_past_its_time() {
    let mut said = Said::nothing(5, &[ms(10)]);
    for height in 6..=12 {
        said.tip(height);
    }
    assert_eq!(said.facts(), [], "block 10 is at the time, 11 past it");
    said.tip(13);
    said.tip(14);
    assert_eq!(said.facts(), [Fact::Absent]);
    assert_eq!(said.words[0].tip, UnixTime(130));
}

#[test]
fn absence_is_said_again_past_each_time_that_matters() {
    let mut said = Said::nothing(5, &[ms(10), ms(20)]);
    for height in 6..=30 {
        said.tip(height);
    }
    assert_eq!(said.facts(), [Fact::Absent, Fact::Absent]);
    assert_eq!(said.words[1].tip, UnixTime(230));
    // A time that comes up later counts from when it is known.
    said.watch_ms.push(ms(15));
    said.watch_ms.push(ms(25));
    said.tip(31);
    said.tip(32);
    assert_eq!(said.facts().len(), 2);
    said.tip(33);
    assert_eq!(said.facts().len(), 3, "past 25 it was not said yet");
    said.tip(40);
    assert_eq!(said.facts().len(), 3);
}

#[test]
fn a_shallow_lock_is_said_again_with_the_first_tip_past_a_time() {
    let mut said = Said::nothing(5, &[ms(6)]);
    said.hear(seen(Act::Lock, 6));
    said.tip(6);
    said.tip(7);
    assert_eq!(said.facts(), [Fact::Seen, Fact::Seen]);
    assert_eq!(said.words[1].tip, UnixTime(70));
}

#[test]
fn a_tip_that_stands_still_says_nothing_about_absence() {
    let mut said = Said::nothing(5, &[ms(10)]);
    said.tip(11);
    for _ in 0..10 {
        said.tip(11);
    }
    assert_eq!(said.facts(), []);
}

#[test]
fn what_a_reorganisation_takes_away_is_taken_back_at_once() {
    let mut said = Said::nothing(5, &[ms(100)]);
    said.hear(seen(Act::Lock, 6));
    said.tip(8);
    said.hear(LegEvent::Unseen(ActKind::Lock));
    said.hear(seen(Act::Lock, 9));
    said.tip(9);
    said.hear(LegEvent::Unseen(ActKind::Lock));
    said.tip(10);
    assert_eq!(said.facts(), [Fact::Final, Fact::Seen, Fact::Absent]);
    said.hear(seen(Act::Lock, 11));
    said.tip(11);
    assert_eq!(said.facts().last(), Some(&Fact::Seen));
}

#[test]
fn a_lock_of_another_amount_is_none() {
    let mut said = Said::nothing(5, &[ms(6)]);
    said.hear(seen(Act::Lock, 6));
    said.tip(6);
    let [have, need] = [Amount::new(1), Amount::new(2)];
    said.hear(LegEvent::Failed(
        ActKind::Lock,
        FailClass::WrongAmount { have, need },
    ));
    said.tip(7);
    assert_eq!(said.facts(), [Fact::Seen, Fact::Absent]);
}

#[test]
fn an_end_is_said_when_it_is_final_and_not_before() {
    for (act, fact) in [(redeem(), Fact::Redeemed), (Act::Refund, Fact::Refunded)] {
        let mut said = Said::nothing(5, &[]);
        said.hear(seen(Act::Lock, 6));
        said.tip(8);
        said.hear(seen(act, 9));
        said.tip(9);
        said.tip(10);
        assert_eq!(said.facts(), [Fact::Final]);
        said.tip(11);
        assert_eq!(said.facts(), [Fact::Final, fact]);
        assert_eq!(said.words[1].height, 9);
    }
}

#[test]
fn what_both_parties_took_together_was_redeemed() {
    let mut said = Said::nothing(5, &[]);
    said.hear(seen(Act::Lock, 6));
    said.hear(LegEvent::RedeemedTogether {
        at: At::Block(7),
        tx: None,
    });
    said.tip(9);
    assert_eq!(said.facts(), [Fact::Redeemed]);
    said.hear(LegEvent::Unseen(ActKind::Redeem));
    said.tip(10);
    assert_eq!(said.facts(), [Fact::Redeemed, Fact::Final]);
}

#[test]
fn the_opposite_of_a_final_word_is_not_said_before_that_is_taken_back() {
    let mut said = Said::nothing(5, &[]);
    said.hear(seen(Act::Lock, 6));
    said.hear(seen(redeem(), 7));
    said.tip(9);
    said.hear(LegEvent::Unseen(ActKind::Redeem));
    said.hear(seen(Act::Refund, 8));
    said.tip(10);
    said.tip(11);
    assert_eq!(said.facts(), [Fact::Redeemed, Fact::Final, Fact::Refunded]);
}

#[test]
fn a_leg_of_which_both_took_something_is_unclear() {
    let mut said = Said::nothing(5, &[]);
    said.hear(seen(redeem(), 7));
    said.hear(seen(Act::Refund, 7));
    said.tip(9);
    assert_eq!(said.facts(), [Fact::Unclear]);
}

#[test]
fn nothing_is_said_before_the_adapter_has_answered() {
    let mut leg = Leg::default();
    leg.hear(seen(Act::Lock, 6));
    leg.tip(tip(20));
    leg.look(&[ms(1)]);
    let asked = Asked {
        depth: 3,
        watch_ms: &[ms(1)],
        last: None,
    };
    assert_eq!(leg.word(&asked), None);
    leg.hear(LegEvent::Watched(tip(20)));
    assert_eq!(leg.word(&asked).map(|word| word.fact), Some(Fact::Final));
}
