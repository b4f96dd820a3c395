use super::*;
use kofo_primitives::{LinkKey, MAX_MESSAGE};
use proptest::prelude::*;

fn hello() -> LinkHello {
    LinkHello {
        version: LINK_VERSION,
        network: NetworkId::new("kofo-regtest").unwrap(),
        epoch: 7,
        base: LinkKey::new(&[3; 32]).unwrap().base(),
        role: LinkRole::Relay,
    }
}

#[test]
fn a_message_reads_back_and_one_byte_more_or_less_does_not() {
    let message = ClaimMessage::Link(hello());
    let bytes = message.write();
    assert_eq!(ClaimMessage::read(&bytes).as_ref(), Ok(&message));
    assert!(ClaimMessage::read(&bytes[1..]).is_err());
    assert!(ClaimMessage::read(&[bytes, vec![0]].concat()).is_err());
}

#[test]
fn a_base_is_never_printed() {
    let text = format!("{:?}", ClaimReply::Linked(hello()));
    assert!(text.contains("LinkBase(redacted)"), "{text}");
}

#[test]
fn a_message_that_is_too_long_is_not_read() {
    let long = vec![0; MAX_MESSAGE + 1];
    assert!(matches!(
        ReturnMessage::read(&long),
        Err(CodecError::TooLong { .. })
    ));
}

proptest! {
    #[test]
    fn whatever_is_read_is_written_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..400), kind in 0u8..4) {
        let bytes = [vec![kind], bytes].concat();
        if let Ok(message) = ClaimMessage::read(&bytes) {
            prop_assert_eq!(message.write(), bytes.clone());
        }
        if let Ok(reply) = ReturnReply::read(&bytes) {
            prop_assert_eq!(reply.write(), bytes.clone());
        }
        if let Ok(message) = ReturnMessage::read(&bytes) {
            prop_assert_eq!(message.write(), bytes);
        }
    }
}
