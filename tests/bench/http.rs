//! Just enough HTTP to be in nobody's way: one connection, one buffer, no parser to speak of.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::daemon::KEY;

/// Nothing here takes this long unless it hangs.
const HANG: Duration = Duration::from_secs(60);

/// A connection that stays open from call to call.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(HANG))?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// Calls an action with POST and waits for the whole answer.
    pub fn call(&mut self, action: &str) -> Duration {
        let body = format!(r#"{{"api-key":"{KEY}","action":"{action}"}}"#);
        let request = format!(
            "POST /api/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let begun = Instant::now();
        self.stream.write_all(request.as_bytes()).unwrap();
        self.buffer.clear();
        while !self.is_complete() {
            let mut piece = [0; 4096];
            let length = self.stream.read(&mut piece).unwrap();
            assert!(length > 0, "the daemon hung up");
            self.buffer.extend_from_slice(&piece[..length]);
        }
        begun.elapsed()
    }

    /// Makes a voucher. One that is not made would be no measurement.
    pub fn create(&mut self) -> Duration {
        let taken = self.call("create_voucher");
        let answer = String::from_utf8_lossy(&self.buffer);
        assert!(answer.ends_with(r#""error":false}"#), "no voucher: {answer}");
        taken
    }

    fn is_complete(&self) -> bool {
        let text = String::from_utf8_lossy(&self.buffer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
        });
        body.len() >= length.unwrap_or(usize::MAX)
    }
}

/// How a list arrived.
pub struct Arrival {
    pub first_byte: Duration,
    pub whole: Duration,
    pub bytes: usize,
}

/// Fetches the list of vouchers as fast as it comes, and keeps nothing of it.
pub fn list(address: SocketAddr) -> Arrival {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(HANG)).unwrap();
    let request = format!(
        "GET /api/?api-key={KEY}&action=get_voucher_users HTTP/1.1\r\nHost: x\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut piece = vec![0; 256 * 1024];
    let mut bytes = stream.read(&mut piece).unwrap();
    let first_byte = begun.elapsed();
    let mut end = piece[..bytes].to_vec();
    loop {
        let length = stream.read(&mut piece).unwrap();
        if length == 0 {
            break;
        }
        bytes += length;
        end.extend_from_slice(&piece[..length]);
        end.drain(..end.len().saturating_sub(16));
    }
    assert!(end.ends_with(b"\r\n0\r\n\r\n"), "the list is cut off");
    Arrival { first_byte, whole: begun.elapsed(), bytes }
}
