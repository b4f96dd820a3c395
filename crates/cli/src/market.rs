//! `kofo claim`, `kofo quotes`, `kofo book` and `kofo peers`.

mod book;
mod claim;
mod peers;
mod quotes;

pub(crate) use book::run as book;
pub(crate) use claim::run as claim;
pub(crate) use peers::run as peers;
pub(crate) use quotes::run as quotes;
