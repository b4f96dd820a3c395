//! One suite for every adapter.
