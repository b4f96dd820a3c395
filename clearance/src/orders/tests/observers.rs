//! Who is believed about a chain.
