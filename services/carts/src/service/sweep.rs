//! What becomes of carts that nobody touches.

use crate::{
    model::{Cart, CartState, EXPIRES_AFTER},
    service::CartsService,
};
use emporia_contracts::{
    carts::{CartAbandoned, CartExpired},
    context::system_meta,
};
use emporia_store::{IndexKey, Query, StoreError};

impl CartsService {
    /// Tells which carts were abandoned, and ends those that are too old. Returns how many it dealt with; call it
    /// again while that is not zero.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let now = self.space.clock().now();
        let query = Query::index("carts_due").to(IndexKey::new().time(now)).limit(100);
        let due = self.space.query::<Cart>(query).await?.into_values();
        for cart in &due {
            let this = self;
            self.space
                .transact(|tx| async move {
                    let Some(found) = tx.get::<Cart>(&Cart::key_of(cart.id)).await? else { return Ok(()) };
                    let mut cart = found.value;
                    let old = cart.updated_at.saturating_add(EXPIRES_AFTER).is_ok_and(|end| end <= now);
                    if cart.state != CartState::Active {
                        return Ok(());
                    }
                    let meta = system_meta("carts-sweep", this.ids.next_uuid().to_string(), Some(&cart.channel));
                    if old {
                        cart.state = CartState::Expired;
                        this.emit(&tx, &CartExpired { cart_id: cart.id, channel: cart.channel.clone() }, &meta)?;
                    } else {
                        cart.abandoned = true;
                        let event = CartAbandoned {
                            cart_id: cart.id,
                            channel: cart.channel.clone(),
                            owner: cart.owner.clone(),
                            lines: cart.line_facts(),
                        };
                        this.emit(&tx, &event, &meta)?;
                    }
                    tx.put(&cart)
                })
                .await?;
        }
        Ok(due.len())
    }
}
