use crate::{
    graphql::{
        attributes::GraphProductType,
        category::{GraphCategory, Products, connection, nodes, published},
        loaders,
        product::{GraphProduct, GraphVariant, ProductOrder},
        reader,
    },
    service::{CatalogService, ListProducts, StoredProduct},
};
use async_graphql::{Context, ID, Object, Result};
use emporia_contracts::{ids::CategoryId, values::Sku};
use emporia_subgraph::{Eager, access::*, bad_input, caching::*, context, not_found, parse, parse_id};
use std::sync::Arc;

/// Seconds that what the catalogue says may be kept. A change is told by an event; this bounds what nobody tells.
const MAX_AGE: i32 = 60;

/// Whatever changes in the catalogue, answers with one of its root fields may be others.
fn catalog() -> String {
    "catalog".into()
}

/// Questions about the catalogue.
pub struct Query;

fn visible(ctx: &Context<'_>, found: Option<Arc<StoredProduct>>) -> Result<Option<Eager<GraphProduct>>> {
    let context = context(ctx)?;
    Ok(found
        .filter(|stored| reader::sees(context, &stored.product))
        .map(|stored| Eager(GraphProduct(stored))))
}

async fn variant(ctx: &Context<'_>, sku: &str) -> Result<Option<Eager<GraphVariant>>> {
    let sku: Sku = parse("sku", sku)?;
    let found = ctx.data::<loaders::Skus>()?.load_one(sku.clone()).await.map_err(reader::store_fault)?;
    let context = context(ctx)?;
    let found = found.filter(|stored| reader::sees(context, &stored.product));
    Ok(found.and_then(|stored| {
        let place = stored.product.variants.iter().position(|variant| variant.sku == sku)?;
        Some(Eager(GraphVariant { stored, place }))
    }))
}

#[Object]
impl Query {
    /// A product by its id or its slug; absent when there is none, or it is not published in the channel of the request.
    #[graphql(
        directive = public::apply(),
        directive = cache_control::apply(MAX_AGE),
        directive = cache_tag::apply(catalog())
    )]
    async fn product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: Option<ID>,
        #[graphql(desc = "Or its slug.")] slug: Option<String>,
    ) -> Result<Option<Eager<GraphProduct>>> {
        let service = ctx.data::<CatalogService>()?;
        let found = match (id, slug) {
            (Some(id), None) => ctx.data::<loaders::Products>()?.load_one(parse_id("id", &id)?).await,
            (None, Some(slug)) => service.product_by_slug(&parse("slug", &slug)?).await,
            _ => return Err(bad_input("ask for a product by id or by slug")),
        };
        visible(ctx, found.map_err(reader::store_fault)?)
    }

    /// A variant by its SKU; absent when there is none, or its product is not published in the channel of the request.
    #[graphql(
        directive = public::apply(),
        directive = cache_control::apply(MAX_AGE),
        directive = cache_tag::apply(catalog())
    )]
    async fn product_variant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Stock keeping unit.")] sku: String,
    ) -> Result<Option<Eager<GraphVariant>>> {
        variant(ctx, &sku).await
    }

    /// Products that are published in the channel of the request.
    #[graphql(
        directive = public::apply(),
        directive = cache_control::apply(MAX_AGE),
        directive = cache_tag::apply(catalog())
    )]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Slug of a category: only products of it and of all categories below it.")] category: Option<
            String,
        >,
        #[graphql(desc = "The order.", default)] sort: ProductOrder,
        #[graphql(
            desc = "Also what is not published anywhere, newest first. It needs the scope catalog:read and goes with no \
                    category or other order.",
            default
        )]
        include_unpublished: bool,
        #[graphql(desc = "The first n, at most 100; 24 when nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last n, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Products> {
        let window = reader::window(first, after.as_deref(), last, before.as_deref())?;
        let service = ctx.data::<CatalogService>()?;
        if include_unpublished {
            reader::only_staff(ctx)?;
            if category.is_some() || sort == ProductOrder::Title {
                return Err(bad_input("includeUnpublished goes with no category or other order"));
            }
            let page = service.list(&ListProducts::Everything, window).await.map_err(reader::store_fault)?;
            return Ok(connection(page));
        }
        let category = match category {
            Some(slug) => {
                let slug = parse("category", &slug)?;
                let found = service.categories().by_slug(&slug).map(|c| c.id);
                Some(found.ok_or_else(|| not_found(format!("there is no category \"{slug}\"")))?)
            }
            None => None,
        };
        published(ctx, category, sort, window).await
    }

    /// A category by its slug.
    #[graphql(
        directive = public::apply(),
        directive = cache_control::apply(MAX_AGE),
        directive = cache_tag::apply(catalog())
    )]
    async fn category(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its slug.")] slug: String,
    ) -> Result<Option<GraphCategory>> {
        let tree = ctx.data::<CatalogService>()?.categories();
        Ok(tree.by_slug(&parse("slug", &slug)?).cloned().map(GraphCategory))
    }

    /// The roots of the catalogue's tree, in their order.
    #[graphql(
        directive = public::apply(),
        directive = cache_control::apply(MAX_AGE),
        directive = cache_tag::apply(catalog())
    )]
    async fn categories(&self, ctx: &Context<'_>) -> Result<Vec<GraphCategory>> {
        Ok(nodes(ctx.data::<CatalogService>()?.categories().children(None)))
    }

    /// Every product type, by key.
    #[graphql(
        directive = public::apply(),
        directive = cache_control::apply(MAX_AGE),
        directive = cache_tag::apply(catalog())
    )]
    async fn product_types(&self, ctx: &Context<'_>) -> Result<Vec<GraphProductType>> {
        Ok(ctx.data::<CatalogService>()?.product_types().values().cloned().map(GraphProductType).collect())
    }

    #[graphql(entity)]
    async fn find_product_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<Eager<GraphProduct>>> {
        let found = ctx.data::<loaders::Products>()?.load_one(parse_id("id", &id)?).await;
        visible(ctx, found.map_err(reader::store_fault)?)
    }

    #[graphql(entity)]
    async fn find_product_variant_by_sku(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] sku: String,
    ) -> Result<Option<Eager<GraphVariant>>> {
        variant(ctx, &sku).await
    }

    #[graphql(entity)]
    async fn find_category_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<GraphCategory>> {
        let id: CategoryId = parse_id("id", &id)?;
        Ok(ctx.data::<CatalogService>()?.categories().get(id).cloned().map(GraphCategory))
    }
}
