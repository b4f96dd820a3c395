//! Choices as what adapters tell: mostly of what there is, sometimes of what there is not.

use crate::choices::Choices;
use crate::fixture::{CHAINS, HEIGHT, START, chain, preimage};
use kofo_primitives::*;

const KINDS: [ActKind; 6] = [
    ActKind::Lock,
    ActKind::Redeem,
    ActKind::Refund,
    ActKind::Cancel,
    ActKind::RedeemTogether,
    ActKind::RefundTogether,
];

/// What an adapter tells once the act is in a block.
pub(crate) fn seen(kind: ActKind, secret: u8) -> LegEvent {
    let (at, tx) = (At::Block(HEIGHT + 1), None);
    let act = match kind {
        ActKind::Lock => Act::Lock,
        ActKind::Redeem => Act::Redeem(preimage(secret)),
        ActKind::Refund | ActKind::RefundTogether => Act::Refund,
        ActKind::Cancel => Act::Cancel,
        ActKind::RedeemTogether => return LegEvent::RedeemedTogether { at, tx },
    };
    LegEvent::Seen { act, at, tx }
}

pub(crate) fn some_chain(choices: &mut Choices<'_>) -> ChainId {
    chain(choices.one_of(&CHAINS))
}

/// The first byte 0: alpha/0, 1: beta/0, 2: alpha/1, which not every swap has, 3: a leg that no swap has.
pub(crate) fn some_leg(choices: &mut Choices<'_>) -> LegId {
    let leg = |side, index| LegId { side, index };
    choices.one_of(&[
        leg(Side::Alpha, 0),
        leg(Side::Beta, 0),
        leg(Side::Alpha, 1),
        leg(Side::Beta, 7),
    ])
}

/// A height around the agreement, and a time up to an hour or so later, or far off.
pub(crate) fn some_tip(choices: &mut Choices<'_>) -> Tip {
    let height = HEIGHT - 5 + u64::from(choices.byte() % 64);
    let time = match choices.number() {
        far @ 0xff00.. => UnixTime(if far.is_multiple_of(2) { 0 } else { u64::MAX }),
        near => UnixTime(START.0 + near % 2_048),
    };
    Tip { height, time }
}

fn some_at(choices: &mut Choices<'_>) -> At {
    match choices.byte() {
        0..=63 => At::Mempool,
        255 => At::Block(u64::MAX),
        n => At::Block(HEIGHT - 5 + u64::from(n % 48)),
    }
}

/// A redeem shows that preimage, or now and then another one.
fn some_act(choices: &mut Choices<'_>, secret: u8) -> Act {
    match choices.byte() % 8 {
        0..=2 => Act::Lock,
        3 | 4 => Act::Redeem(preimage(secret)),
        5 => Act::Redeem(preimage(secret.wrapping_add(1))),
        6 => Act::Refund,
        _ => Act::Cancel,
    }
}

pub(crate) fn some_prepared(choices: &mut Choices<'_>) -> Prepared {
    let bytes = choices.byte() % 4;
    Prepared(Bytes::new(vec![0xee; bytes.into()]).expect("short"))
}

fn some_class(choices: &mut Choices<'_>) -> FailClass {
    let amount = Amount::new(choices.number().into());
    match choices.byte() % 5 {
        0 => FailClass::Dead,
        1 => FailClass::WrongAmount {
            have: amount,
            need: Amount::new(1_000),
        },
        2 => FailClass::Funds {
            have: amount,
            need: Amount::new(1_000),
        },
        3 => FailClass::FeeCap {
            need: amount,
            most: Amount::new(1),
        },
        _ => FailClass::Refused(Text::new("no").expect("printable")),
    }
}

/// What an adapter may tell of a leg, right or not.
pub(crate) fn some_event(choices: &mut Choices<'_>, secret: u8) -> LegEvent {
    match choices.byte() % 16 {
        0..=8 => LegEvent::Seen {
            act: some_act(choices, secret),
            at: some_at(choices),
            tx: None,
        },
        9 | 10 => LegEvent::Unseen(choices.one_of(&KINDS)),
        11 | 12 => LegEvent::Failed(choices.one_of(&KINDS), some_class(choices)),
        13 | 14 => LegEvent::Built(choices.one_of(&KINDS), some_prepared(choices)),
        _ => LegEvent::Watched(some_tip(choices)),
    }
}
