//! The provider: it holds and took what we believe.

use super::{AuditError, Check, each};
use emporia_contracts::payments::{PaymentProvider, ProviderStatus};
use emporia_payments::{EntryKind, Payment};
use emporia_store::Store;

pub(super) async fn check(store: &Store, provider: &dyn PaymentProvider) -> Result<Check, AuditError> {
    let mut check =
        Check::new("provider", "the payment provider holds, took and gave back what the payments say");
    each::<Payment>(&store.space("payments")?, async |payment| {
        check.examined += 1;
        if payment.wants() {
            check.under_way += 1;
            return Ok(());
        }
        let sum = |kind| payment.sum(kind);
        let ours = (sum(EntryKind::Capture), sum(EntryKind::Refund));
        let held = sum(EntryKind::Authorisation) > 0 && sum(EntryKind::Void) == 0;
        match provider.lookup(payment.id).await {
            Ok(Some(theirs)) => {
                let (captured, refunded) = (theirs.captured_minor, theirs.refunded_minor);
                check.expect((captured, refunded) == ours, || {
                    format!(
                        "{}: {ours:?} taken and given back here, {captured} and {refunded} there",
                        payment.id
                    )
                });
                let holds = theirs.status == ProviderStatus::Authorised;
                check.expect(!holds || held, || format!("{}: it is held there and not here", payment.id));
            }
            Ok(None) => check
                .expect(!held && ours == (0, 0), || format!("{}: the provider does not know it", payment.id)),
            Err(error) => check.expect(false, || format!("{}: {error}", payment.id)),
        }
        Ok(())
    })
    .await?;
    Ok(check)
}
