//! A process that is killed while it commits.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use kofo_journal::{Error, Journal, Store, audit};

use crate::world::{bodies, key, record};

const CHILD: &str = "KOFO_JOURNAL_CRASH_CHILD";
const ROUNDS: u64 = 8;

/// Kills the child also when the test fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The child's part: a record, its number in the side table, sync, and only then the word that it is done.
fn commit_until_killed(folder: &Path) {
    let mut journal = Store::open(folder, &key()).unwrap();
    for _ in 0..100_000 {
        let seq = journal.append(record("written by the child")).unwrap();
        journal.put("count", &seq.0.to_be_bytes()).unwrap();
        journal.sync().unwrap();
        println!("\nacknowledged {seq}");
    }
}

fn start_child(folder: &Path) -> Child {
    let name = "crash::kill_minus_nine_during_commits_loses_nothing_acknowledged";
    Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn kill_minus_nine_during_commits_loses_nothing_acknowledged() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return commit_until_killed(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    drop(Store::create(folder.path(), &key()).unwrap());
    let mut durable = 0;
    for round in 1..=ROUNDS {
        let mut child = Killed(start_child(folder.path()));
        let mut lines = BufReader::new(child.0.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let acknowledged = |line: String| {
            line.strip_prefix("acknowledged ")
                .map(|n| n.parse::<u64>().unwrap())
        };
        let enough = durable + 5 * round;
        let mut last = lines
            .by_ref()
            .filter_map(acknowledged)
            .find(|seq| *seq >= enough)
            .unwrap();
        assert!(matches!(
            Store::open(folder.path(), &key()).err(),
            Some(Error::InUse { .. })
        ));
        child.0.kill().unwrap();
        child.0.wait().unwrap();
        last = lines.filter_map(acknowledged).last().unwrap_or(last);

        let journal = Store::open(folder.path(), &key()).unwrap();
        durable = u64::try_from(bodies(&journal).len()).unwrap();
        assert!(
            durable == last || durable == last + 1,
            "acknowledged {last}, durable {durable}"
        );
        let count = journal.get("count").unwrap().unwrap();
        assert_eq!(
            count.as_slice(),
            durable.to_be_bytes(),
            "record and value are one commit"
        );
    }
    assert_eq!(audit(folder.path(), &key()).unwrap().finding, None);
}

#[test]
fn a_journal_whose_process_was_killed_is_audited_without_being_opened_first() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::create(folder.path(), &key()).unwrap());
    let mut child = Killed(start_child(folder.path()));
    let mut lines = BufReader::new(child.0.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    lines.find(|line| line == "acknowledged 10").unwrap();
    drop(child);
    let report = audit(folder.path(), &key()).unwrap();
    assert_eq!((report.finding, report.values), (None, Some(1)));
    assert!(report.records >= 10);
}

/// The child's part: records until a sync fails, which has to poison.
#[cfg(unix)]
fn commit_until_full(folder: &Path) {
    let mut journal = Store::open(folder, &key()).unwrap();
    for _ in 0..100_000 {
        let seq = journal.append(record(&"x".repeat(50_000))).unwrap();
        match journal.sync() {
            Ok(()) => println!("\nacknowledged {seq}"),
            Err(error) => {
                assert!(matches!(error, Error::Storage { .. }), "{error}");
                assert!(matches!(journal.append(record("more")), Err(Error::Poisoned)));
                assert!(matches!(journal.sync(), Err(Error::Poisoned)));
                println!("\npoisoned");
                return;
            }
        }
    }
}

/// The shell limits the size of files and has the signal for it ignored, so that the write itself fails.
#[cfg(unix)]
#[test]
fn a_full_disk_poisons_and_keeps_all_that_was_acknowledged() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return commit_until_full(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    drop(Store::create(folder.path(), &key()).unwrap());
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8000; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args([
            "crash::a_full_disk_poisons_and_keeps_all_that_was_acknowledged",
            "--exact",
            "--nocapture",
        ])
        .env(CHILD, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("\npoisoned\n"),
        "{said} {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let acknowledged = said
        .lines()
        .filter(|line| line.starts_with("acknowledged "))
        .count();
    assert!(acknowledged > 0, "{said}");

    let mut journal = Store::open(folder.path(), &key()).unwrap();
    let durable = bodies(&journal).len();
    assert!(
        durable == acknowledged || durable == acknowledged + 1,
        "{acknowledged} {durable}"
    );
    journal.append(record("there is room again")).unwrap();
    journal.sync().unwrap();
    assert_eq!(bodies(&journal).len(), durable + 1);
}
