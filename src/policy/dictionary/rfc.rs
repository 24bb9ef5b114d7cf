//! RFC 2865, 2866, 2868, 2869, 3162, 4372, 5176, 6911.

use super::Kind::{Date, Integer, Ipv4, Ipv6, Octets, Text};
use super::Scope::Rfc;
use super::attributes;

attributes! {
    USER_NAME = "User-Name", Rfc(1), Text;
    USER_PASSWORD = "User-Password", Rfc(2), Text, password;
    CHAP_PASSWORD = "CHAP-Password", Rfc(3), Octets;
    NAS_IP_ADDRESS = "NAS-IP-Address", Rfc(4), Ipv4;
    NAS_PORT = "NAS-Port", Rfc(5), Integer(&[]);
    SERVICE_TYPE = "Service-Type", Rfc(6), Integer(SERVICE_TYPES);
    FRAMED_PROTOCOL = "Framed-Protocol", Rfc(7), Integer(&[("PPP", 1), ("SLIP", 2)]);
    FRAMED_IP_ADDRESS = "Framed-IP-Address", Rfc(8), Ipv4;
    FRAMED_IP_NETMASK = "Framed-IP-Netmask", Rfc(9), Ipv4;
    FILTER_ID = "Filter-Id", Rfc(11), Text;
    FRAMED_MTU = "Framed-MTU", Rfc(12), Integer(&[]);
    REPLY_MESSAGE = "Reply-Message", Rfc(18), Text;
    FRAMED_ROUTE = "Framed-Route", Rfc(22), Text;
    STATE = "State", Rfc(24), Octets;
    CLASS = "Class", Rfc(25), Octets;
    SESSION_TIMEOUT = "Session-Timeout", Rfc(27), Integer(&[]);
    IDLE_TIMEOUT = "Idle-Timeout", Rfc(28), Integer(&[]);
    TERMINATION_ACTION = "Termination-Action", Rfc(29), Integer(&[("Default", 0), ("RADIUS-Request", 1)]);
    CALLED_STATION_ID = "Called-Station-Id", Rfc(30), Text;
    CALLING_STATION_ID = "Calling-Station-Id", Rfc(31), Text;
    NAS_IDENTIFIER = "NAS-Identifier", Rfc(32), Text;
    PROXY_STATE = "Proxy-State", Rfc(33), Octets;
    ACCT_STATUS_TYPE = "Acct-Status-Type", Rfc(40), Integer(STATUS_TYPES);
    ACCT_DELAY_TIME = "Acct-Delay-Time", Rfc(41), Integer(&[]);
    ACCT_INPUT_OCTETS = "Acct-Input-Octets", Rfc(42), Integer(&[]);
    ACCT_OUTPUT_OCTETS = "Acct-Output-Octets", Rfc(43), Integer(&[]);
    ACCT_SESSION_ID = "Acct-Session-Id", Rfc(44), Text;
    ACCT_AUTHENTIC = "Acct-Authentic", Rfc(45), Integer(&[("RADIUS", 1), ("Local", 2), ("Remote", 3)]);
    ACCT_SESSION_TIME = "Acct-Session-Time", Rfc(46), Integer(&[]);
    ACCT_INPUT_PACKETS = "Acct-Input-Packets", Rfc(47), Integer(&[]);
    ACCT_OUTPUT_PACKETS = "Acct-Output-Packets", Rfc(48), Integer(&[]);
    ACCT_TERMINATE_CAUSE = "Acct-Terminate-Cause", Rfc(49), Integer(TERMINATE_CAUSES);
    ACCT_MULTI_SESSION_ID = "Acct-Multi-Session-Id", Rfc(50), Text;
    ACCT_INPUT_GIGAWORDS = "Acct-Input-Gigawords", Rfc(52), Integer(&[]);
    ACCT_OUTPUT_GIGAWORDS = "Acct-Output-Gigawords", Rfc(53), Integer(&[]);
    EVENT_TIMESTAMP = "Event-Timestamp", Rfc(55), Date;
    CHAP_CHALLENGE = "CHAP-Challenge", Rfc(60), Octets;
    NAS_PORT_TYPE = "NAS-Port-Type", Rfc(61), Integer(PORT_TYPES);
    PORT_LIMIT = "Port-Limit", Rfc(62), Integer(&[]);
    TUNNEL_TYPE = "Tunnel-Type", Rfc(64), Integer(&[("PPTP", 1), ("L2TP", 3), ("GRE", 10), ("VLAN", 13)]), tagged;
    TUNNEL_MEDIUM_TYPE = "Tunnel-Medium-Type", Rfc(65), Integer(&[("IPv4", 1), ("IPv6", 2), ("IEEE-802", 6)]), tagged;
    TUNNEL_PASSWORD = "Tunnel-Password", Rfc(69), Text, salted_tag;
    CONNECT_INFO = "Connect-Info", Rfc(77), Text;
    EAP_MESSAGE = "EAP-Message", Rfc(79), Octets;
    MESSAGE_AUTHENTICATOR = "Message-Authenticator", Rfc(80), Octets;
    TUNNEL_PRIVATE_GROUP_ID = "Tunnel-Private-Group-Id", Rfc(81), Text, tagged;
    ACCT_INTERIM_INTERVAL = "Acct-Interim-Interval", Rfc(85), Integer(&[]);
    NAS_PORT_ID = "NAS-Port-Id", Rfc(87), Text;
    FRAMED_POOL = "Framed-Pool", Rfc(88), Text;
    CHARGEABLE_USER_IDENTITY = "Chargeable-User-Identity", Rfc(89), Octets;
    NAS_IPV6_ADDRESS = "NAS-IPv6-Address", Rfc(95), Ipv6;
    ERROR_CAUSE = "Error-Cause", Rfc(101), Integer(ERROR_CAUSES);
    FRAMED_IPV6_ADDRESS = "Framed-IPv6-Address", Rfc(168), Ipv6;
}

const SERVICE_TYPES: &[(&str, u32)] = &[
    ("Login-User", 1),
    ("Framed-User", 2),
    ("Callback-Login-User", 3),
    ("Callback-Framed-User", 4),
    ("Outbound-User", 5),
    ("Administrative-User", 6),
    ("NAS-Prompt-User", 7),
    ("Authenticate-Only", 8),
    ("Callback-NAS-Prompt", 9),
    ("Call-Check", 10),
    ("Callback-Administrative", 11),
    ("Authorize-Only", 17),
];

const STATUS_TYPES: &[(&str, u32)] = &[
    ("Start", 1),
    ("Stop", 2),
    ("Interim-Update", 3),
    ("Accounting-On", 7),
    ("Accounting-Off", 8),
    ("Failed", 15),
];

const TERMINATE_CAUSES: &[(&str, u32)] = &[
    ("User-Request", 1),
    ("Lost-Carrier", 2),
    ("Lost-Service", 3),
    ("Idle-Timeout", 4),
    ("Session-Timeout", 5),
    ("Admin-Reset", 6),
    ("Admin-Reboot", 7),
    ("Port-Error", 8),
    ("NAS-Error", 9),
    ("NAS-Request", 10),
    ("NAS-Reboot", 11),
    ("Port-Unneeded", 12),
    ("Port-Preempted", 13),
    ("Port-Suspended", 14),
    ("Service-Unavailable", 15),
    ("Callback", 16),
    ("User-Error", 17),
    ("Host-Request", 18),
];

const PORT_TYPES: &[(&str, u32)] = &[
    ("Async", 0),
    ("Sync", 1),
    ("ISDN", 2),
    ("Virtual", 5),
    ("Ethernet", 15),
    ("Cable", 17),
    ("Wireless-Other", 18),
    ("Wireless-802.11", 19),
];

const ERROR_CAUSES: &[(&str, u32)] = &[
    ("Residual-Context-Removed", 201),
    ("Invalid-EAP-Packet", 202),
    ("Unsupported-Attribute", 401),
    ("Missing-Attribute", 402),
    ("NAS-Identification-Mismatch", 403),
    ("Invalid-Request", 404),
    ("Unsupported-Service", 405),
    ("Unsupported-Extension", 406),
    ("Invalid-Attribute-Value", 407),
    ("Administratively-Prohibited", 501),
    ("Proxy-Request-Not-Routable", 502),
    ("Session-Context-Not-Found", 503),
    ("Session-Context-Not-Removable", 504),
    ("Proxy-Processing-Error", 505),
    ("Resources-Unavailable", 506),
    ("Request-Initiated", 507),
    ("Multiple-Session-Selection-Unsupported", 508),
];
