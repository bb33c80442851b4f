use crate::{
    model::{Fulfilment, FurtherLines, Order, OrderLine, ReturnDocument, owner_key},
    service::OrdersService,
};
use emporia_contracts::{
    Owner,
    ids::{FulfilmentId, OrderId, ReturnId},
    orders::OrderContact,
    values::ChannelKey,
};
use emporia_store::{Children, Document, IndexKey, Key, Page, Query, Space, StoreError, Version, Versioned};
use emporia_vault::VaultError;

/// Parts of an order that are documents of their own, as the order lists them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PartsOf<I> {
    pub(crate) order: OrderId,
    pub(crate) ids: Option<Vec<I>>,
}

/// Which orders, and which page of them.
#[derive(Debug, Clone)]
pub enum OrderQuery {
    /// All of a channel, by time.
    Channel(ChannelKey),
    /// All of one owner, by time.
    Owner(Owner),
}

impl OrderQuery {
    fn query(&self) -> Query {
        match self {
            Self::Channel(channel) => {
                Query::index("orders_by_time").prefix(IndexKey::new().text(channel.as_str()))
            }
            Self::Owner(owner) => Query::index("orders_by_owner").prefix(owner_key(owner)),
        }
    }
}

/// All lines of an order in this service's key-space.
///
/// # Errors
/// What the store reports.
pub async fn order_lines(space: &Space, order: &Order) -> Result<Vec<OrderLine>, StoreError> {
    let mut lines = order.lines.clone();
    if order.line_count > lines.len() {
        let further = space.children::<FurtherLines>(Children::of(order.id.to_string()).limit(1000)).await?;
        lines.extend(further.into_values().into_iter().flat_map(|f| f.lines));
    }
    Ok(lines)
}

impl OrdersService {
    /// The order of that id.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn get(&self, id: OrderId) -> Result<Option<Versioned<Order>>, StoreError> {
        self.space.get::<Order>(&Order::key_of(id)).await
    }

    /// Orders by id, in order.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn get_many(&self, ids: &[OrderId]) -> Result<Vec<Option<Versioned<Order>>>, StoreError> {
        let keys: Vec<_> = ids.iter().map(|id| Order::key_of(*id)).collect();
        self.space.get_many::<Order>(&keys).await
    }

    /// The order of that number in a channel.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn by_number(
        &self,
        channel: &ChannelKey,
        number: &str,
    ) -> Result<Option<Versioned<Order>>, StoreError> {
        let key = IndexKey::new().text(channel.as_str()).text(number);
        let page = self.space.query::<Order>(Query::index("order_number").prefix(key).limit(1)).await?;
        Ok(page.items.into_iter().next().map(|(_, order)| order))
    }

    /// A page of orders; the caller adds order and bounds of the page.
    ///
    /// # Errors
    /// What the store reports; [`StoreError::BadCursor`].
    pub async fn page(
        &self,
        of: &OrderQuery,
        bounds: impl FnOnce(Query) -> Query,
    ) -> Result<Page<Order>, StoreError> {
        self.space.query::<Order>(bounds(of.query())).await
    }

    /// All lines of an order.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn lines(&self, order: &Order) -> Result<Vec<OrderLine>, StoreError> {
        order_lines(&self.space, order).await
    }

    /// Fulfilments of orders, each in the order of their making, in one read.
    ///
    /// # Errors
    /// What the store reports.
    pub(crate) async fn fulfilments(
        &self,
        orders: &[PartsOf<FulfilmentId>],
    ) -> Result<Vec<Vec<Fulfilment>>, StoreError> {
        self.parts(orders, Fulfilment::key_of).await
    }

    /// Returns of orders, likewise.
    ///
    /// # Errors
    /// What the store reports.
    pub(crate) async fn returns(
        &self,
        orders: &[PartsOf<ReturnId>],
    ) -> Result<Vec<Vec<ReturnDocument>>, StoreError> {
        self.parts(orders, |order, id| ReturnDocument::key_of(Some(order), id)).await
    }

    async fn parts<T: Document + Send, I: Copy + Sync>(
        &self,
        orders: &[PartsOf<I>],
        key: impl Fn(OrderId, I) -> Key,
    ) -> Result<Vec<Vec<T>>, StoreError> {
        let ids = |of: &PartsOf<I>| of.ids.clone().unwrap_or_default();
        let keys: Vec<Key> =
            orders.iter().flat_map(|of| ids(of).into_iter().map(|id| key(of.order, id))).collect();
        let mut found = self.space.get_many::<T>(&keys).await?.into_iter();
        let mut parts = Vec::with_capacity(orders.len());
        for of in orders {
            parts.push(match &of.ids {
                Some(ids) => found.by_ref().take(ids.len()).flatten().map(|part| part.value).collect(),
                // An older order: its parts are looked for.
                None => {
                    let children = Children::of(of.order.to_string()).limit(1000);
                    self.space.children::<T>(children).await?.into_values()
                }
            });
        }
        Ok(parts)
    }

    /// Who ordered and where it goes; `None` when the person was erased or never known.
    ///
    /// # Errors
    /// What the vault reports.
    pub fn contact(&self, order: &Order) -> Result<Option<OrderContact>, VaultError> {
        order.contact.as_ref().map_or(Ok(None), |sealed| self.vault.unseal(sealed))
    }

    /// Whether the order still has the version that the caller read.
    pub(crate) fn same(found: Version, expected: Option<&str>) -> bool {
        expected.is_none_or(|expected| expected == found.to_string())
    }
}
