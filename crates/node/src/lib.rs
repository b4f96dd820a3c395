//! The peer node: configuration, driver, wiring, RPC server, timeout monitor.

pub mod agree;
pub mod assets;
pub mod audit;
pub mod book;
pub mod clearing;
pub mod clock;
pub mod config;
pub mod direct;
pub mod driver;
pub mod engine;
pub mod files;
pub mod init;
pub mod journal;
pub mod keystore;
pub mod market;
pub mod monitor;
pub mod regtest;
pub mod rpc;
pub mod run;
pub mod service;
pub mod status;
pub mod together;
pub mod towers;
pub mod watchtower;
pub mod wiring;
