//! RFC 2865, 2866, 2867, 2868, 2869, 3162, 4372, 4675, 4849, 5176, 5580, 6911, 7268; in the order of
//! their numbers, by which they are found.

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
    FRAMED_PROTOCOL = "Framed-Protocol", Rfc(7), Integer(&[("PPP", 1), ("SLIP", 2), ("GPRS-PDP-Context", 7)]);
    FRAMED_IP_ADDRESS = "Framed-IP-Address", Rfc(8), Ipv4;
    FRAMED_IP_NETMASK = "Framed-IP-Netmask", Rfc(9), Ipv4;
    FRAMED_ROUTING = "Framed-Routing", Rfc(10), Integer(&[("None", 0), ("Broadcast", 1), ("Listen", 2), ("Broadcast-Listen", 3)]);
    FILTER_ID = "Filter-Id", Rfc(11), Text;
    FRAMED_MTU = "Framed-MTU", Rfc(12), Integer(&[]);
    FRAMED_COMPRESSION = "Framed-Compression", Rfc(13), Integer(&[("None", 0), ("Van-Jacobson-TCP-IP", 1)]);
    LOGIN_IP_HOST = "Login-IP-Host", Rfc(14), Ipv4;
    LOGIN_SERVICE = "Login-Service", Rfc(15), Integer(&[("Telnet", 0), ("Rlogin", 1), ("TCP-Clear", 2)]);
    LOGIN_TCP_PORT = "Login-TCP-Port", Rfc(16), Integer(&[]);
    REPLY_MESSAGE = "Reply-Message", Rfc(18), Text;
    CALLBACK_NUMBER = "Callback-Number", Rfc(19), Text;
    CALLBACK_ID = "Callback-Id", Rfc(20), Text;
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
    ACCT_LINK_COUNT = "Acct-Link-Count", Rfc(51), Integer(&[]);
    ACCT_INPUT_GIGAWORDS = "Acct-Input-Gigawords", Rfc(52), Integer(&[]);
    ACCT_OUTPUT_GIGAWORDS = "Acct-Output-Gigawords", Rfc(53), Integer(&[]);
    EVENT_TIMESTAMP = "Event-Timestamp", Rfc(55), Date;
    EGRESS_VLANID = "Egress-VLANID", Rfc(56), Integer(&[]);
    INGRESS_FILTERS = "Ingress-Filters", Rfc(57), Integer(&[("Enabled", 1), ("Disabled", 2)]);
    EGRESS_VLAN_NAME = "Egress-VLAN-Name", Rfc(58), Text;
    USER_PRIORITY_TABLE = "User-Priority-Table", Rfc(59), Octets;
    CHAP_CHALLENGE = "CHAP-Challenge", Rfc(60), Octets;
    NAS_PORT_TYPE = "NAS-Port-Type", Rfc(61), Integer(PORT_TYPES);
    PORT_LIMIT = "Port-Limit", Rfc(62), Integer(&[]);
    TUNNEL_TYPE = "Tunnel-Type", Rfc(64), Integer(&[("PPTP", 1), ("L2TP", 3), ("GRE", 10), ("VLAN", 13)]), tagged;
    TUNNEL_MEDIUM_TYPE = "Tunnel-Medium-Type", Rfc(65), Integer(&[("IPv4", 1), ("IPv6", 2), ("IEEE-802", 6)]), tagged;
    TUNNEL_CLIENT_ENDPOINT = "Tunnel-Client-Endpoint", Rfc(66), Text, tagged;
    TUNNEL_SERVER_ENDPOINT = "Tunnel-Server-Endpoint", Rfc(67), Text, tagged;
    ACCT_TUNNEL_CONNECTION = "Acct-Tunnel-Connection", Rfc(68), Text;
    TUNNEL_PASSWORD = "Tunnel-Password", Rfc(69), Text, salted_tag;
    PASSWORD_RETRY = "Password-Retry", Rfc(75), Integer(&[]);
    PROMPT = "Prompt", Rfc(76), Integer(&[("No-Echo", 0), ("Echo", 1)]);
    CONNECT_INFO = "Connect-Info", Rfc(77), Text;
    CONFIGURATION_TOKEN = "Configuration-Token", Rfc(78), Text;
    EAP_MESSAGE = "EAP-Message", Rfc(79), Octets;
    MESSAGE_AUTHENTICATOR = "Message-Authenticator", Rfc(80), Octets;
    TUNNEL_PRIVATE_GROUP_ID = "Tunnel-Private-Group-Id", Rfc(81), Text, tagged;
    TUNNEL_ASSIGNMENT_ID = "Tunnel-Assignment-Id", Rfc(82), Text, tagged;
    TUNNEL_PREFERENCE = "Tunnel-Preference", Rfc(83), Integer(&[]), tagged;
    ACCT_INTERIM_INTERVAL = "Acct-Interim-Interval", Rfc(85), Integer(&[]);
    ACCT_TUNNEL_PACKETS_LOST = "Acct-Tunnel-Packets-Lost", Rfc(86), Integer(&[]);
    NAS_PORT_ID = "NAS-Port-Id", Rfc(87), Text;
    FRAMED_POOL = "Framed-Pool", Rfc(88), Text;
    CHARGEABLE_USER_IDENTITY = "Chargeable-User-Identity", Rfc(89), Octets;
    TUNNEL_CLIENT_AUTH_ID = "Tunnel-Client-Auth-Id", Rfc(90), Text, tagged;
    TUNNEL_SERVER_AUTH_ID = "Tunnel-Server-Auth-Id", Rfc(91), Text, tagged;
    NAS_FILTER_RULE = "NAS-Filter-Rule", Rfc(92), Text;
    NAS_IPV6_ADDRESS = "NAS-IPv6-Address", Rfc(95), Ipv6;
    LOGIN_IPV6_HOST = "Login-IPv6-Host", Rfc(98), Ipv6;
    FRAMED_IPV6_ROUTE = "Framed-IPv6-Route", Rfc(99), Text;
    FRAMED_IPV6_POOL = "Framed-IPv6-Pool", Rfc(100), Text;
    ERROR_CAUSE = "Error-Cause", Rfc(101), Integer(ERROR_CAUSES);
    OPERATOR_NAME = "Operator-Name", Rfc(126), Text;
    LOCATION_INFORMATION = "Location-Information", Rfc(127), Octets;
    LOCATION_DATA = "Location-Data", Rfc(128), Octets;
    FRAMED_IPV6_ADDRESS = "Framed-IPv6-Address", Rfc(168), Ipv6;
    DNS_SERVER_IPV6_ADDRESS = "DNS-Server-IPv6-Address", Rfc(169), Ipv6;
    DELEGATED_IPV6_PREFIX_POOL = "Delegated-IPv6-Prefix-Pool", Rfc(171), Text;
    STATEFUL_IPV6_ADDRESS_POOL = "Stateful-IPv6-Address-Pool", Rfc(172), Text;
    ALLOWED_CALLED_STATION_ID = "Allowed-Called-Station-Id", Rfc(174), Text;
    MOBILITY_DOMAIN_ID = "Mobility-Domain-Id", Rfc(177), Integer(&[]);
    WLAN_HESSID = "WLAN-HESSID", Rfc(181), Text;
    WLAN_VENUE_INFO = "WLAN-Venue-Info", Rfc(182), Integer(&[]);
    WLAN_VENUE_NAME = "WLAN-Venue-Name", Rfc(184), Text;
    WLAN_REASON_CODE = "WLAN-Reason-Code", Rfc(185), Integer(&[]);
    WLAN_PAIRWISE_CIPHER = "WLAN-Pairwise-Cipher", Rfc(186), Integer(&[]);
    WLAN_GROUP_CIPHER = "WLAN-Group-Cipher", Rfc(187), Integer(&[]);
    WLAN_AKM_SUITE = "WLAN-AKM-Suite", Rfc(188), Integer(&[]);
    WLAN_GROUP_MGMT_CIPHER = "WLAN-Group-Mgmt-Cipher", Rfc(189), Integer(&[]);
    WLAN_RF_BAND = "WLAN-RF-Band", Rfc(190), Integer(&[]);
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
    ("Supplicant-Restart", 19),
    ("Reauthentication-Failure", 20),
    ("Port-Reinit", 21),
    ("Port-Disabled", 22),
];

const PORT_TYPES: &[(&str, u32)] = &[
    ("Async", 0),
    ("Sync", 1),
    ("ISDN", 2),
    ("Virtual", 5),
    ("Ethernet", 15),
    ("xDSL", 16),
    ("Cable", 17),
    ("Wireless-Other", 18),
    ("Wireless-802.11", 19),
    ("FTTP", 26),
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
