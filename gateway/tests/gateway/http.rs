use axum::{
    Router,
    body::{Body, to_bytes},
};
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{
    server::app,
    support::{codes, gateway, gateway_with},
};

const JSON: (&str, &str) = ("content-type", "application/json");
const NEW: (&str, &str) = ("accept", "application/graphql-response+json");

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {:?}", String::from_utf8_lossy(&self.body)))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

async fn send(
    app: Router,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = app.oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

async fn post(headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    send(app(gateway()), "POST", "/graphql", headers, body).await
}

async fn get(query: &str, headers: &[(&str, &str)]) -> Answer {
    send(app(gateway()), "GET", &format!("/graphql?{query}"), headers, Body::empty()).await
}

fn body(query: &str) -> String {
    json!({ "query": query }).to_string()
}

#[tokio::test]
async fn a_query_is_answered_in_the_form_the_client_accepts() {
    for (accept, expected) in [
        (None, "application/json; charset=utf-8"),
        (Some("*/*"), "application/json; charset=utf-8"),
        (Some("application/json"), "application/json; charset=utf-8"),
        (Some("application/graphql-response+json"), "application/graphql-response+json; charset=utf-8"),
    ] {
        let mut headers = vec![JSON];
        headers.extend(accept.map(|a| ("accept", a)));
        let answer = post(&headers, body("{ __typename }")).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, expected), "{accept:?}");
        assert_eq!(answer.json(), json!({"data": {"__typename": "Query"}}));
    }
    assert_eq!(
        post(&[JSON, ("accept", "text/html")], body("{ __typename }")).await.status,
        StatusCode::NOT_ACCEPTABLE
    );
}

#[tokio::test]
async fn the_status_follows_graphql_over_http() {
    // (query, with application/json, with application/graphql-response+json, code)
    let table = [
        ("{ __typename }", 200, 200, None),
        ("{", 200, 400, Some("GRAPHQL_PARSE_FAILED")),
        ("{ nope }", 200, 400, Some("GRAPHQL_VALIDATION_FAILED")),
        ("{ __typename { name } }", 200, 400, Some("GRAPHQL_VALIDATION_FAILED")),
        ("{ __typename(of: 1) }", 200, 400, Some("GRAPHQL_VALIDATION_FAILED")),
        (
            "{ products(first: 3) { __schema { types { name } } } }",
            200,
            400,
            Some("GRAPHQL_VALIDATION_FAILED"),
        ),
        ("{ __nope }", 200, 400, Some("GRAPHQL_VALIDATION_FAILED")),
        ("query($a: Int!) { numbers(list: [$a]) }", 200, 400, Some("BAD_USER_INPUT")),
        ("{ order(id: \"1\") { id } }", 200, 401, Some("UNAUTHENTICATED")),
        ("subscription { ticks }", 200, 400, Some("BAD_REQUEST")),
        ("{ products(first: 3) { warehouse } }", 200, 200, Some("WAREHOUSE_OFFLINE")),
    ];
    for (query, old, new, code) in table {
        for (headers, status) in [(vec![JSON], old), (vec![JSON, NEW], new)] {
            let answer = post(&headers, body(query)).await;
            assert_eq!(answer.status.as_u16(), status, "{query}");
            assert_eq!(codes(&answer.json()).first().map(String::as_str), code, "{query}");
        }
    }
    let answer = post(&[JSON, NEW, ("authorization", "Bearer nobody")], body("{ orders { id } }")).await;
    assert_eq!((answer.status, codes(&answer.json())), (StatusCode::FORBIDDEN, vec!["FORBIDDEN".into()]));
}

#[tokio::test]
async fn a_bad_token_is_refused_even_for_public_fields() {
    let answer = post(&[JSON, ("authorization", "Bearer stolen")], body("{ __typename }")).await;
    assert_eq!(
        (answer.status, codes(&answer.json())),
        (StatusCode::UNAUTHORIZED, vec!["UNAUTHENTICATED".into()])
    );
    assert_eq!(answer.json()["errors"][0]["message"], "The token is not valid.");
}

#[tokio::test]
async fn malformed_bodies_are_refused_with_a_reason() {
    let table = [
        ("", "must be a JSON object"),
        ("null", "must be a JSON object"),
        ("\"{ __typename }\"", "must be a JSON object"),
        ("{", "EOF"),
        ("{}", "query"),
        ("{\"query\": 1}", "query"),
        ("{\"query\": null}", "query"),
        ("{\"query\": \"{ __typename }\", \"variables\": \"{}\"}", "variables"),
        ("{\"query\": \"{ __typename }\", \"variables\": [1]}", "variables"),
        ("{\"query\": \"{ __typename }\", \"operationName\": 7}", "operationName"),
        ("{\"query\": \"{ __typename }\", \"extensions\": 7}", "extensions"),
        ("[]", "empty"),
        ("[7]", "expected"),
        ("[{\"query\": \"{ __typename }\"}, {}]", "query"),
        ("{\"query\": \"\u{0}\"}", "control character"),
    ];
    for (body, reason) in table {
        let answer = post(&[JSON], body.to_owned()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(codes(&answer.json()), ["BAD_REQUEST"], "{body}");
        let message = answer.json()["errors"][0]["message"].to_string();
        assert!(message.contains(reason) || message.contains("expected"), "{body}: {message}");
    }
    let deep =
        format!("{{\"query\": \"a\", \"variables\": {}1{}}}", "{\"a\":".repeat(5000), "}".repeat(5000));
    assert_eq!(post(&[JSON], deep).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(post(&[JSON], vec![b'{', 0xff, 0xfe]).await.status, StatusCode::BAD_REQUEST);
    for nulls in ["variables", "operationName", "extensions"] {
        let body = format!("{{\"query\": \"{{ __typename }}\", \"{nulls}\": null}}");
        assert_eq!(post(&[JSON], body).await.status, StatusCode::OK, "{nulls}");
    }
}

#[tokio::test]
async fn only_json_is_read() {
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/json; charset=latin1",
    ] {
        let answer = post(&[("content-type", content_type)], body("{ __typename }")).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
    assert_eq!(post(&[], body("{ __typename }")).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(
        post(&[("content-type", "application/json; charset=UTF-8")], body("{ __typename }")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_body_larger_than_allowed_is_refused() {
    let app = app(gateway_with(|c| c.limits.body_bytes = 100));
    let answer =
        send(app, "POST", "/graphql", &[JSON], body(&format!("{{ __typename }} # {}", "x".repeat(100))))
            .await;
    assert_eq!(
        (answer.status, codes(&answer.json())),
        (StatusCode::PAYLOAD_TOO_LARGE, vec!["LIMIT_BODY".into()])
    );
}

#[tokio::test]
async fn get_answers_queries_and_changes_nothing() {
    let csrf = ("emporia-csrf", "1");
    let query =
        "query=query($s:ID!){product(sku:$s){name}}&variables=%7B%22s%22:%22sku-1%22%7D&operationName=";
    let answer = get(query, &[csrf]).await;
    assert_eq!(answer.json(), json!({"data": {"product": {"name": "Product 1"}}}));

    let token = ("authorization", "Bearer manager");
    let answer = get("query=mutation{countBusy}", &[csrf, token]).await;
    assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    assert_eq!(codes(&answer.json()), ["MUTATION_OVER_GET"]);

    for bad in ["", "variables=1", "query={__typename}&variables=no", "query={__typename}&variables=[1]"] {
        assert_eq!(get(bad, &[csrf]).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn a_get_that_any_page_could_send_is_refused() {
    let answer = get("query={__typename}", &[]).await;
    assert_eq!(
        (answer.status, codes(&answer.json())),
        (StatusCode::FORBIDDEN, vec!["CSRF_PREVENTED".into()])
    );
    for header in [("emporia-csrf", "1"), ("apollo-require-preflight", "true"), JSON] {
        assert_eq!(get("query={__typename}", &[header]).await.status, StatusCode::OK, "{header:?}");
    }
}

#[tokio::test]
async fn the_request_id_is_kept_or_made() {
    let kept = post(&[JSON, ("x-request-id", "edge-42")], body("{ __typename }")).await;
    assert_eq!(kept.header("x-request-id"), "edge-42");
    for bad in [None, Some(""), Some("a b"), Some("<script>")] {
        let mut headers = vec![JSON];
        headers.extend(bad.map(|b| ("x-request-id", b)));
        let made = post(&headers, body("{ __typename }")).await;
        assert_eq!(made.header("x-request-id").len(), 32, "{bad:?}");
    }
}

#[tokio::test]
async fn the_query_plan_comes_by_header() {
    let answer = post(&[JSON, ("emporia-query-plan", "1")], body("{ whoAsks }")).await;
    assert!(answer.json()["extensions"]["queryPlan"]["text"].as_str().unwrap().contains("Fetch"));
}

#[tokio::test]
async fn graphiql_is_served_from_here_alone() {
    let page = send(app(gateway()), "GET", "/graphiql", &[], Body::empty()).await;
    let html = String::from_utf8(page.body.clone()).unwrap();
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
    assert!(
        html.contains("query Products") && !html.contains("</script> with"),
        "examples cannot end the script"
    );
    assert!(!html.contains("http://") && !html.contains("https://"), "nothing from other servers");
    let mut assets = 0;
    for part in html.split("/graphiql/assets/").skip(1) {
        let name = part.split('"').next().unwrap();
        let asset =
            send(app(gateway()), "GET", &format!("/graphiql/assets/{name}"), &[], Body::empty()).await;
        assert_eq!(asset.status, StatusCode::OK, "{name}");
        assert!(!asset.body.is_empty() && !asset.header("content-type").is_empty(), "{name}");
        assets += 1;
    }
    assert_eq!(assets, 5);
    let missing = send(app(gateway()), "GET", "/graphiql/assets/../../Cargo.toml", &[], Body::empty()).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn graphiql_is_off_unless_wanted() {
    let app = emporia_gateway::router(gateway(), emporia_gateway::Anonymous, Default::default());
    assert_eq!(send(app, "GET", "/graphiql", &[], Body::empty()).await.status, StatusCode::NOT_FOUND);
}
