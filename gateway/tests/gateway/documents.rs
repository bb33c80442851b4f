//! Documents that clients name instead of sending them, and requests that hold several operations.

use axum::body::{Body, to_bytes};
use emporia_gateway::{BuildError, Config, Gateway, ManifestError};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use crate::{
    server::app,
    support::{builder, codes, gateway, gateway_with},
};

const QUERY: &str = "query One($sku: ID!) { product(sku: $sku) { sku } }";

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn persisted(query: Option<&str>, hash: &str) -> Value {
    let mut request = json!({
        "variables": {"sku": "sku-1"},
        "extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash}}
    });
    if let Some(query) = query {
        request["query"] = query.into();
    }
    request
}

async fn post(gateway: &Gateway, body: &Value) -> (StatusCode, Value) {
    let request = Request::post("/graphql").header("content-type", "application/json");
    let response =
        app(gateway.clone()).oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

async fn get(gateway: &Gateway, parameters: &str) -> Value {
    let request = Request::get(format!("/graphql?{parameters}")).header("apollo-require-preflight", "1");
    let response = app(gateway.clone()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn a_text_is_sent_once_and_then_named_by_its_hash() {
    let gateway = gateway();
    let (status, unknown) = post(&gateway, &persisted(None, &hash(QUERY))).await;
    assert_eq!((status, codes(&unknown)), (StatusCode::OK, vec!["PERSISTED_QUERY_NOT_FOUND".into()]));
    // Clients look for these very words.
    assert_eq!(unknown["errors"][0]["message"], "PersistedQueryNotFound");
    let sku = json!({"data": {"product": {"sku": "sku-1"}}});
    assert_eq!(post(&gateway, &persisted(Some(QUERY), &hash(QUERY))).await.1, sku);
    assert_eq!(post(&gateway, &persisted(None, &hash(QUERY))).await.1, sku);
    assert_eq!(post(&gateway, &persisted(None, &hash(QUERY).to_uppercase())).await.1, sku);
    let by_get = format!(
        "variables=%7B%22sku%22:%22sku-1%22%7D&extensions=%7B%22persistedQuery%22:%7B%22version%22:1,%22sha256Hash%22:%22{}%22%7D%7D",
        hash(QUERY)
    );
    assert_eq!(get(&gateway, &by_get).await, sku);
}

#[tokio::test]
async fn a_hash_that_is_not_the_texts_and_a_text_that_is_no_document_are_not_remembered() {
    let gateway = gateway();
    let lie = post(&gateway, &persisted(Some(QUERY), &hash("{ whoAsks }"))).await.1;
    assert_eq!(codes(&lie), ["BAD_REQUEST"]);
    assert_eq!(codes(&post(&gateway, &persisted(None, &hash(QUERY))).await.1), ["PERSISTED_QUERY_NOT_FOUND"]);
    let nonsense = "{ nothing }";
    let refused = post(&gateway, &persisted(Some(nonsense), &hash(nonsense))).await.1;
    assert_eq!(codes(&refused), ["GRAPHQL_VALIDATION_FAILED"]);
    let again = post(&gateway, &persisted(None, &hash(nonsense))).await.1;
    assert_eq!(codes(&again), ["PERSISTED_QUERY_NOT_FOUND"]);
    for (version, hash) in [(2, hash(QUERY)), (1, "abc".into()), (1, "x".repeat(64))] {
        let mut request = persisted(None, &hash);
        request["extensions"]["persistedQuery"]["version"] = version.into();
        assert_eq!(codes(&post(&gateway, &request).await.1), ["BAD_REQUEST"], "{request}");
    }
}

#[tokio::test]
async fn where_nothing_is_remembered_clients_are_told_to_send_their_texts() {
    let gateway = gateway_with(|c| c.documents.automatic = false);
    let refused = post(&gateway, &persisted(None, &hash(QUERY))).await.1;
    assert_eq!(codes(&refused), ["PERSISTED_QUERY_NOT_SUPPORTED"]);
    assert_eq!(refused["errors"][0]["message"], "PersistedQueryNotSupported");
    let sent = post(&gateway, &persisted(Some(QUERY), &hash(QUERY))).await.1;
    assert_eq!(sent["data"]["product"]["sku"], "sku-1");
}

fn trusting(path: &std::path::Path, only: bool) -> Result<Gateway, BuildError> {
    let mut config = Config::demo();
    config.documents.trusted = Some(path.to_owned());
    config.documents.only_trusted = only;
    builder().config(config).build()
}

#[tokio::test]
async fn where_only_trusted_documents_are_answered_every_other_text_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let apollo = json!({"format": "apollo-persisted-query-manifest", "version": 1, "operations": [
        {"id": "one", "name": "One", "type": "query", "body": QUERY}
    ]});
    std::fs::write(dir.path().join("apollo.json"), apollo.to_string()).unwrap();
    let who = "query Who { whoAsks }";
    std::fs::write(dir.path().join("relay.json"), json!({hash(who): who}).to_string()).unwrap();
    std::fs::write(dir.path().join("file.graphql"), "query File { warehouses }").unwrap();
    std::fs::write(dir.path().join("README.md"), "not a document").unwrap();
    let gateway = trusting(dir.path(), true).unwrap();
    let file = hash("query File { warehouses }");
    for request in [
        json!({"documentId": "one", "variables": {"sku": "sku-1"}}),
        json!({"query": QUERY, "variables": {"sku": "sku-1"}}),
        json!({"documentId": format!("sha256:{}", hash(who))}),
        json!({"documentId": file}),
        persisted(None, &hash(who)),
        persisted(Some(QUERY), &hash(QUERY)),
    ] {
        let answer = post(&gateway, &request).await.1;
        assert!(answer.get("errors").is_none() && answer.get("data").is_some(), "{request}: {answer}");
    }
    let other = "{ whoAsks }";
    for (request, code) in [
        (json!({"query": other}), "DOCUMENT_NOT_TRUSTED"),
        (json!({"query": format!("{QUERY} ")}), "DOCUMENT_NOT_TRUSTED"),
        (json!({"documentId": "two"}), "DOCUMENT_NOT_FOUND"),
        (json!({"documentId": "one", "query": other}), "BAD_REQUEST"),
        (persisted(None, &hash(other)), "DOCUMENT_NOT_FOUND"),
        (persisted(Some(other), &hash(other)), "DOCUMENT_NOT_TRUSTED"),
    ] {
        assert_eq!(codes(&post(&gateway, &request).await.1), [code], "{request}");
    }
    assert_eq!(get(&gateway, &format!("documentId={file}")).await["data"]["warehouses"][0], "AMS1");
}

#[test]
fn trusted_documents_that_cannot_be_read_stop_the_start_with_the_file_and_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let said = |path: &std::path::Path| trusting(path, true).err().expect("refused").to_string();
    let missing = dir.path().join("none.json");
    assert!(said(&missing).contains("none.json: No such file"), "{}", said(&missing));
    let broken = dir.path().join("broken.json");
    std::fs::write(&broken, "[1]").unwrap();
    assert!(said(&broken).contains("broken.json: "), "{}", said(&broken));
    std::fs::write(&broken, json!({"a": "{ a }"}).to_string()).unwrap();
    std::fs::write(dir.path().join("other.json"), json!({"a": "{ b }"}).to_string()).unwrap();
    assert!(said(dir.path()).contains("the id a stands for two documents"), "{}", said(dir.path()));
    let mut config = Config::demo();
    config.documents.only_trusted = true;
    let unnamed = builder().config(config).build().err().expect("refused");
    assert!(matches!(unnamed, BuildError::Documents(ManifestError::NotNamed)), "{unnamed}");
}

#[tokio::test]
async fn a_request_may_hold_several_operations_each_with_limits_of_its_own() {
    let gateway = gateway();
    let batch = json!([
        {"query": QUERY, "variables": {"sku": "sku-2"}},
        {"query": "{ nothing }"},
        {"query": "mutation { placeOrder(input: {skus: [\"sku-1\"]}) { id } }"},
        {"query": "{ products(first: 1000000) { sku } }"}
    ]);
    let (status, answers) = post(&gateway, &batch).await;
    assert_eq!(status, StatusCode::OK);
    let codes: Vec<_> = answers.as_array().unwrap().iter().map(codes).collect();
    assert_eq!(
        codes,
        [
            vec![],
            vec!["GRAPHQL_VALIDATION_FAILED".to_owned()],
            vec!["UNAUTHENTICATED".into()],
            vec!["LIMIT_COMPLEXITY".into()]
        ]
    );
    assert_eq!(answers[0]["data"]["product"]["sku"], "sku-2");
}

#[tokio::test]
async fn a_batch_larger_than_allowed_is_refused_as_a_whole() {
    let of = |n: usize| Value::Array(vec![json!({"query": "{ whoAsks }"}); n]);
    let gateway = gateway_with(|c| c.limits.batch = 3);
    assert_eq!(post(&gateway, &of(3)).await.1.as_array().unwrap().len(), 3);
    let (status, refused) = post(&gateway, &of(4)).await;
    assert_eq!((status, codes(&refused)), (StatusCode::BAD_REQUEST, vec!["LIMIT_BATCH".into()]));
}
