//! Point readings that come up together are asked together: a statement costs the server and us far more than a row.
//!
//! Whoever comes while all turns are taken waits for the next one and shares its statement. So a quiet store answers
//! at once, and a busy one reads many keys at a time.

use crate::readers::Readers;
use emporia_store::StoreError;
use std::sync::Arc;
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
                let mut found = found.into_iter();
                for (count, answer) in asked {
                    // Who went away needs no answer.
                    let _ = answer.send(Ok(found.by_ref().take(count).collect()));
                }
            }
            // What is wrong with what one question asks for is not told to the others. A server that is away is away for
            // all, and was tried again already.
            Err(error) if asked.len() > 1 && !error.is_retryable() => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PostgresOptions, connect::Connector};
    use std::sync::atomic::{AtomicUsize, Ordering};

    const QUESTIONS: usize = 50;

    /// Connections are made when they are needed: here never.
    fn nobody() -> Arc<Readers> {
        let options = PostgresOptions::new("postgres://nobody@127.0.0.1:1/nothing").unwrap();
        Arc::new(Readers::new(Connector::new(&options).unwrap(), &options).unwrap())
    }

    /// Asks for each number at once, so that the questions share a statement.
    async fn all<R: Readable<Place = usize>>() -> Vec<Result<Vec<R>, StoreError>> {
        let gathered = Gathered::<R>::over(&nobody());
        futures_util::future::join_all((0..QUESTIONS).map(|number| gathered.read(vec![number]))).await
    }

    static AWAY: AtomicUsize = AtomicUsize::new(0);

    #[derive(Debug)]
    struct Away;

    impl Readable for Away {
        type Place = usize;

        async fn read(_: &Readers, _: &[usize]) -> Result<Vec<Self>, StoreError> {
            AWAY.fetch_add(1, Ordering::Relaxed);
            Err(StoreError::Unavailable { detail: "the server is away".to_owned() })
        }
    }

    #[tokio::test]
    async fn a_server_that_is_away_is_asked_once_for_all_who_wait() {
        for answer in all::<Away>().await {
            assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "{answer:?}");
        }
        assert_eq!(AWAY.load(Ordering::Relaxed), 1);
    }

    #[derive(Debug, PartialEq)]
    struct Number(usize);

    impl Readable for Number {
        type Place = usize;

        async fn read(_: &Readers, places: &[usize]) -> Result<Vec<Self>, StoreError> {
            if places.contains(&7) {
                return Err(StoreError::Corrupt { detail: "seven".to_owned() });
            }
            Ok(places.iter().copied().map(Number).collect())
        }
    }

    #[tokio::test]
    async fn a_damaged_row_is_told_to_whom_it_concerns_alone() {
        for (number, answer) in all::<Number>().await.into_iter().enumerate() {
            match number {
                7 => assert!(matches!(answer, Err(StoreError::Corrupt { .. })), "{answer:?}"),
                number => assert_eq!(answer.unwrap(), [Number(number)]),
            }
        }
    }
}
