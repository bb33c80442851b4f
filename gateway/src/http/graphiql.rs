//! GraphiQL, from vendored files: the page loads nothing from other servers.

use axum::{Router, extract::Path, response::IntoResponse, routing::get};
use http::{StatusCode, header};
use serde_json::json;

use super::Example;

/// Scripts and fonts only from here. GraphiQL sets styles on elements, hence the inline styles; `data:` is for its
/// icons and fonts.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// (name, content type, bytes). Everything but `start.js` is as published; see `assets/vendor/README.md`.
const ASSETS: [(&str, &str, &[u8]); 5] = [
    ("graphiql.min.js", "text/javascript", include_bytes!("../../assets/vendor/graphiql/graphiql.min.js")),
    ("graphiql.min.css", "text/css", include_bytes!("../../assets/vendor/graphiql/graphiql.min.css")),
    (
        "react.production.min.js",
        "text/javascript",
        include_bytes!("../../assets/vendor/react/react.production.min.js"),
    ),
    (
        "react-dom.production.min.js",
        "text/javascript",
        include_bytes!("../../assets/vendor/react-dom/react-dom.production.min.js"),
    ),
    ("start.js", "text/javascript", include_bytes!("../../assets/start.js")),
];

pub(super) fn router<S: Clone + Send + Sync + 'static>(examples: &[Example]) -> Router<S> {
    let page = page(examples);
    let show = move || {
        let page = page.clone();
        async move {
            let headers = [
                (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::REFERRER_POLICY, "no-referrer"),
            ];
            (headers, page)
        }
    };
    Router::new().route("/graphiql", get(show)).route("/graphiql/assets/{name}", get(asset))
}

async fn asset(Path(name): Path<String>) -> impl IntoResponse {
    match ASSETS.iter().find(|(known, ..)| *known == name) {
        Some((_, content_type, bytes)) => {
            let headers = [
                (header::CONTENT_TYPE, *content_type),
                (header::CACHE_CONTROL, "public, max-age=3600"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            (headers, *bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn page(examples: &[Example]) -> String {
    let tab = |example: &Example| {
        // The comment gives the tab its reason; GraphiQL names it after the operation.
        let query = format!("# {}\n{}\n", example.name.replace(['\n', '\r'], " "), example.query.trim());
        let variables = match &example.variables {
            serde_json::Value::Null => String::new(),
            variables => format!("{variables:#}"),
        };
        json!({ "query": query, "variables": variables })
    };
    let config = json!({ "tabs": examples.iter().map(tab).collect::<Vec<_>>() });
    // Inside a script element only `</` could end it.
    let config = config.to_string().replace('<', "\\u003c");
    include_str!("../../assets/graphiql.html").replace("{{config}}", &config)
}
