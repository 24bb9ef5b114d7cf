//! FreeRADIUS's words for what a server is to do (`dictionary.freeradius.internal`), and the
//! counters that hotspots have used for twenty years.
//!
//! Expiration is kept as it was typed, though FreeRADIUS's dictionary has a date: its day ends when
//! it ends where the router stands, also after the operator has corrected the zone.

use super::Kind::{Integer, Integer64, Ipv4, Text};
use super::Scope::Internal;
use super::attributes;

attributes! {
    CLEARTEXT_PASSWORD = "Cleartext-Password", Internal, Text;
    NT_PASSWORD = "NT-Password", Internal, Text;
    CRYPT_PASSWORD = "Crypt-Password", Internal, Text;
    MD5_PASSWORD = "MD5-Password", Internal, Text;
    SMD5_PASSWORD = "SMD5-Password", Internal, Text;
    SHA_PASSWORD = "SHA-Password", Internal, Text;
    SSHA_PASSWORD = "SSHA-Password", Internal, Text;
    PASSWORD_WITH_HEADER = "Password-With-Header", Internal, Text;
    AUTH_TYPE = "Auth-Type", Internal, Integer(AUTH_TYPES);
    FALL_THROUGH = "Fall-Through", Internal, Integer(&[("No", 0), ("Yes", 1)]);
    EXPIRATION = "Expiration", Internal, Text;
    LOGIN_TIME = "Login-Time", Internal, Text;
    SIMULTANEOUS_USE = "Simultaneous-Use", Internal, Integer(&[]);
    ACCESS_PERIOD = "Access-Period", Internal, Integer(&[]);
    EXPIRE_AFTER = "Expire-After", Internal, Integer(&[]);
    MAX_DAILY_SESSION = "Max-Daily-Session", Internal, Integer(&[]);
    MAX_WEEKLY_SESSION = "Max-Weekly-Session", Internal, Integer(&[]);
    MAX_MONTHLY_SESSION = "Max-Monthly-Session", Internal, Integer(&[]);
    MAX_ALL_SESSION = "Max-All-Session", Internal, Integer(&[]);
    MAX_DAILY_SESSION_TRAFFIC = "Max-Daily-Session-Traffic", Internal, Integer64;
    MAX_MONTHLY_SESSION_TRAFFIC = "Max-Monthly-Session-Traffic", Internal, Integer64;
    MAX_DATA = "Max-Data", Internal, Integer64;
    CLIENT_SHORTNAME = "Client-Shortname", Internal, Text;
    PACKET_SRC_IP_ADDRESS = "Packet-Src-IP-Address", Internal, Ipv4;
}

const AUTH_TYPES: &[(&str, u32)] = &[("Local", 1), ("Reject", 4), ("Accept", 254)];
