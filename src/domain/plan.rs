//! What a voucher grants while it is valid.

use std::num::NonZeroU16;

use super::validity::{ValidFor, ValidityStarts};

/// What happens when a voucher is used on more devices than it allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDeviceLimit {
    /// The oldest session yields.
    #[default]
    Replace,
    /// The new login is refused.
    Refuse,
}

/// Limits that the configuration sets for every voucher (`config voucher`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Devices that may be online with one voucher at the same time.
    pub devices: NonZeroU16,
    /// What happens beyond that.
    pub on_device_limit: OnDeviceLimit,
    /// kbit/s towards the guest; 0 is unlimited.
    pub download_rate: u32,
    /// kbit/s from the guest; 0 is unlimited.
    pub upload_rate: u32,
    /// Seconds without traffic after which a session ends; 0 is never.
    pub idle_timeout: u32,
}

/// What a voucher gets when the request does not say (`config voucher`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// How long it is valid.
    pub valid_for: ValidFor,
    /// Which moment starts its time.
    pub validity_starts: ValidityStarts,
    /// What it grants.
    pub plan: Plan,
}

impl Default for Preset {
    fn default() -> Self {
        Self {
            valid_for: ValidFor::ONE_DAY,
            validity_starts: ValidityStarts::Auto,
            plan: Plan {
                devices: NonZeroU16::MIN,
                on_device_limit: OnDeviceLimit::Replace,
                download_rate: 0,
                upload_rate: 0,
                idle_timeout: 900,
            },
        }
    }
}
