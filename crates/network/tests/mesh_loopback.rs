//! Meshes of real swarms on real sockets of the loopback interface.

#[path = "mesh_loopback/node.rs"]
mod node;

#[path = "mesh_loopback/discovery.rs"]
mod discovery;
#[path = "mesh_loopback/flood.rs"]
mod flood;
#[path = "mesh_loopback/gossip.rs"]
mod gossip;
#[path = "mesh_loopback/malformed.rs"]
mod malformed;
#[path = "mesh_loopback/planes.rs"]
mod planes;
