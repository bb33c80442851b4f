//! What checkout asks of carts.

use crate::{
    commands::{self, CartRefusal as Refused},
    model::{Cart, CartState},
    service::CartsService,
};
use emporia_contracts::{
    Fault,
    carts::{
        CartFacts, CartOrdered, CartRefusal, CartRequest, Carts, ClaimCart, MarkOrdered, OpenCheckout,
        UnclaimCart,
    },
};
use emporia_store::StoreError;

/// A refusal of this room, or of its store.
enum Failed {
    Refused(CartRefusal),
    Store(StoreError),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failed> for CartRefusal {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(refusal) => refusal,
            Failed::Store(error) => Self::Fault(fault(error)),
        }
    }
}

fn fault(error: StoreError) -> Fault {
    if error.is_retryable() { Fault::transient("carts", error) } else { Fault::permanent("carts", error) }
}

fn told(refused: Refused, cart: &Cart) -> CartRefusal {
    match refused {
        Refused::Claimed(cart, by) => CartRefusal::Claimed { cart, by },
        Refused::Ordered(cart, order) => CartRefusal::Ordered { cart, order },
        _ => CartRefusal::NotActive(cart.id),
    }
}

#[async_trait::async_trait]
impl Carts for CartsService {
    async fn cart(&self, request: CartRequest) -> Result<CartFacts, CartRefusal> {
        let found = self.space.get::<Cart>(&Cart::key_of(request.cart)).await.map_err(fault)?;
        Ok(found.ok_or(CartRefusal::NotFound(request.cart))?.facts())
    }

    async fn open_checkout(&self, request: OpenCheckout) -> Result<CartFacts, CartRefusal> {
        let request = &request;
        let opened = self
            .space
            .transact(|tx| async move {
                let found = tx.get::<Cart>(&Cart::key_of(request.cart)).await?;
                let mut cart = found.ok_or(Failed::Refused(CartRefusal::NotFound(request.cart)))?.value;
                commands::editable(&cart).map_err(|r| Failed::Refused(told(r, &cart)))?;
                if cart.checkout != Some(request.checkout) {
                    cart.checkout = Some(request.checkout);
                    tx.put(&cart)?;
                }
                Ok::<_, Failed>(cart.facts())
            })
            .await;
        Ok(opened?)
    }

    async fn claim(&self, request: ClaimCart) -> Result<(), CartRefusal> {
        let request = &request;
        let claimed = self
            .space
            .transact(|tx| async move {
                let found = tx.get::<Cart>(&Cart::key_of(request.cart)).await?;
                let mut cart = found.ok_or(Failed::Refused(CartRefusal::NotFound(request.cart)))?.value;
                let by = request.checkout;
                let attempt = request.attempt;
                match &cart.state {
                    CartState::Claimed { by: holder, attempt: held } if *holder == by && *held == attempt => {
                        return Ok(());
                    }
                    // An earlier attempt of the same checkout has ended: its claim passes on.
                    CartState::Claimed { by: holder, attempt: held } if *holder == by && *held < attempt => {
                        cart.state = CartState::Active;
                    }
                    _ => {}
                }
                commands::editable(&cart).map_err(|r| Failed::Refused(told(r, &cart)))?;
                if cart.revision != request.revision {
                    let (expected, actual) = (request.revision, cart.revision);
                    return Err(Failed::Refused(CartRefusal::Changed { cart: cart.id, expected, actual }));
                }
                cart.state = CartState::Claimed { by, attempt };
                tx.put(&cart)?;
                Ok(())
            })
            .await;
        Ok(claimed?)
    }

    async fn unclaim(&self, request: UnclaimCart) -> Result<(), Fault> {
        let request = &request;
        self.space
            .transact(|tx| async move {
                let Some(found) = tx.get::<Cart>(&Cart::key_of(request.cart)).await? else { return Ok(()) };
                let claimed = CartState::Claimed { by: request.checkout, attempt: request.attempt };
                if found.state == claimed {
                    tx.put(&Cart { state: CartState::Active, ..found.value })?;
                }
                Ok(())
            })
            .await
            .map_err(fault)
    }

    async fn mark_ordered(&self, request: MarkOrdered) -> Result<(), CartRefusal> {
        let (request, this) = (&request, self);
        let marked = self
            .space
            .transact(|tx| async move {
                let found = tx.get::<Cart>(&Cart::key_of(request.cart)).await?;
                let mut cart = found.ok_or(Failed::Refused(CartRefusal::NotFound(request.cart)))?.value;
                match cart.state {
                    CartState::Ordered { order } if order == request.order => return Ok(()),
                    CartState::Ordered { order } => {
                        return Err(Failed::Refused(CartRefusal::Ordered { cart: cart.id, order }));
                    }
                    CartState::Merged { .. } => return Err(Failed::Refused(CartRefusal::NotActive(cart.id))),
                    CartState::Active | CartState::Claimed { .. } | CartState::Expired => {}
                }
                cart.state = CartState::Ordered { order: request.order };
                cart.updated_at = this.space.clock().now();
                tx.put(&cart)?;
                let event = CartOrdered { cart_id: cart.id, order_id: request.order };
                Ok::<_, Failed>(this.emit(&tx, &event, &request.meta)?)
            })
            .await;
        Ok(marked?)
    }
}
