//! Operators, their roles and scopes.

mod room;

use emporia_auth::Scopes;
use emporia_contracts::Principal;
use emporia_customers::{AccountRefusal, CustomersError, OperatorRefusal, Policies, Who, scopes};
use room::{PASSWORD, Room, meta};
use std::collections::BTreeSet;

fn system() -> Principal {
    Principal::System("cli".into())
}

fn named(roles: &[&str]) -> Vec<String> {
    roles.iter().map(|role| (*role).to_owned()).collect()
}

#[tokio::test]
async fn an_operator_signs_in_with_the_scopes_of_all_his_roles() {
    let room = Room::open().await;
    let roles = named(&["service", "analyst"]);
    room.customers
        .create_operator("grace@example.com", "Grace", PASSWORD, &roles, &system(), &meta())
        .await
        .unwrap();
    let signed =
        room.customers.sign_in_operator("Grace@example.com", PASSWORD).await.unwrap().signed_in().unwrap();
    let Principal::Operator { scopes, .. } = room.customers.identify(&signed.access.token).unwrap() else {
        panic!("not an operator");
    };
    let expected: BTreeSet<String> = [
        "orders:read",
        "orders:write",
        "orders:returns",
        "payments:refund",
        "customers:read",
        "stock:read",
        "catalog:read",
        "operator:self",
    ]
    .map(String::from)
    .into();
    assert_eq!(scopes, expected);
    let again = room.customers.refresh(&signed.refresh_token, &meta()).await.unwrap();
    assert!(matches!(&again.who, Who::Operator(o) if o.profile.email.as_str() == "grace@example.com"));
    let as_customer = room.customers.sign_in("grace@example.com", PASSWORD, &meta()).await;
    assert!(matches!(as_customer, Err(CustomersError::Refused(AccountRefusal::InvalidCredentials))));
    assert_eq!(room.events().await, ["OperatorDefined"]);
}

#[tokio::test]
async fn one_person_may_be_customer_and_operator_but_no_address_is_two_operators() {
    let room = Room::open().await;
    room.register("ada@example.com").await;
    let make = || async {
        let roles = named(&["analyst"]);
        room.customers.create_operator("ada@example.com", "Ada", PASSWORD, &roles, &system(), &meta()).await
    };
    assert!(make().await.is_ok());
    assert!(matches!(make().await, Err(CustomersError::Refused(AccountRefusal::EmailTaken))));
}

#[tokio::test]
async fn nobody_grants_more_than_he_holds() {
    let room = Room::open().await;
    let all = Policies::built_in();
    let names: Vec<&str> = all.names().collect();
    assert_eq!(names, ["admin", "analyst", "fulfilment", "merchandiser", "service"]);
    for (i, granter) in names.iter().enumerate() {
        for (j, granted) in names.iter().enumerate() {
            let held = all.scopes(granter).unwrap();
            let id = emporia_contracts::ids::OperatorId::from(uuid());
            let principal = Principal::Operator { id, scopes: Scopes::clone(&held).into_set() };
            let email = format!("op-{i}-{j}@example.com");
            let made = room
                .customers
                .create_operator(&email, "Op", PASSWORD, &named(&[granted]), &principal, &meta())
                .await;
            let may = held.covers(&all.scopes(granted).unwrap());
            assert_eq!(made.is_ok(), may, "{granter} grants {granted}");
            if let Err(error) = made {
                assert!(matches!(error, CustomersError::Operator(OperatorRefusal::Exceeds(_))), "{error}");
            }
        }
    }
    for nobody in
        [Principal::Anonymous, Principal::Customer(emporia_contracts::ids::CustomerId::from(uuid()))]
    {
        let roles = named(&["analyst"]);
        let made =
            room.customers.create_operator("x@example.com", "X", PASSWORD, &roles, &nobody, &meta()).await;
        assert!(matches!(made, Err(CustomersError::Operator(OperatorRefusal::Exceeds(_)))));
    }
}

#[tokio::test]
async fn wrong_roles_are_refused_with_the_right_ones() {
    let room = Room::open().await;
    let make = |roles: Vec<String>| {
        let customers = room.customers.clone();
        async move { customers.create_operator("x@example.com", "X", PASSWORD, &roles, &system(), &meta()).await }
    };
    assert!(matches!(make(vec![]).await, Err(CustomersError::Operator(OperatorRefusal::NoRoles))));
    for wrong in ["", "Admin", "root", "admin ", "catalog:write"] {
        let error = make(named(&["analyst", wrong])).await.unwrap_err();
        assert!(matches!(&error, CustomersError::Operator(OperatorRefusal::NoRole { .. })), "{wrong}");
        assert!(error.to_string().contains("admin, analyst, fulfilment, merchandiser, service"));
    }
    assert!(room.events().await.is_empty());
}

#[test]
fn admins_hold_every_scope_and_no_role_holds_another() {
    let roles = Policies::built_in();
    let all: BTreeSet<String> = scopes::ALL.iter().map(|s| (*s).to_owned()).collect();
    assert_eq!(Scopes::clone(&roles.scopes("admin").unwrap()).into_set(), all);
    for role in roles.names() {
        assert!(roles.scopes("admin").unwrap().covers(&roles.scopes(role).unwrap()), "{role}");
    }
}

fn uuid() -> emporia_id::reexport::Uuid {
    emporia_id::Ids::seeded(std::sync::Arc::new(emporia_id::SystemClock), 5).next_uuid()
}
