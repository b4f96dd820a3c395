//! The swap machine, driven by hand: rules one by one, and all of them under random inputs.

mod fixture;
mod initiator;
mod many_legs;
mod participant;
mod properties;
mod terms;
