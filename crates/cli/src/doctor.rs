//! `kofo doctor`.

use crate::args::Scope;
use crate::failure::Refused;
use crate::out::Out;
use crate::secrets;
use kofo_node::doctor::{Checked, Report, Verdict, examine};

pub(crate) async fn run(scope: &Scope, out: &Out) -> anyhow::Result<()> {
    // Asked of nobody: a script that looks after a node has no terminal, and all but one check needs none.
    let passphrase = secrets::from_file()?;
    let data = scope.data();
    // The database panics on some damage; the audit catches that and says where it is.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let report = examine(&data, passphrase.as_ref()).await;
    std::panic::set_hook(hook);
    out.result(&report, text)?;
    match report.count(Verdict::Fail) {
        0 => Ok(()),
        failed => {
            let all = report.checks.len();
            let message = format!("{failed} of {all} checks of {} failed", data.display());
            Err(Refused { message, data: None }.into())
        }
    }
}

fn text(report: &Report) -> String {
    let wide = report.checks.iter().map(|one| one.check.len()).max().unwrap_or(0);
    report.checks.iter().map(|one| line(one, wide)).collect()
}

fn line(one: &Checked, wide: usize) -> String {
    let mut text = format!("{:4}  {:wide$}  {}\n", one.verdict.as_str(), one.check, one.found);
    if let Some(todo) = &one.todo {
        text.push_str(&format!("{:4}  {:wide$}  to do: {todo}\n", "", ""));
    }
    text
}
