//! Answers where none is the router's: hyper cannot read the request, or there is no place for it.
//!
//! hyper answers what it cannot read by a status without anything. A [`Fallback`] has something to
//! say instead; its answer takes the place of hyper's while that is written, and what the peer goes
//! on sending is read for a moment: an answer that is followed by a reset does not arrive.

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

/// Octets of a request's beginning that are kept: enough for the host in it.
const BEGINNING: usize = 1024;
/// What the peer sends after our last word is read for this long at most, and so many octets of it.
const LAST_WORDS: Duration = Duration::from_secs(2);
const LAST_OCTETS: usize = 256 * 1024;
/// How a client error begins, and where its status stands.
const CLIENT_ERROR: &[u8] = b"HTTP/1.1 4";
const STATUS: std::ops::Range<usize> = 9..12;

/// Says something where the router is not asked. Answers are whole messages with `Connection:
/// close`; `beginning` is that of the request, of which nothing need have come.
pub(super) trait Fallback: Send + Sync {
    /// The request cannot be read, for which hyper has this status.
    fn unreadable(&self, status: u16, beginning: &[u8], local: SocketAddr) -> Vec<u8>;
    /// There is no place left.
    fn full(&self, beginning: &[u8], local: SocketAddr) -> Vec<u8>;
}

/// A stream on which the fallback's answers take the place of hyper's.
pub(super) struct Answering<S> {
    inner: S,
    fallback: Option<Arc<dyn Fallback>>,
    exchange: Arc<Exchange>,
    local: SocketAddr,
    beginning: Vec<u8>,
    said: Option<Said>,
}

/// The fallback's answer.
struct Said {
    answer: Vec<u8>,
    written: usize,
    heard: usize,
    until: Pin<Box<Sleep>>,
}

impl<S> Answering<S> {
    pub(super) fn new(
        inner: S,
        fallback: Option<Arc<dyn Fallback>>,
        exchange: Arc<Exchange>,
        local: SocketAddr,
    ) -> Self {
        Self { inner, fallback, exchange, local, beginning: Vec::new(), said: None }
    }

    /// Takes down how a request begins.
    fn hear(&mut self, octets: &[u8]) {
        let room = BEGINNING.saturating_sub(self.beginning.len());
        self.beginning.extend_from_slice(octets.get(..room).unwrap_or(octets));
    }

    /// Whether the fallback speaks in place of what hyper is about to write.
    fn speaks(&mut self, octets: &[u8]) -> bool {
        let Some(fallback) = &self.fallback else { return false };
        if self.said.is_some() {
            return true;
        }
        if !octets.starts_with(b"HTTP/1.") {
            return false;
        }
        let routers = self.exchange.is_from_router();
        if routers {
            // What comes next is another request.
            self.beginning.clear();
        }
        if routers || !octets.starts_with(CLIENT_ERROR) {
            return false;
        }
        let status = octets.get(STATUS).and_then(|digits| std::str::from_utf8(digits).ok());
        let status = status.and_then(|digits| digits.parse().ok()).unwrap_or(400);
        let answer = fallback.unreadable(status, &self.beginning, self.local);
        let until = Box::pin(tokio::time::sleep(LAST_WORDS));
        self.said = Some(Said { answer, written: 0, heard: 0, until });
        true
    }
}

impl<S: AsyncWrite + Unpin> Answering<S> {
    /// Writes what the fallback has said.
    fn poll_say(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(said) = &mut self.said else { return Poll::Ready(Ok(())) };
        while let Some(rest) = said.answer.get(said.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.inner).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => said.written += written,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> Answering<S> {
    /// Reads on until the peer has ended too, or long enough.
    fn poll_hear_out(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(said) = &mut self.said else { return Poll::Ready(()) };
        let mut octets = [0; 1024];
        while said.heard < LAST_OCTETS {
            let mut buffer = ReadBuf::new(&mut octets);
            match Pin::new(&mut self.inner).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    said.heard += buffer.filled().len();
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return said.until.as_mut().poll(context),
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Answering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        if self.fallback.is_some() {
            let octets = buffer.filled().get(before..).unwrap_or_default();
            self.hear(octets);
        }
        polled
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Answering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.speaks(octets) {
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
        if first.is_some_and(|first| self.speaks(first)) {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_say(context))?;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_say(context))?;
        ready!(Pin::new(&mut self.inner).poll_shutdown(context))?;
        ready!(self.poll_hear_out(context));
        Poll::Ready(Ok(()))
    }
}

/// Tells somebody for whom there is no place, once they have asked or after a moment.
pub(super) async fn turn_away(mut stream: TcpStream, fallback: Arc<dyn Fallback>) {
    let mut beginning = Vec::new();
    let asks = async {
        let mut octets = [0; BEGINNING];
        while beginning.len() < BEGINNING && !beginning.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read(&mut octets).await {
                Ok(0) | Err(_) => return,
                Ok(count) => beginning.extend_from_slice(octets.get(..count).unwrap_or_default()),
            }
        }
    };
    let _ = tokio::time::timeout(LAST_WORDS / 2, asks).await;
    let Ok(local) = stream.local_addr() else { return };
    let answers = async {
        stream.write_all(&fallback.full(&beginning, local)).await?;
        stream.shutdown().await?;
        let mut rest = stream.take(LAST_OCTETS as u64);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    let _ = tokio::time::timeout(LAST_WORDS / 2, answers).await;
}
