//! A cable that can be cut.

use std::sync::Arc;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// All connections of a network that cross a border.
#[derive(Clone)]
pub(crate) struct Border(Arc<watch::Sender<bool>>);

impl Border {
    pub(crate) fn open() -> Self {
        Self(Arc::new(watch::channel(true).0))
    }

    /// Closes what crosses it, and lets nothing through until it is healed.
    pub(crate) fn cut(&self) {
        self.0.send_replace(false);
    }

    pub(crate) fn heal(&self) {
        self.0.send_replace(true);
    }

    /// Passes connections from one port on to another, while the border is open.
    pub(crate) async fn cable(&self, from: u16, to: u16) {
        let listener = TcpListener::bind(("127.0.0.1", from)).await.unwrap();
        let border = self.0.subscribe();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(pass(connection, to, border.clone()));
            }
        });
    }
}

async fn pass(mut near: TcpStream, to: u16, mut border: watch::Receiver<bool>) {
    if !*border.borrow() {
        return;
    }
    let Ok(mut far) = TcpStream::connect(("127.0.0.1", to)).await else {
        return;
    };
    let _ = near.set_nodelay(true);
    let _ = far.set_nodelay(true);
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = border.wait_for(|open| !*open) => {}
    }
}
