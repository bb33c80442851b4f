//! The executable as a person at a terminal meets it.

mod process;

use emporia_vault::MasterKey;
use process::{Installation, Process, emporia, free_port, run, text, waited};
use serde_json::json;
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::Duration,
};

/// What a command that failed said.
fn failed(arguments: &[&str], directory: &Path) -> String {
    let output = run(arguments, directory);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output.stderr));
    let said = text(&output.stderr);
    assert!(said.starts_with("emporia: "), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// What a command that succeeded said.
fn done(arguments: &[&str], directory: &Path) -> String {
    let output = run(arguments, directory);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?}: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

#[test]
fn every_command_explains_itself() {
    let directory = tempfile::tempdir().unwrap();
    let (mut waiting, mut seen) = (vec![vec![]], vec![]);
    while let Some(command) = waiting.pop() {
        let arguments: Vec<&str> = command.iter().copied().chain(["--help"]).collect();
        let help = Box::leak(done(&arguments, directory.path()).into_boxed_str());
        assert!(help.contains("Usage: emporia"), "{help}");
        let listed = help.split("Commands:\n").nth(1).unwrap_or_default();
        for line in listed.lines().take_while(|line| line.starts_with("  ")) {
            // Descriptions that are long go on in further lines, further in.
            let name = line.trim_start().split(' ').next().unwrap();
            if line.starts_with("  ") && !line.starts_with("   ") && name != "help" {
                assert!(line.trim().len() > name.len() + 5, "{command:?} {name} has no description");
                let mut deeper = command.clone();
                deeper.push(name);
                waiting.push(deeper);
            }
        }
        for line in help.lines().filter(|line| line.trim_start().starts_with("--")) {
            assert!(line.contains("  "), "{command:?}: {line}");
        }
        seen.push(command);
    }
    assert!(seen.len() >= 13, "{seen:?}");
    assert!(done(&["--version"], directory.path()).starts_with("emporia "));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "help makes nothing");
}

#[test]
fn wrong_usage_exits_2_and_says_how_it_is_used() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [
        &[][..],
        &["serv"],
        &["demo", "--frehs"],
        &["import"],
        &["import", "online-retail"],
        &["operator", "create", "--email", "a@example.com", "--name", "A"],
        &["testpay"],
        &["testpay", "--secret-key", "sk_0123456789abcdef", "--webhook-url", "http://localhost"],
        &["backup"],
        &["restore"],
        &["config"],
        &["secret", "x"],
        &["serve", "--config"],
    ] {
        let output = run(arguments, directory.path());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.contains("Usage: emporia") || said.contains("--help"), "{arguments:?}: {said}");
    }
    assert!(text(&run(&["demo", "--frehs"], directory.path()).stderr).contains("--fresh"));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn config_check_names_the_wrong_key_and_the_nearest_right_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("emporia.toml");
    let check = |toml: &str| {
        std::fs::write(&path, toml).unwrap();
        failed(&["config", "check", "--config", "emporia.toml"], directory.path())
    };
    for (toml, wrong, right) in [
        ("listne = \"127.0.0.1:1\"", "listne", "\"listen\""),
        ("data-dir = \"x\"", "data-dir", "\"data_dir\""),
        ("[secrets]\nmaster_kye = \"x\"", "master_kye", "\"master_key\""),
        ("[payments]\nurl = \"http://localhost\"", "url", "\"base_url\""),
        ("[gateway]\nmask_error = true", "mask_error", "\"mask_errors\""),
        ("[gateway.limits]\ndeph = 3", "deph", "\"depth\""),
        ("[paymnets]\nbase_url = \"x\"", "paymnets", "\"payments\""),
    ] {
        let said = check(toml);
        assert!(said.contains(wrong) && said.contains(right), "{toml}: {said}");
        assert!(said.contains("emporia.toml"), "it says where: {said}");
    }
    for (toml, key) in [
        ("listen = 5", "listen"),
        ("[gateway.limits]\ndepth = \"deep\"", "gateway.limits.depth"),
        ("log_format = \"xml\"", "log_format"),
    ] {
        let said = check(toml);
        assert!(said.contains(key) && said.contains("emporia.toml"), "{toml}: {said}");
    }
    assert!(check("listen = ").contains("emporia.toml"));
    assert!(failed(&["config", "check", "--config", "none.toml"], directory.path()).contains("none.toml"));
    let variable = emporia()
        .args(["config", "check"])
        .env("EMPORIA_LISTNE", "x")
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert_eq!(variable.status.code(), Some(1));
    assert!(text(&variable.stderr).contains("listen"), "{}", text(&variable.stderr));

    std::fs::write(&path, "listen = \"127.0.0.1:9999\"\n").unwrap();
    let said = done(&["config", "check", "--config", "emporia.toml"], directory.path());
    assert!(said.contains("127.0.0.1:9999") && said.contains("secrets.master_key"), "{said}");
    let variable = emporia()
        .args(["config", "check", "--config", "emporia.toml"])
        .env("EMPORIA_LISTEN", "127.0.0.1:7777")
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert!(text(&variable.stdout).contains("127.0.0.1:7777"), "variables win over the file");
}

#[test]
fn serve_without_secrets_names_the_key_that_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    assert!(failed(&["serve"], directory.path()).contains("secrets.master_key"));
    let secret = done(&["secret"], directory.path());
    std::fs::write(
        directory.path().join("emporia.toml"),
        format!("[secrets]\nmaster_key = \"{}\"\n", secret.trim()),
    )
    .unwrap();
    let said = failed(&["serve", "--config", "emporia.toml"], directory.path());
    assert!(said.contains("secrets.email_pepper") && said.contains("emporia secret"), "{said}");
    let all = "[secrets]\nmaster_key = \"too short\"\nemail_pepper = \"x\"\n[payments]\nsecret_key = \"sk_0123456789abcdef\"\nwebhook_secret = \"whsec_x\"\n";
    std::fs::write(
        directory.path().join("emporia.toml"),
        format!("listen = \"127.0.0.1:{}\"\n{all}", free_port()),
    )
    .unwrap();
    assert!(failed(&["serve", "--config", "emporia.toml"], directory.path()).contains("secrets.master_key"));
    assert!(!directory.path().join("emporia-data").exists(), "nothing was made");
}

#[test]
fn a_secret_is_32_random_bytes_in_base_64() {
    let directory = tempfile::tempdir().unwrap();
    let secrets = [done(&["secret"], directory.path()), done(&["secret"], directory.path())];
    for secret in &secrets {
        assert_eq!(secret.trim().len(), 44);
        MasterKey::from_base64(secret.trim()).unwrap();
    }
    assert_ne!(secrets[0], secrets[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_a_data_directory_is_told_who_owns_it() {
    let directory = tempfile::tempdir().unwrap();
    let (listen, psp) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
    let mut command = emporia();
    command
        .args(["demo", "--data-dir", "shop", "--listen", &listen, "--psp-listen", &psp])
        .current_dir(directory.path());
    let log = directory.path().join("demo.log");
    let mut demo = Process::spawn(command, &log);
    waited(Duration::from_secs(120), async || {
        let answer = reqwest::get(format!("http://{listen}/readyz")).await.ok()?;
        answer.status().is_success().then_some(())
    })
    .await;
    let said = failed(&["mail", "--data-dir", "shop"], directory.path());
    assert!(said.contains(&demo.id().to_string()), "{said}");
    // A copy is made while the server works.
    done(&["backup", "copy", "--data-dir", "shop"], directory.path());
    done(&["restore", "copy", "--data-dir", "again"], directory.path());
    done(&["mail", "--data-dir", "again"], directory.path());
    let said = failed(
        &["demo", "--fresh", "--data-dir", "again", "--listen", "127.0.0.1:0", "--psp-listen", "127.0.0.1:0"],
        directory.path(),
    );
    assert!(said.contains("the demo did not make"), "{said}");
    assert!(directory.path().join("again/commerce.db").exists());
    let said = failed(&["demo", "--data-dir", "other", "--listen", &listen], directory.path());
    assert!(said.contains(&listen) && said.contains("--listen"), "{said}");
    demo.signal("INT");
    let ended = demo.ended(Duration::from_secs(30)).expect("it ends when asked to");
    assert_eq!(ended.code(), Some(0));
    let told = std::fs::read_to_string(&log).unwrap();
    assert!(told.contains(&listen) && told.contains(&psp) && told.contains("Stopped"), "{told}");
    // The directory is free again, and what is in it is kept.
    done(&["mail", "--data-dir", "shop"], directory.path());
    std::fs::write(directory.path().join("shop/my-thesis.txt"), "years of work").unwrap();
    let said = failed(
        &["demo", "--fresh", "--data-dir", "shop", "--listen", &listen, "--psp-listen", &psp],
        directory.path(),
    );
    assert!(said.contains("my-thesis.txt"), "{said}");
    assert!(directory.path().join("shop/my-thesis.txt").exists());
    assert!(directory.path().join("shop/commerce.db").exists(), "nothing goes when something stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_made_at_the_command_line_signs_in() {
    let shop = Installation::new().await;
    let config = shop.config();
    let config = config.to_str().unwrap();
    let arguments = [
        "operator",
        "create",
        "--config",
        config,
        "--email",
        "boss@example.com",
        "--name",
        "The Boss",
        "--role",
        "admin",
    ];
    let create = |password: &str| {
        emporia().args(arguments).env("EMPORIA_OPERATOR_PASSWORD", password).output().unwrap()
    };
    let weak = create("short");
    assert_eq!(weak.status.code(), Some(1));
    assert!(text(&weak.stderr).contains("password"), "{}", text(&weak.stderr));
    let made = create("correct horse battery");
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    shop.start(None).await;
    let query = "mutation($p: String!) { signInOperator(input: {email: \"boss@example.com\", password: $p}) { accessToken operator { roles } userErrors { code } } }";
    let answer = shop.ask(query, json!({"p": "correct horse battery"}), None).await.unwrap();
    assert!(answer["data"]["signInOperator"]["accessToken"].is_string(), "{answer:#}");
    assert_eq!(answer["data"]["signInOperator"]["operator"]["roles"], json!(["admin"]));
    let answer = shop.ask(query, json!({"p": "short"}), None).await.unwrap();
    assert_eq!(answer["data"]["signInOperator"]["userErrors"][0]["code"], "INVALID_CREDENTIALS");
    // Production shows no schema and no GraphiQL.
    let answer = shop.ask("{ __schema { types { name } } }", json!({}), None).await.unwrap();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INTROSPECTION_DISABLED");
    assert_eq!(
        shop.client.get(format!("{}/graphiql", shop.http)).send().await.unwrap().status().as_u16(),
        404
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_put_back_into_an_empty_directory_has_the_order_and_its_person() {
    let shop = Installation::on_files().await;
    shop.start(None).await;
    let place = "mutation($cart: ID!, $token: String!) { placeOrder(input: {cartId: $cart, email: \"ada@example.com\", deliveryOption: \"standard\", cardToken: $token, \
                 idempotencyKey: \"k\", shippingAddress: {name: \"Ada\", line1: \"Main Street 1\", city: \"Town\", countryCode: \"DE\"}}) { order { id number } userErrors { message } } }";
    let cart =
        "mutation { createCart(input: {lines: [{sku: \"MUG\", quantity: 1}]}) { guestToken cart { id } } }";
    let answer = shop.ask(cart, json!({}), None).await.unwrap();
    let guest = answer["data"]["createCart"]["guestToken"].as_str().unwrap().to_owned();
    let card = emporia_testpay::api::CardDetails {
        number: "4242424242424242".into(),
        exp_month: 12,
        exp_year: 2040,
        cvc: "123".into(),
    };
    let token = shop.provider.create_token(&card).await.unwrap().token;
    let placed = shop
        .ask(place, json!({"cart": answer["data"]["createCart"]["cart"]["id"], "token": token}), Some(&guest))
        .await
        .unwrap();
    let order = &placed["data"]["placeOrder"]["order"];
    assert!(order["id"].is_string(), "{placed:#}");
    shop.kill();

    let config = shop.config();
    let config = config.to_str().unwrap();
    done(&["backup", "copy", "--config", config], shop.directory());
    assert!(
        failed(&["restore", "copy", "--config", config], shop.directory()).contains("data"),
        "not over what is there"
    );
    std::fs::remove_dir_all(shop.data_dir()).unwrap();
    failed(&["restore", "no-copy", "--config", config], shop.directory());
    done(&["restore", "copy", "--config", config], shop.directory());
    shop.start(None).await;
    let query = "query($id: ID!) { order(id: $id) { number email shippingAddress { line1 } totals { total { amount } } } }";
    let seen = shop.ask(query, json!({"id": order["id"]}), Some(&guest)).await.unwrap();
    assert_eq!(seen["data"]["order"]["number"], order["number"], "{seen:#}");
    assert_eq!(seen["data"]["order"]["email"], "ada@example.com");
    assert_eq!(seen["data"]["order"]["shippingAddress"]["line1"], "Main Street 1");
}

/// Opens an account with the code of the mail that comes.
async fn register(shop: &Installation) -> serde_json::Value {
    let outbox = shop.data_dir().join("outbox");
    let mails = || -> HashSet<PathBuf> {
        std::fs::read_dir(&outbox).unwrap().map(|file| file.unwrap().path()).collect()
    };
    let before = mails();
    let start = "mutation { startRegistration(input: {email: \"ada@example.com\"}) { accepted userErrors { message } } }";
    let answer = shop.ask(start, json!({}), None).await.unwrap();
    assert_eq!(answer["data"]["startRegistration"]["accepted"], true, "{answer:#}");
    let code = waited(Duration::from_secs(30), async || {
        let new = mails()
            .into_iter()
            .find(|mail| !before.contains(mail) && mail.extension() == Some("eml".as_ref()))?;
        let mail = std::fs::read_to_string(new).unwrap();
        mail.lines().find_map(|line| line.strip_prefix("    ")).map(str::to_owned)
    })
    .await;
    let query = "mutation($code: String!) { register(input: {email: \"ada@example.com\", code: $code, password: \"correct horse\"}) { accessToken userErrors { message } } }";
    let mut answer = shop.ask(query, json!({"code": code}), None).await.unwrap();
    answer["data"]["register"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_does_not_bring_back_whom_the_present_key_file_knows_to_be_erased() {
    let shop = Installation::on_files().await;
    let config = shop.config();
    let config = config.to_str().unwrap();
    shop.start(None).await;
    let registered = register(&shop).await;
    let token = registered["accessToken"].as_str().unwrap().to_owned();
    shop.kill();
    done(&["backup", "copy", "--config", config], shop.directory());
    shop.start(None).await;
    let erase = json!({"query": "mutation { eraseMe(input: {password: \"correct horse\"}) { erased } }"});
    let request = shop.client.post(format!("{}/graphql", shop.http)).bearer_auth(token).json(&erase);
    let erased: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(erased["data"]["eraseMe"]["erased"], true, "{erased:#}");
    shop.kill();
    // The data is lost, the keys are not: they stay when the copy comes back.
    for entry in std::fs::read_dir(shop.data_dir()).unwrap().flatten() {
        if entry.path().is_file() {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    done(&["restore", "copy", "--config", config], shop.directory());
    shop.start(None).await;
    let sign_in = "mutation { signIn(input: {email: \"ada@example.com\", password: \"correct horse\"}) { accessToken userErrors { code } } }";
    let answer = shop.ask(sign_in, json!({}), None).await.unwrap();
    assert_eq!(answer["data"]["signIn"]["userErrors"][0]["code"], "INVALID_CREDENTIALS", "{answer:#}");
    let again = register(&shop).await;
    assert!(again["accessToken"].is_string(), "the address is free: {again:#}");
}

#[test]
fn a_backup_of_a_directory_that_keeps_its_own_secrets_can_be_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let operator = [
        "operator",
        "create",
        "--data-dir",
        "shop",
        "--email",
        "boss@example.com",
        "--name",
        "Boss",
        "--role",
        "admin",
    ];
    let made = emporia()
        .args(operator)
        .env("EMPORIA_OPERATOR_PASSWORD", "correct horse")
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    done(&["backup", "copy", "--data-dir", "shop"], directory.path());
    done(&["restore", "copy", "--data-dir", "again"], directory.path());
    done(&["mail", "--data-dir", "again"], directory.path());
    let keys = |of: &str| std::fs::read(directory.path().join(of).join("keys/local-secrets.json")).unwrap();
    assert_eq!(keys("shop"), keys("again"));
}

#[test]
fn config_check_names_the_line_of_a_wrong_policy_and_the_roles_there_are() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("emporia.toml"), "role_policies = \"roles.cedar\"\n").unwrap();
    let check = ["config", "check", "--config", "emporia.toml"];
    assert!(failed(&check, directory.path()).contains("roles.cedar"), "the file is missing");
    let policy = "permit (principal in Role::\"counter\", action == Action::\"orders:returns\", resource);\n";
    std::fs::write(at("roles.cedar"), format!("\n{policy}")).unwrap();
    let said = done(&check, directory.path());
    assert!(said.contains("admin, analyst, counter, fulfilment, merchandiser, service"), "{said}");
    std::fs::write(at("roles.cedar"), format!("\n{}", policy.replace("returns", "return"))).unwrap();
    let said = failed(&check, directory.path());
    assert!(said.contains("line 2") && said.contains("orders:return"), "{said}");
}

#[test]
fn people_try_rules_of_the_bus_before_they_put_them() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("event.json", r#"{"source": "shop", "detail": {"total": 12.5}}"#);
    write("pattern.json", r#"{"detail": {"total": [{"numeric": [">", 100]}]}}"#);
    let output = run(
        &["events", "explain", "--pattern-file", "pattern.json", "--event", "event.json"],
        directory.path(),
    );
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(1), ""));
    assert!(text(&output.stdout).starts_with("no match\n"), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("detail.total = 12.5 is not a number > 100"));
    let explain = |pattern| ["events", "explain", "--pattern", pattern, "--event", "event.json"];
    assert!(done(&explain(r#"{"source": ["shop"]}"#), directory.path()).starts_with("match\n"));
    let said = failed(&explain(r#"{"source": "shop"}"#), directory.path());
    assert!(said.contains("Event pattern is not valid. Reason: \"source\" must be an object or an array"));

    write(
        "cases.jsonl",
        "{\"id\": \"good\", \"api\": \"rule\", \"expression\": \"rate(5 minutes)\", \"valid\": true}\n",
    );
    let conformance = ["events", "conformance", "cases.jsonl"];
    assert_eq!(done(&conformance, directory.path()), "1 passed, 0 failed\n");
    write(
        "cases.jsonl",
        "{\"id\": \"bad\", \"api\": \"rule\", \"expression\": \"rate(5 minute)\", \"valid\": true}\n",
    );
    let output = run(&conformance, directory.path());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "bad: refused, expected: valid\n0 passed, 1 failed\n");
    write("cases.jsonl", "{}");
    assert!(failed(&conformance, directory.path()).contains("cases.jsonl, line 1 is no case"));
}
