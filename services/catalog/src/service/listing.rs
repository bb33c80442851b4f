//! Lists of products: one range of one index each.

use crate::{
    model::{LISTING_NEWEST, LISTING_POSITION, LISTING_TITLE, Product},
    service::{CatalogService, StoredProduct},
};
use emporia_contracts::{
    ids::{CategoryId, ProductId},
    values::ChannelKey,
};
use emporia_store::{Cursor, Key, Query, StoreError};
use std::sync::Arc;

/// The order of a listing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProductSort {
    /// As the merchant placed them.
    #[default]
    Position,
    /// Newest first.
    Newest,
    /// By title, in the channel's language.
    Title,
}

/// Which part of a list.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// Entries of the page: 1 to 1,000.
    pub size: usize,
    /// Take them from the end of the range.
    pub from_end: bool,
    /// Only what comes after.
    pub after: Option<Cursor>,
    /// Only what comes before.
    pub before: Option<Cursor>,
}

/// Which products.
#[derive(Debug, Clone)]
pub enum ListProducts {
    /// What shoppers of a channel see.
    Published {
        /// The channel.
        channel: ChannelKey,
        /// Only products of this category and those below it.
        category: Option<CategoryId>,
        /// In which order.
        sort: ProductSort,
    },
    /// Everything there is, newest first: for operators.
    Everything,
}

/// A page of products.
#[derive(Debug, Clone)]
pub struct ProductPage {
    /// The products, each with the cursor of its place.
    pub items: Vec<(Cursor, Arc<StoredProduct>)>,
    /// Whether there are more behind these.
    pub has_next: bool,
    /// Whether there are more before these.
    pub has_previous: bool,
}

impl CatalogService {
    /// A page of products: one range of an index, then one read for those that are not in memory.
    ///
    /// # Errors
    /// [`StoreError::BadCursor`], [`StoreError::BadQuery`]; what the store reports.
    pub async fn list(&self, what: &ListProducts, window: Window) -> Result<ProductPage, StoreError> {
        let query = match what {
            ListProducts::Published { channel, category, sort } => {
                let prefix = Product::listing(channel, *category);
                match sort {
                    ProductSort::Position => Query::index(LISTING_POSITION).prefix(prefix),
                    ProductSort::Newest => Query::index(LISTING_NEWEST).prefix(prefix).descending(),
                    ProductSort::Title => Query::index(LISTING_TITLE).prefix(prefix),
                }
            }
            ListProducts::Everything => Query::index("newest").descending(),
        };
        let (after, before) = (window.after.is_some(), window.before.is_some());
        let query = if window.from_end { query.last(window.size) } else { query.limit(window.size) };
        let query = query.after(window.after).before(window.before);
        let page = self.0.space.query_keys::<Product>(query).await?;
        let place = |(cursor, key): (Cursor, Key)| Some((cursor, key.partition().parse::<ProductId>().ok()?));
        let (cursors, ids): (Vec<_>, Vec<_>) = page.items.into_iter().filter_map(place).unzip();
        let products = self.products(&ids).await?;
        let visible = |stored: &Arc<StoredProduct>| match what {
            // Unpublished after the index was read.
            ListProducts::Published { channel, .. } => stored.product.is_published_in(channel),
            ListProducts::Everything => true,
        };
        let items = cursors.into_iter().zip(products);
        let items = items.filter_map(|(cursor, stored)| Some((cursor, stored.filter(visible)?))).collect();
        let (has_next, has_previous) =
            if window.from_end { (before, page.has_more) } else { (page.has_more, after) };
        Ok(ProductPage { items, has_next, has_previous })
    }
}
