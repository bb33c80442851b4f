//! Many products at a time, as imports and feeds bring them.

use crate::{
    commands::{
        CatalogRefusal,
        products::{self, ProductDraft, Surroundings},
    },
    model::{Claimed, Product},
    service::{
        CatalogError, CatalogService, Room, StoredProduct,
        products::{Claims, given_up, wanted},
    },
};
use emporia_contracts::{channels::Channel, ids::ProductId, values::ChannelKey};
use emporia_events::EventMeta;
use emporia_store::{Key, StoreError, Tx};
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

/// Operations of one transaction that are planned for; the store's limit is 100.
const OPERATIONS: usize = 95;
/// Bytes of drafts that go into one transaction; the store's limit is 4 MB.
const BYTES: usize = 1_000_000;
/// Transactions under way at once: they share the store's group commit.
const AT_ONCE: usize = 8;

/// What became of one draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upserted {
    /// A product was made.
    Created(ProductId),
    /// The product was changed.
    Updated(ProductId),
    /// The product was so already.
    Unchanged(ProductId),
    /// It is not acceptable. Of a product with very many new variants some may have been taken.
    Refused(CatalogRefusal),
}

/// What one transaction did with one draft.
#[derive(Debug, Clone)]
enum Step {
    Done(Upserted),
    /// Only some of its variants fit: it needs further transactions.
    PartWay {
        made: bool,
    },
}

/// What is to be done with a draft.
enum Plan {
    Refuse(CatalogRefusal),
    Leave(ProductId),
    Write { before: Option<ProductId>, product: Box<Product>, whole: bool },
}

impl CatalogService {
    /// Makes or changes products: each is found by its external id, or without one by its slug, and becomes as the
    /// draft says. Answers per draft, in order. Idempotent: a product that is so already is not written and tells
    /// nothing. A draft that is refused does not spoil the others.
    ///
    /// # Errors
    /// [`CatalogError`] when the store fails; what was done until then stays, and doing it again is harmless.
    pub async fn upsert_products(
        &self,
        drafts: Vec<ProductDraft>,
        meta: EventMeta,
    ) -> Result<Vec<Upserted>, CatalogError> {
        self.to_the_end(async move |room: Arc<Room>| {
            let channels = room.channels().await?;
            let mut names = HashSet::with_capacity(drafts.len());
            let first = |draft: &ProductDraft| names.insert(identity(draft));
            let fresh: Vec<bool> = drafts.iter().map(first).collect();
            let single: Vec<&ProductDraft> =
                drafts.iter().zip(&fresh).filter(|(_, fresh)| **fresh).map(|(draft, _)| draft).collect();
            let (this, channels, meta) = (&room, &channels, &meta);
            let mut work = vec![];
            for group in groups(&single) {
                work.push(this.upsert_group(group, channels, meta).boxed());
            }
            let done: Vec<Vec<Upserted>> = stream::iter(work).buffered(AT_ONCE).try_collect().await?;
            let mut done = done.into_iter().flatten();
            let outcome =
                |fresh| if fresh { done.next() } else { Some(Upserted::Refused(CatalogRefusal::Twice)) };
            Ok(fresh.into_iter().filter_map(outcome).collect())
        })
        .await
    }
}

fn identity(draft: &ProductDraft) -> Key {
    match &draft.external_id {
        Some(id) => Claimed::ExternalId(id).key(),
        None => Claimed::Slug(&draft.slug).key(),
    }
}

/// Drafts that are likely to fit one transaction, in order.
fn groups<'a, 'd>(drafts: &'a [&'d ProductDraft]) -> Vec<&'a [&'d ProductDraft]> {
    let (mut groups, mut rest) = (vec![], drafts);
    while !rest.is_empty() {
        let (mut operations, mut bytes) = (1, 0);
        let fits = |draft: &&&ProductDraft| {
            let texts = draft.title.iter().chain(draft.description.iter());
            bytes += texts.map(|(_, text)| text.len()).sum::<usize>() + 500 * (1 + draft.variants.len());
            // The product, its slug, its external id, its event, its SKUs.
            operations += 4 + draft.variants.len();
            operations <= OPERATIONS && bytes <= BYTES
        };
        let count = rest.iter().take_while(fits).count().max(1);
        let (group, behind) = rest.split_at(count);
        groups.push(group);
        rest = behind;
    }
    groups
}

impl Room {
    async fn upsert_group(
        &self,
        drafts: &[&ProductDraft],
        channels: &BTreeMap<ChannelKey, Channel>,
        meta: &EventMeta,
    ) -> Result<Vec<Upserted>, StoreError> {
        let mut outcomes = self.upsert_all(drafts, channels, meta).await?;
        // A name may have been taken between two readings by another feed that brings the same product: then a second
        // look finds that product.
        for (outcome, draft) in outcomes.iter_mut().zip(drafts) {
            if matches!(outcome, Upserted::Refused(refusal) if refusal.is_taken()) {
                let again = self.upsert_all(&[draft], channels, meta).await?;
                again.into_iter().for_each(|again| *outcome = again);
            }
        }
        Ok(outcomes)
    }

    async fn upsert_all(
        &self,
        drafts: &[&ProductDraft],
        channels: &BTreeMap<ChannelKey, Channel>,
        meta: &EventMeta,
    ) -> Result<Vec<Upserted>, StoreError> {
        let mut outcomes = Vec::with_capacity(drafts.len());
        let mut made_before = false;
        let mut rest = drafts;
        while !rest.is_empty() {
            let landed = self
                .space
                .transact_versioned(|tx| async move { self.upsert_step(&tx, rest, channels, meta).await })
                .await?;
            let (steps, written) = landed.value;
            if let Some(version) = landed.version {
                written
                    .into_iter()
                    .for_each(|product| drop(self.memory.keep(StoredProduct { version, product })));
            }
            for step in steps {
                match step {
                    Step::PartWay { made } => made_before |= made,
                    Step::Done(Upserted::Updated(id) | Upserted::Unchanged(id)) if made_before => {
                        outcomes.push(Upserted::Created(id));
                        made_before = false;
                    }
                    Step::Done(outcome) => {
                        outcomes.push(outcome);
                        made_before = false;
                    }
                }
            }
            rest = drafts.get(outcomes.len()..).unwrap_or_default();
        }
        Ok(outcomes)
    }

    /// Does as many of the drafts, from the first on, as fit the transaction: at least a part of the first.
    async fn upsert_step(
        &self,
        tx: &Tx,
        drafts: &[&ProductDraft],
        channels: &BTreeMap<ChannelKey, Channel>,
        meta: &EventMeta,
    ) -> Result<(Vec<Step>, Vec<Product>), StoreError> {
        let (tree, types) = (self.tree_within(tx).await?, self.types.load_full());
        let around = Surroundings {
            types: &types,
            tree: &tree,
            channels,
            ids: &self.ids,
            now: self.space.clock().now(),
        };
        let mut claims = Claims::new();
        let names = drafts.iter().flat_map(|d| [Some(Claimed::Slug(&d.slug).key()), Some(identity(d))]);
        self.read_claims(tx, &mut claims, names.flatten().collect::<HashSet<_>>().into_iter()).await?;
        let known: Vec<Option<ProductId>> =
            drafts.iter().map(|draft| claims.get(&identity(draft)).copied().flatten()).collect();
        let keys: Vec<Key> = known.iter().flatten().map(|id| Product::key_of(*id)).collect();
        let found = tx.get_many::<Product>(&keys).await?.into_iter().flatten();
        let before: HashMap<ProductId, Product> = found.map(|found| (found.value.id, found.value)).collect();

        let mut left = OPERATIONS.saturating_sub(1 + claims.len() + keys.len());
        let mut plans = Vec::with_capacity(drafts.len());
        for (draft, id) in drafts.iter().zip(known) {
            let old = id.and_then(|id| before.get(&id));
            let (plan, cost) = match products::shape(old, draft, &around) {
                Err(refusal) => (Plan::Refuse(refusal), 0),
                Ok(None) => {
                    (old.map_or_else(|| Plan::Refuse(CatalogRefusal::Twice), |old| Plan::Leave(old.id)), 0)
                }
                Ok(Some(product)) => {
                    let unread =
                        wanted(old, &product).iter().filter(|(key, _)| !claims.contains_key(key)).count();
                    let cost = unread + given_up(old, &product).len() + usize::from(old.is_none()) + 1;
                    let before = old.map(|old| old.id);
                    match products::part_way(old, &product, left.saturating_sub(4)).filter(|_| cost > left) {
                        Some(part) if plans.is_empty() => {
                            (Plan::Write { before, product: Box::new(part), whole: false }, left)
                        }
                        Some(_) => break,
                        None if cost > left && !plans.is_empty() => break,
                        None => (Plan::Write { before, product: Box::new(product), whole: true }, cost),
                    }
                }
            };
            left = left.saturating_sub(cost);
            plans.push(plan);
        }

        let names = plans.iter().filter_map(|plan| match plan {
            Plan::Write { before: old, product, .. } => {
                Some(wanted(old.and_then(|id| before.get(&id)), product))
            }
            Plan::Refuse(_) | Plan::Leave(_) => None,
        });
        let names: HashSet<Key> = names.flatten().map(|(key, _)| key).collect();
        self.read_claims(tx, &mut claims, names.into_iter()).await?;
        let (mut steps, mut written) = (Vec::with_capacity(plans.len()), vec![]);
        for plan in plans {
            steps.push(match plan {
                Plan::Refuse(refusal) => Step::Done(Upserted::Refused(refusal)),
                Plan::Leave(id) => Step::Done(Upserted::Unchanged(id)),
                Plan::Write { before: id, product, whole } => {
                    let old = id.and_then(|id| before.get(&id));
                    match self.write(tx, old, &product, &mut claims, meta)? {
                        Err(refusal) => Step::Done(Upserted::Refused(refusal)),
                        Ok(()) => {
                            let id = product.id;
                            written.push(*product);
                            match (whole, old.is_none()) {
                                (false, made) => Step::PartWay { made },
                                (true, true) => Step::Done(Upserted::Created(id)),
                                (true, false) => Step::Done(Upserted::Updated(id)),
                            }
                        }
                    }
                }
            });
        }
        Ok((steps, written))
    }
}
