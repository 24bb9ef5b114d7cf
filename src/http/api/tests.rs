//! The API as a function: calls without a socket, with a hotspot that says what it is told to.

use axum::body::Body;
use http_body_util::BodyExt;
use tokio::sync::mpsc;

use super::*;
use crate::domain::voucher::Username;
use crate::hotspot::{Command, Write};
use crate::http::params::from_query;

const HERE: [u8; 4] = [127, 0, 0, 1];

fn settings() -> Settings {
    let config = config::Api { enabled: true, allow_post: true, ..config::Api::default() };
    Settings {
        config,
        key: Secret::new("k"),
        zone: Zone::utc(),
        zone_source: Err("no zone".to_owned()),
    }
}

fn post(params: &str) -> ApiRequest {
    let params = from_query(params);
    ApiRequest { method: Method::POST, peer: HERE.into(), params, misplaced_key: None }
}

/// An API in front of a hotspot that has one voucher, `room12`.
fn api() -> Api {
    let (inbox, mut commands) = mpsc::channel(8);
    tokio::spawn(async move {
        while let Some(command) = commands.recv().await {
            let Command::Write(Write::RemoveVoucher { username, reply }) = command else {
                panic!("only a voucher's removal is expected");
            };
            let is_there = Ok(Some(username)) == Username::parse("room12");
            let _ = reply.send(Ok(is_there));
        }
    });
    Api::new(Handle::to(inbox))
}

async fn text(body: Body) -> String {
    String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn said(api: &Api, request: ApiRequest) -> String {
    text(api.call(&settings(), request).await.into_body()).await
}

#[tokio::test]
async fn a_call_needs_no_socket() {
    let api = api();
    let remove = |name: &str| post(&format!("api-key=k&action=remove_voucher&username={name}"));
    assert_eq!(
        said(&api, remove("room12")).await,
        r#"{"message":"User removed successfully","error":false}"#
    );
    assert_eq!(
        said(&api, remove("room13")).await,
        r#"{"message":"Username doesn't exist","error":true}"#
    );
}

#[tokio::test]
async fn a_call_is_checked_whatever_way_it_came() {
    let api = api();
    let call = "action=remove_voucher&username=room12";
    let keyless = post(call);
    assert!(said(&api, keyless).await.contains("API Key not set or method not allowed"));
    assert!(said(&api, post(&format!("api-key=x&{call}"))).await.contains("API Key is incorrect"));
    let get = ApiRequest { method: Method::GET, ..post(&format!("api-key=k&{call}")) };
    assert!(said(&api, get).await.contains("API Key not set or method not allowed"));
    let elsewhere = IpAddr::from([203, 0, 113, 9]);
    let strange = ApiRequest { peer: elsewhere, ..post(&format!("api-key=k&{call}")) };
    assert!(said(&api, strange).await.contains("API is not enabled"));
}

#[tokio::test]
async fn a_caller_without_a_key_is_told_where_it_belongs() {
    let api = api();
    for (misplaced_key, hint) in [
        (None, "no api-key came with the call"),
        (Some(MisplacedKey::Query), "that of a POST belongs into its body"),
        (Some(MisplacedKey::Header), "it is a parameter, not a header"),
    ] {
        let request = ApiRequest { misplaced_key, ..post("action=get_logins") };
        let response = api.call(&settings(), request).await;
        let reason = response.headers().get("x-error-reason").unwrap().to_str().unwrap();
        assert!(reason.ends_with(hint), "{reason}");
    }
}

#[tokio::test]
async fn wrong_keys_are_counted() {
    let api = api();
    for _ in 0..20 {
        said(&api, post("api-key=x&action=get_logins")).await;
    }
    let right = post("api-key=k&action=remove_voucher&username=room12");
    assert!(said(&api, right).await.contains("API Key is incorrect"));
}
