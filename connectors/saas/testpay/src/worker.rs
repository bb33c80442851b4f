//! The worker: resolves and expires authorisations whose time has come, and sends webhooks.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::Notify,
    task::{Id, JoinError, JoinSet},
};

use crate::{
    config::Config,
    ledger::{Fault, Ledger, Tx},
    queue::{self, Attempt, Message},
    record,
    webhook::{ID_HEADER, SIGNATURE_HEADER, SigningSecret, TIMESTAMP_HEADER},
};

/// Webhooks on their way at the same time.
const CONCURRENT: usize = 16;
/// Authorisations resolved or expired in one transaction.
const SWEEP: i64 = 200;

pub(crate) struct Worker {
    pub(crate) config: Arc<Config>,
    pub(crate) ledger: Ledger,
    pub(crate) wake: Arc<Notify>,
}

/// Where webhooks go.
struct Endpoint {
    url: String,
    secret: SigningSecret,
    http: reqwest::Client,
}

impl Worker {
    /// Runs until it is dropped. What is interrupted stays in the queue.
    pub(crate) async fn run(self) -> Result<(), String> {
        let endpoint = self.endpoint()?.map(Arc::new);
        let mut sending: JoinSet<()> = JoinSet::new();
        // One message of an authorisation at a time, so they stay in order.
        let mut busy: HashMap<Id, String> = HashMap::new();
        loop {
            let mut wait = self.config.timings.poll;
            // Enough to find a free authorisation behind those that are busy.
            let limit = i64::try_from(CONCURRENT + busy.len()).unwrap_or(i64::MAX);
            match self.ledger.call(move |tx| turn(tx, limit)).await {
                Ok(turn) => {
                    if let Some(endpoint) = &endpoint {
                        for message in turn.messages {
                            if sending.len() >= CONCURRENT
                                || busy.values().any(|id| *id == message.authorisation)
                            {
                                continue;
                            }
                            let authorisation = message.authorisation.clone();
                            let task =
                                deliver(self.config.clone(), self.ledger.clone(), endpoint.clone(), message);
                            busy.insert(sending.spawn(task).id(), authorisation);
                        }
                    }
                    wait = wait.min(turn.wait.unwrap_or(wait));
                }
                Err(Fault::NotCommitted) => return Ok(()),
                // A lasting fault must not turn into a busy loop: the next look is one poll away.
                Err(fault) => tracing::error!(%fault, "the worker could not look for work"),
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
                Some(done) = sending.join_next_with_id() => drop(busy.remove(&ended(done))),
            }
            // All that have ended meanwhile are looked after in one turn.
            while let Some(done) = sending.try_join_next_with_id() {
                busy.remove(&ended(done));
            }
        }
    }

    fn endpoint(&self) -> Result<Option<Endpoint>, String> {
        let Some(webhook) = &self.config.webhook else { return Ok(None) };
        let http = reqwest::Client::builder()
            .timeout(self.config.timings.webhook_answer)
            .redirect(reqwest::redirect::Policy::none())
            // The merchant is a neighbour; a proxy of the environment has no part in it.
            .no_proxy()
            .build()
            .map_err(|error| error.to_string())?;
        let secret = SigningSecret::parse(webhook.secret.expose()).map_err(|error| error.to_string())?;
        Ok(Some(Endpoint { url: webhook.url.clone(), secret, http }))
    }
}

fn ended(task: Result<(Id, ()), JoinError>) -> Id {
    match task {
        Ok((id, ())) => id,
        Err(error) => error.id(),
    }
}

struct Turn {
    messages: Vec<Message>,
    /// How long until something becomes due.
    wait: Option<Duration>,
}

/// One look at the ledger.
fn turn(tx: &Tx<'_>, limit: i64) -> Result<Turn, Fault> {
    let overdue = record::find_overdue(tx, SWEEP)?;
    let more = i64::try_from(overdue.len()).is_ok_and(|count| count >= SWEEP);
    for mut authorisation in overdue {
        if let Some(happened) = authorisation.pass_deadline(tx.now, &tx.config.timings) {
            record::record(tx, &mut authorisation, &happened, None)?;
        }
    }
    let wait = match more {
        true => Some(Duration::ZERO),
        false => queue::next_due(tx)?.map(|due| due.duration_since(tx.now).unsigned_abs()),
    };
    Ok(Turn { messages: queue::due(tx, limit)?, wait })
}

async fn deliver(config: Arc<Config>, ledger: Ledger, endpoint: Arc<Endpoint>, message: Message) {
    let at = config.now();
    let answer = endpoint
        .http
        .post(&endpoint.url)
        .header("content-type", "application/json")
        .header("user-agent", concat!("emporia-testpay/", env!("CARGO_PKG_VERSION")))
        .header(ID_HEADER, &message.id)
        .header(TIMESTAMP_HEADER, at.as_second())
        .header(SIGNATURE_HEADER, endpoint.secret.sign(&message.id, at, message.body.as_bytes()))
        .body(message.body.clone())
        .send()
        .await;
    let attempt = match answer {
        Ok(answer) => Attempt::Answered(answer.status().as_u16()),
        // Without the URL, which the merchant may have put a secret into.
        Err(error) if error.is_timeout() => Attempt::NoAnswer("no answer in time".into()),
        Err(error) if error.is_connect() => Attempt::NoAnswer("no connection".into()),
        Err(error) => Attempt::NoAnswer(error.without_url().to_string()),
    };
    tracing::debug!(webhook = message.id, authorisation = message.authorisation, ?attempt, "webhook sent");
    let logged = ledger.call(move |tx| queue::log_attempt(tx, &message, at, &attempt)).await;
    if let Err(fault) = logged {
        tracing::error!(%fault, "the attempt could not be logged; the webhook will be sent again");
    }
}
