//! A node process on chains in memory.

use crate::program::Home;
use std::io::{BufRead, BufReader};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const CHAINS: &str = "
[chain.a]
kind = \"sim\"
id = \"sim:a\"
depth = 1
[chain.a.assets.APPLE]
id = \"sim:a/coin:apple\"
decimals = 8

[chain.b]
kind = \"sim\"
id = \"sim:b\"
depth = 1
[chain.b.assets.PEAR]
id = \"sim:b/coin:pear\"
decimals = 8
";

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running node; killed when dropped.
pub(crate) struct Daemon {
    pub(crate) home: Home,
    child: Child,
}

/// Makes a node on chains in memory, without starting it.
pub(crate) fn new_node() -> Home {
    let home = Home::new();
    home.run(&["init", "--network", "kofo-sim"]).done();
    on_chains_in_memory(&home);
    home
}

/// Puts chains in memory into the configuration instead of those that it has.
pub(crate) fn on_chains_in_memory(home: &Home) {
    let path = home.data().join("kofo.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    let (top, _) = config.split_once("\n[chain.").unwrap();
    std::fs::write(&path, format!("{top}{CHAINS}")).unwrap();
}

impl Daemon {
    pub(crate) fn start() -> Self {
        Self::of(new_node())
    }

    /// Starts the node, and waits until it says that it is ready.
    pub(crate) fn of(home: Home) -> Self {
        Self::running(home, &["node"], "ready: rpc http://127.0.0.1:")
    }

    /// Starts a process on the folder, and waits until it says so.
    pub(crate) fn running(home: Home, args: &[&str], says: &str) -> Self {
        let mut child = home
            .command(args)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let ready = lines.by_ref().map_while(Result::ok).any(|line| {
            said.push_str(&format!("{line}\n"));
            line.starts_with(says)
        });
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let daemon = Self { home, child };
        assert!(ready, "{said}");
        daemon
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has ended.
    pub(crate) fn ended(mut self) -> (ExitStatus, Home) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "the node has not ended");
            std::thread::sleep(Duration::from_millis(20));
        };
        (status, std::mem::replace(&mut self.home, Home::new()))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended cannot be killed, which is as good.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
