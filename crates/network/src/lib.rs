//! The one libp2p swarm: request-response between peers, with limits.
