//! The sample shop of the tests as a server with GraphiQL: `cargo run -p emporia-gateway --example sample_shop`,
//! then open <http://127.0.0.1:8090/graphiql>. The token `manager` may do everything.
#![allow(clippy::print_stdout)]

#[path = "../tests/gateway/server.rs"]
#[allow(dead_code)]
mod server;
#[path = "../tests/gateway/support/mod.rs"]
mod support;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8090".into());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("http://{address}/graphiql");
    axum::serve(listener, server::app(support::gateway())).await
}
