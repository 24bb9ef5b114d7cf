//! The attributes we know: names, numbers and types as in FreeRADIUS's dictionaries.
//!
//! Numbers come from the RFCs named at each table; vendors' from their own documents. The
//! attributes without a number ([`Scope::Internal`]) never travel: they are FreeRADIUS's words for
//! what a server is to do.

mod internal;
mod rfc;
mod vendor;

/// Private enterprise number of ChilliSpot and CoovaChilli.
pub const CHILLISPOT: u32 = 14559;
/// Private enterprise number of Microsoft (RFC 2548).
pub const MICROSOFT: u32 = 311;
/// Private enterprise number of MikroTik.
pub const MIKROTIK: u32 = 14988;
/// Private enterprise number of the Wi-Fi Alliance's WISPr.
pub const WISPR: u32 = 14122;

/// What kind of value an attribute has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// Bytes.
    Octets,
    /// 32 bits; the names of some values, where there are any.
    Integer(&'static [(&'static str, u32)]),
    /// 64 bits.
    Integer64,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// 32 bits of Unix seconds.
    Date,
}

/// Where an attribute has its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The RFCs' own space.
    Rfc(u8),
    /// A vendor's space: its private enterprise number, and the type there.
    Vendor(u32, u8),
    /// None: it never travels.
    Internal,
}

/// How a value is hidden on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cover {
    /// In the clear.
    None,
    /// As User-Password (RFC 2865 section 5.2).
    Password,
    /// As Tunnel-Password (RFC 2868 section 3.5), or without a tag MS-MPPE-Send-Key (RFC 2548
    /// section 2.4.2).
    Salted,
}

/// What is known of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// FreeRADIUS's name.
    pub name: &'static str,
    /// Where its number is.
    pub scope: Scope,
    /// What kind of value it has.
    pub kind: Kind,
    /// Whether it may carry a tag (RFC 2868 section 3.1).
    pub tagged: bool,
    /// How it is hidden.
    pub cover: Cover,
}

/// An attribute of the dictionary.
#[derive(Clone, Copy)]
pub struct Attribute(&'static Definition);

impl PartialEq for Attribute {
    fn eq(&self, other: &Self) -> bool {
        // A number is one attribute's; only those that never travel need their names compared.
        let (ours, theirs) = (self.0, other.0);
        ours.scope == theirs.scope && (ours.scope != Scope::Internal || ours.name == theirs.name)
    }
}

impl Eq for Attribute {}

impl Attribute {
    /// The attribute of this name, compared without case as FreeRADIUS does.
    pub fn named(name: &str) -> Option<Self> {
        all().find(|attribute| attribute.name().eq_ignore_ascii_case(name))
    }

    /// The attribute with this number.
    pub fn numbered(scope: Scope) -> Option<Self> {
        all().find(|attribute| attribute.0.scope == scope && scope != Scope::Internal)
    }

    /// What is known of it.
    pub fn definition(self) -> &'static Definition {
        self.0
    }

    /// FreeRADIUS's name.
    pub fn name(self) -> &'static str {
        self.0.name
    }
}

impl std::fmt::Debug for Attribute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Every attribute.
pub fn all() -> impl Iterator<Item = Attribute> {
    [rfc::ALL, vendor::ALL, internal::ALL].into_iter().flatten().copied()
}

/// Makes a constant of each line and a table of them all.
macro_rules! attributes {
    ($($constant:ident = $name:literal, $scope:expr, $kind:expr $(, $flag:ident)?;)*) => {
        $(
            #[doc = concat!("`", $name, "`.")]
            pub const $constant: $crate::policy::dictionary::Attribute = {
                #[allow(unused_mut)]
                const DEFINITION: $crate::policy::dictionary::Definition =
                    $crate::policy::dictionary::Definition {
                        name: $name,
                        scope: $scope,
                        kind: $kind,
                        tagged: $crate::policy::dictionary::attributes!(@tagged $($flag)?),
                        cover: $crate::policy::dictionary::attributes!(@cover $($flag)?),
                    };
                $crate::policy::dictionary::Attribute(&DEFINITION)
            };
        )*
        pub(super) const ALL: &[$crate::policy::dictionary::Attribute] = &[$($constant),*];
    };
    (@tagged tagged) => { true };
    (@tagged salted_tag) => { true };
    (@tagged $($other:ident)?) => { false };
    (@cover password) => { $crate::policy::dictionary::Cover::Password };
    (@cover salted) => { $crate::policy::dictionary::Cover::Salted };
    (@cover salted_tag) => { $crate::policy::dictionary::Cover::Salted };
    (@cover $($other:ident)?) => { $crate::policy::dictionary::Cover::None };
}
use attributes;

pub use internal::*;
pub use rfc::*;
pub use vendor::*;
