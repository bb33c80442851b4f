//! TLS to a server whose certificate is for `localhost` and its own.

mod place;

use emporia_store::{StoreError, contract::sample::emit};
use emporia_testpg::Cluster;
use place::{bank, by_hand};
use std::fs;

struct Server {
    cluster: Cluster,
    directory: tempfile::TempDir,
}

impl Server {
    fn start() -> Option<Self> {
        let cluster = Cluster::start_with_tls()?;
        Some(Self { cluster, directory: tempfile::tempdir().expect("can be made") })
    }

    /// A file with this text.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.directory.path().join(name);
        fs::write(&path, text).expect("can be written");
        path.display().to_string()
    }

    /// The URL by this host with these parameters.
    fn url(&self, host: &str, parameters: &str) -> String {
        format!("{}?{parameters}", self.cluster.url().replace("127.0.0.1", host))
    }
}

#[tokio::test]
async fn a_server_whose_certificate_is_trusted_and_of_its_name_is_used_over_tls() {
    let Some(server) = Server::start() else { return };
    let roots = server.file("root.pem", server.cluster.certificate());
    for mode in ["require", "verify-full"] {
        let url = server.url("localhost", &format!("sslmode={mode}&sslrootcert={roots}"));
        let store = bank(&url).await.unwrap_or_else(|error| panic!("{mode}: {error}"));
        let space = store.space("bank").expect("declared");
        space.transact(|tx| async move { emit(&tx, "s", "a", 1) }).await.expect("commits");
        let hand = by_hand(&server.cluster.url()).await;
        let plain = "SELECT count(*) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
                     WHERE application_name = 'emporia' AND NOT ssl";
        assert_eq!(hand.query_one(plain, &[]).await.expect("asks").get::<_, i64>(0), 0, "{mode}");
        let over_tls = plain.replace("NOT ssl", "ssl");
        let many: i64 = hand.query_one(&over_tls, &[]).await.expect("asks").get(0);
        assert!(many >= 3, "writer, listener and readers: {many}");
        store.close().await;
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_or_of_another_name_is_refused_with_the_reason() {
    let Some(server) = Server::start() else { return };
    let roots = server.file("root.pem", server.cluster.certificate());
    let another = Cluster::start_with_tls().expect("one started already");
    let other = server.file("other.pem", another.certificate());
    for (host, parameters, reason) in [
        ("localhost", "sslmode=require".to_owned(), "sslrootcert="),
        ("localhost", format!("sslmode=verify-full&sslrootcert={other}"), "its certificate is refused"),
        ("127.0.0.1", format!("sslmode=require&sslrootcert={roots}"), "not valid for name"),
    ] {
        let refused = bank(&server.url(host, &parameters)).await.map(drop).expect_err(&parameters);
        assert!(matches!(refused, StoreError::Unusable { .. }), "{parameters}: {refused:?}");
        assert!(refused.to_string().contains(reason), "{parameters}: {refused}");
    }
}

#[tokio::test]
async fn a_file_of_roots_that_has_none_is_told_by_its_name() {
    let empty = tempfile::NamedTempFile::new().expect("can be made");
    for file in [empty.path().display().to_string(), "/nowhere/root.pem".to_owned()] {
        let url = format!("postgres://me:s3cret@db.example.com/shop?sslrootcert={file}");
        let refused = bank(&url).await.map(drop).expect_err("there are no roots");
        assert!(matches!(refused, StoreError::Unusable { .. }), "{refused:?}");
        assert!(refused.to_string().contains(&file) && !refused.to_string().contains("s3cret"), "{refused}");
    }
}
