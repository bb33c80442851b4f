use crate::{Envelope, EventLog};
use emporia_store::LogId;
use std::sync::Arc;
use tokio::sync::broadcast;

/// Events that a slow listener may fall behind before it misses some.
const BUFFER: usize = 4_096;
/// Events read at once.
const BATCH: usize = 256;

/// Events as they are committed, for listeners that only want what happens from now on (subscriptions, caches). Nothing
/// is remembered for them: whoever must not miss anything is a [`crate::Consumer`].
#[derive(Debug, Clone)]
pub struct Live(broadcast::Sender<Arc<Envelope>>);

impl Live {
    /// Begins to follow every stream of a log, on the present runtime, until the log closes.
    pub fn follow(log: Arc<dyn EventLog>) -> Self {
        let (sender, _) = broadcast::channel(BUFFER);
        for stream in log.streams() {
            tokio::spawn(follow(log.clone(), stream, sender.clone()));
        }
        Self(sender)
    }

    /// A listener for what happens from now on. One that falls behind is told so and goes on with the newest.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Envelope>> {
        self.0.subscribe()
    }
}

/// Ends when the log closes.
async fn follow(log: Arc<dyn EventLog>, stream: LogId, sender: broadcast::Sender<Arc<Envelope>>) {
    let Ok(mut at) = log.head(&stream).await.map(|head| head.last) else { return };
    while log.wait(&stream, at).await.is_ok() {
        if sender.receiver_count() == 0 {
            // Nobody listens: nothing is read.
            match log.head(&stream).await {
                Ok(head) => at = head.last,
                Err(_) => return,
            }
            continue;
        }
        match log.read(&stream, at, BATCH, None).await {
            Ok(batch) => {
                for record in &batch.records {
                    if let Ok(event) = Envelope::from_record(record) {
                        // The last listener may have gone meanwhile.
                        let _ = sender.send(Arc::new(event));
                    }
                }
                at = batch.next;
            }
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(200)).await,
        }
    }
}
