use crate::{
    graphql::{
        product::{GraphProduct, ProductOrder},
        reader::{self, Translation},
    },
    model::Category,
    service::{CatalogService, ListProducts, ProductPage, Window},
};
use async_graphql::{
    Context, ID, Object, Result,
    connection::{Connection, Edge},
};
use emporia_contracts::ids::CategoryId;
use emporia_subgraph::{Eager, access::*, context};
use std::sync::Arc;

/// A node of the catalogue's tree.
pub struct GraphCategory(pub(super) Arc<Category>);

pub(super) fn nodes(categories: &[Arc<Category>]) -> Vec<GraphCategory> {
    categories.iter().cloned().map(GraphCategory).collect()
}

pub(super) type Products = Connection<String, Eager<GraphProduct>>;

pub(super) fn connection(page: ProductPage) -> Products {
    let mut connection = Connection::new(page.has_previous, page.has_next);
    let edge = |(cursor, stored): (emporia_store::Cursor, _)| {
        Edge::new(cursor.to_string(), Eager(GraphProduct(stored)))
    };
    connection.edges.extend(page.items.into_iter().map(edge));
    connection
}

pub(super) async fn published(
    ctx: &Context<'_>,
    category: Option<CategoryId>,
    sort: ProductOrder,
    window: Window,
) -> Result<Products> {
    let channel = context(ctx)?.channel.key.clone();
    let what = ListProducts::Published { channel, category, sort: sort.into() };
    let page = ctx.data::<CatalogService>()?.list(&what, window).await.map_err(reader::store_fault)?;
    Ok(connection(page))
}

/// A node of the catalogue's tree.
#[Object(name = "Category")]
impl GraphCategory {
    /// Its id.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Its name in addresses of pages: unique.
    async fn slug(&self) -> String {
        self.0.slug.to_string()
    }

    /// Its name in the language of the request, or the nearest there is.
    async fn name(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(reader::text(ctx, &self.0.name)?.unwrap_or_default().to_owned())
    }

    /// Its name in every language.
    #[graphql(directive = requires_scopes::apply(scope(reader::SEES_ALL)))]
    async fn name_translations(&self, ctx: &Context<'_>) -> Result<Vec<Translation>> {
        reader::only_staff(ctx)?;
        Ok(reader::translations(&self.0.name))
    }

    /// Place among its siblings, ascending.
    async fn position(&self) -> i32 {
        self.0.position
    }

    /// Its parent; absent for a root.
    async fn parent(&self, ctx: &Context<'_>) -> Result<Option<GraphCategory>> {
        let tree = ctx.data::<CatalogService>()?.categories();
        Ok(self.0.parent.and_then(|id| tree.get(id).cloned()).map(GraphCategory))
    }

    /// Its children, in their order.
    async fn children(&self, ctx: &Context<'_>) -> Result<Vec<GraphCategory>> {
        Ok(nodes(ctx.data::<CatalogService>()?.categories().children(Some(self.0.id))))
    }

    /// From the root to the category itself.
    async fn breadcrumb(&self, ctx: &Context<'_>) -> Result<Vec<GraphCategory>> {
        Ok(nodes(&ctx.data::<CatalogService>()?.categories().path(self.0.id)))
    }

    /// Products of it and of all categories below it that are published in the channel of the request.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order.", default)] sort: ProductOrder,
        #[graphql(desc = "The first n, at most 100; 24 when nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last n, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Products> {
        let window = reader::window(first, after.as_deref(), last, before.as_deref())?;
        published(ctx, Some(self.0.id), sort, window).await
    }
}
