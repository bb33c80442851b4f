//! Point readings that come up together are asked together: a statement costs the server and us far more than a row.
//!
//! Whoever comes while all turns are taken waits for the next one and shares its statement. So a quiet store answers
//! at once, and a busy one reads many keys at a time.

use crate::readers::Readers;
use emporia_store::StoreError;
use std::{collections::VecDeque, sync::Arc};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::JoinHandle,
};

/// Statements under way at once.
const TURNS: usize = 4;
/// Keys of one statement, at most; one question is never split.
const TOGETHER: usize = 512;
/// Questions that may wait; further callers wait for one of these to be taken.
const WAITING: usize = 4_096;

/// What can be read by many keys in one statement.
pub(crate) trait Readable: Send + Sized + 'static {
    /// Where it is.
    type Place: Send + Sync + 'static;

    /// What is at each place, in their order.
    fn read(
        readers: &Readers,
        places: &[Self::Place],
    ) -> impl Future<Output = Result<Vec<Self>, StoreError>> + Send;
}

struct Question<R: Readable> {
    places: Vec<R::Place>,
    answer: oneshot::Sender<Result<Vec<R>, StoreError>>,
}

/// Readings of one kind.
pub(crate) struct Gathered<R: Readable> {
    questions: mpsc::Sender<Question<R>>,
    turns: Vec<JoinHandle<()>>,
}

impl<R: Readable> Gathered<R> {
    /// Needs a Tokio runtime, on which it works until it is dropped.
    pub(crate) fn over(readers: &Arc<Readers>) -> Self {
        let (questions, waiting) = mpsc::channel(WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        let turn = |_| tokio::spawn(answer_all(Arc::clone(readers), Arc::clone(&waiting)));
        Self { questions, turns: (0..TURNS).map(turn).collect() }
    }

    /// What is at each place, in their order.
    pub(crate) async fn read(&self, places: Vec<R::Place>) -> Result<Vec<R>, StoreError> {
        if places.is_empty() {
            return Ok(vec![]);
        }
        let (answer, answered) = oneshot::channel();
        self.questions.send(Question { places, answer }).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

impl<R: Readable> Drop for Gathered<R> {
    fn drop(&mut self) {
        self.turns.iter().for_each(JoinHandle::abort);
    }
}

async fn answer_all<R: Readable>(readers: Arc<Readers>, waiting: Arc<Mutex<mpsc::Receiver<Question<R>>>>) {
    loop {
        let (mut places, mut asked) = (vec![], vec![]);
        {
            let mut waiting = waiting.lock().await;
            let Some(first) = waiting.recv().await else { return };
            let mut next = Some(first);
            while let Some(Question { places: wanted, answer }) = next {
                asked.push((wanted.len(), answer));
                places.extend(wanted);
                next = if places.len() < TOGETHER { waiting.try_recv().ok() } else { None };
            }
        }
        match R::read(&readers, &places).await {
            Ok(found) => {
                let mut found = VecDeque::from(found);
                for (count, answer) in asked {
                    // Who went away needs no answer.
                    let _ = answer.send(Ok(found.drain(..count.min(found.len())).collect()));
                }
            }
            // What is wrong with one question is not told to the others.
            Err(_) if asked.len() > 1 => {
                let mut rest = places.as_slice();
                for (count, answer) in asked {
                    let (own, others) = rest.split_at(count.min(rest.len()));
                    rest = others;
                    let _ = answer.send(R::read(&readers, own).await);
                }
            }
            Err(error) => asked.into_iter().for_each(|(_, answer)| drop(answer.send(Err(error.clone())))),
        }
    }
}
