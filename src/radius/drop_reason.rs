//! What goes wrong between us and an access point, in words that tell an operator what to do.

/// Why a request was dropped or can come to nothing, or an order did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropReason {
    /// It is no RADIUS packet.
    Malformed,
    /// It does not belong on this port.
    Code,
    /// It has no Message-Authenticator and needs one.
    NoMessageAuthenticator,
    /// Its Message-Authenticator was made with another secret.
    WrongMessageAuthenticator,
    /// The Request Authenticator of its report was made with another secret.
    WrongAuthenticator,
    /// It has Proxy-State and no Message-Authenticator (CVE-2024-3596).
    ProxyState,
    /// Its password is no text, and nothing shows that the secret is right.
    Unreadable,
    /// A report without an attribute that cannot be missed.
    Incomplete,
    /// It was decided before: recorded, and sent again.
    Replayed,
    /// A report of more time or octets than there can be: it is answered, and that is not counted.
    Implausible,
    /// There is too much to do.
    Busy,
    /// It could not be written down.
    Fault,
    /// It asks for EAP: it is answered, with a reject.
    Eap,
    /// It is not a request: an order to end a session was refused.
    Refused,
    /// Neither is this: an order to end a session was not answered.
    Silent,
}

impl DropReason {
    /// A few words: for a table, and for the name of a counter.
    pub fn words(self) -> &'static str {
        match self {
            Self::Malformed => "malformed packet",
            Self::Code => "wrong port",
            Self::NoMessageAuthenticator => "no Message-Authenticator",
            Self::WrongMessageAuthenticator => "wrong shared secret",
            Self::WrongAuthenticator => "wrong shared secret for accounting",
            Self::ProxyState => "Proxy-State without Message-Authenticator",
            Self::Unreadable => "unreadable password",
            Self::Incomplete => "incomplete report",
            Self::Replayed => "replayed Access-Request",
            Self::Implausible => "implausible counters",
            Self::Busy => "too busy",
            Self::Fault => "not written down",
            Self::Eap => "asks for EAP (WPA-Enterprise), which is not served",
            Self::Refused => "refuses to end sessions",
            Self::Silent => "does not answer orders",
        }
    }

    /// What is wrong and what to do about it; `section` is the name of the client's section.
    pub fn advice(self, section: &str) -> String {
        let secret = |what: &str| {
            format!(
                "wrong {what}: the shared secret in its settings is not the one in section \
                 '{section}'; set both to the same"
            )
        };
        let optional = format!(
            "update it or switch Message-Authenticator on there; only where it has no such \
             thing, set require_message_authenticator to '0' in section '{section}' (EAP and \
             Status-Server need one all the same)"
        );
        match self {
            Self::Malformed => "this is no RADIUS packet; find out what sends it, or whether \
                                packets are damaged on their way"
                .to_owned(),
            Self::Code => "this kind of packet does not belong on this port; give it auth_port \
                           for authentication and acct_port for accounting"
                .to_owned(),
            Self::NoMessageAuthenticator => {
                format!("it sends no Message-Authenticator: {optional}")
            }
            Self::WrongMessageAuthenticator => secret("Message-Authenticator"),
            Self::WrongAuthenticator => secret("Request Authenticator in accounting"),
            Self::ProxyState => format!(
                "it sends Proxy-State without Message-Authenticator, as an attack would \
                 (CVE-2024-3596): switch Message-Authenticator on there; only where it has no such \
                 thing and nobody can change packets on their way, set \
                 require_message_authenticator to 'unprotected' in section '{section}'"
            ),
            Self::Unreadable => format!(
                "the password cannot be read: most likely the shared secret in its settings is \
                 not the one in section '{section}'"
            ),
            Self::Incomplete => {
                "its reports do not say what has happened (Acct-Status-Type); update it".to_owned()
            }
            Self::Implausible => {
                "it reported a session that is longer than since its Start, or more \
                                  octets than a line of 100 Gbit/s carries; that is not counted: \
                                  update it, and see whether its clock is set"
                    .to_owned()
            }
            Self::Replayed => {
                "an Access-Request came again that was answered before: somebody has \
                               recorded it, or the Request Authenticators of this client are not \
                               random (RFC 2865 section 3); look for a host with its address, or \
                               update it"
                    .to_owned()
            }
            Self::Busy => {
                "more came than can be worked at; look for a device that tries again and \
                           again, or a shorter interim interval than option interim_interval"
                    .to_owned()
            }
            Self::Fault => "the store or the gate failed; 'hotspotd check' says why".to_owned(),
            Self::Eap => "it asks for EAP (WPA-Enterprise), which is not served: have its network \
                          open or with one password for all, and its guests sign in by a login \
                          page or their MAC"
                .to_owned(),
            Self::Refused => "it would not end a session; see its settings for RADIUS CoA or \
                              Disconnect (RFC 5176)"
                .to_owned(),
            Self::Silent => format!(
                "it did not answer when a session was to end; switch on RADIUS CoA or Disconnect \
                 there (RFC 5176), on the port that coa_port in section '{section}' names"
            ),
        }
    }
}
