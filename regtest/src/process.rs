//! Processes that do not outlive us, and how to recognise one again.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Run between `setpriv` and the daemon: if we died before the death signal was set, it would never come.
const GUARD: &str = r#"test "$PPID" = "$1" || exit 70; shift; exec "$@""#;
/// How often a process that was told to end is looked at.
const POLL: Duration = Duration::from_millis(10);
/// How much of a log an error shows.
const SHOWN_LINES: usize = 12;

/// A process by number and by birth, so that a number used again is not mistaken for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// The system's number.
    pub pid: u32,
    /// When it started, in clock ticks since the machine's start.
    pub started: u64,
    /// The machine's start this belongs to.
    pub boot: String,
}

impl ProcessId {
    /// The running process with this number, if there is one that is not a zombie.
    pub(crate) fn of(pid: u32) -> Option<ProcessId> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the program's name in parentheses and may hold anything, so count from its end.
        let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
        if fields.first().is_none_or(|state| *state == "Z") {
            return None;
        }
        let started = fields.get(19)?.parse().ok()?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .ok()?
            .trim()
            .to_owned();
        Some(ProcessId { pid, started, boot })
    }

    /// Whether this very process still runs.
    pub fn runs(&self) -> bool {
        ProcessId::of(self.pid).as_ref() == Some(self)
    }

    /// Sends a signal (`TERM`, `KILL`) to this very process, if it still runs.
    pub(crate) fn signal(&self, signal: &str) {
        if self.runs() {
            send(signal, &self.pid.to_string());
        }
    }

    /// Waits until it is gone; false if it still runs after `limit`.
    pub(crate) async fn gone_within(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.runs() {
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(POLL).await;
        }
        true
    }
}

/// The standard library kills single processes with one signal only, so the shell's `kill` does it.
fn send(signal: &str, target: &str) {
    let sent = Command::new("/bin/sh")
        .args(["-c", r#"kill -s "$1" -- "$2""#, "sh", signal, target])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if let Err(error) = sent {
        tracing::warn!(%error, signal, target, "could not run a shell to send a signal");
    }
}

/// A daemon of ours: in a process group of its own, killed when this is dropped, and by the kernel when we die.
pub(crate) struct Process {
    child: Child,
    id: Option<ProcessId>,
}

impl Process {
    /// Starts `program`, appending what it prints to `log`.
    pub(crate) fn start(program: &Path, args: &[String], log: &Path) -> Result<Process> {
        let setpriv = in_path("setpriv").ok_or(Error::SetprivMissing)?;
        let out = append(log).map_err(Error::io("write the log", log))?;
        let err = out.try_clone().map_err(Error::io("write the log", log))?;
        let mut command = Command::new(setpriv);
        command
            .args([
                "--pdeathsig",
                "KILL",
                "--",
                "/bin/sh",
                "-c",
                GUARD,
                "kofo-regtest",
            ])
            .arg(std::process::id().to_string())
            .arg(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0);
        let child = spawn(command).map_err(|source| Error::Spawn {
            program: program.to_owned(),
            source,
        })?;
        let id = ProcessId::of(child.id());
        Ok(Process { child, id })
    }

    /// Which process it is; `None` if it had ended before it could be looked at.
    pub(crate) fn id(&self) -> Option<&ProcessId> {
        self.id.as_ref()
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Lets it end in order, and kills it if it has not after `limit`.
    pub(crate) async fn stop(mut self, limit: Duration) {
        send("TERM", &self.child.id().to_string());
        let deadline = Instant::now() + limit;
        while self.ended().is_none() && Instant::now() < deadline {
            tokio::time::sleep(POLL).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().is_some() {
            return;
        }
        // The whole group: a program named by `BITCOIND_EXE` may be a script that did not `exec`.
        send("KILL", &format!("-{}", self.child.id()));
        // Either fails only if it has ended already, which is what they are for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Spawns from one thread that lives as long as we do: the death signal is tied to the spawning thread, and the
/// thread of a test ends with the test.
fn spawn(command: Command) -> io::Result<Child> {
    type Job = (Command, mpsc::SyncSender<io::Result<Child>>);
    static SPAWNER: OnceLock<mpsc::SyncSender<Job>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (jobs, work) = mpsc::sync_channel::<Job>(16);
        thread::spawn(move || {
            for (mut command, answer) in work {
                // Nobody waits for the answer only if the asking thread is gone; then the child ends with this.
                let _ = answer.send(command.spawn());
            }
        });
        jobs
    });
    let gone = || io::Error::other("the thread that starts daemons is gone");
    let (answer, child) = mpsc::sync_channel(1);
    spawner.send((command, answer)).map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}

fn append(log: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(log)
}

/// The last lines of a log, for an error message.
pub(crate) fn log_end(log: &Path) -> String {
    tail(log, SHOWN_LINES).unwrap_or_default().join("\n")
}

/// The last `lines` lines of a file.
pub(crate) fn tail(file: &Path, lines: usize) -> io::Result<Vec<String>> {
    let bytes = fs::read(file)?;
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    Ok(all
        .iter()
        .skip(all.len().saturating_sub(lines))
        .map(|line| (*line).to_owned())
        .collect())
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_was_used_again_is_not_the_process_it_was() {
        let us = ProcessId::of(std::process::id()).unwrap();
        assert!(us.runs());
        let before_us = ProcessId {
            started: us.started - 1,
            ..us.clone()
        };
        let on_another_boot = ProcessId {
            boot: "another".to_owned(),
            ..us
        };
        for other in [before_us, on_another_boot] {
            assert!(!other.runs());
            // We are still here to see that it did nothing.
            other.signal("KILL");
        }
    }

    #[test]
    fn what_a_script_started_dies_with_the_script() {
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("daemon");
        fs::write(&script, "#!/bin/sh\nsleep 1000 &\necho $!\nwait\n").unwrap();
        fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let log = dir.path().join("log");
        let process = Process::start(&script, &[], &log).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let sleeper = loop {
            let line = tail(&log, 1).unwrap();
            if let Some(id) = line.first().and_then(|line| ProcessId::of(line.parse().unwrap())) {
                break id;
            }
            assert!(Instant::now() < deadline, "the script said nothing");
            thread::sleep(POLL);
        };
        drop(process);
        while sleeper.runs() {
            assert!(Instant::now() < deadline, "{sleeper:?} still runs");
            thread::sleep(POLL);
        }
    }
}
