mod bytes;
mod limits;
mod live;
mod rules;
#[path = "../../../tests/support/skip.rs"]
mod skip;

use std::time::Duration;

use super::*;

fn network(device: &str) -> Network {
    Network {
        device: device.to_owned(),
        portal_port: 8880,
        portal_name: None,
        garden: Vec::new(),
        has_rates: true,
    }
}

fn mac(last: u8) -> Mac {
    Mac::new([2, 0, 0, 0, 0, last])
}

fn pass(last: u8) -> Pass {
    Pass {
        mac: mac(last),
        session: i64::from(last) + 100,
        voucher: 7,
        time: Some(Duration::from_secs(3600)),
        download: Lane { rate: 2000, used: 1000, limit: Some(1_048_576) },
        upload: Lane::default(),
    }
}
