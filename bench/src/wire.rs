//! A client that costs little: what the driver needs is taken from the server on the same cores.

use std::{
    io::{Error, ErrorKind, Result},
    net::SocketAddr,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Header lines of an answer that are read, at most.
const HEADERS: usize = 64;

/// One connection that is kept, HTTP/1.1: one request after the other.
pub(crate) struct Wire {
    to: SocketAddr,
    stream: Option<TcpStream>,
    out: Vec<u8>,
    read: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(to: SocketAddr) -> Self {
        Self { to, stream: None, out: vec![], read: vec![] }
    }

    /// Posts JSON: the body of a successful answer.
    pub(crate) async fn post(&mut self, path: &str, guest: Option<&str>, body: &[u8]) -> Result<&[u8]> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.to).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        self.out.clear();
        let (host, length) = (self.to, body.len());
        let first = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n"
        );
        self.out.extend_from_slice(first.as_bytes());
        if let Some(guest) = guest {
            self.out.extend_from_slice(format!("emporia-guest: {guest}\r\n").as_bytes());
        }
        self.out.extend_from_slice(b"\r\n");
        self.out.extend_from_slice(body);
        stream.write_all(&self.out).await?;
        self.read.clear();
        let whole = loop {
            if stream.read_buf(&mut self.read).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if let Some((head, length)) = head(&self.read)? {
                let whole = head + length;
                while self.read.len() < whole {
                    if stream.read_buf(&mut self.read).await? == 0 {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                }
                break head..whole;
            }
        };
        self.stream = Some(stream);
        Ok(&self.read[whole])
    }
}

/// Where the head of an answer ends and how long its body is, once the head is whole.
fn head(read: &[u8]) -> Result<Option<(usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(end) = answer.parse(read).map_err(Error::other)? else {
        return Ok(None);
    };
    if !matches!(answer.code, Some(200..=299)) {
        return Err(Error::other(format!("HTTP status {:?}", answer.code)));
    }
    let length = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| str::from_utf8(header.value).ok()?.parse().ok());
    length.map(|length| Some((end, length))).ok_or_else(|| Error::other("an answer without its length"))
}
