use super::*;
use kofo_node::rpc::types::{AssetAmount, ClaimState, Id};

fn amount(amount: &str, symbol: &str) -> AssetAmount {
    AssetAmount {
        amount: amount.into(),
        symbol: symbol.into(),
    }
}

fn quote(id: u8, state: QuoteState) -> QuoteStatus {
    QuoteStatus {
        fulfil: Id([id; 32]),
        give: amount("0.1", "BTC"),
        want: amount("1.62", "ETH"),
        price: "16.2 ETH per BTC".into(),
        net: amount("1.62", "ETH"),
        reliability: 905,
        settled: 18,
        failed: 1,
        provider: "ab".repeat(32),
        path: vec!["cd".repeat(32), "ef".repeat(32)],
        expires_ms: 0,
        state,
        selected: state != QuoteState::Open,
        swap: (state == QuoteState::Begun).then_some(Id([9; 32])),
        trouble: None,
    }
}

fn claim(state: ClaimState, quotes: Vec<QuoteStatus>) -> ClaimStatus {
    ClaimStatus {
        id: Id([1; 32]),
        seq: 1,
        state,
        give: amount("0.1", "BTC"),
        want: amount("1.6", "ETH"),
        filled: amount("0.1", "BTC"),
        partial: None,
        hidden: true,
        manual: false,
        max_hops: 8,
        pay_to: None,
        quotes,
        trouble: None,
        created_ms: 0,
        expires_ms: 0,
    }
}

#[test]
fn a_quote_shows_its_price_its_provider_and_its_path() {
    let text = quotes(&claim(ClaimState::Quoting, vec![quote(2, QuoteState::Open)]));
    for part in [
        "0.1 BTC, 0.1 BTC of it filled",
        "1.6 ETH at least, which nobody is told",
        "02020202…  abababab…  0.1 BTC  1.62 ETH  16.2 ETH per BTC  18 of 19     2  cdcdcdcd… → efefefef…  -",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
    assert!(quotes(&claim(ClaimState::Quoting, vec![])).contains("no quotes yet"));
    let stranger = QuoteStatus {
        settled: 0,
        failed: 0,
        reliability: 500,
        ..quote(2, QuoteState::Open)
    };
    assert!(
        quote_line(&stranger).contains("provider abababab… (never met), 2 hops"),
        "{}",
        quote_line(&stranger)
    );
    assert!(quote_line(&quote(2, QuoteState::Open)).contains("(18 of 19 settled)"));
}

#[test]
fn only_what_changed_is_told() {
    let open = claim(ClaimState::Quoting, vec![quote(2, QuoteState::Open)]);
    let told = changes(None, &open);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("quote     02020202…  1.62 ETH for 0.1 BTC"),
        "{told:?}"
    );
    assert_eq!(changes(Some(&open), &open), Vec::<String>::new());

    let second = quote(3, QuoteState::Open);
    let begun = claim(ClaimState::Filled, vec![quote(2, QuoteState::Begun), second]);
    let told = changes(Some(&open), &begun);
    assert_eq!(told[0], format!("swap      02020202…  {}", "09".repeat(32)));
    assert!(told[1].starts_with("quote     03030303…"), "{told:?}");
    assert_eq!(told[2], "filled    0.1 BTC of 0.1 BTC");
    assert_eq!(told.len(), 3, "{told:?}");
}

#[test]
fn a_quote_that_failed_says_why() {
    let mut failed = quote(2, QuoteState::Failed);
    failed.trouble = Some("its provider did not answer within 10 s".into());
    let told = changes(None, &claim(ClaimState::Selected, vec![failed]));
    assert_eq!(
        told[1],
        "failed    02020202…  its provider did not answer within 10 s"
    );
}

#[test]
fn the_path_to_a_neighbour_is_one_hop() {
    let mut near = quote(2, QuoteState::Open);
    near.path.pop();
    assert!(quote_line(&near).ends_with("1 hop: cdcdcdcd…"));
}
