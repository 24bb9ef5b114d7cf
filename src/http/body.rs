//! Reading of request bodies, limited in size and time.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;

/// Octets of a request body at most.
pub(super) const BYTES: usize = 64 * 1024;
/// Time for a peer to send a body.
const TIME: Duration = Duration::from_secs(10);

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    /// More bytes than are allowed.
    TooLarge,
    /// The connection ended early, or the body took more than ten seconds.
    Broken,
}

/// Reads a body of at most `limit` bytes to its end.
///
/// # Errors
/// It is too large, too slow, or broke off.
pub(super) async fn read(body: Body, limit: usize) -> Result<Vec<u8>, BodyError> {
    tokio::time::timeout(TIME, collect(body, limit)).await.unwrap_or(Err(BodyError::Broken))
}

/// Copies the octets into one buffer. Keeping chunks would let a hostile peer use a hundred octets
/// of memory for each one it sends.
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
