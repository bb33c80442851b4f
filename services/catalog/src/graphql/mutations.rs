use crate::{
    commands::{
        CatalogRefusal, categories::DefineCategory, product_types::DefineProductType, products::ProductPatch,
    },
    graphql::{
        attributes::GraphProductType,
        category::GraphCategory,
        inputs::{
            CreateProductInput, DefineCategoryInput, DefineProductTypeInput, PublishProductInput,
            UpdateProductInput, all, texts,
        },
        product::GraphProduct,
        reader,
    },
    service::{CatalogError, CatalogService, StoredProduct},
};
use async_graphql::{Context, Object, Result, SimpleObject};
use emporia_contracts::values::ChannelKey;
use emporia_store::Version;
use emporia_subgraph::{
    UserError, UserErrorCode, access::*, bad_input, caching::*, context, idempotency, parse, parse_id,
    parse_key,
};
use std::sync::Arc;

/// What came of making or changing a product.
#[derive(SimpleObject)]
pub struct ProductPayload {
    /// The product as it is now.
    product: Option<GraphProduct>,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// What came of defining a product type.
#[derive(SimpleObject)]
pub struct DefineProductTypePayload {
    /// The product type as it is now.
    product_type: Option<GraphProductType>,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// What came of defining a category.
#[derive(SimpleObject)]
pub struct DefineCategoryPayload {
    /// The category as it is now.
    category: Option<GraphCategory>,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

fn user_error(refusal: &CatalogRefusal) -> UserError {
    use UserErrorCode as Code;
    let code = match refusal {
        CatalogRefusal::Invalid { .. } | CatalogRefusal::Cycle(_) => Code::Invalid,
        CatalogRefusal::TooMuch { .. } => Code::LimitExceeded,
        CatalogRefusal::UnknownType(_)
        | CatalogRefusal::UnknownCategory(_)
        | CatalogRefusal::UnknownChannel(_)
        | CatalogRefusal::UnknownProduct(_) => Code::NotFound,
        CatalogRefusal::SlugTaken(_)
        | CatalogRefusal::SkuTaken { .. }
        | CatalogRefusal::ExternalIdTaken(_)
        | CatalogRefusal::Twice => Code::Duplicate,
        CatalogRefusal::AttributeFixed(_) => Code::StateNotAllowed,
        CatalogRefusal::VersionConflict { .. } => Code::VersionConflict,
    };
    UserError::new(code, refusal.field(), refusal.to_string())
}

/// The entity, or what has to be put right; anything else is an error of the request.
fn settled<T>(outcome: Result<T, CatalogError>) -> Result<(Option<T>, Vec<UserError>)> {
    match outcome {
        Ok(entity) => Ok((Some(entity), vec![])),
        Err(CatalogError::Refused(refusal)) => Ok((None, vec![user_error(&refusal)])),
        Err(error) => Err(reader::failed(error)),
    }
}

fn product(outcome: Result<Arc<StoredProduct>, CatalogError>) -> Result<ProductPayload> {
    let (product, user_errors) = settled(outcome)?;
    Ok(ProductPayload { product: product.map(GraphProduct), user_errors })
}

fn version(text: Option<&str>) -> Result<Option<Version>> {
    let number = |text: &str| {
        text.parse().map_err(|_| bad_input("expectedVersion: pass a version as the product told it"))
    };
    Ok(text.map(number).transpose()?.map(Version::from_i64))
}

/// Changes of the catalogue.
pub struct Mutation;

impl Mutation {
    async fn publication(
        ctx: &Context<'_>,
        input: PublishProductInput,
        patch: impl FnOnce(Vec<ChannelKey>) -> ProductPatch,
    ) -> Result<ProductPayload> {
        let context = context(ctx)?;
        let channels = match input.channels {
            Some(keys) => all("channels", &keys)?,
            None => vec![context.channel.key.clone()],
        };
        let expected = version(input.expected_version.as_deref())?;
        let id = parse_id("id", &input.id)?;
        product(
            ctx.data::<CatalogService>()?.update_product(id, patch(channels), expected, context.meta()).await,
        )
    }
}

#[Object]
impl Mutation {
    /// Defines a product type, or changes the one with the key. The same again changes nothing.
    // No event tells it, so the field says itself what it makes old.
    #[graphql(
        directive = requires_scopes::apply(scope("catalog:write")),
        directive = cache_tag::apply("catalog".into())
    )]
    async fn define_product_type(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product type.")] input: DefineProductTypeInput,
    ) -> Result<DefineProductTypePayload> {
        let attributes = input.attributes.into_iter().enumerate();
        let wanted = DefineProductType {
            key: parse("key", &input.key)?,
            name: texts("name", input.name)?,
            attributes: attributes
                .map(|(i, a)| a.definition(&format!("attributes.{i}")))
                .collect::<Result<_>>()?,
        };
        let (defined, user_errors) =
            settled(ctx.data::<CatalogService>()?.define_product_type(wanted, context(ctx)?.meta()).await)?;
        Ok(DefineProductTypePayload { product_type: defined.map(GraphProductType), user_errors })
    }

    /// Defines a category, or changes the one with the id or the slug. The same again changes nothing.
    #[graphql(directive = requires_scopes::apply(scope("catalog:write")))]
    async fn define_category(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The category.")] input: DefineCategoryInput,
    ) -> Result<DefineCategoryPayload> {
        let wanted = DefineCategory {
            id: input.id.as_ref().map(|id| parse_id("id", id)).transpose()?,
            slug: parse("slug", &input.slug)?,
            name: texts("name", input.name)?,
            parent: parse_key("parent", input.parent.as_deref())?,
            position: input.position,
        };
        let meta = context(ctx)?.meta();
        let (defined, user_errors) =
            settled(ctx.data::<CatalogService>()?.define_category(wanted, meta).await)?;
        Ok(DefineCategoryPayload { category: defined.map(|c| GraphCategory(Arc::new(c))), user_errors })
    }

    /// Makes a product.
    #[graphql(directive = requires_scopes::apply(scope("catalog:write")))]
    async fn create_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product.")] input: CreateProductInput,
    ) -> Result<ProductPayload> {
        let context = context(ctx)?;
        let key = input.idempotency_key.as_deref();
        let once = key.map(|key| idempotency(context, "createProduct", key, &input)).transpose();
        let once = once.map_err(reader::store_fault)?;
        product(ctx.data::<CatalogService>()?.create_product(input.draft()?, once, context.meta()).await)
    }

    /// Changes a product; what is absent stays. The same again changes nothing.
    #[graphql(directive = requires_scopes::apply(scope("catalog:write")))]
    async fn update_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: UpdateProductInput,
    ) -> Result<ProductPayload> {
        let (id, expected) = (parse_id("id", &input.id)?, version(input.expected_version.as_deref())?);
        let meta = context(ctx)?.meta();
        product(ctx.data::<CatalogService>()?.update_product(id, input.patch()?, expected, meta).await)
    }

    /// Publishes a product in channels: shoppers see it there. Doing it again changes nothing.
    #[graphql(directive = requires_scopes::apply(scope("catalog:write")))]
    async fn publish_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product and where.")] input: PublishProductInput,
    ) -> Result<ProductPayload> {
        Self::publication(ctx, input, |publish| ProductPatch { publish, ..ProductPatch::default() }).await
    }

    /// Takes a product out of channels: shoppers no longer see it there. Doing it again changes nothing.
    #[graphql(directive = requires_scopes::apply(scope("catalog:write")))]
    async fn unpublish_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product and where.")] input: PublishProductInput,
    ) -> Result<ProductPayload> {
        Self::publication(ctx, input, |unpublish| ProductPatch { unpublish, ..ProductPatch::default() }).await
    }
}
