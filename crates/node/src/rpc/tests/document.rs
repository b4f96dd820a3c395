//! The OpenRPC document: whole, true to what a real node answers, and the one in the repository.

use super::*;
use crate::config::{Backend, ChainConfig, Config, TimelockPolicy};
use crate::init::init;
use crate::keystore::{KdfCost, Passphrase};
use crate::rpc::openrpc::document;
use crate::run::{Running, Start};
use kofo_primitives::{ChainId, NetworkId, Seed};
use std::collections::BTreeSet;
use zeroize::Zeroizing;

fn passphrase() -> Passphrase {
    Passphrase::new(Zeroizing::new("correct horse".to_owned())).unwrap()
}

/// Whether a value is what a schema of the document says; else where it is not.
fn fits(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    match schema {
        Value::Bool(true) => Ok(()),
        Value::Object(words) => words.iter().try_for_each(|(word, says)| {
            let known = &schema["properties"];
            part_fits(document, (word, says), known, value)
        }),
        _ => Err("nothing fits".into()),
    }
}

/// Whether a value is what one word of a schema says; `known` are the schema's properties.
fn part_fits(
    document: &Value,
    (word, says): (&str, &Value),
    known: &Value,
    value: &Value,
) -> Result<(), String> {
    let all = says.as_array().map(Vec::as_slice).unwrap_or_default();
    let fitting = || {
        all.iter()
            .filter(|one| fits(document, one, value).is_ok())
            .count()
    };
    let no = |what: &str| Err(format!("{what}: {value}"));
    match word {
        "$ref" => {
            let path = says.as_str().unwrap().trim_start_matches('#');
            fits(
                document,
                document.pointer(path).ok_or(format!("no {path}"))?,
                value,
            )
        }
        "type" if !is_any(says, value) => no(&format!("no {says}")),
        "enum" if !all.contains(value) => no("not of the list"),
        "const" if says != value => no("not the one"),
        "oneOf" if fitting() != 1 => no("not one of them"),
        "anyOf" if fitting() == 0 => no("none of them"),
        "allOf" if fitting() != all.len() => no("not all"),
        "required" => {
            let missing = |name: &&Value| value.is_object() && value.get(name.as_str().unwrap()).is_none();
            let missing = all.iter().find(missing);
            missing.map_or(Ok(()), |name| no(&format!("without {name}")))
        }
        "properties" => says.as_object().unwrap().iter().try_for_each(|(name, one)| {
            let part = value.get(name).map_or(Ok(()), |part| fits(document, one, part));
            part.map_err(|why| format!("{name}: {why}"))
        }),
        "additionalProperties" if *says == json!(false) => {
            let mut names = value.as_object().into_iter().flat_map(|all| all.keys());
            let more = names.any(|name| known.get(name).is_none());
            if more { no("more than there is") } else { Ok(()) }
        }
        "items" => {
            let mut parts = value.as_array().into_iter().flatten();
            parts.try_for_each(|part| fits(document, says, part))
        }
        "pattern" => {
            assert_eq!(says, "^[0-9a-fA-F]{64}$", "the only pattern that this knows");
            let is_id = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
            if value.as_str().is_none_or(is_id) {
                Ok(())
            } else {
                no("no id")
            }
        }
        "minimum" if value.as_f64() < says.as_f64() => no("too little"),
        "maximum" if value.as_f64() > says.as_f64() => no("too much"),
        _ => Ok(()),
    }
}

/// Whether a value is of the type, or of one of the types.
fn is_any(types: &Value, value: &Value) -> bool {
    match types {
        Value::Array(types) => types.iter().any(|one| is_any(one, value)),
        one => match one.as_str().unwrap() {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "string" => value.is_string(),
            "integer" => value.is_u64() || value.is_i64(),
            "number" => value.is_number(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("type {other}"),
        },
    }
}

fn method<'a>(document: &'a Value, name: &str) -> &'a Value {
    let methods = document["methods"].as_array().unwrap();
    methods.iter().find(|method| method["name"] == name).expect(name)
}

#[test]
fn every_method_that_the_server_has_is_in_the_table_and_the_document_and_no_other() {
    let data = tempfile::tempdir().unwrap();
    let journal = SharedJournal::new(Memory::open(&Disk::new()).unwrap());
    let node = Arc::new(FakeNode {
        seq: watch::Sender::new(1),
        calls: AtomicU64::new(0),
        knows_ledger: true,
        acts: std::sync::Mutex::default(),
        fee: std::sync::Mutex::default(),
    });
    let parts = RpcParts::new(
        0,
        Tokens::create(data.path()).unwrap(),
        (node as _, assets()),
        Arc::new(EventLog::open(journal, NOW).unwrap()),
    );
    let methods = crate::rpc::server::methods(parts, watch::channel(false).1, Arc::default());
    let served: BTreeSet<&str> = methods.method_names().collect();
    let lines: Vec<&str> = table().map(|method| method.name).collect();
    assert_eq!(served, lines.iter().copied().collect());
    assert_eq!(lines.len(), served.len(), "no line twice");
    let document = document();
    let described = document["methods"].as_array().unwrap();
    let described: Vec<&str> = described
        .iter()
        .map(|method| method["name"].as_str().unwrap())
        .collect();
    assert_eq!(described, lines);
}

/// Calls a visitor for each object in a value.
fn each_object(value: &Value, visit: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            visit(map);
            map.values().for_each(|part| each_object(part, visit));
        }
        Value::Array(list) => list.iter().for_each(|part| each_object(part, visit)),
        _ => {}
    }
}

#[test]
fn the_document_has_what_openrpc_wants_and_every_reference_leads_somewhere() {
    let document = document();
    assert_eq!(document["openrpc"], "1.3.2");
    for field in ["title", "version", "description"] {
        assert!(
            document["info"][field]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{field}"
        );
    }
    let mut references = 0;
    each_object(&document, &mut |map| {
        if let Some(Value::String(path)) = map.get("$ref") {
            references += 1;
            let path = path.strip_prefix('#').expect("within the document");
            assert!(document.pointer(path).is_some(), "{path}");
        }
    });
    assert!(references > 50, "{references}");
    for method in document["methods"].as_array().unwrap() {
        assert!(!method["description"].as_str().unwrap().is_empty(), "{method}");
        assert!(["read", "act"].contains(&method["x-access"].as_str().unwrap()));
        assert!(["by-name", "by-position"].contains(&method["paramStructure"].as_str().unwrap()));
        assert!(method["result"]["name"].is_string() && !method["result"]["schema"].is_null());
        let mut names = BTreeSet::new();
        for param in method["params"].as_array().unwrap() {
            assert!(names.insert(param["name"].as_str().unwrap()), "{param}");
            assert!(
                param["required"].is_boolean() && !param["schema"].is_null(),
                "{param}"
            );
        }
    }
    for (name, error) in document["components"]["errors"].as_object().unwrap() {
        assert!(error["code"].is_i64() && error["message"].is_string(), "{name}");
    }
}

#[test]
fn the_document_in_the_repository_is_this_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openrpc.json");
    let mut text = serde_json::to_string_pretty(&document()).unwrap();
    text.push('\n');
    if std::env::var_os("KOFO_WRITE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "run KOFO_WRITE=1 cargo test -p kofo-node document, and commit docs/openrpc.json"
    );
}

async fn real_node(data: &Path) -> Running {
    let chain = |name: &str| {
        let id = ChainId::new(&format!("sim:{name}")).unwrap();
        ChainConfig {
            name: name.into(),
            depth: 1,
            assets: vec![Asset {
                symbol: name.to_ascii_uppercase(),
                id: AssetId::new(&format!("{id}/coin:{name}")).unwrap(),
                decimals: 8,
                freezable: false,
            }],
            backend: Backend::Sim,
            id,
        }
    };
    let network = NetworkId::new("kofo-sim").unwrap();
    let mut config = Config::new(network, vec![chain("a"), chain("b")]);
    config.timelocks = TimelockPolicy::Test;
    init(data, &config, &Seed::new([9; 64]), &passphrase(), KdfCost::WEAK).unwrap();
    Running::start(Start {
        data: data.to_owned(),
        passphrase: passphrase(),
        network: None,
        role: None,
    })
    .await
    .unwrap()
}

/// Calls a method; what goes in and what comes out is what the document says.
async fn called(document: &Value, http: &RpcClient, name: &str, params: Value) -> Value {
    use jsonrpsee::core::client::ClientT;
    let line = method(document, name);
    let given = params.as_object().unwrap();
    for param in line["params"].as_array().unwrap() {
        let value = given.get(param["name"].as_str().unwrap());
        assert!(
            value.is_some() || param["required"] == json!(false),
            "{name}: {param}"
        );
        let fitting = value.map_or(Ok(()), |value| fits(document, &param["schema"], value));
        fitting.unwrap_or_else(|why| panic!("{name} takes: {why}"));
    }
    let mut builder = jsonrpsee::core::params::ObjectParams::new();
    for (key, value) in given {
        builder.insert(key, value).unwrap();
    }
    match http.request::<Value, _>(name, builder).await {
        Ok(answer) => {
            let fitting = fits(document, &line["result"]["schema"], &answer);
            fitting.unwrap_or_else(|why| panic!("{name} gives: {why}"));
            answer
        }
        Err(jsonrpsee::core::ClientError::Call(error)) => {
            let named = document["components"]["errors"].as_object().unwrap();
            let known = named.values().any(|known| known["code"] == json!(error.code()));
            assert!(known, "{name}: {error:?}");
            let data = error.data().map(|data| serde_json::from_str(data.get()).unwrap());
            let data: Value = data.unwrap_or(Value::Null);
            let schema = &document["components"]["schemas"]["ApiErrorData"];
            let library = error.code() == -32602 && data.is_string();
            assert!(library || fits(document, schema, &data).is_ok(), "{name}: {data}");
            json!({"error": error.code()})
        }
        Err(other) => panic!("{name}: {other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_real_node_takes_and_answers_is_what_the_document_says() {
    let data = tempfile::tempdir().unwrap();
    let node = real_node(data.path()).await;
    let document = document();
    let http = connect(data.path()).unwrap();
    let call = async |name: &str, params: Value| called(&document, &http, name, params).await;
    let offer = call(
        "swap.offer",
        json!({"give": ["0.1a"], "want": ["0.2b"], "expires_in": 60}),
    )
    .await;
    let id = &offer["id"];
    assert_eq!(call("swap.show", json!({"id": id})).await["state"], "offered");
    let live = json!({"skip": 0, "limit": 10, "live_only": true});
    assert_eq!(
        call("swap.list", live).await["swaps"].as_array().unwrap().len(),
        1
    );
    let mut asked = BTreeSet::from(["swap.offer", "swap.show", "swap.list"]);
    for (name, params) in [
        ("swap.watch", json!({"id": id, "after_seq": 0})),
        (
            "wallet.send",
            json!({"transfer": {"id": id, "asset": "one", "to": "x", "amount": "1", "fee_rate": 1, "dry_run": true}}),
        ),
        ("swap.abort", json!({"id": id})),
        ("swap.approve", json!({"id": id})),
        ("swap.decline", json!({"id": id})),
        ("swap.watch", json!({"id": id, "after_seq": 0})),
        ("swap.refund", json!({"id": id})),
        ("swap.accept", json!({"offer": offer["uri"]})),
        ("node.status", json!({})),
        ("wallet.balances", json!({})),
        ("wallet.address", json!({"asset": "a"})),
        ("wallet.backup", json!({})),
        ("tower.list", json!({})),
        ("tower.add", json!({"address": "nowhere"})),
        ("tower.remove", json!({"tower": "nobody"})),
        (
            "claim.make",
            json!({"claim": {"give": "0.1a", "want": "0.2b", "max_hops": 2}}),
        ),
        ("claim.list", json!({})),
        ("claim.quotes", json!({"id": id})),
        ("book.show", json!({"pair": "a/b"})),
        ("peers.list", json!({})),
        ("ledger.status", json!({})),
        ("order.show", json!({"id": id, "proof": true})),
        ("events.list", json!({"limit": 5})),
        ("rpc.discover", json!({})),
    ] {
        if name == "swap.watch" && asked.contains("swap.abort") {
            assert_eq!(call(name, params).await["outcome"], "aborted");
        } else if name != "swap.watch" {
            asked.insert(name);
            call(name, params).await;
        }
    }
    node.stop().await.unwrap();
}

#[test]
fn what_fits_no_schema_is_found() {
    let document = document();
    let schema = json!({"$ref": "#/components/schemas/AssetAmount"});
    for (value, fitting) in [
        (json!({"amount": "1", "symbol": "BTC"}), true),
        (json!({"amount": 1, "symbol": "BTC"}), false),
        (json!({"symbol": "BTC"}), false),
        (json!([]), false),
    ] {
        assert_eq!(fits(&document, &schema, &value).is_ok(), fitting, "{value}");
    }
    let id = json!({"$ref": "#/components/schemas/Id"});
    assert!(fits(&document, &id, &json!(SWAP.to_string())).is_ok());
    assert!(fits(&document, &id, &json!("07")).is_err());
    let notice = method(&document, "events.subscribe")["x-notices"]["result"].clone();
    let ended = json!({"ended": {"reason": "lagged", "cursor": 7}});
    assert_eq!(fits(&document, &notice, &ended), Ok(()));
    assert!(
        fits(
            &document,
            &notice,
            &json!({"ended": {"reason": "tired", "cursor": 7}})
        )
        .is_err()
    );
}

#[test]
fn the_numbers_and_names_of_errors_are_pinned() {
    use ApiErrorKind::*;
    let all = [
        (InvalidParams, -32602, "invalid_params"),
        (Internal, -32603, "internal"),
        (NotFound, 1001, "not_found"),
        (WrongState, 1002, "wrong_state"),
        (BadOffer, 1003, "bad_offer"),
        (Expired, 1004, "expired"),
        (WrongNetwork, 1005, "wrong_network"),
        (UnknownAsset, 1006, "unknown_asset"),
        (Dust, 1007, "dust"),
        (Uneconomic, 1008, "uneconomic"),
        (Funds, 1009, "funds"),
        (Peer, 1010, "peer"),
        (Refused, 1011, "refused"),
        (Chain, 1012, "chain"),
        (Busy, 1013, "busy"),
        (Stopping, 1014, "stopping"),
        (NoClearance, 1015, "no_clearance"),
        (Alone, 1016, "alone"),
        (Denied, 1017, "denied"),
        (Gap, 1018, "gap"),
    ];
    assert_eq!(all.map(|(kind, ..)| kind), ApiErrorKind::ALL);
    for (kind, code, name) in all {
        assert_eq!(
            (kind.code(), serde_json::to_value(kind).unwrap()),
            (code, json!(name))
        );
    }
}
