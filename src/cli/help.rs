//! What `--help` says.

/// The whole help on one page.
pub(super) fn text() -> String {
    format!(
        "hotspotd {version}: vouchers and guest access for a router

Usage: hotspotd [-c FILE] COMMAND

  run                        be the daemon, in the foreground; log lines on standard error
  try                        be a daemon on loopback with throw-away data, and show what to paste
  check                      look at everything that can keep a hotspot from working; exit 0, or 78
  check config               only whether the configuration is right

  voucher create [--count N] [--username U] [--passcode P] [--fullname F]
                 [--valid-for V] [--valid-from T] [--download-limit MB] [--upload-limit MB]
                             make vouchers; what is left out is random or preset
  voucher list               every voucher
  voucher correct USERNAME [--used-download MB] [--used-upload MB]
                             set what a voucher has used, where an access point counted wrong
  voucher remove USERNAME    remove a voucher
  guests                     every device on the guest networks, signed in or not
  sessions                   who is signed in: since when, what was used, what is left
  session close MAC|USERNAME end sessions; the devices have to sign in again
  logins                     who signed in or tried to
  client list                the access points that ask over RADIUS, and what is wrong with them
  client show NAME           all that was counted of one, and what to do
  client add NAME --address A --vendor coovachilli|mikrotik|wispr|none
                             a client section more, and the lines for the access point

  user list                  every user who has rows or a group
  user show USERNAME         their rows and groups; passwords only with --reveal
  user password USERNAME     set a password: typed unseen, or a line of standard input
  user check USERNAME ROW…   add rows to what has to hold: 'Max-Daily-Session := 3600'
  user reply USERNAME ROW…   add rows to what is sent: 'Session-Timeout := 1800'
  user unset USERNAME ATTRIBUTE|ID…
                             remove rows, all of an attribute or one
  user join USERNAME GROUP [--priority N]
                             the group's rows apply as well; the lowest number comes first
  user leave USERNAME GROUP  they do not any more
  user remove USERNAME       remove rows and memberships; a voucher of that name stays
  group list | show | check | reply | unset | remove
                             the same for GROUP in the place of USERNAME

  api-key show | rotate      the key for /api/, or a new one
  backup FILE                write a consistent copy of the store ('-': standard output)
  restore FILE               replace the store by a backup ('-': standard input)
  notify clock-synchronised | leases-changed
                             for hooks of NTP and DHCP; silent where no daemon runs

  --format table|csv|json    for 'voucher create' and everything that lists or shows
  -c, --config FILE          the configuration; default /etc/config/hotspotd
  -V, --version              print the version
  -h, --help                 print this

V is 'always', '1 hour', '2 hours' to '23 hours', '1 day', '2 days' to '30 days',
or 35, 40, 45, 50, 55, 60, 90, 120, 150, 180 or 365 days. T is like '2026-12-24 18:00:00'.

Exit status: 0 done, 1 refused or failed, 64 wrong usage, 69 no daemon is running,
78 the configuration is wrong, or 'check' has found a failure.
",
        version = crate::VERSION
    )
}
