//! `kofo audit`.

use crate::args::Scope;
use crate::failure::Refused;
use crate::out::Out;
use crate::secrets;
use kofo_node::audit::{audit, audit_signed};
use kofo_node::config::Config;
use kofo_node::signer::{RemoteSigner, Signer};
use serde_json::json;

pub(crate) async fn run(scope: &Scope, out: &Out) -> anyhow::Result<()> {
    let data = scope.data();
    let config = Config::load(&data)?;
    let key = match &config.signer {
        Some(at) => Ok(RemoteSigner::new(at.socket(&data))
            .household(&config.network)
            .await?),
        None => Err(secrets::passphrase()?),
    };
    // The database panics on some damage; the audit catches that and says where it is. The panic's own words help nobody.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let report = match &key {
        Ok(household) => audit_signed(&data, household),
        Err(passphrase) => audit(&data, passphrase),
    };
    std::panic::set_hook(hook);
    let report = report?;
    let finding = report.finding.as_ref().map(ToString::to_string);
    let head = report
        .head
        .as_ref()
        .map(|head| json!({ "record": head.seq.0, "hash": head.hash.to_string() }));
    let result =
        json!({ "records": report.records, "values": report.values, "head": head, "finding": finding });
    out.result(&result, |_| {
        let head = report
            .head
            .as_ref()
            .map_or_else(|| "unreadable".into(), |head| head.hash.to_string());
        format!(
            "{} records, head {head}\n{}",
            report.records,
            finding.as_deref().unwrap_or("all is as it was written")
        )
    })?;
    match finding {
        None => Ok(()),
        Some(finding) => {
            let hint = "restore the journal from a backup, and ask who could write to the folder";
            Err(Refused {
                message: format!("the journal is not as it was written: {finding}; {hint}"),
                data: None,
            }
            .into())
        }
    }
}
