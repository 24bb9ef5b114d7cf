//! Requests and responses on a connection: whether the peer owes a request, or we owe a response.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};

use super::conn_limit::Permit;

/// The state of a connection between request and response.
#[derive(Debug)]
pub(super) struct Exchange {
    permit: Permit,
    /// The next head written is that of the router's response.
    from_router: AtomicBool,
}

impl Exchange {
    pub(super) fn new(permit: Permit) -> Arc<Self> {
        Arc::new(Self { permit, from_router: AtomicBool::new(false) })
    }

    /// Returns once this connection's slot has been given to another.
    pub(super) async fn evicted(&self) {
        self.permit.evicted().await;
    }

    /// A request body. The peer owes the request until all of the body has come.
    pub(super) fn request_body(self: &Arc<Self>, body: Incoming) -> Body {
        if body.is_end_stream() {
            self.permit.request_complete();
            return Body::empty();
        }
        Body::new(RequestBody { body, exchange: Arc::clone(self) })
    }

    /// A response body. The peer owes the next request once all of the body is written.
    pub(super) fn response_body(self: &Arc<Self>, body: Body) -> Body {
        self.permit.request_complete();
        self.from_router.store(true, Ordering::Relaxed);
        Body::new(ResponseBody { body, exchange: Arc::clone(self) })
    }

    /// Whether the head that is being written is that of the router's response, rather than hyper's
    /// own. Clears the mark, so it is asked once for each head.
    pub(super) fn is_from_router(&self) -> bool {
        self.from_router.swap(false, Ordering::Relaxed)
    }
}

struct RequestBody {
    body: Incoming,
    exchange: Arc<Exchange>,
}

impl hyper::body::Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.exchange.permit.request_complete();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

struct ResponseBody {
    body: Body,
    exchange: Arc<Exchange>,
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        self.exchange.permit.response_complete();
    }
}

impl hyper::body::Body for ResponseBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
