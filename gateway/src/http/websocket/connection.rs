//! One WebSocket, from its first message to its last.

use std::{collections::HashMap, net::IpAddr, time::Duration};

use axum::extract::ws::{Message, WebSocket};
use futures_util::StreamExt;
use http::HeaderMap;
use serde_json::Value;
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    super::{REQUEST_ID, Shared, header_value, trace::TraceContext},
    message::{self, ClientMessage, Close},
};
use crate::{
    caller::Caller,
    error::{ErrorCode, ResponseError, json_problem},
    request::{Request, RequestContext},
    response::Response,
    telemetry,
};

/// Ping intervals a message may wait to be taken.
const PATIENCE: u32 = 4;

/// The connection ends: closed by us with this frame, or by the client.
type End = Option<Message>;

/// What an operation has to say. `run` tells operations with the same id apart that follow each other.
struct Said {
    id: String,
    run: u64,
    what: What,
}

enum What {
    Next(Response),
    Refused(Response),
    Complete,
}

struct Connection {
    shared: Shared,
    caller: Caller,
    /// Whose rate counts where the caller has none of its own.
    client: Option<IpAddr>,
    running: HashMap<String, (u64, AbortHandle)>,
    runs: u64,
    /// Dropped with the connection, and all operations with it.
    tasks: JoinSet<()>,
    say: mpsc::Sender<Said>,
}

pub(super) async fn serve(mut socket: WebSocket, shared: Shared, client: Option<IpAddr>, headers: HeaderMap) {
    let end = match open(&mut socket, &shared, &headers).await {
        Ok(caller) => talk(&mut socket, shared, caller, client).await,
        Err(end) => end,
    };
    if let Some(frame) = end {
        // The client may be gone already.
        let _ = socket.send(frame).await;
    }
}

/// Waits for `connection_init` and finds out who it is.
async fn open(socket: &mut WebSocket, shared: &Shared, headers: &HeaderMap) -> Result<Caller, End> {
    if socket.protocol().is_none() {
        return Err(Some(Close::SubprotocolNotAcceptable.frame("Subprotocol not acceptable")));
    }
    let limit = shared.gateway.config().subscriptions.init_timeout;
    let payload = timeout(limit, init(socket))
        .await
        .map_err(|_| Some(Close::InitTimeout.frame("Connection initialisation timeout")))??;
    let identified = shared.identify.identify(headers, payload.as_ref()).await;
    let caller = identified.map_err(|e| Some(Close::Forbidden.frame(&e.message)))?;
    socket.send(message::ack()).await.map_err(|_| None)?;
    Ok(caller)
}

async fn init(socket: &mut WebSocket) -> Result<Option<Value>, End> {
    loop {
        match receive(socket.recv().await)? {
            Some(ClientMessage::ConnectionInit { payload }) => return Ok(payload),
            Some(ClientMessage::Ping { payload }) => {
                socket.send(message::pong(payload.as_ref())).await.map_err(|_| None)?;
            }
            Some(ClientMessage::Subscribe { .. }) => {
                return Err(Some(Close::Unauthorized.frame("Unauthorized")));
            }
            Some(ClientMessage::Pong {} | ClientMessage::Complete { .. }) | None => {}
        }
    }
}

/// The message in a frame, if it is one of the protocol's.
fn receive(frame: Option<Result<Message, axum::Error>>) -> Result<Option<ClientMessage>, End> {
    match frame {
        Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
            Ok(message) => Ok(Some(message)),
            Err(error) => {
                Err(Some(Close::BadMessage.frame(&format!("Invalid message: {}", json_problem(&error)))))
            }
        },
        Some(Ok(Message::Binary(_))) => Err(Some(Close::BadMessage.frame("Invalid message: binary"))),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Close(_)) | Err(_)) | None => Err(None),
    }
}

async fn talk(socket: &mut WebSocket, shared: Shared, caller: Caller, client: Option<IpAddr>) -> End {
    let config = shared.gateway.config().subscriptions.clone();
    // Full, it holds the operations back until the client has read.
    let (say, mut said) = mpsc::channel(config.buffer.max(1));
    let mut connection =
        Connection { shared, caller, client, running: HashMap::new(), runs: 0, tasks: JoinSet::new(), say };
    let mut pings = interval(config.ping_interval);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.tick().await;
    loop {
        let reply = tokio::select! {
            frame = socket.recv() => match receive(frame) {
                Ok(Some(message)) => match connection.hear(message, config.operations_per_connection) {
                    Ok(reply) => reply,
                    Err(end) => return end,
                },
                Ok(None) => None,
                Err(end) => return end,
            },
            // The connection holds a sender, so this is never `None`.
            Some(said) = said.recv() => connection.forward(said),
            _ = pings.tick() => Some(Message::Ping(Default::default())),
        };
        if let Some(reply) = reply {
            // Who has not read anything for several pings is gone, whatever its kernel says.
            match timeout(config.ping_interval * PATIENCE, socket.send(reply)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return None,
            }
        }
    }
}

impl Connection {
    fn hear(&mut self, message: ClientMessage, most: usize) -> Result<Option<Message>, End> {
        match message {
            ClientMessage::ConnectionInit { .. } => {
                Err(Some(Close::TooManyInits.frame("Too many initialisation requests")))
            }
            ClientMessage::Ping { payload } => Ok(Some(message::pong(payload.as_ref()))),
            ClientMessage::Pong {} => Ok(None),
            ClientMessage::Subscribe { id, .. } if self.running.contains_key(&id) => {
                let reason = format!("Subscriber for {id} already exists");
                Err(Some(Close::SubscriberExists.frame(&reason)))
            }
            ClientMessage::Subscribe { id, .. } if self.running.len() >= most => {
                let message = format!("At most {most} operations may run on one connection.");
                let refused = ResponseError::new(ErrorCode::LimitOperations, message).into();
                Ok(Some(message::error(&id, &refused)))
            }
            ClientMessage::Subscribe { id, payload } => {
                if let Err(wait) = self.admit() {
                    telemetry::refused(ErrorCode::RateLimited.as_str());
                    let message = format!("Too many requests: wait {} ms.", wait.as_millis().max(1));
                    let refused = ResponseError::new(ErrorCode::RateLimited, message).into();
                    return Ok(Some(message::error(&id, &refused)));
                }
                self.start(id, payload);
                Ok(None)
            }
            ClientMessage::Complete { id } => {
                if let Some((_, task)) = self.running.remove(&id) {
                    task.abort();
                }
                Ok(None)
            }
        }
    }

    /// An operation on a connection counts as one that comes by itself.
    fn admit(&self) -> Result<(), Duration> {
        match &self.caller.key {
            Some(key) => self.shared.rates.caller(Some(key), 1),
            None => self.shared.rates.address(self.client, 1),
        }
    }

    fn start(&mut self, id: String, request: Request) {
        while self.tasks.try_join_next().is_some() {}
        self.runs += 1;
        let (run, gateway, say) = (self.runs, self.shared.gateway.clone(), self.say.clone());
        let mut context = RequestContext::new(self.caller.clone());
        context.caller.forward.insert(REQUEST_ID, header_value(&context.request_id));
        let none = HeaderMap::new();
        TraceContext::of(&none).forward(&none, &mut context.caller.forward);
        let name = id.clone();
        let task = self.tasks.spawn(async move {
            let said = |what| Said { id: name.clone(), run, what };
            match gateway.stream(request, context).await {
                Ok(mut responses) => {
                    while let Some(response) = responses.next().await {
                        if say.send(said(What::Next(response))).await.is_err() {
                            return;
                        }
                    }
                    // Nobody listens any more when this fails.
                    let _ = say.send(said(What::Complete)).await;
                }
                Err(refused) => {
                    let _ = say.send(said(What::Refused(refused))).await;
                }
            }
        });
        self.running.insert(id, (run, task));
    }

    /// The message to send for what an operation said, unless the client has completed it meanwhile.
    fn forward(&mut self, Said { id, run, what }: Said) -> Option<Message> {
        if self.running.get(&id).is_none_or(|(current, _)| *current != run) {
            return None;
        }
        match what {
            What::Next(response) => Some(message::next(&id, &response)),
            What::Refused(response) => {
                self.running.remove(&id);
                Some(message::error(&id, &response))
            }
            What::Complete => {
                self.running.remove(&id);
                Some(message::complete(&id))
            }
        }
    }
}
