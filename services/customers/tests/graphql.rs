//! The subgraph.

mod room;

use emporia_contracts::Principal;
use room::{PASSWORD, Room, customer_of};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const SESSION: &str = "accessToken refreshToken expiresAt customer { id email } operator { id roles scopes }
    userErrors { code field message }";

fn mutation(name: &str, input: &str, selection: &str) -> String {
    format!("mutation($input: {input}!) {{ {name}(input: $input) {{ {selection} }} }}")
}

fn operator(scopes: &[&str]) -> Principal {
    let id = emporia_id::Ids::seeded(std::sync::Arc::new(emporia_id::SystemClock), 5).next();
    Principal::Operator { id, scopes: scopes.iter().map(|s| (*s).to_owned()).collect::<BTreeSet<_>>() }
}

async fn session(room: &Room, name: &str, input: &str, value: Value) -> Value {
    let answer =
        room.run(Principal::Anonymous, &mutation(name, input, SESSION), json!({ "input": value })).await;
    assert!(answer["errors"].is_null(), "{answer}");
    answer["data"][name].clone()
}

#[tokio::test]
async fn a_shopper_registers_signs_in_refreshes_and_signs_out() {
    let room = Room::open().await;
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    room.ask_to_register("ada@example.com").await;
    let with = |code: &str| json!({ "email": "ada@example.com", "password": PASSWORD, "code": code });
    let wrong = session(&room, "register", "RegisterInput", with("0000-0000-0000")).await;
    assert_eq!(
        (&wrong["userErrors"][0]["code"], &wrong["userErrors"][0]["field"]),
        (&json!("INVALID_CREDENTIALS"), &json!(["code"]))
    );
    let code = room.code().await;
    let registered = session(&room, "register", "RegisterInput", with(&code)).await;
    assert_eq!(
        (&registered["customer"]["email"], &registered["operator"]),
        (&json!("ada@example.com"), &Value::Null)
    );
    assert_eq!(registered["expiresAt"], "2026-11-24T12:15:00Z");
    let twice = session(&room, "register", "RegisterInput", with(&code)).await;
    assert_eq!(twice["userErrors"], wrong["userErrors"], "a code works once");
    assert!(twice["accessToken"].is_null());
    let signed = session(&room, "signIn", "SignInInput", credentials).await;
    let principal = room.customers.identify(signed["accessToken"].as_str().unwrap()).unwrap();
    let me = room
        .run(
            principal,
            "{ me { email name addresses { id } createdAt version } currentOperator { id } }",
            json!({}),
        )
        .await;
    assert_eq!(
        (&me["data"]["me"]["email"], &me["data"]["currentOperator"]),
        (&json!("ada@example.com"), &Value::Null)
    );
    let token = json!({ "refreshToken": signed["refreshToken"] });
    let refreshed = session(&room, "refreshSession", "RefreshTokenInput", token.clone()).await;
    assert!(refreshed["accessToken"].is_string());
    let out = mutation("signOut", "RefreshTokenInput", "signedOut userErrors { code }");
    let answer = room
        .run(Principal::Anonymous, &out, json!({ "input": { "refreshToken": refreshed["refreshToken"] } }))
        .await;
    assert_eq!(answer["data"]["signOut"]["signedOut"], true);
    let ended = session(
        &room,
        "refreshSession",
        "RefreshTokenInput",
        json!({ "refreshToken": refreshed["refreshToken"] }),
    )
    .await;
    assert_eq!(ended["userErrors"][0]["code"], "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn refusals_have_stable_codes_and_fields() {
    let room = Room::open().await;
    room.register("ada@example.com").await;
    let cases = [
        (
            "register",
            "RegisterInput",
            json!({ "code": "x", "email": "ada", "password": PASSWORD }),
            "INVALID",
            json!(["email"]),
        ),
        (
            "register",
            "RegisterInput",
            json!({ "code": "x", "email": "b@example.com", "password": "short" }),
            "PASSWORD_TOO_WEAK",
            json!(["password"]),
        ),
        (
            "register",
            "RegisterInput",
            json!({ "code": "x", "email": "b@example.com", "password": PASSWORD, "phone": "x" }),
            "INVALID",
            json!(["phone"]),
        ),
        (
            "signIn",
            "SignInInput",
            json!({ "email": "ada@example.com", "password": "wrong" }),
            "INVALID_CREDENTIALS",
            json!([]),
        ),
        (
            "signIn",
            "SignInInput",
            json!({ "email": "nobody@example.com", "password": "wrong" }),
            "INVALID_CREDENTIALS",
            json!([]),
        ),
        (
            "signInOperator",
            "SignInInput",
            json!({ "email": "ada@example.com", "password": PASSWORD }),
            "INVALID_CREDENTIALS",
            json!([]),
        ),
        (
            "refreshSession",
            "RefreshTokenInput",
            json!({ "refreshToken": "x" }),
            "INVALID_CREDENTIALS",
            json!([]),
        ),
    ];
    for (name, input, value, code, field) in cases {
        let refused = session(&room, name, input, value.clone()).await;
        assert_eq!(
            (&refused["userErrors"][0]["code"], &refused["userErrors"][0]["field"]),
            (&json!(code), &field),
            "{name} {value}"
        );
        assert!(refused["accessToken"].is_null() && refused["refreshToken"].is_null());
    }
    let wrong =
        session(&room, "signIn", "SignInInput", json!({ "email": "ada@example.com", "password": "wrong" }))
            .await;
    let unknown = session(
        &room,
        "signIn",
        "SignInInput",
        json!({ "email": "nobody@example.com", "password": "wrong" }),
    )
    .await;
    assert_eq!(wrong, unknown, "the answers are the same, word for word");
}

#[tokio::test]
async fn profile_and_address_book_are_changed_by_their_owner() {
    let room = Room::open().await;
    let ada = Principal::Customer(customer_of(&room.register("ada@example.com").await).id);
    let update = mutation(
        "updateProfile",
        "UpdateProfileInput",
        "customer { name phone version } userErrors { code field }",
    );
    let changed =
        room.run(ada.clone(), &update, json!({ "input": { "name": "Ada King", "phone": null } })).await;
    let customer = &changed["data"]["updateProfile"]["customer"];
    assert_eq!((&customer["name"], &customer["phone"]), (&json!("Ada King"), &Value::Null));
    let stale =
        room.run(ada.clone(), &update, json!({ "input": { "name": "X", "expectedVersion": "1" } })).await;
    assert_eq!(stale["data"]["updateProfile"]["userErrors"][0]["code"], "VERSION_CONFLICT");
    let fresh = json!({ "input": { "name": "Ada", "expectedVersion": customer["version"] } });
    assert_eq!(
        room.run(ada.clone(), &update, fresh).await["data"]["updateProfile"]["customer"]["name"],
        "Ada"
    );
    let odd = room.run(ada.clone(), &update, json!({ "input": { "expectedVersion": "new" } })).await;
    assert_eq!(odd["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");

    let book =
        "customer { addresses { id isDefault address { line1 countryCode } } } userErrors { code field }";
    let add = mutation("addAddress", "AddAddressInput", &format!("addressId {book}"));
    let entry = |line1: &str, key: Option<&str>| {
        json!({ "input": { "idempotencyKey": key, "address":
            { "name": "Ada", "line1": line1, "city": "London", "countryCode": "GB" } } })
    };
    let first =
        room.run(ada.clone(), &add, entry("1 Byron Road", Some("k"))).await["data"]["addAddress"].clone();
    let again =
        room.run(ada.clone(), &add, entry("1 Byron Road", Some("k"))).await["data"]["addAddress"].clone();
    assert_eq!(first, again, "the same key, the same entry");
    let reused = room.run(ada.clone(), &add, entry("2 Byron Road", Some("k"))).await;
    assert_eq!(reused["errors"][0]["extensions"]["code"], "IDEMPOTENCY_KEY_REUSED");
    let second = room.run(ada.clone(), &add, entry("2 Byron Road", None)).await["data"]["addAddress"].clone();
    let defaults = |payload: &Value| {
        let all = payload["customer"]["addresses"].as_array().unwrap();
        all.iter().map(|a| a["isDefault"].as_bool().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((defaults(&first), defaults(&second)), (vec![true], vec![true, false]));

    let change = mutation("updateAddress", "UpdateAddressInput", book);
    let chosen = json!({ "input": { "addressId": second["addressId"], "isDefault": true } });
    let chosen = room.run(ada.clone(), &change, chosen).await["data"]["updateAddress"].clone();
    assert_eq!(defaults(&chosen), [false, true]);
    assert_eq!(
        chosen["customer"]["addresses"][1]["address"]["line1"], "2 Byron Road",
        "what is not given stays"
    );
    let remove = mutation("removeAddress", "RemoveAddressInput", book);
    let gone = json!({ "input": { "addressId": second["addressId"] } });
    let left = room.run(ada.clone(), &remove, gone.clone()).await["data"]["removeAddress"].clone();
    assert_eq!(defaults(&left), [false], "no other becomes the default by itself");
    let twice = room.run(ada.clone(), &remove, gone).await;
    assert_eq!(twice["data"]["removeAddress"]["userErrors"][0]["code"], "NOT_FOUND");
    for (wrong, field) in [("", "line1"), ("a\nb", "line1")] {
        let refused = room.run(ada.clone(), &add, entry(wrong, None)).await;
        let error = &refused["data"]["addAddress"]["userErrors"][0];
        assert_eq!((&error["code"], &error["field"]), (&json!("INVALID"), &json!(["address", field])));
    }
    for n in 0..49 {
        let added = room.run(ada.clone(), &add, entry(&format!("{n} Byron Road"), None)).await;
        assert_eq!(added["data"]["addAddress"]["userErrors"], json!([]), "{n}");
    }
    let full = room.run(ada, &add, entry("one too many", None)).await;
    assert_eq!(full["data"]["addAddress"]["userErrors"][0]["code"], "LIMIT_EXCEEDED");
}

#[tokio::test]
async fn a_customer_is_seen_by_himself_and_by_those_who_may_and_by_nobody_else() {
    let room = Room::open().await;
    let (ada, bob) = (
        customer_of(&room.register("ada@example.com").await),
        customer_of(&room.register("bob@example.com").await),
    );
    let entities =
        "query($all: [_Any!]!) { _entities(representations: $all) { ... on Customer { id email } } }";
    let both = json!({ "all": [
        { "__typename": "Customer", "id": ada.id }, { "__typename": "Customer", "id": bob.id } ] });
    let seen = |answer: Value| -> Vec<Value> {
        let all = answer["data"]["_entities"].as_array().cloned().unwrap_or_default();
        all.into_iter().map(|e| e["email"].clone()).collect()
    };
    let reader = room.run(operator(&["customers:read"]), entities, both).await;
    assert_eq!(seen(reader), [json!("ada@example.com"), json!("bob@example.com")]);
    let one = json!({ "all": [{ "__typename": "Customer", "id": ada.id }] });
    assert_eq!(
        seen(room.run(Principal::Customer(ada.id), entities, one.clone()).await),
        [json!("ada@example.com")]
    );
    for nobody in [Principal::Customer(bob.id), Principal::Anonymous, operator(&["orders:read"])] {
        let answer = room.run(nobody, entities, one.clone()).await.to_string();
        assert!(!answer.contains("ada@"), "{answer}");
    }
    let wrong =
        room.run(operator(&["customers:read"]), "{ customer(id: \"ord_1\") { id } }", json!({})).await;
    assert_eq!(wrong["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    let found = format!("{{ customer(id: \"{}\") {{ email }} }}", ada.id);
    assert_eq!(
        room.run(operator(&["customers:read"]), &found, json!({})).await["data"]["customer"]["email"],
        "ada@example.com"
    );
}

#[tokio::test]
async fn operators_are_made_export_and_erase() {
    let room = Room::open().await;
    let ada = customer_of(&room.register("ada@example.com").await);
    let create = mutation(
        "createOperator",
        "CreateOperatorInput",
        "operator { id email roles scopes } userErrors { code field }",
    );
    let input = |roles: &[&str]| json!({ "input": { "email": "grace@example.com", "name": "Grace", "password": PASSWORD, "roles": roles } });
    let system = Principal::System("cli".into());
    for (roles, code) in [(vec!["boss"], "NOT_FOUND"), (vec![], "REQUIRED")] {
        let refused = room.run(system.clone(), &create, input(&roles)).await;
        assert_eq!(refused["data"]["createOperator"]["userErrors"][0]["code"], code);
    }
    let exceeds = room.run(operator(&["operators:write"]), &create, input(&["admin"])).await;
    assert_eq!(
        exceeds["data"]["createOperator"]["userErrors"],
        json!([{ "code": "STATE_NOT_ALLOWED", "field": ["roles"] }])
    );
    let made = room.run(system, &create, input(&["admin"])).await;
    assert_eq!(made["data"]["createOperator"]["operator"]["roles"], json!(["admin"]));
    let signed = session(
        &room,
        "signInOperator",
        "SignInInput",
        json!({ "email": "grace@example.com", "password": PASSWORD }),
    )
    .await;
    assert_eq!(signed["customer"], Value::Null);
    let grace = room.customers.identify(signed["accessToken"].as_str().unwrap()).unwrap();
    let me = room.run(grace.clone(), "{ me { id } currentOperator { email } }", json!({})).await;
    assert_eq!(me["data"], json!({ "me": null, "currentOperator": { "email": "grace@example.com" } }));
    let own = room.run(grace.clone(), "mutation { exportMe { data } }", json!({})).await;
    assert_eq!(own["errors"][0]["extensions"]["code"], "FORBIDDEN");

    let export = mutation("exportPerson", "PersonInput", "data");
    let told = room.run(grace.clone(), &export, json!({ "input": { "customerId": ada.id } })).await;
    let data: Value = serde_json::from_str(told["data"]["exportPerson"]["data"].as_str().unwrap()).unwrap();
    assert_eq!(data["rooms"]["customers"]["email"], "ada@example.com");
    for wrong in
        [json!({}), json!({ "customerId": ada.id, "personId": ada.person }), json!({ "personId": ada.id })]
    {
        let answer = room.run(grace.clone(), &export, json!({ "input": wrong })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    }
    let erase = mutation("erasePerson", "PersonInput", "erased");
    for _ in 0..2 {
        let erased = room.run(grace.clone(), &erase, json!({ "input": { "personId": ada.person } })).await;
        assert_eq!(erased["data"]["erasePerson"]["erased"], true);
    }
    let gone = room.run(grace, &erase, json!({ "input": { "customerId": ada.id } })).await;
    assert_eq!(gone["errors"][0]["extensions"]["code"], "NOT_FOUND");
}

#[tokio::test]
async fn a_customer_exports_and_erases_himself() {
    let room = Room::open().await;
    let ada = Principal::Customer(customer_of(&room.register("ada@example.com").await).id);
    let told = room.run(ada.clone(), "mutation { exportMe { data } }", json!({})).await;
    assert!(told["data"]["exportMe"]["data"].as_str().unwrap().contains("ada@example.com"));
    let erase = mutation("eraseMe", "EraseMeInput", "erased userErrors { code }");
    let wrong = room.run(ada.clone(), &erase, json!({ "input": { "password": "wrong password" } })).await;
    assert_eq!(
        wrong["data"]["eraseMe"],
        json!({ "erased": false, "userErrors": [{ "code": "INVALID_CREDENTIALS" }] })
    );
    let done = room.run(ada.clone(), &erase, json!({ "input": { "password": PASSWORD } })).await;
    assert_eq!(done["data"]["eraseMe"]["erased"], true);
    // His access token still holds for some minutes; there is nobody behind it.
    assert_eq!(room.run(ada, "{ me { id } }", json!({})).await["data"]["me"], Value::Null);
}

#[tokio::test]
async fn every_root_field_says_who_may_use_it() {
    let room = Room::open().await;
    let sdl = room.graph.sdl();
    let mut fields = 0;
    for root in ["type Query", "type Mutation"] {
        let body = sdl.split(root).nth(1).unwrap().split("\n}").next().unwrap();
        let lines = body
            .lines()
            .map(str::trim)
            .filter(|line| line.contains(": ") && line.chars().next().is_some_and(char::is_lowercase));
        for line in lines {
            fields += 1;
            let said =
                ["@public", "@authenticated", "@requiresScopes"].iter().filter(|d| line.contains(*d)).count();
            assert_eq!(said, 1, "{line}");
        }
    }
    assert_eq!(fields, 47, "{sdl}");
}
