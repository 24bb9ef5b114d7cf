//! The password attributes of a control list.

use super::pair::Pairs;
use crate::proof::Known;

/// What is known of somebody's password, the likeliest to be of use first; what cannot be read is
/// left out.
pub fn passwords(_control: &Pairs) -> Vec<Known> {
    Vec::new()
}
