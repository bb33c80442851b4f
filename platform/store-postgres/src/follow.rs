//! Following the log: the end that this process knows of, moved by its own commits and by those of others.

use crate::{connect::Connector, log};
use emporia_store::{LogWatch, Position};
use futures_util::StreamExt;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_postgres::{AsyncMessage, Error};

/// How often the end is asked for although nobody has called: a call can be lost with its connection.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long after a lost connection the next one is tried.
const PAUSE: Duration = Duration::from_millis(200);

/// The log's end as far as it is known.
pub(crate) struct Head(watch::Sender<Position>);

impl Head {
    pub(crate) fn new(position: i64) -> (Self, LogWatch) {
        let (sender, receiver) = watch::channel(Position::from_i64(position));
        (Self(sender), LogWatch::new(receiver))
    }

    /// Moves the end; never back.
    pub(crate) fn advance(&self, to: i64) {
        let to = Position::from_i64(to);
        self.0.send_if_modified(|last| {
            let further = to > *last;
            *last = to.max(*last);
            further
        });
    }
}

/// Listens for the commits of other processes until the task is ended.
pub(crate) async fn run(connector: Connector, channel: String, head: Arc<Head>) {
    loop {
        if let Err(error) = listen(&connector, &channel, &head).await {
            tracing::debug!(%error, place = %connector.place, "the log is not followed; it is tried again");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen(connector: &Connector, channel: &str, head: &Arc<Head>) -> Result<(), Error> {
    let (client, mut connection) = connector.raw().await?;
    let mut messages = futures_util::stream::poll_fn(move |context| connection.poll_message(context));
    let hearing = async {
        while let Some(message) = messages.next().await {
            if let AsyncMessage::Notification(call) = message? {
                call.payload().parse().into_iter().for_each(|position| head.advance(position));
            }
        }
        Ok(())
    };
    let asking = async {
        client.batch_execute(&format!("LISTEN {channel}")).await?;
        loop {
            let row = client.query_one(log::HEAD, &[]).await?;
            head.advance(row.try_get(1)?);
            tokio::time::sleep(HEARTBEAT).await;
        }
    };
    tokio::select! {
        ended = hearing => ended,
        failed = asking => failed,
    }
}
