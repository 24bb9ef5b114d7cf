//! The attributes we know: names, numbers and types as in FreeRADIUS's dictionaries.
//!
//! Numbers come from the RFCs named at each table; vendors' from their own documents. The
//! attributes without a number ([`Scope::Internal`]) never travel: they are FreeRADIUS's words for
//! what a server is to do.

mod internal;
mod packet_use;
mod rfc;
mod vendor;

pub use packet_use::{PacketUse, travel};

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
    /// The attribute of this name, compared without case as FreeRADIUS does; some older spellings
    /// are known too, and CoovaChilli's own of those that FreeRADIUS has under ChilliSpot's name.
    pub fn named(name: &str) -> Option<Self> {
        let name = ALIASES
            .iter()
            .find(|(older, _)| older.eq_ignore_ascii_case(name))
            .map_or(name, |(_, current)| *current);
        let own = |attribute: &Self| attribute.name().eq_ignore_ascii_case(name);
        let coova = name.split_at_checked(COOVACHILLI.len());
        let coova = coova.filter(|(prefix, _)| prefix.eq_ignore_ascii_case(COOVACHILLI));
        let chilli = |attribute: &Self| match (coova, attribute.name().strip_prefix(CHILLISPOT_)) {
            (Some((_, rest)), Some(known)) => known.eq_ignore_ascii_case(rest),
            _ => false,
        };
        all().find(|attribute| own(attribute) || chilli(attribute))
    }

    /// The attribute with this number.
    pub fn numbered(scope: Scope) -> Option<Self> {
        let table = match scope {
            Scope::Rfc(_) => rfc::ALL,
            Scope::Vendor(..) => vendor::ALL,
            Scope::Internal => return None,
        };
        let place = table.binary_search_by_key(&scope, |attribute| attribute.0.scope).ok()?;
        table.get(place).copied()
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

/// How ChilliSpot's attributes begin in FreeRADIUS's dictionary, and in CoovaChilli's own.
const CHILLISPOT_: &str = "ChilliSpot-";
const COOVACHILLI: &str = "CoovaChilli-";

/// What FreeRADIUS's own dictionaries list as other names of the same number (`dictionary.compat`,
/// `dictionary.microsoft`, `dictionary.mikrotik`), and its names of version 4 for passwords.
const ALIASES: &[(&str, &str)] = &[
    ("Caller-ID", "Calling-Station-Id"),
    ("Client-Port-DNIS", "Called-Station-Id"),
    ("Framed-Address", "Framed-IP-Address"),
    ("Framed-Filter-Id", "Filter-Id"),
    ("Framed-Netmask", "Framed-IP-Netmask"),
    ("User-Service-Type", "Service-Type"),
    ("MS-MPPE-Encryption-Type", "MS-MPPE-Encryption-Types"),
    ("Mikrotik-DHCP-Option-ParamSTR2", "Mikrotik-DHCP-Option-Param-STR2"),
    ("Mikrotik-Wireless-VLANID-Type", "Mikrotik-Wireless-VLANIDtype"),
    ("SHA1-Password", "SHA-Password"),
    ("SSHA1-Password", "SSHA-Password"),
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_is_found_by_its_name_and_by_its_number() {
        for attribute in all() {
            let name = attribute.name();
            assert_eq!(Attribute::named(&name.to_uppercase()), Some(attribute));
            let scope = attribute.definition().scope;
            if scope == Scope::Internal {
                assert_eq!(Attribute::numbered(scope), None);
            } else {
                assert_eq!(Attribute::numbered(scope).map(Attribute::name), Some(name));
            }
        }
    }

    #[test]
    fn other_names_lead_to_attributes_that_exist() {
        for (older, current) in ALIASES {
            assert_eq!(Attribute::named(older).map(Attribute::name), Some(*current));
            assert!(
                all().all(|attribute| !attribute.name().eq_ignore_ascii_case(older)),
                "{older}"
            );
        }
        assert_eq!(Attribute::named("Password"), None);
        assert_eq!(Attribute::named(""), None);
    }

    #[test]
    fn names_of_values_are_unambiguous() {
        for attribute in all() {
            let Kind::Integer(names) = attribute.definition().kind else { continue };
            for (index, (name, number)) in names.iter().enumerate() {
                let others = &names[index + 1..];
                assert!(others.iter().all(|(_, other)| other != number), "{attribute:?} {number}");
                assert!(others.iter().all(|(other, _)| !other.eq_ignore_ascii_case(name)));
            }
        }
    }
}
