//! The table of the RPC's methods: who may call each, what it takes and what it gives.
//!
//! [`rpc_table`] makes three things of one text: the server's trait, the client's, and the lines by which access is
//! decided and the OpenRPC document is written.

use schemars::{JsonSchema, Schema, SchemaGenerator};

/// Whom a method is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It shows something and changes nothing: the read token is enough.
    Reads,
    /// It changes something, or could spend: only the owner's cookie will do.
    Acts,
}

/// One method.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// Its name, such as `swap.show`.
    pub name: &'static str,
    /// What it does: lines of text.
    pub docs: &'static [&'static str],
    /// Whom it is for.
    pub access: Access,
    /// What it takes, by name.
    pub params: fn(&mut SchemaGenerator) -> Vec<Param>,
    /// What it gives.
    pub result: fn(&mut SchemaGenerator) -> Schema,
    /// What it sends later, if it is a subscription.
    pub notices: Option<fn(&mut SchemaGenerator) -> Schema>,
}

/// One parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Whether it may not be left out.
    pub required: bool,
    /// What it may be.
    pub schema: Schema,
}

impl Param {
    /// Of a type, whose name says whether it is optional.
    pub(super) fn of<T: JsonSchema>(
        name: &'static str,
        type_name: &str,
        generator: &mut SchemaGenerator,
    ) -> Self {
        Self {
            name,
            required: !type_name.starts_with("Option"),
            schema: generator.subschema_for::<T>(),
        }
    }
}

/// A trait of methods, and with it the table `METHODS` of its module. Each method begins with `#[reads]` or `#[acts]`; all else
/// is as `jsonrpsee` has it, with parameters by name.
macro_rules! rpc_table {
    (@lines $(#[$meta:meta])* pub trait $name:ident { $(
        #[$access:ident]
        $(#[doc = $doc:literal])+
        #[method(name = $method:literal, param_kind = map)]
        async fn $f:ident(&self $(, $arg:ident: $ty:ty)* $(,)?) -> RpcResult<$out:ty>;
    )* }) => {
        /// The lines of this area in the table of all methods.
        pub(in crate::rpc) const METHODS: &[$crate::rpc::methods::table::Method] = &[$(
            $crate::rpc::methods::table::Method {
                name: $method,
                docs: &[$($doc),+],
                access: rpc_table!(@access $access),
                params: |_generator| vec![$(
                    $crate::rpc::methods::table::Param::of::<$ty>(stringify!($arg), stringify!($ty), _generator)
                ),*],
                result: |generator| generator.subschema_for::<$out>(),
                notices: None,
            }
        ),*];
    };
    (@access reads) => { $crate::rpc::methods::table::Access::Reads };
    (@access acts) => { $crate::rpc::methods::table::Access::Acts };
    // The trait as it stands: `jsonrpsee` drops the attributes of methods that it does not know.
    ($($trait:tt)*) => {
        $($trait)*
        rpc_table!(@lines $($trait)*);
    };
}
pub(super) use rpc_table;
