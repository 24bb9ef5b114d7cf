//! Request bodies within limits.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;

/// Bytes of a request body, whoever asks.
pub(super) const BYTES: usize = 64 * 1024;
/// Time to send a whole body.
const TIME: Duration = Duration::from_secs(10);

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    /// More bytes than are allowed.
    TooLarge,
    /// It broke off, or took more than ten seconds.
    Broken,
}

/// Reads a body of at most `limit` bytes to its end.
///
/// # Errors
/// It is too large, too slow, or broke off.
pub(super) async fn read(body: Body, limit: usize) -> Result<Vec<u8>, BodyError> {
    tokio::time::timeout(TIME, collect(body, limit)).await.unwrap_or(Err(BodyError::Broken))
}

/// Copies the bytes together as they come. Keeping the chunks instead would cost a hostile client
/// one byte and us a hundred.
async fn collect(mut body: Body, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        if bytes.len() + data.len() > limit {
            return Err(BodyError::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
