use emporia_gateway::{ComposeError, compose};

use crate::support::{subgraph_sdls, supergraph};

#[test]
fn the_order_of_the_subgraphs_does_not_matter() {
    let sdls = subgraph_sdls();
    let mut parts: Vec<_> = sdls.iter().map(|(n, s, u)| (*n, s.as_str(), *u)).collect();
    parts.reverse();
    assert_eq!(compose(&parts).unwrap(), supergraph());
}

#[test]
fn the_supergraph_alone_says_who_may_select_what() {
    let sdl = supergraph().to_string();
    let line =
        |field: &str| sdl.lines().find(|l| l.trim_start().starts_with(field)).unwrap_or_default().to_owned();
    assert!(line("whoAsks").contains("@public"), "{}", line("whoAsks"));
    assert!(line("order(").contains("@authenticated"), "{}", line("order("));
    assert!(line("orders(").contains("@requiresScopes(scopes: [[\"orders:read\"]])"), "{}", line("orders("));
}

const A: &str = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.5\", import: [\"@key\", \"@shareable\", \"@requiresScopes\"])
    directive @public on FIELD_DEFINITION
    type Query { shared: Int @shareable ACCESS }";

#[test]
fn a_field_shared_by_two_subgraphs_demands_what_both_demand() {
    let with = |access: &str| A.replace("ACCESS", access);
    let (read, write) =
        (with("@requiresScopes(scopes: [[\"read\"]])"), with("@requiresScopes(scopes: [[\"write\"]])"));
    let composed = compose(&[("a", &read, "http://a"), ("b", &write, "http://b")]).unwrap();
    assert!(composed.sdl().contains("@requiresScopes(scopes: [[\"read\", \"write\"]])"), "{composed}");

    let open = with("@public");
    let contradiction = compose(&[("a", &open, "http://a"), ("b", &write, "http://b")]);
    assert!(matches!(contradiction, Err(ComposeError::Access(_))), "{contradiction:?}");
}

#[test]
fn subgraphs_that_contradict_each_other_do_not_compose() {
    let (a, b) = ("type Query { a: Int } type T { x: Int }", "type Query { b: Int } type T { x: String }");
    match compose(&[("a", a, "http://a"), ("b", b, "http://b")]) {
        Err(ComposeError::Conflict(messages)) => assert!(!messages.is_empty()),
        other => panic!("{other:?}"),
    }
    match compose(&[("a", "type Query {", "http://a")]) {
        Err(_) => {}
        other => panic!("{other:?}"),
    }
}
