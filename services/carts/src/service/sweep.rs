//! What becomes of carts that nobody touches.

use crate::{
    model::{Cart, CartState, EXPIRES_AFTER},
    service::CartsService,
};
use emporia_contracts::{
    carts::{CartAbandoned, CartExpired},
    context::system_meta,
    ids::CartId,
};
use emporia_store::{IndexKey, Query, StoreError};

impl CartsService {
    /// Tells which carts were abandoned, and ends those that are too old. Returns how many it dealt with; call it
    /// again while that is not zero. One that cannot be dealt with now does not keep the others waiting.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let now = self.space.clock().now();
        let query = Query::index("carts_due").to(IndexKey::new().time(now)).limit(100);
        let due = self.space.query::<Cart>(query).await?.into_values();
        let mut done = 0;
        for cart in &due {
            match self.end(cart.id).await {
                Ok(()) => done += 1,
                Err(error) => tracing::warn!(cart = %cart.id, %error, "a due cart stays as it is"),
            }
        }
        Ok(done)
    }

    async fn end(&self, id: CartId) -> Result<(), StoreError> {
        let (this, now) = (self, self.space.clock().now());
        self.space
            .transact(|tx| async move {
                let found = tx.get::<Cart>(&Cart::key_of(id)).await?;
                // Somebody may have touched it since the index was read.
                let Some(mut cart) = found.map(|f| f.value).filter(|c| c.due().is_some_and(|due| due <= now))
                else {
                    return Ok(());
                };
                let meta = system_meta("carts-sweep", this.ids.next_uuid().to_string(), Some(&cart.channel));
                if cart.updated_at.saturating_add(EXPIRES_AFTER).is_ok_and(|end| end <= now) {
                    cart.state = CartState::Expired;
                    cart.updated_at = now;
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
            .await
    }
}
