//! Vendors' attributes: RFC 2548 for Microsoft, the vendors' own dictionaries for the others.

use super::Kind::{Integer, Ipv4, Octets, Text};
use super::Scope::Vendor;
use super::{CHILLISPOT, MICROSOFT, MIKROTIK, WISPR, attributes};

attributes! {
    MS_CHAP_RESPONSE = "MS-CHAP-Response", Vendor(MICROSOFT, 1), Octets;
    MS_CHAP_ERROR = "MS-CHAP-Error", Vendor(MICROSOFT, 2), Octets;
    MS_MPPE_ENCRYPTION_POLICY = "MS-MPPE-Encryption-Policy", Vendor(MICROSOFT, 7), Integer(&[("Encryption-Allowed", 1), ("Encryption-Required", 2)]);
    MS_MPPE_ENCRYPTION_TYPES = "MS-MPPE-Encryption-Types", Vendor(MICROSOFT, 8), Integer(&[("RC4-40bit-Allowed", 1), ("RC4-128bit-Allowed", 2), ("RC4-40or128-bit-Allowed", 6)]);
    MS_CHAP_CHALLENGE = "MS-CHAP-Challenge", Vendor(MICROSOFT, 11), Octets;
    MS_CHAP_MPPE_KEYS = "MS-CHAP-MPPE-Keys", Vendor(MICROSOFT, 12), Octets, password;
    MS_MPPE_SEND_KEY = "MS-MPPE-Send-Key", Vendor(MICROSOFT, 16), Octets, salted;
    MS_MPPE_RECV_KEY = "MS-MPPE-Recv-Key", Vendor(MICROSOFT, 17), Octets, salted;
    MS_CHAP2_RESPONSE = "MS-CHAP2-Response", Vendor(MICROSOFT, 25), Octets;
    MS_CHAP2_SUCCESS = "MS-CHAP2-Success", Vendor(MICROSOFT, 26), Octets;
    MS_PRIMARY_DNS_SERVER = "MS-Primary-DNS-Server", Vendor(MICROSOFT, 28), Ipv4;
    MS_SECONDARY_DNS_SERVER = "MS-Secondary-DNS-Server", Vendor(MICROSOFT, 29), Ipv4;
    CHILLISPOT_MAX_INPUT_OCTETS = "ChilliSpot-Max-Input-Octets", Vendor(CHILLISPOT, 1), Integer(&[]);
    CHILLISPOT_MAX_OUTPUT_OCTETS = "ChilliSpot-Max-Output-Octets", Vendor(CHILLISPOT, 2), Integer(&[]);
    CHILLISPOT_MAX_TOTAL_OCTETS = "ChilliSpot-Max-Total-Octets", Vendor(CHILLISPOT, 3), Integer(&[]);
    CHILLISPOT_BANDWIDTH_MAX_UP = "ChilliSpot-Bandwidth-Max-Up", Vendor(CHILLISPOT, 4), Integer(&[]);
    CHILLISPOT_BANDWIDTH_MAX_DOWN = "ChilliSpot-Bandwidth-Max-Down", Vendor(CHILLISPOT, 5), Integer(&[]);
    CHILLISPOT_MAX_INPUT_GIGAWORDS = "ChilliSpot-Max-Input-Gigawords", Vendor(CHILLISPOT, 21), Integer(&[]);
    CHILLISPOT_MAX_OUTPUT_GIGAWORDS = "ChilliSpot-Max-Output-Gigawords", Vendor(CHILLISPOT, 22), Integer(&[]);
    CHILLISPOT_MAX_TOTAL_GIGAWORDS = "ChilliSpot-Max-Total-Gigawords", Vendor(CHILLISPOT, 23), Integer(&[]);
    MIKROTIK_RECV_LIMIT = "Mikrotik-Recv-Limit", Vendor(MIKROTIK, 1), Integer(&[]);
    MIKROTIK_XMIT_LIMIT = "Mikrotik-Xmit-Limit", Vendor(MIKROTIK, 2), Integer(&[]);
    MIKROTIK_GROUP = "Mikrotik-Group", Vendor(MIKROTIK, 3), Text;
    MIKROTIK_RATE_LIMIT = "Mikrotik-Rate-Limit", Vendor(MIKROTIK, 8), Text;
    MIKROTIK_RECV_LIMIT_GIGAWORDS = "Mikrotik-Recv-Limit-Gigawords", Vendor(MIKROTIK, 14), Integer(&[]);
    MIKROTIK_XMIT_LIMIT_GIGAWORDS = "Mikrotik-Xmit-Limit-Gigawords", Vendor(MIKROTIK, 15), Integer(&[]);
    MIKROTIK_TOTAL_LIMIT = "Mikrotik-Total-Limit", Vendor(MIKROTIK, 17), Integer(&[]);
    MIKROTIK_TOTAL_LIMIT_GIGAWORDS = "Mikrotik-Total-Limit-Gigawords", Vendor(MIKROTIK, 18), Integer(&[]);
    WISPR_LOCATION_ID = "WISPr-Location-ID", Vendor(WISPR, 1), Text;
    WISPR_LOCATION_NAME = "WISPr-Location-Name", Vendor(WISPR, 2), Text;
    WISPR_LOGOFF_URL = "WISPr-Logoff-URL", Vendor(WISPR, 3), Text;
    WISPR_REDIRECTION_URL = "WISPr-Redirection-URL", Vendor(WISPR, 4), Text;
    WISPR_BANDWIDTH_MIN_UP = "WISPr-Bandwidth-Min-Up", Vendor(WISPR, 5), Integer(&[]);
    WISPR_BANDWIDTH_MIN_DOWN = "WISPr-Bandwidth-Min-Down", Vendor(WISPR, 6), Integer(&[]);
    WISPR_BANDWIDTH_MAX_UP = "WISPr-Bandwidth-Max-Up", Vendor(WISPR, 7), Integer(&[]);
    WISPR_BANDWIDTH_MAX_DOWN = "WISPr-Bandwidth-Max-Down", Vendor(WISPR, 8), Integer(&[]);
    WISPR_SESSION_TERMINATE_TIME = "WISPr-Session-Terminate-Time", Vendor(WISPR, 9), Text;
}
