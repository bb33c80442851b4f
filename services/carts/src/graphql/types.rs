use crate::{
    graphql::failed,
    model,
    service::{CartLineValue, CartNotice, CartValue, CartsService},
};
use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use emporia_subgraph::{DateTime, GraphMoney, context, decimal_price};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// A variant, by its SKU; other rooms know more of it.
#[derive(Debug, Clone, SimpleObject)]
pub struct ProductVariant {
    /// Stock keeping unit.
    pub(crate) sku: String,
}

/// Where a cart stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum CartState {
    /// It can be edited.
    Active,
    /// A checkout is buying it.
    CheckoutOpen,
    /// It lives on in another.
    Merged,
    /// Nobody came back.
    Expired,
    /// It became an order.
    Ordered,
}

/// What a shopper means to buy. Prices are indications until a checkout prices it.
pub struct Cart {
    cart: model::Cart,
    /// Asked for once, however many fields need it.
    value: OnceCell<Arc<CartValue>>,
}

impl Cart {
    pub(crate) fn new(cart: model::Cart) -> Self {
        Self { cart, value: OnceCell::new() }
    }

    async fn value(&self, ctx: &Context<'_>) -> Result<Arc<CartValue>> {
        let (service, asks) = (ctx.data::<CartsService>()?, context(ctx)?);
        let value = || async { service.value(&self.cart, asks).await.map(Arc::new).map_err(failed) };
        self.value.get_or_try_init(value).await.cloned()
    }
}

#[Object]
impl Cart {
    /// The cart.
    async fn id(&self) -> ID {
        self.cart.id.to_string().into()
    }

    /// Where it stands.
    async fn state(&self) -> CartState {
        match self.cart.state {
            model::CartState::Active => CartState::Active,
            model::CartState::Claimed { .. } => CartState::CheckoutOpen,
            model::CartState::Merged { .. } => CartState::Merged,
            model::CartState::Expired => CartState::Expired,
            model::CartState::Ordered { .. } => CartState::Ordered,
        }
    }

    /// Key of the channel in which it is filled.
    async fn channel_key(&self) -> &str {
        self.cart.channel.as_str()
    }

    /// Counts edits of the lines; pass it back as expectedRevision.
    async fn revision(&self) -> i32 {
        i32::try_from(self.cart.revision).unwrap_or(i32::MAX)
    }

    /// Units of all lines.
    async fn units(&self) -> i32 {
        i32::try_from(self.cart.units()).unwrap_or(i32::MAX)
    }

    /// Its lines.
    async fn lines(&self, ctx: &Context<'_>) -> Result<Vec<CartLine>> {
        let value = self.value(ctx).await?;
        let line = |(line, value): (&model::CartLine, &CartLineValue)| CartLine {
            line: line.clone(),
            value: value.clone(),
        };
        Ok(self.cart.lines.iter().zip(&value.lines).map(line).collect())
    }

    /// Sum of the lines that can be sold, in the channel's price kind, before delivery.
    async fn subtotal(&self, ctx: &Context<'_>) -> Result<GraphMoney> {
        Ok(self.value(ctx).await?.subtotal.into())
    }

    /// What changed since the shopper looked, and what is short.
    async fn notices(&self, ctx: &Context<'_>) -> Result<Vec<CartNoticeEntry>> {
        Ok(self.value(ctx).await?.notices.iter().map(CartNoticeEntry::from).collect())
    }

    /// When it was last edited.
    async fn updated_at(&self) -> DateTime {
        self.cart.updated_at.into()
    }
}

/// A line of a cart.
pub struct CartLine {
    line: model::CartLine,
    value: CartLineValue,
}

#[Object]
impl CartLine {
    /// The line.
    async fn id(&self) -> ID {
        self.line.id.to_string().into()
    }

    /// The variant.
    async fn variant(&self) -> ProductVariant {
        ProductVariant { sku: self.line.sku.to_string() }
    }

    /// SKU.
    async fn sku(&self) -> &str {
        self.line.sku.as_str()
    }

    /// Title; absent when it is not sold here any more.
    async fn title(&self) -> Option<&str> {
        self.value.variant.as_ref().map(|v| v.title.as_str())
    }

    /// How many.
    async fn quantity(&self) -> i32 {
        i32::try_from(self.line.quantity.get()).unwrap_or(i32::MAX)
    }

    /// Per unit, in the channel's price kind; absent when it is not sold here any more.
    async fn unit_price(&self) -> Option<GraphMoney> {
        self.value.unit.map(decimal_price)
    }

    /// Unit price × quantity.
    async fn amount(&self) -> Option<GraphMoney> {
        self.value.amount.map(Into::into)
    }
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum CartNoticeCode {
    /// Another price holds than the one that was seen.
    PriceChanged,
    /// It is not sold in this channel any more.
    NotAvailable,
    /// There is less than is wanted.
    StockShort,
}

/// Something that the shopper should know before he goes on.
#[derive(Debug, Clone, SimpleObject)]
pub struct CartNoticeEntry {
    code: CartNoticeCode,
    sku: String,
    /// The price that was seen.
    price_before: Option<GraphMoney>,
    /// The price now.
    price_now: Option<GraphMoney>,
    /// Units wanted.
    wanted: Option<i32>,
    /// Units that can be had.
    available: Option<i32>,
}

impl From<&CartNotice> for CartNoticeEntry {
    fn from(notice: &CartNotice) -> Self {
        let entry = |code, sku: &emporia_contracts::values::Sku| Self {
            code,
            sku: sku.to_string(),
            price_before: None,
            price_now: None,
            wanted: None,
            available: None,
        };
        let units = |n: i64| Some(i32::try_from(n).unwrap_or(i32::MAX));
        match notice {
            CartNotice::PriceChanged { sku, before, now } => Self {
                price_before: Some(decimal_price(*before)),
                price_now: Some(decimal_price(*now)),
                ..entry(CartNoticeCode::PriceChanged, sku)
            },
            CartNotice::NotAvailable { sku } => entry(CartNoticeCode::NotAvailable, sku),
            CartNotice::StockShort { sku, wanted, available } => Self {
                wanted: units(*wanted),
                available: units(*available),
                ..entry(CartNoticeCode::StockShort, sku)
            },
        }
    }
}
