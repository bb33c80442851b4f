//! Who reads, in which language and where.

use crate::{
    model::{Product, Texts},
    service::{CatalogError, Window},
};
use async_graphql::{Context, Result, SimpleObject};
use emporia_contracts::RequestContext;
use emporia_store::StoreError;
use emporia_subgraph::{context, fault, forbidden, page_size, parse_key, store_error};

/// The scope of those who see what is not published.
pub(super) const SEES_ALL: &str = "catalog:read";

/// A text in one language.
#[derive(Debug, Clone, SimpleObject)]
pub struct Translation {
    /// Language (BCP 47).
    locale: String,
    /// The text in it.
    text: String,
}

pub(super) fn translations(texts: &Texts) -> Vec<Translation> {
    let one = |(locale, text): (&_, &str)| Translation {
        locale: ToString::to_string(locale),
        text: text.to_owned(),
    };
    texts.iter().map(one).collect()
}

/// The text in the request's language, or the nearest there is.
pub(super) fn text<'a>(ctx: &Context<'_>, texts: &'a Texts) -> Result<Option<&'a str>> {
    let context = context(ctx)?;
    Ok(texts.for_reader(&context.locale, &context.channel.default_locale))
}

/// Whether the caller sees a product: it is published in his channel, or he works on the catalogue.
pub(super) fn sees(context: &RequestContext, product: &Product) -> bool {
    product.is_published_in(&context.channel.key) || context.may(SEES_ALL)
}

/// Refuses a field of those who work on the catalogue to others.
pub(super) fn only_staff(ctx: &Context<'_>) -> Result<()> {
    if context(ctx)?.may(SEES_ALL) {
        Ok(())
    } else {
        Err(forbidden(format!("this needs the scope {SEES_ALL}")))
    }
}

pub(super) fn window(
    first: Option<i32>,
    after: Option<&str>,
    last: Option<i32>,
    before: Option<&str>,
) -> Result<Window> {
    Ok(Window {
        size: page_size(first, last, 24)?,
        from_end: last.is_some(),
        after: parse_key("after", after)?,
        before: parse_key("before", before)?,
    })
}

pub(super) fn store_fault(error: StoreError) -> async_graphql::Error {
    store_error("catalog", error)
}

/// Everything but refusals, which are data.
pub(super) fn failed(error: CatalogError) -> async_graphql::Error {
    match error {
        CatalogError::Store(error) => store_fault(error),
        error => fault(error.into()),
    }
}
