//! Messages and close codes of graphql-transport-ws.

use axum::extract::ws::{CloseFrame, Message};
use serde::Deserialize;
use serde_json::Value;

use crate::{request::Request, response::Response};

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ClientMessage {
    ConnectionInit {
        #[serde(default)]
        payload: Option<Value>,
    },
    Ping {
        #[serde(default)]
        payload: Option<Value>,
    },
    Pong {},
    Subscribe {
        id: String,
        payload: Request,
    },
    Complete {
        id: String,
    },
}

/// Why the server closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Close {
    BadMessage,
    Unauthorized,
    Forbidden,
    SubprotocolNotAcceptable,
    InitTimeout,
    SubscriberExists,
    TooManyInits,
}

impl Close {
    pub(super) fn frame(self, reason: &str) -> Message {
        let code = match self {
            Self::BadMessage => 4400,
            Self::Unauthorized => 4401,
            Self::Forbidden => 4403,
            Self::SubprotocolNotAcceptable => 4406,
            Self::InitTimeout => 4408,
            Self::SubscriberExists => 4409,
            Self::TooManyInits => 4429,
        };
        // A control frame carries 125 bytes, two of them the code.
        let mut end = reason.len().min(120);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        Message::Close(Some(CloseFrame { code, reason: reason[..end].into() }))
    }
}

pub(super) fn ack() -> Message {
    Message::Text(r#"{"type":"connection_ack"}"#.into())
}

pub(super) fn pong(payload: Option<&Value>) -> Message {
    let text = match payload {
        Some(payload) => format!(r#"{{"type":"pong","payload":{payload}}}"#),
        None => r#"{"type":"pong"}"#.to_owned(),
    };
    Message::Text(text.into())
}

pub(super) fn next(id: &str, response: &Response) -> Message {
    let (id, body) = (Value::from(id), String::from_utf8_lossy(&response.body));
    Message::Text(format!(r#"{{"id":{id},"type":"next","payload":{body}}}"#).into())
}

pub(super) fn error(id: &str, response: &Response) -> Message {
    // Serialising strings, numbers and maps does not fail.
    let errors = serde_json::to_string(&response.errors).unwrap_or_else(|_| "[]".into());
    Message::Text(format!(r#"{{"id":{},"type":"error","payload":{errors}}}"#, Value::from(id)).into())
}

pub(super) fn complete(id: &str) -> Message {
    Message::Text(format!(r#"{{"id":{},"type":"complete"}}"#, Value::from(id)).into())
}
