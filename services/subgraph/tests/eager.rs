//! An eager object answers as any other object does.

use async_graphql::{EmptyMutation, EmptySubscription, Object, Result, Schema, Value};
use emporia_subgraph::Eager;

struct Thing(i32);

#[Object]
impl Thing {
    async fn number(&self) -> i32 {
        self.0
    }

    async fn twice(&self, by: Option<i32>) -> i32 {
        self.0 * by.unwrap_or(2)
    }

    async fn broken(&self) -> Result<Option<i32>> {
        Err("it is broken".into())
    }

    async fn broken_for_good(&self) -> Result<i32> {
        Err("it is broken".into())
    }

    async fn parts(&self) -> Vec<Eager<Part>> {
        (0..self.0).map(|n| Eager(Part(n))).collect()
    }

    async fn inner(&self) -> Option<Thing> {
        (self.0 > 1).then(|| Thing(self.0 - 1))
    }
}

struct Part(i32);

#[Object]
impl Part {
    async fn name(&self) -> String {
        format!("part {}", self.0)
    }

    async fn fails(&self) -> Result<i32> {
        if self.0 == 1 { Err("the second one fails".into()) } else { Ok(self.0) }
    }
}

struct Query;

#[Object]
impl Query {
    async fn thing(&self) -> Thing {
        Thing(3)
    }

    async fn eager(&self) -> Eager<Thing> {
        Eager(Thing(3))
    }

    async fn things(&self) -> Vec<Thing> {
        vec![Thing(1), Thing(2)]
    }

    async fn eagers(&self) -> Vec<Eager<Thing>> {
        vec![Eager(Thing(1)), Eager(Thing(2))]
    }
}

#[tokio::test]
async fn an_eager_object_answers_like_any_other() {
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    for selection in [
        "number",
        "a: number b: twice c: twice(by: 5) __typename",
        "number ... on Thing { twice __typename } ... { c: twice(by: 7) }",
        "number ...F",
        "number twice @skip(if: true)",
        "... on Thing @include(if: false) { number } twice",
        "inner { number } inner { twice inner { number } }",
        "number number",
        "parts { name __typename } inner { parts { name } }",
        "number broken",
        "broken",
        "number brokenForGood twice",
        "number parts { name fails }",
    ] {
        let mut answers = vec![];
        for (one, many) in [("thing", "things"), ("eager", "eagers")] {
            let fragment = if selection.contains("...F") {
                "fragment F on Thing { twice inner { number } }"
            } else {
                ""
            };
            let query = format!("{{ {one} {{ {selection} }} {many} {{ {selection} }} }} {fragment}");
            let answer = schema.execute(query).await;
            let data = match answer.data {
                Value::Object(data) => data.into_values().collect(),
                other => vec![other],
            };
            let errors: Vec<_> =
                answer.errors.into_iter().map(|e| (e.message, format!("{:?}", e.path.get(1..)))).collect();
            answers.push((data, errors));
        }
        assert_eq!(answers[0], answers[1], "{selection}");
    }
}
