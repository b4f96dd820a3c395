//! The OpenRPC document: all methods and all that goes over the wire, out of the same table as server and client.

use super::error::{ApiErrorData, ApiErrorKind};
use super::methods::{Access, Method, table};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

const TITLE: &str = "kofo node";
const ABOUT: &str = "JSON-RPC 2.0 over HTTP and WebSocket on 127.0.0.1, with the header `Authorization: Bearer` and the \
content of `rpc.cookie` in the data folder, or of `rpc.read` for methods whose `x-access` is `read`. Parameters go by name. \
Amounts are decimal text in whole units of their asset, ids are 64 hexadecimal digits, times are unix seconds unless their \
name ends in `_ms`. Batches are not answered. An error's `data` says what was expected, what came and what to do.";

/// The document of this version of the node.
#[must_use]
pub fn document() -> Value {
    let mut settings = SchemaSettings::draft07();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let methods: Vec<_> = table().map(|line| method(line, &mut generator)).collect();
    let _named = generator.subschema_for::<ApiErrorData>();
    let schemas: Map<String, Value> = generator.take_definitions(true);
    let errors: Map<String, Value> = ApiErrorKind::ALL.into_iter().map(error).collect();
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": TITLE,
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "methods": methods,
        "components": {"schemas": schemas, "errors": errors},
    })
}

fn method(line: &Method, generator: &mut SchemaGenerator) -> Value {
    let docs: Vec<&str> = line.docs.iter().map(|text| text.trim()).collect();
    let docs = docs.join(" ");
    // Whoever unsubscribes gives the id alone: the server's library has it so.
    let by_position = line.name == "events.unsubscribe";
    let params: Vec<_> = (line.params)(generator)
        .into_iter()
        .map(|param| json!({"name": param.name, "required": param.required, "schema": param.schema}))
        .collect();
    let mut method = json!({
        "name": line.name,
        "description": docs,
        "paramStructure": if by_position { "by-position" } else { "by-name" },
        "params": params,
        "result": {"name": "result", "schema": (line.result)(generator)},
        "x-access": match line.access {
            Access::Reads => "read",
            Access::Acts => "act",
        },
    });
    if let Some(notices) = line.notices {
        method["x-notices"] = json!({
            "method": "events",
            "unsubscribe": "events.unsubscribe",
            "result": notices(generator),
        });
    }
    method
}

fn error(kind: ApiErrorKind) -> (String, Value) {
    let name = serde_json::to_value(kind).ok();
    let name = name.and_then(|name| name.as_str().map(str::to_owned));
    let name = name.unwrap_or_default();
    let error = json!({"code": kind.code(), "message": name.replace('_', " ")});
    (name, error)
}
