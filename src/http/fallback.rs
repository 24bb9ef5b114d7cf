//! Responses where the router is not asked: hyper cannot read the request, or the connection is
//! refused.
//!
//! hyper's own response to an unreadable request is a status without a body. A [`Fallback`] replaces
//! it while hyper writes it. Afterwards the connection lingers (RFC 9112 section 9.6): what the peer
//! goes on sending is read for a moment, since a reset would discard the response.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::exchange::Exchange;

/// Octets of a request that are recorded: enough for its host.
const HEAD_OCTETS: usize = 1024;
/// Time and octets for which a connection lingers after the response.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_OCTETS: usize = 256 * 1024;
/// The start of a client error's status line, and the position of the status in it.
const CLIENT_ERROR: &[u8] = b"HTTP/1.1 4";
const STATUS: std::ops::Range<usize> = 9..12;

/// Writes responses where the router is not asked: whole messages with `Connection: close`.
/// `beginning` are the first octets of the request, possibly none.
pub(super) trait Fallback: Send + Sync {
    /// The request cannot be read; hyper answers with this status.
    fn unreadable(&self, status: u16, beginning: &[u8], local: SocketAddr) -> Vec<u8>;
    /// The connection is refused.
    fn full(&self, beginning: &[u8], local: SocketAddr) -> Vec<u8>;
}

/// A stream on which the fallback's responses replace hyper's error responses.
pub(super) struct FallbackStream<S> {
    inner: S,
    fallback: Option<Arc<dyn Fallback>>,
    exchange: Arc<Exchange>,
    local: SocketAddr,
    beginning: Vec<u8>,
    response: Option<FallbackResponse>,
}

/// A response of the fallback's that is being written.
struct FallbackResponse {
    octets: Vec<u8>,
    written: usize,
    drained: usize,
    until: Pin<Box<Sleep>>,
}

impl<S> FallbackStream<S> {
    pub(super) fn new(
        inner: S,
        fallback: Option<Arc<dyn Fallback>>,
        exchange: Arc<Exchange>,
        local: SocketAddr,
    ) -> Self {
        Self { inner, fallback, exchange, local, beginning: Vec::new(), response: None }
    }

    /// Records the first octets of a request.
    fn record(&mut self, octets: &[u8]) {
        let room = HEAD_OCTETS.saturating_sub(self.beginning.len());
        self.beginning.extend_from_slice(octets.get(..room).unwrap_or(octets));
    }

    /// Whether the fallback's response replaces what hyper is about to write.
    fn takes_over(&mut self, octets: &[u8]) -> bool {
        let Some(fallback) = &self.fallback else { return false };
        if self.response.is_some() {
            return true;
        }
        if !octets.starts_with(b"HTTP/1.") {
            return false;
        }
        let is_from_router = self.exchange.is_from_router();
        if is_from_router {
            // The next octets belong to another request.
            self.beginning.clear();
        }
        if is_from_router || !octets.starts_with(CLIENT_ERROR) {
            return false;
        }
        let status = octets.get(STATUS).and_then(|digits| std::str::from_utf8(digits).ok());
        let status = status.and_then(|digits| digits.parse().ok()).unwrap_or(400);
        let answer = fallback.unreadable(status, &self.beginning, self.local);
        let until = Box::pin(tokio::time::sleep(LINGER));
        self.response = Some(FallbackResponse { octets: answer, written: 0, drained: 0, until });
        true
    }
}

impl<S: AsyncWrite + Unpin> FallbackStream<S> {
    /// Writes the fallback's response.
    fn poll_write_response(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(response) = &mut self.response else { return Poll::Ready(Ok(())) };
        while let Some(rest) =
            response.octets.get(response.written..).filter(|rest| !rest.is_empty())
        {
            match ready!(Pin::new(&mut self.inner).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => response.written += written,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> FallbackStream<S> {
    /// Lingers: reads until the peer closes, or until a limit.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(response) = &mut self.response else { return Poll::Ready(()) };
        let mut octets = [0; 1024];
        while response.drained < LINGER_OCTETS {
            let mut buffer = ReadBuf::new(&mut octets);
            match Pin::new(&mut self.inner).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    response.drained += buffer.filled().len();
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return response.until.as_mut().poll(context),
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for FallbackStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        if self.fallback.is_some() {
            let octets = buffer.filled().get(before..).unwrap_or_default();
            self.record(octets);
        }
        polled
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for FallbackStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.takes_over(octets) {
            return Poll::Ready(Ok(octets.len()));
        }
        Pin::new(&mut self.inner).poll_write(context, octets)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = slices.iter().find(|slice| !slice.is_empty());
        if first.is_some_and(|first| self.takes_over(first)) {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_response(context))?;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_response(context))?;
        ready!(Pin::new(&mut self.inner).poll_shutdown(context))?;
        ready!(self.poll_drain(context));
        Poll::Ready(Ok(()))
    }
}

/// Responds to a refused connection, once its request head has come or after a moment.
pub(super) async fn refuse(mut stream: TcpStream, fallback: Arc<dyn Fallback>) {
    let mut beginning = Vec::new();
    let asks = async {
        let mut octets = [0; HEAD_OCTETS];
        while beginning.len() < HEAD_OCTETS && !beginning.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read(&mut octets).await {
                Ok(0) | Err(_) => return,
                Ok(count) => beginning.extend_from_slice(octets.get(..count).unwrap_or_default()),
            }
        }
    };
    let _ = tokio::time::timeout(LINGER / 2, asks).await;
    let Ok(local) = stream.local_addr() else { return };
    let answers = async {
        stream.write_all(&fallback.full(&beginning, local)).await?;
        stream.shutdown().await?;
        let mut rest = stream.take(LINGER_OCTETS as u64);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    let _ = tokio::time::timeout(LINGER / 2, answers).await;
}
