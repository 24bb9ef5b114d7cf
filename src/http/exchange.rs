//! One request after the other on a connection: which part of it the peer owes, and which we owe.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};

use super::door::Pass;

/// What is under way on a connection.
#[derive(Debug)]
pub(super) struct Exchange {
    pass: Pass,
    /// An answer of the router's is about to be written.
    answered: AtomicBool,
}

impl Exchange {
    pub(super) fn new(pass: Pass) -> Arc<Self> {
        Arc::new(Self { pass, answered: AtomicBool::new(false) })
    }

    /// Returns once the place of this connection has been given to another.
    pub(super) async fn yields(&self) {
        self.pass.yields().await;
    }

    /// The body of a request. The peer owes the rest of the request until all of it has come.
    pub(super) fn arriving(self: &Arc<Self>, body: Incoming) -> Body {
        if body.is_end_stream() {
            self.pass.answers();
            return Body::empty();
        }
        Body::new(Arriving { body, exchange: Arc::clone(self) })
    }

    /// The body of an answer. The peer owes the next request once all of it has been taken.
    pub(super) fn leaving(self: &Arc<Self>, body: Body) -> Body {
        self.pass.answers();
        self.answered.store(true, Ordering::Relaxed);
        Body::new(Leaving { body, exchange: Arc::clone(self) })
    }

    /// Whether the head that is being written is that of the router's answer. Asked once for each.
    pub(super) fn is_answered(&self) -> bool {
        self.answered.swap(false, Ordering::Relaxed)
    }
}

struct Arriving {
    body: Incoming,
    exchange: Arc<Exchange>,
}

impl hyper::body::Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.exchange.pass.answers();
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

struct Leaving {
    body: Body,
    exchange: Arc<Exchange>,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.exchange.pass.waits();
    }
}

impl hyper::body::Body for Leaving {
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
