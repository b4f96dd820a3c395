//! Runs a page's blocks in one shell.

use crate::page::Page;
use std::fmt::Write;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a page may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(50);

/// The shell of a page with all that it started; nothing of it outlives this.
struct Shell(Child);

impl Drop for Shell {
    fn drop(&mut self) {
        // The whole group, by the name of its first process.
        let group = format!("-{}", self.0.id());
        let mut kill = Command::new("kill");
        // Refused when all of it has ended.
        let _gone = kill.args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _reaped = self.0.wait();
    }
}

/// Runs a page in an empty folder; panics with what was printed if a command fails.
pub(crate) fn run(page: &Page) {
    let folder = tempfile::tempdir().unwrap();
    let (home, work) = (folder.path().join("home"), folder.path().join("work"));
    for dir in [&home, &work] {
        std::fs::create_dir(dir).unwrap();
    }
    let script = folder.path().join("script");
    std::fs::write(&script, shell(page)).unwrap();
    let said = folder.path().join("said");
    let out = File::create(&said).unwrap();
    let kofo = Path::new(env!("CARGO_BIN_EXE_kofo")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let shell = Command::new("bash")
        .arg(&script)
        .current_dir(&work)
        .env("PATH", format!("{}:{path}", kofo.display()))
        // Daemons are found where other tests find them; all else that a program keeps is new.
        .env(
            "XDG_CACHE_HOME",
            kofo_regtest::fetch::Places::from_env().cache.parent().unwrap(),
        )
        .env("XDG_DATA_HOME", &home)
        .env("LOGS", folder.path())
        .stdin(Stdio::null())
        .stdout(out.try_clone().unwrap())
        .stderr(out)
        .process_group(0)
        .spawn()
        .unwrap();
    let mut shell = Shell(shell);
    let said = || std::fs::read_to_string(&said).unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = shell.0.try_wait().unwrap() {
            assert!(status.success(), "{}: {status}\n{}", page.name, said());
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{} did not end:\n{}",
            page.name,
            said()
        );
        std::thread::sleep(POLL);
    }
}

/// The script of a page.
fn shell(page: &Page) -> String {
    let mut script = String::from(
        r#"set -euo pipefail
trap 'echo "the block at line $line failed"' ERR
await() {
    for _ in $(seq 1200); do
        if grep -q -- "$1" "$2"; then return; fi
        if ! kill -0 "$3" 2>/dev/null; then break; fi
        sleep 0.1
    done
    cat "$2"
    echo "the block at line $line did not print: $1"
    exit 1
}
"#,
    );
    for block in &page.blocks {
        let line = block.line;
        writeln!(script, "line={line}; echo \"--- {} line {line}\"", page.name).unwrap();
        match &block.until {
            None => script.push_str(&block.commands),
            Some(words) => {
                let log = format!("\"$LOGS/line-{line}.log\"");
                writeln!(script, "( {} ) > {log} 2>&1 &", block.commands.trim_end()).unwrap();
                writeln!(script, "await '{words}' {log} $!").unwrap();
            }
        }
    }
    script
}
