use serde_json::{Value, json};

use crate::support::{ask, ask_with, codes, gateway};

const ECHO: &str = "query($in: EchoInput!) { echo(input: $in) }";
const NUMBERS: &str =
    "query($list: [Int], $id: ID, $float: Float) { numbers(list: $list, id: $id, float: $float) }";

#[tokio::test]
async fn values_are_coerced_by_the_specification() {
    let gateway = gateway();
    let table: [(&str, Value, &str); 11] = [
        (NUMBERS, json!({"list": [1, null, 3]}), "Some([Some(1), None, Some(3)]) None None"),
        (NUMBERS, json!({"list": 5}), "Some([Some(5)]) None None"),
        (NUMBERS, json!({"list": 5.0}), "Some([Some(5)]) None None"),
        (NUMBERS, json!({"list": null}), "None None None"),
        (NUMBERS, json!({"id": 7}), "None Some(\"7\") None"),
        (NUMBERS, json!({"id": "7"}), "None Some(\"7\") None"),
        (NUMBERS, json!({"float": 1}), "None None Some(1.0)"),
        (NUMBERS, json!({"float": 1.5}), "None None Some(1.5)"),
        (NUMBERS, json!({"undeclared": true}), "None None None"),
        (
            ECHO,
            json!({"in": {"text": "a", "int": -2147483648, "flag": true, "id": 1, "kind": "BUNDLE", "list": [1]}}),
            "text=a int=Some(-2147483648) float=None flag=Some(true) id=Some(\"1\") kind=Some(\"BUNDLE\") list=Some([1]) nested=None lucky=7",
        ),
        (
            ECHO,
            json!({"in": {"text": "a", "nested": {"text": "b", "lucky": 8}}}),
            "text=a int=None float=None flag=None id=None kind=None list=None nested=Some(\"text=b int=None float=None flag=None id=None kind=None list=None nested=None lucky=8\") lucky=7",
        ),
    ];
    for (query, variables, expected) in table {
        let response = ask_with(&gateway, query, variables.clone()).await;
        let field = if query == ECHO { "echo" } else { "numbers" };
        assert_eq!(response["data"][field], json!(expected), "{variables} gave {response}");
    }
}

#[tokio::test]
async fn values_that_do_not_fit_are_refused_with_their_place() {
    let gateway = gateway();
    let with = |input: Value| json!({ "in": input });
    let table: [(&str, Value, &str); 19] = [
        (ECHO, json!({}), "Variable \"$in\" of required type \"EchoInput!\" was not provided."),
        (ECHO, with(json!(null)), "must not be null"),
        (ECHO, with(json!("text")), "Expected type \"EchoInput\" to be an object."),
        (ECHO, with(json!({})), "Field \"text\" of required type \"String!\" was not provided."),
        (
            ECHO,
            with(json!({"text": null})),
            "at \"in.text\": Expected non-nullable type \"String!\" not to be null.",
        ),
        (
            ECHO,
            with(json!({"text": 1})),
            "at \"in.text\": String cannot represent a non string value: a number.",
        ),
        (ECHO, with(json!({"text": "a", "typo": 1})), "Field \"typo\" is not defined by type \"EchoInput\"."),
        (
            ECHO,
            with(json!({"text": "a", "int": 2147483648_i64})),
            "Int cannot represent non 32-bit signed integer value",
        ),
        (ECHO, with(json!({"text": "a", "int": 1.5})), "Int cannot represent non-integer value: a number."),
        (ECHO, with(json!({"text": "a", "int": "1"})), "Int cannot represent non-integer value: a text."),
        (
            ECHO,
            with(json!({"text": "a", "int": true})),
            "Int cannot represent non-integer value: true or false.",
        ),
        (ECHO, with(json!({"text": "a", "float": "1"})), "Float cannot represent non numeric value"),
        (ECHO, with(json!({"text": "a", "flag": 1})), "Boolean cannot represent a non boolean value"),
        (ECHO, with(json!({"text": "a", "id": 1.5})), "ID cannot represent"),
        (
            ECHO,
            with(json!({"text": "a", "kind": "HUGE"})),
            "Value \"HUGE\" does not exist in \"ProductKind\" enum.",
        ),
        (
            ECHO,
            with(json!({"text": "a", "kind": 1})),
            "Enum \"ProductKind\" cannot represent non-string value: a number.",
        ),
        (ECHO, with(json!({"text": "a", "list": [1, "2"]})), "at \"in.list[1]\""),
        (ECHO, with(json!({"text": "a", "nested": {"text": "b", "nested": {}}})), "at \"in.nested.nested\""),
        (NUMBERS, json!({"list": [[1]]}), "at \"list[0]\""),
    ];
    for (query, variables, expected) in table {
        let response = ask_with(&gateway, query, variables.clone()).await;
        assert_eq!(codes(&response), ["BAD_USER_INPUT"], "{variables} gave {response}");
        let message = response["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(expected), "{variables} gave: {message}");
        assert!(response.get("data").is_none());
    }
}

#[tokio::test]
async fn defaults_apply_to_what_is_left_out_and_null_is_not_left_out() {
    let gateway = gateway();
    let query = "query($list: [Int] = [1, 2], $float: Float = 2) { numbers(list: $list, float: $float) }";
    let left_out = ask_with(&gateway, query, json!({})).await;
    assert_eq!(left_out["data"]["numbers"], json!("Some([Some(1), Some(2)]) None Some(2.0)"));
    let null = ask_with(&gateway, query, json!({"list": null, "float": null})).await;
    assert_eq!(null["data"]["numbers"], json!("None None None"));
}

#[tokio::test]
async fn exactly_one_member_of_a_one_of_input_is_given() {
    let gateway = gateway();
    let query = "query($by: Pick!) { pick(by: $by) }";
    let response = ask_with(&gateway, query, json!({"by": {"number": 1}})).await;
    assert_eq!(response["data"]["pick"], json!("number 1"));
    for wrong in [json!({}), json!({"number": 1, "sku": "a"}), json!({"number": null})] {
        let response = ask_with(&gateway, query, json!({"by": wrong})).await;
        assert_eq!(codes(&response), ["BAD_USER_INPUT"], "{wrong} gave {response}");
    }
}

#[tokio::test]
async fn literals_are_checked_against_the_schema() {
    let gateway = gateway();
    for query in [
        "{ echo(input: {text: \"a\", typo: 1}) }",
        "{ echo(input: {}) }",
        "{ echo(input: {text: null}) }",
        "{ echo(input: {text: \"a\", kind: HUGE}) }",
        "{ echo(input: {text: \"a\", kind: \"BUNDLE\"}) }",
        "{ echo(input: {text: \"a\", int: 3000000000}) }",
        "{ echo(input: {text: \"a\", list: [\"x\"]}) }",
        "{ echo(input: {text: 1}) }",
        "{ echo }",
        "{ product(sku: \"a\", nope: 1) { sku } }",
        "{ pick(by: {number: 1, sku: \"a\"}) }",
        "query($v: Int = \"a\") { numbers(list: [$v]) }",
        "query($v: String) { numbers(list: [$v]) }",
    ] {
        let response = ask(&gateway, query).await;
        assert!(!codes(&response).is_empty(), "{query} gave {response}");
        assert!(codes(&response).iter().all(|c| c == "GRAPHQL_VALIDATION_FAILED"), "{query} gave {response}");
    }
}
