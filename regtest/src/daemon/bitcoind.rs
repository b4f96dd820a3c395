//! bitcoind in regtest mode.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::json;

use crate::chains::{Clock, WALLET};
use crate::endpoints::Bitcoind;
use crate::error::{Error, Result};
use crate::rpc::Rpc;

const USER: &str = "kofo";

pub(crate) struct Setup {
    pub(crate) endpoint: Bitcoind,
    port: u16,
    rpc: Rpc,
}

impl Setup {
    /// A bitcoind with its RPC and its peers on these ports, with a fresh password.
    pub(crate) fn new(port: u16, peers: u16) -> Result<Setup> {
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).map_err(|error| Error::Randomness(error.to_string()))?;
        let endpoint = Bitcoind {
            rpc_url: format!("http://127.0.0.1:{port}"),
            rpc_user: USER.to_owned(),
            rpc_password: hex::encode(secret),
            wallet: WALLET.to_owned(),
            peer: format!("127.0.0.1:{peers}"),
        };
        let login = Some((endpoint.rpc_user.clone(), endpoint.rpc_password.clone()));
        Ok(Setup {
            rpc: Rpc::new(endpoint.rpc_url.clone(), login),
            endpoint,
            port,
        })
    }

    /// Writes the configuration (not arguments: others on the machine can read those) and names it.
    pub(crate) fn arguments(&self, dir: &Path, clock: &Clock) -> Result<Vec<String>> {
        let file = dir.join("bitcoin.conf");
        let mut out = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&file)
            .map_err(Error::io("write", &file))?;
        out.write_all(self.configuration().as_bytes())
            .map_err(Error::io("write", &file))?;
        Ok(vec![
            format!("-datadir={}", dir.display()),
            format!("-conf={}", file.display()),
            // bitcoind refuses to start on blocks from its future, which is where `advance` may have put them.
            format!("-mocktime={}", clock.now()),
        ])
    }

    fn configuration(&self) -> String {
        let Bitcoind {
            rpc_user,
            rpc_password,
            peer,
            ..
        } = &self.endpoint;
        let port = self.port;
        format!(
            "regtest=1\n[regtest]\nserver=1\nrpcbind=127.0.0.1\nrpcallowip=127.0.0.1\nrpcport={port}\n\
             rpcuser={rpc_user}\nrpcpassword={rpc_password}\nrpcthreads=8\nrpcworkqueue=256\n\
             listen=1\nbind={peer}\nlistenonion=0\ndiscover=0\ndnsseed=0\nfixedseeds=0\nconnect=0\n\
             txindex=1\nblockfilterindex=1\npeerblockfilters=1\naddresstype=bech32\nchangetype=bech32\n\
             fallbackfee=0.00002\nkeypool=20\nunsafesqlitesync=1\ndbcache=64\n\
             printtoconsole=1\nnodebuglogfile=1\n"
        )
    }

    /// Only our daemon accepts the password, so an answer is an answer of ours.
    pub(crate) async fn ready(&self) -> bool {
        self.rpc.call("getblockchaininfo", json!([])).await.is_ok()
    }
}
