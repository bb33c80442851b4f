//! Roles as policies: what they permit, where, and which are refused.

use emporia_auth::Scopes;
use emporia_contracts::{Place, Principal, ids::OperatorId};
use emporia_customers::{CustomersError, OperatorRefusal, Policies, scopes};
use std::collections::BTreeSet;

mod room;
use room::{PASSWORD, Room, meta};

/// Actions that have a channel, and those that have a location.
const AT_CHANNELS: &[&str] = &[
    "channels:write",
    "orders:fulfil",
    "orders:read",
    "orders:returns",
    "orders:write",
    "prices:read",
    "prices:write",
];
const AT_LOCATIONS: &[&str] = &[
    "channels:write",
    "orders:fulfil",
    "orders:read",
    "orders:returns",
    "orders:write",
    "stock:read",
    "stock:write",
];

fn texts(scopes: &Scopes) -> BTreeSet<String> {
    scopes.iter().map(ToOwned::to_owned).collect()
}

#[test]
fn the_built_in_roles_are_read_and_an_admin_holds_every_scope() {
    let policies = Policies::built_in();
    let names: Vec<&str> = policies.names().collect();
    assert_eq!(names, ["admin", "analyst", "fulfilment", "merchandiser", "service"]);
    let all: BTreeSet<String> = scopes::ALL.iter().map(|s| (*s).to_owned()).collect();
    assert_eq!(texts(&policies.scopes("admin").unwrap()), all, "the schema's actions are the scopes");
    let fulfilment = texts(&policies.scopes("fulfilment").unwrap());
    assert!(fulfilment.iter().eq([
        "orders:fulfil",
        "orders:read",
        "orders:returns",
        "stock:read",
        "stock:write"
    ]));
}

#[test]
fn a_role_at_a_place_permits_there_what_has_a_place_of_that_kind_and_nothing_else() {
    let policies = Policies::built_in();
    let at = |granted: &str| policies.scopes(granted).map(|scopes| texts(&scopes)).unwrap_or_default();
    let placed = |actions: &[&str], place: &str| {
        actions.iter().map(|action| format!("{action}@{place}")).collect::<BTreeSet<_>>()
    };
    assert_eq!(at("admin@channel:eu"), placed(AT_CHANNELS, "channel:eu"));
    assert_eq!(at("admin@location:berlin"), placed(AT_LOCATIONS, "location:berlin"));
    let analyst = ["orders:read@location:berlin", "stock:read@location:berlin"];
    assert!(at("analyst@location:berlin").iter().eq(analyst));
    for nothing in [
        "admin@",
        "admin@eu",
        "admin@shop:all",
        "admin@channel:",
        "admin@channel:A B",
        "nobody@channel:eu",
        "nobody",
        "",
    ] {
        assert!(policies.scopes(nothing).is_none(), "{nothing}");
    }
    assert!(policies.is_scope("stock:read") && policies.is_scope("stock:read@location:berlin"));
    for wrong in
        ["stock:read@channel:eu", "catalog:write@channel:eu", "stock:read@", "stock@location:berlin", "admin"]
    {
        assert!(!policies.is_scope(wrong), "{wrong}");
    }
}

#[test]
fn a_retailers_own_roles_are_added_and_wrong_ones_are_refused_with_the_line() {
    let own = "// Ours.\n\
               permit (principal in Role::\"counter\", action == Action::\"orders:returns\", resource);\n\
               permit (principal in Role::\"berlin\", action in [Action::\"stock:read\", Action::\"stock:write\"],\n\
                       resource == Location::\"berlin\");\n";
    let policies = Policies::with(own).unwrap();
    let all: Vec<&str> = policies.names().collect();
    assert_eq!(all, ["admin", "analyst", "berlin", "counter", "fulfilment", "merchandiser", "service"]);
    assert!(texts(&policies.scopes("counter").unwrap()).iter().eq(["orders:returns"]));
    let berlin = ["stock:read@location:berlin", "stock:write@location:berlin"];
    assert!(texts(&policies.scopes("berlin").unwrap()).iter().eq(berlin));
    assert!(policies.scopes("berlin@location:berlin").is_some());
    assert!(policies.scopes("berlin@location:rome").is_none(), "its policy is bounded to Berlin");

    let refused = |text: &str| Policies::with(text).unwrap_err();
    let wrong = refused("\n\npermit (principal in Role::\"x\", action == Action::\"stock:raed\", resource);");
    assert_eq!(wrong.line, Some(3), "{wrong}");
    assert!(wrong.to_string().contains("stock:raed"), "{wrong}");
    let wrong = refused("\npermit (principal in Role::\"x\" action, resource);");
    assert_eq!(wrong.line, Some(2), "{wrong}");
    let wrong = refused(
        "permit (principal in Role::\"x\", action == Action::\"catalog:write\", resource == Channel::\"eu\");",
    );
    assert_eq!(wrong.line, Some(1), "what has no place is granted at none: {wrong}");
    for (text, says) in [
        ("forbid (principal in Role::\"admin\", action, resource);", "forbidden already"),
        (
            "permit (principal in Role::\"x\", action, resource) when { resource in Shop::\"all\" };",
            "conditions",
        ),
        ("permit (principal, action, resource);", "Role::"),
        ("permit (principal in Role::\"a@b\", action, resource);", "Role::"),
    ] {
        let wrong = refused(text);
        assert!(wrong.to_string().contains(says), "{wrong}");
    }
}

/// What somebody holds, as a naive reader of the policies sees it: pairs of an action and a place, `None` for everywhere.
fn naive(
    policies: &Policies,
    granted: &[&str],
    places: &[Option<&str>],
) -> BTreeSet<(String, Option<String>)> {
    let mut held = BTreeSet::new();
    for grant in granted {
        let (role, at) = grant.split_once('@').map_or((*grant, None), |(role, at)| (role, Some(at)));
        for action in texts(&policies.scopes(role).unwrap()) {
            for place in places {
                let kind = match place {
                    None => true,
                    Some(place) if place.starts_with("channel:") => AT_CHANNELS.contains(&action.as_str()),
                    Some(_) => AT_LOCATIONS.contains(&action.as_str()),
                };
                if kind && (at.is_none() || at == *place) {
                    held.insert((action.clone(), place.map(str::to_owned)));
                }
            }
        }
    }
    held
}

#[tokio::test]
async fn nobody_grants_more_than_he_holds_wherever_it_is() {
    let room = Room::open().await;
    let policies = Policies::built_in();
    let places =
        [None, Some("channel:eu"), Some("channel:us"), Some("location:berlin"), Some("location:rome")];
    let mut grants: Vec<String> = vec![];
    for role in policies.names() {
        for place in places {
            grants.push(place.map_or(role.to_owned(), |place| format!("{role}@{place}")));
        }
    }
    let (mut tried, mut granted) = (0, 0);
    for (one, two) in grants.iter().flat_map(|one| grants.iter().map(move |two| (one, two))).step_by(3) {
        let of_granter = [one.as_str(), two.as_str()];
        let held = policies.scopes_of(of_granter);
        let principal =
            Principal::Operator { id: room.ids().next::<OperatorId>(), scopes: held.clone().into_set() };
        for wanted in &grants {
            if policies.scopes(wanted).is_none() {
                continue;
            }
            let (has, wants) = (naive(&policies, &of_granter, &places), naive(&policies, &[wanted], &places));
            // Who holds it everywhere holds it at every place.
            let may = wants.iter().all(|want| has.contains(want) || has.contains(&(want.0.clone(), None)));
            let made = room
                .customers
                .create_operator("", "Op", "", std::slice::from_ref(wanted), &principal, &meta())
                .await;
            let refused = matches!(made, Err(CustomersError::Operator(OperatorRefusal::Exceeds(_))));
            assert_eq!(!refused, may, "{of_granter:?} grants {wanted}: {made:?}");
            tried += 1;
            granted += usize::from(may);
        }
    }
    assert!(tried > 2_000 && granted > 100 && granted < tried, "{granted} of {tried}");
}

#[tokio::test]
async fn a_token_stays_short_and_an_operator_holds_what_his_roles_permit_at_their_places() {
    let room = Room::open().await;
    let mut roles: Vec<String> = (0..20).map(|n| format!("fulfilment@location:store-{n:02}")).collect();
    roles.push("analyst".to_owned());
    let system = Principal::System("cli".into());
    let customers = &room.customers;
    customers.create_operator("far@example.com", "Far", PASSWORD, &roles, &system, &meta()).await.unwrap();
    let made = customers.sign_in_operator("far@example.com", PASSWORD).await.unwrap().signed_in().unwrap();
    let Principal::Operator { scopes, .. } = room.customers.identify(&made.access.token).unwrap() else {
        panic!("an operator");
    };
    assert!(scopes.contains("catalog:read") && scopes.contains("orders:fulfil@location:store-07"));
    assert!(!scopes.contains("orders:fulfil") && !scopes.contains("orders:fulfil@location:store-20"));
    assert_eq!(scopes.len(), 20 * 5 + 3 + 1);
    assert!(made.access.token.len() < 1_500, "{}", made.access.token.len());
    let place: Place = "location:store-07".parse().unwrap();
    assert_eq!(place.of("orders:fulfil"), "orders:fulfil@location:store-07");
}

#[test]
fn a_decision_is_looked_up_and_cedar_is_asked_once() {
    let policies = Policies::built_in();
    let begun = std::time::Instant::now();
    policies.scopes("admin@location:first").unwrap();
    let compiled = begun.elapsed();
    let begun = std::time::Instant::now();
    for _ in 0..10_000 {
        std::hint::black_box(policies.scopes("admin@location:first").unwrap());
    }
    let looked_up = begun.elapsed() / 10_000;
    eprintln!("compiled in {compiled:?}, looked up in {looked_up:?}");
    assert!(looked_up * 5 < compiled, "{looked_up:?} {compiled:?}");
}
