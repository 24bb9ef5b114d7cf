//! The ten actions.

use super::result::ApiResult;
use super::{Settings, list};
use crate::domain::visitor::VisitorKind;
use crate::domain::voucher::Username;
use crate::domain::zone::Zone;
use crate::hotspot::{Fault, Handle, Write};
use crate::http::params::Params;
use crate::http::voucher_params::{optional, voucher_request};
use crate::listing::CreatedRow;

/// Does what the call asks.
pub(super) async fn perform(
    hotspot: &Handle,
    settings: &Settings,
    action: &str,
    params: &Params,
) -> ApiResult {
    let result = match action {
        "create_voucher" => create_voucher(hotspot, &settings.zone, params).await,
        "remove_voucher" => remove_voucher(hotspot, params).await,
        "get_voucher_users" => list::vouchers(hotspot, settings).await,
        "get_email_users" => list::visitors(hotspot, settings, VisitorKind::Email).await,
        "get_fb_users" => list::visitors(hotspot, settings, VisitorKind::Facebook).await,
        "get_mobile_users" => list::visitors(hotspot, settings, VisitorKind::Mobile).await,
        "get_free_users" => list::visitors(hotspot, settings, VisitorKind::Free).await,
        "get_logins" => list::logins(hotspot, settings).await,
        "get_guest_hosts" => list::hosts(hotspot).await,
        "get_active_guests" => list::active_guests(hotspot).await,
        _ => Ok(ApiResult::InvalidParameter("action is missing or unknown".to_owned())),
    };
    result.unwrap_or_else(|fault| ApiResult::Failed(fault.to_string()))
}

async fn create_voucher(
    hotspot: &Handle,
    zone: &Zone,
    params: &Params,
) -> Result<ApiResult, Fault> {
    let request = match voucher_request(params, zone) {
        Ok(request) => Box::new(request),
        Err(reason) => return Ok(ApiResult::InvalidParameter(reason)),
    };
    let created = hotspot
        .write(|reply| Write::CreateVouchers { request, count: 1, batch: None, reply })
        .await?;
    Ok(match created.as_deref() {
        Ok([voucher]) => ApiResult::Created(Box::new(CreatedRow::new(voucher, zone))),
        Ok(_) => ApiResult::Failed("the store gave no voucher".to_owned()),
        Err(_) => ApiResult::UsernameTaken,
    })
}

async fn remove_voucher(hotspot: &Handle, params: &Params) -> Result<ApiResult, Fault> {
    let username = match optional(params, "username", Username::parse) {
        Ok(Some(username)) => username,
        Ok(None) => return Ok(ApiResult::NoUsername),
        Err(reason) => return Ok(ApiResult::InvalidParameter(reason)),
    };
    let removed = hotspot.write(|reply| Write::RemoveVoucher { username, reply }).await?;
    Ok(if removed { ApiResult::Removed } else { ApiResult::NoSuchUsername })
}
