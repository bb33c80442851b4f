use crate::{
    graphql::mutation::failed,
    model::{self, CheckoutState},
    service::CheckoutService,
};
use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use emporia_contracts::orders::{OrderContact, PricedLine};
use emporia_subgraph::{
    GraphMoney, OrderTotals, PostalAddress, Trouble, access::*, context, decimal_price, fault,
};

/// A cart, by its id.
#[derive(Debug, Clone, SimpleObject)]
pub struct Cart {
    /// The cart.
    pub(crate) id: ID,
}

/// An order, by its id.
#[derive(Debug, Clone, SimpleObject)]
pub struct Order {
    /// The order.
    pub(crate) id: ID,
}

/// Where a checkout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "CheckoutState", remote = "CheckoutState")]
pub enum GraphCheckoutState {
    /// Something is missing: choose a delivery option.
    Draft,
    /// Priced; the shopper may buy.
    Priced,
    /// Stock is being held.
    Reserving,
    /// Payments are under way.
    Paying,
    /// Everything is paid; the order is being made.
    Authorised,
    /// There is an order.
    Completed,
    /// Given up.
    Cancelled,
    /// The shopper did not come back.
    Expired,
}

/// One passage from a cart to an order.
#[derive(Clone)]
pub struct Checkout(pub(crate) model::Checkout);

#[Object]
impl Checkout {
    /// The checkout.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Where it stands.
    async fn state(&self) -> GraphCheckoutState {
        self.0.state.into()
    }

    /// The cart that it buys.
    async fn cart(&self) -> Cart {
        Cart { id: self.0.cart.to_string().into() }
    }

    /// Mail address.
    async fn email(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.contact(ctx)?.map(|c| c.email.as_str().to_owned()))
    }

    /// Where the goods go.
    async fn shipping_address(&self, ctx: &Context<'_>) -> Result<Option<PostalAddress>> {
        Ok(self.contact(ctx)?.and_then(|c| c.shipping).map(Into::into))
    }

    /// Ways to deliver, with their charges for this cart and address.
    async fn delivery_options(&self, ctx: &Context<'_>) -> Result<Vec<DeliveryOffer>> {
        let offers = ctx.data::<CheckoutService>()?.offers(&self.0).await.map_err(failed)?;
        let offer = |o: crate::service::Offer| DeliveryOffer {
            key: o.option.key,
            name: o.name,
            charge: o.charge.into(),
            min_days: i32::from(o.option.days.0),
            max_days: i32::from(o.option.days.1),
        };
        Ok(offers.into_iter().map(offer).collect())
    }

    /// Key of the chosen delivery option.
    async fn delivery_option(&self) -> Option<&str> {
        self.0.delivery_option.as_deref()
    }

    /// What is bought at which price; absent until a delivery option is chosen.
    async fn lines(&self) -> Option<Vec<CheckoutLine>> {
        let snapshot = self.0.snapshot.as_ref()?;
        Some(snapshot.lines.iter().cloned().map(CheckoutLine).collect())
    }

    /// Totals, computed once.
    async fn totals(&self) -> Option<OrderTotals> {
        self.0.snapshot.as_ref().map(|s| OrderTotals::from(&s.totals))
    }

    /// How it is to be paid.
    async fn tenders(&self) -> Vec<CheckoutTender> {
        let tender = |t: &model::Tender| CheckoutTender {
            payment_id: t.payment.to_string().into(),
            amount: t.amount.into(),
            label: t.label.clone(),
        };
        self.0.tenders.iter().map(tender).collect()
    }

    /// Why the last payment failed.
    async fn decline_code(&self) -> Option<&str> {
        self.0.decline_code.as_deref()
    }

    /// What keeps it from going on, while something does: for operators.
    #[graphql(directive = requires_scopes::apply(scope("orders:read")))]
    async fn trouble(&self) -> Option<Trouble> {
        self.0.trouble.clone().map(Trouble::from)
    }

    /// The order, once there is one.
    async fn order(&self) -> Option<Order> {
        let made = self.0.state == CheckoutState::Completed;
        self.0.order.filter(|_| made).map(|id| Order { id: id.to_string().into() })
    }
}

impl Checkout {
    fn contact(&self, ctx: &Context<'_>) -> Result<Option<OrderContact>> {
        let asks = context(ctx)?;
        // Who only analyses sales sees no persons.
        if !asks.is(&self.0.owner) && !["orders:write", "customers:read"].iter().any(|scope| asks.may(scope))
        {
            return Ok(None);
        }
        let contact = ctx.data::<CheckoutService>()?.vault.unseal(&self.0.contact);
        contact.map_err(|e| fault(emporia_contracts::Fault::permanent("checkout", e)))
    }
}

/// A way to deliver, with its charge.
#[derive(Debug, Clone, SimpleObject)]
pub struct DeliveryOffer {
    /// Pass it to setCheckoutDelivery.
    key: String,
    /// In the shopper's language.
    name: String,
    /// In the channel's price kind.
    charge: GraphMoney,
    /// Working days from order to door, at least.
    min_days: i32,
    /// Working days from order to door, at most.
    max_days: i32,
}

/// A priced line.
pub struct CheckoutLine(PricedLine);

#[Object]
impl CheckoutLine {
    /// SKU.
    async fn sku(&self) -> &str {
        self.0.sku.as_str()
    }

    /// Title.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// How many.
    async fn quantity(&self) -> i32 {
        i32::try_from(self.0.quantity.get()).unwrap_or(i32::MAX)
    }

    /// Per unit, in the channel's price kind.
    async fn unit_price(&self) -> GraphMoney {
        decimal_price(self.0.unit_price)
    }

    /// Unit price × quantity, rounded once.
    async fn amount(&self) -> GraphMoney {
        self.0.amount.into()
    }

    /// Without tax.
    async fn net(&self) -> GraphMoney {
        self.0.tax.net.into()
    }

    /// Tax.
    async fn tax(&self) -> GraphMoney {
        self.0.tax.tax.into()
    }

    /// With tax.
    async fn gross(&self) -> GraphMoney {
        self.0.tax.gross.into()
    }
}

/// How some of the total is to be paid.
#[derive(Debug, Clone, SimpleObject)]
pub struct CheckoutTender {
    payment_id: ID,
    amount: GraphMoney,
    /// For people, once the provider told: "Visa •••• 4242".
    label: Option<String>,
}
