//! Runs the provider alone, with webhooks off and a throw-away ledger: `cargo run -p emporia-testpay --example alone`.

use emporia_testpay::{Config, api::SessionRequest, client::ClientTimeouts};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    const KEY: &str = "sk_test_0123456789abcdef";
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8081".into());
    let dir = tempfile::tempdir()?;
    let listener = tokio::net::TcpListener::bind(&address).await?;
    let mut config = Config::new(dir.path(), KEY);
    config.test_controls = true;
    let shutdown = async { tokio::signal::ctrl_c().await.unwrap_or(()) };
    let server = tokio::spawn(emporia_testpay::serve(config, listener, shutdown));

    let client =
        emporia_testpay::TestpayClient::new(&format!("http://{address}"), KEY, ClientTimeouts::default())?;
    let request = SessionRequest {
        amount_minor: 12_990,
        currency: "EUR".into(),
        reference: "EMP-100042".into(),
        return_url: None,
    };
    let session = client.create_session(&request).await?;
    eprintln!("a card page: {}\nsecret key:  {KEY}", session.url);
    server.await??;
    Ok(())
}
