//! Consumers: all have followed everything, and nothing was set aside.

use super::{AuditError, Books, Check, PAGE};
use crate::platform::{follows, spaces};
use emporia_events::Standing;
use emporia_store::Store;

pub(super) async fn check(store: &Store, books: &mut Books) -> Result<Check, AuditError> {
    let mut check =
        Check::new("consumers", "every consumer has followed the log to its end and set nothing aside");
    for space in spaces() {
        for standing in emporia_events::standings(&store.space(space.name())?, store).await? {
            check.examined += 1;
            if is_behind(store, &standing).await? {
                check.under_way += 1;
                books.behind = true;
            }
            let aside = standing.set_aside;
            check.expect(aside == 0, || format!("{standing}: {aside} events are set aside"));
        }
    }
    Ok(check)
}

/// Whether the log has an event that the consumer follows and has not handled. Its position is stored with its effects
/// alone: what it passes over does not move it.
async fn is_behind(store: &Store, standing: &Standing) -> Result<bool, AuditError> {
    // One that is gone from the program follows nothing any more.
    let Some(follows) = follows(&standing.consumer) else { return Ok(false) };
    let mut at = standing.handled;
    loop {
        let batch = store.read_log(&standing.log, at, PAGE, None).await?;
        if batch.records.iter().any(|record| follows(&record.source, &record.detail_type)) {
            return Ok(true);
        }
        if batch.next == at {
            return Ok(false);
        }
        at = batch.next;
    }
}
