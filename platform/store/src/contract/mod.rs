//! One suite that every backend passes: what the port promises, tried through its public face.
//!
//! A backend's tests implement [`Fixture`] and call [`contract_tests!`](crate::contract_tests), which makes one test
//! of each case. The cases panic when a promise is broken: they are tests, kept here so that no backend has its own.

pub mod documents;
pub mod expiry;
pub mod indexes;
pub mod keys;
pub mod limits;
pub mod log;
pub mod once;
pub mod restart;
pub mod sample;
pub mod schema;
pub mod tallies;
pub mod transactions;

use crate::{Space, SpaceSchema, Store, StoreError};
use async_trait::async_trait;
use emporia_id::{FixedClock, SharedClock};
use std::sync::Arc;

/// One empty place for data, which can be opened again after it was closed.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// Opens the place.
    ///
    /// # Errors
    /// What the backend reports.
    async fn open(&self, schemas: Vec<SpaceSchema>, clock: SharedClock) -> Result<Store, StoreError>;
}

/// An opened store with two spaces of the same schema, and a clock that the case owns.
pub(crate) struct World {
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) store: Store,
    pub(crate) space: Space,
    pub(crate) other: Space,
}

impl World {
    pub(crate) async fn open(fixture: &dyn Fixture) -> Self {
        Self::open_at(fixture, Arc::new(FixedClock::at(sample::instant(0)))).await
    }

    pub(crate) async fn open_at(fixture: &dyn Fixture, clock: Arc<FixedClock>) -> Self {
        let schemas = vec![sample::schema("bank"), sample::schema("other")];
        let store = fixture.open(schemas, Arc::<FixedClock>::clone(&clock)).await.expect("opens");
        let space = store.space("bank").expect("declared");
        let other = store.space("other").expect("declared");
        Self { clock, store, space, other }
    }

    /// Closes the store and opens the same place again.
    pub(crate) async fn reopen(self, fixture: &dyn Fixture) -> Self {
        self.store.close().await;
        let clock = self.clock;
        drop((self.store, self.space, self.other));
        Self::open_at(fixture, clock).await
    }
}

/// Runs `many` tasks at once and gives their results in order.
pub(crate) async fn at_once<R, Fut>(many: usize, task: impl Fn(usize) -> Fut) -> Vec<R>
where
    R: Send + 'static,
    Fut: Future<Output = R> + Send + 'static,
{
    let tasks: Vec<_> = (0..many).map(|i| tokio::spawn(task(i))).collect();
    let mut results = Vec::with_capacity(many);
    for task in tasks {
        results.push(task.await.expect("the task does not panic"));
    }
    results
}

/// Makes one `#[tokio::test]` of every case. The argument is an expression that makes a fresh [`Fixture`].
#[macro_export]
macro_rules! contract_tests {
    ($make:expr) => {
        $crate::contract_tests! {
            @each $make;
            documents:
                a_document_is_read_back_as_it_was_written
                many_documents_come_in_the_order_asked_for
                versions_grow_and_never_repeat
                put_demands_a_reading
                insert_refuses_what_is_there
                overwrite_and_delete_ask_nothing
                a_transaction_sees_its_own_writes
                children_come_in_order_and_in_ranges
                children_page_both_ways
                a_transaction_lays_its_writes_over_children
                a_space_reaches_only_itself;
            transactions:
                documents_tallies_and_events_commit_together
                a_refusal_applies_nothing
                a_refused_transaction_does_not_spoil_its_neighbours
                a_lost_race_runs_the_closure_again
                sixty_four_writers_of_one_document_all_count
                readings_guard_against_write_skew
                a_reading_stays_the_same_within_a_transaction
                a_closure_that_always_loses_gives_up
                nothing_written_is_nothing_committed
                a_transaction_runs_inside_async_traits
                a_handle_is_dead_after_its_transaction;
            once:
                the_first_result_is_given_again
                another_request_under_the_same_key_is_refused
                sixty_four_callers_have_one_effect
                a_failure_leaves_the_key_free
                a_key_is_forgotten_after_its_time;
            tallies:
                a_tally_that_nobody_changed_is_zero
                changes_of_one_transaction_sum_up
                a_floor_refuses_and_names_the_field
                sixty_four_takers_never_take_too_much
                a_hot_tally_costs_no_repetition
                overflow_is_refused
                undeclared_tallies_and_fields_are_refused;
            indexes:
                ranges_are_half_open_and_ordered
                pages_join_to_the_whole_list_both_ways
                equal_keys_are_ordered_by_document
                an_index_follows_its_document
                a_text_beginning_finds_all_that_begin_so
                keys_and_counts_come_without_documents
                a_unique_entry_belongs_to_one_document
                a_unique_entry_is_free_when_it_is_given_up
                unique_entries_change_hands_in_one_transaction
                sixty_four_claims_of_one_entry_have_one_winner
                a_cursor_of_another_list_is_refused
                a_cursor_outlives_its_document;
            log:
                events_of_a_subject_are_numbered_from_one
                a_reader_skips_nothing_beside_slow_and_fast_writers
                reading_again_gives_the_same
                a_source_filter_walks_past_others
                a_watch_wakes_when_the_log_grows
                a_trimmed_log_says_so;
            expiry:
                an_expired_document_is_invisible_at_once
                an_expired_document_gives_way
                a_unique_entry_of_an_expired_document_is_really_free
                expired_children_are_invisible
                sweeping_removes_what_expired;
            limits:
                a_hundred_operations_are_allowed_and_no_more
                a_document_read_and_written_counts_once
                changed_unique_entries_count
                four_megabytes_are_allowed_and_no_more
                large_documents_keys_and_pages_are_refused;
            keys:
                keys_may_be_any_text
                malformed_keys_are_refused
                a_document_of_another_collection_is_refused;
            restart:
                everything_is_there_after_opening_again
                counters_go_on_after_opening_again
                a_closed_store_says_so;
            schema:
                documents_are_brought_forward
                a_new_index_is_built
                a_changed_index_is_built_again
                an_index_cannot_become_unique_over_duplicates
                a_newer_schema_is_refused
                tallies_grow_at_the_end_only
                contradictions_are_refused;
        }
    };
    (@each $make:expr; $($module:ident: $($case:ident)*;)*) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let fixture = $make;
                $crate::contract::$module::$case(&fixture).await;
            }
        )*)*
    };
}
