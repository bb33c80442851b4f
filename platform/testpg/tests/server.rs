//! The servers themselves.

use emporia_testpg::{Cluster, database};
use std::{
    io::{Read, Write},
    net::TcpStream,
};

/// Whether a PostgreSQL server answers at this address: it replies to a request for TLS with one letter.
fn answers(url: &str) -> bool {
    let address = url.split(['@', '/']).nth(3).expect("an address");
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let mut letter = [0];
    stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).is_ok() && stream.read_exact(&mut letter).is_ok()
}

#[test]
fn each_caller_has_a_database_of_its_own() {
    let (Some(one), Some(other)) = (database(), database()) else { return };
    assert_ne!(one.url(), other.url());
    assert!(answers(one.url()));
}

#[test]
fn a_cluster_is_killed_and_comes_back_at_the_same_address() {
    let Some(mut cluster) = Cluster::start() else { return };
    let url = cluster.url();
    assert!(answers(&url));
    cluster.kill();
    assert!(!answers(&url));
    cluster.restart();
    assert_eq!(cluster.url(), url);
    assert!(answers(&url));
}
