use crate::{
    cli::{Failure, local},
    client::Proxies,
    config::Config,
    front::{self, Forward},
    serve, web,
};
use clap::Args;
use emporia_gateway::{HttpOptions, ResponseCacheConfig, UndeclaredAccess, UnhintedFields};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct GatewayArgs {
    /// The supergraph (Apollo Federation v2). Its subgraphs are reached at the addresses in it.
    #[arg(long, value_name = "FILE")]
    supergraph: PathBuf,
    /// The configuration file; what concerns the gateway is read.
    #[arg(long, value_name = "FILE", env = "EMPORIA_CONFIG")]
    config: Option<PathBuf>,
    /// Address of the HTTP server [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// For developers: GraphiQL, introspection, query plans, whole error messages.
    #[arg(long)]
    dev: bool,
}

/// Other people's schemas know neither `@public` nor our rule for fields without a hint.
fn defaults() -> Config {
    let mut config = Config::default();
    config.gateway.undeclared_access = UndeclaredAccess::Allow;
    config.gateway.response_cache =
        ResponseCacheConfig { unhinted: UnhintedFields::NotKept, ..ResponseCacheConfig::default() };
    config
}

pub(crate) async fn gateway(args: GatewayArgs) -> Result<(), Failure> {
    let mut config = Config::load_over(defaults(), args.config.as_deref())?;
    if let Some(listen) = args.listen {
        config.listen = listen;
    }
    if args.dev {
        config.gateway.introspection = true;
        config.gateway.mask_errors = false;
        config.gateway.query_plan_on_request = true;
    }
    emporia_telemetry::logs(local::style(&config), "info")?;
    let metrics = emporia_telemetry::metrics()?;
    let forward = Forward::new(&config.forward, &config.authentication)?;
    let proxies = Proxies::trusted(&config.trusted_proxies);
    let gateway = front::gateway(&args.supergraph, config.gateway)?;
    let listener = serve::listen(&config.listen).await?;
    tracing::info!(listen = %listener.local_addr()?, supergraph = %args.supergraph.display(), "ready");
    let options = HttpOptions { graphiql: args.dev, examples: vec![] };
    let router = web::front(emporia_gateway::router(gateway, forward, options), metrics, proxies);
    serve::answer(router, listener, serve::stop_signal()).await?;
    Ok(())
}
