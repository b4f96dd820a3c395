//! Whatever happens, money is kept and every order ends.
