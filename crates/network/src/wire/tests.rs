use futures::executor::block_on;
use libp2p::request_response::Codec as _;

use super::*;

fn direct() -> StreamProtocol {
    plane_protocol("test", Plane::Direct).expect("legal")
}

fn codec() -> Codec {
    Codec { max: 8 }
}

fn read_ask(mut bytes: &[u8]) -> io::Result<Ask> {
    block_on(codec().read_request(&direct(), &mut bytes))
}

fn read_reply(mut bytes: &[u8]) -> io::Result<Reply> {
    block_on(codec().read_response(&direct(), &mut bytes))
}

fn written(reply: Reply) -> Vec<u8> {
    let mut bytes = Vec::new();
    block_on(codec().write_response(&direct(), &mut bytes, reply)).expect("writable");
    bytes
}

#[test]
fn the_encoding_is_pinned() {
    let mut bytes = Vec::new();
    block_on(codec().write_request(&direct(), &mut bytes, Ask::Body(b"ask".to_vec()))).expect("writable");
    assert_eq!(bytes, b"\0\0\0\x03ask");
    assert_eq!(written(Reply::Answer(b"yes".to_vec())), b"\0\0\0\0\x03yes");
    assert_eq!(written(Reply::Busy), b"\x01");
    assert_eq!(written(Reply::TooLarge { max: 8 }), b"\x02\0\0\0\x08");
}

#[test]
fn what_is_written_is_read() {
    assert_eq!(
        read_ask(b"\0\0\0\x03ask").expect("legal"),
        Ask::Body(b"ask".to_vec())
    );
    assert_eq!(read_ask(b"\0\0\0\0").expect("legal"), Ask::Body(Vec::new()));
    for make in [
        || Reply::Answer(vec![7; 8]),
        || Reply::Busy,
        || Reply::TooLarge { max: 8 },
    ] {
        assert_eq!(read_reply(&written(make())).expect("legal"), make());
    }
}

#[test]
fn a_length_over_the_limit_is_noticed_before_any_of_the_body() {
    assert_eq!(read_ask(b"\0\0\0\x09").expect("legal"), Ask::Oversized);
    assert_eq!(
        read_ask(&UNREAD_MAX.to_be_bytes()).expect("legal"),
        Ask::Oversized
    );
    for length in [UNREAD_MAX + 1, u32::MAX] {
        let read = read_ask(&length.to_be_bytes()).expect("a value");
        assert_eq!(read, Ask::Malformed, "not worth an answer");
    }
    assert_eq!(
        read_reply(b"\0\0\0\0\x09").expect("legal"),
        Reply::Oversized { size: 9 }
    );
}

#[test]
fn nothing_larger_than_the_limit_is_written() {
    let mut bytes = Vec::new();
    let written = block_on(codec().write_request(&direct(), &mut bytes, Ask::Body(vec![0; 9])));
    assert_eq!(
        written.expect_err("too large").kind(),
        io::ErrorKind::InvalidInput
    );
    assert!(bytes.is_empty());
}

#[test]
fn a_stream_that_ends_at_once_is_no_answer() {
    assert_eq!(read_reply(b"").expect("legal"), Reply::Nothing);
}

#[test]
fn truncated_messages_are_refused() {
    let (ask, reply) = (b"\0\0\0\x03ask", b"\0\0\0\0\x03yes");
    for end in 0..ask.len() {
        assert_eq!(
            read_ask(&ask[..end]).expect_err("short").kind(),
            io::ErrorKind::UnexpectedEof
        );
    }
    for end in 1..reply.len() {
        assert_eq!(
            read_reply(&reply[..end]).expect_err("short").kind(),
            io::ErrorKind::UnexpectedEof
        );
    }
}

#[test]
fn bytes_after_the_message_and_unknown_statuses_are_refused() {
    for bytes in [
        &b"\0\0\0\0\x03yes!"[..],
        b"\x01!",
        b"\x02\0\0\0\x08!",
        b"\x03",
        b"\xff",
    ] {
        assert_eq!(
            read_reply(bytes).expect_err("malformed").kind(),
            io::ErrorKind::InvalidData,
            "{bytes:?}"
        );
    }
    assert_eq!(read_ask(b"\0\0\0\x03ask!").expect("a value"), Ask::Malformed);
}

#[test]
fn each_network_has_its_own_protocols() {
    let names = [Plane::Direct, Plane::Claim, Plane::Return].map(|plane| plane_protocol("test", plane));
    let names = names.map(|name| name.expect("legal").to_string());
    assert_eq!(
        names,
        ["/kofo/1/test/direct", "/kofo/1/test/claim", "/kofo/1/test/return"]
    );
    assert_ne!(
        plane_protocol("main", Plane::Direct),
        plane_protocol("test", Plane::Direct)
    );
    for illegal in ["", "Main", "a/b", "a b", "ä", &"a".repeat(33)] {
        assert_eq!(plane_protocol(illegal, Plane::Direct), None, "{illegal:?}");
    }
}
