//! From the outbox to files, and erasure.

mod outbox;

use emporia_contracts::{customers::PersonalData, orders::OrderContact};
use emporia_mail::{MailError, MailOptions, MailService, MailState};
use emporia_store::Position;
use outbox::{Outbox, ada, person_of};

#[tokio::test]
async fn a_delivered_mail_is_one_rfc_5322_file_named_by_its_id() {
    let outbox = Outbox::open().await;
    outbox.placed(&outbox.order(&ada())).await;
    assert!(!outbox.place.holds("ada@example.com"), "nothing is readable before delivery");
    assert_eq!(outbox.mail.deliver().await.unwrap(), 1);
    let mail = outbox.mails().await.remove(0);
    let id = mail.summary.id;
    let files = outbox.files();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].0, format!("{id}.eml"));
    let headers: Vec<&str> = files[0].1.split("\r\n\r\n").next().unwrap().split("\r\n").collect();
    let message_id = format!("Message-ID: <{id}@example.com>");
    for header in [
        "From: \"Emporia\" <shop@example.com>",
        "Subject: Your order EU-1001",
        "Date: Tue, 24 Nov 2026 12:00:00 +0000",
        "MIME-Version: 1.0",
        &message_id,
    ] {
        assert!(
            headers.contains(&header) || headers.contains(&header.replace('"', "").as_str()),
            "{header}\n{headers:#?}"
        );
    }
    assert!(
        headers.iter().any(|h| h.starts_with("To: ") && h.ends_with("<ada@example.com>")),
        "{headers:#?}"
    );
    assert!(
        files[0].1.contains("text/plain; charset=utf-8") && files[0].1.contains("text/html; charset=utf-8")
    );
    assert!(matches!(mail.summary.state, MailState::Delivered(_)));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(outbox.place.path().join("mail")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "nobody else may look into the outbox");
    }
}

#[tokio::test]
async fn of_many_deliveries_at_the_same_time_each_mail_is_delivered_once() {
    let outbox = Outbox::open().await;
    for _ in 0..20 {
        outbox.placed(&outbox.order(&ada())).await;
    }
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let mail = outbox.mail.clone();
        all.spawn(async move { mail.deliver().await.unwrap() });
    }
    assert_eq!(all.join_all().await.into_iter().sum::<usize>(), 20);
    assert_eq!(outbox.files().len(), 20);
}

#[tokio::test]
async fn hostile_texts_neither_become_headers_nor_markup() {
    let outbox = Outbox::open().await;
    let hostile = [
        "Ada\r\nBcc: all@example.com",
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "Ada\u{0}\u{7}\u{202e}",
        "=?utf-8?B?QmNjOiBhbGxAZXhhbXBsZS5jb20=?=",
        "Ada <ada@evil.example>, Bob",
        "{{ 7*7 }}",
    ];
    for text in hostile {
        let mut contact = ada();
        if let Some(address) = contact.shipping.as_mut() {
            (address.name, address.line1) = (text.into(), text.into());
        }
        let mut order = outbox.order(&contact);
        order.number = format!("EU-1\r\n{text}");
        order.snapshot.lines[0].title = text.into();
        order.tenders[0].label = text.into();
        outbox.placed(&order).await;
    }
    assert_eq!(outbox.mail.deliver().await.unwrap(), hostile.len());
    for (name, file) in outbox.files() {
        let headers = file.split("\r\n\r\n").next().unwrap();
        for header in headers.split("\r\n").filter(|line| !line.starts_with([' ', '\t'])) {
            let known = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"];
            assert!(known.contains(&header.split(':').next().unwrap()), "{name}: {header}");
        }
        assert_eq!(
            headers.matches("@example.com>").count(),
            3,
            "one sender, one addressee, one id: {headers}"
        );
    }
    for mail in outbox.mails().await {
        let html = mail.body.unwrap().html.unwrap();
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        assert!(!html.contains("49"), "nothing is evaluated: {html}");
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_written_is_set_aside_and_stops_nobody() {
    let outbox = Outbox::open().await;
    let odd =
        ["ünicode@exämple.com", "a..b@example.com", "ada@-example.com", ".@example.com", "ada@example.c"];
    let mut sent = 0;
    for email in odd {
        let Ok(email) = email.parse() else { continue };
        outbox.placed(&outbox.order(&OrderContact { email, ..ada() })).await;
        sent += 1;
    }
    outbox.placed(&outbox.order(&ada())).await;
    outbox.mail.deliver().await.unwrap();
    let mails = outbox.mails().await;
    assert_eq!(mails.len(), sent + 1);
    assert!(mails.iter().all(|m| m.summary.state != MailState::Queued));
    assert!(mails.iter().any(|m| matches!(m.summary.state, MailState::Undeliverable(_))));
    assert!(outbox.files().iter().any(|(_, file)| file.contains("<ada@example.com>")));
}

#[tokio::test]
async fn erasure_leaves_nothing_readable_and_no_way_back() {
    let outbox = Outbox::open().await;
    let (order, other) = (outbox.order(&ada()), outbox.order(&ada()));
    outbox.placed(&order).await;
    outbox.placed(&other).await;
    outbox.mail.deliver().await.unwrap();
    outbox.happens(vec![outbox.event(&outbox.shipped(&order, &[0]))]).await;
    let (ada, export) = (person_of(&order), outbox.mail.export(person_of(&order)).await.unwrap());
    assert_eq!(export.as_array().unwrap().len(), 2);
    assert!(export.to_string().contains("ada@example.com") && export.to_string().contains("Byronweg 1"));
    // A file whose writing was interrupted goes too.
    let id =
        outbox.mails().await.iter().find(|m| m.summary.order == Some(order.order_id)).unwrap().summary.id;
    std::fs::write(outbox.place.path().join(format!("mail/.{id}.eml.part")), "ada@example.com").unwrap();
    for _ in 0..2 {
        outbox.mail.erase(ada).await.unwrap();
    }
    outbox.vault.destroy(ada, outbox.store.clock().now()).unwrap();
    assert_eq!(outbox.files().len(), 1, "the other person's mail stays");
    assert_eq!(outbox.mail.deliver().await.unwrap(), 0);
    let erased = outbox.mails().await.into_iter().filter(|m| m.summary.erased).collect::<Vec<_>>();
    assert!(
        erased.len() == 2
            && erased.iter().all(|m| m.body.is_none() && m.summary.order == Some(order.order_id))
    );
    assert!(!outbox.mail.export(ada).await.unwrap().to_string().contains("ada@"));
    // Neither later events nor old ones again make a mail of an erased person.
    outbox.happens(vec![outbox.event(&outbox.shipped(&order, &[1]))]).await;
    outbox.consumer.rewind(&outbox.store.log_of("orders"), Position::default()).await.unwrap();
    outbox.consumer.caught_up().await.unwrap();
    outbox.mail.deliver().await.unwrap();
    assert_eq!((outbox.mails().await.len(), outbox.files().len()), (3, 1));
    outbox.mail.erase(person_of(&other)).await.unwrap();
    outbox.vault.destroy(person_of(&other), outbox.store.clock().now()).unwrap();
    for personal in ["ada@example.com", "Lovelace", "Byronweg"] {
        assert!(!outbox.place.holds(personal), "{personal}");
    }
}

#[tokio::test]
async fn an_order_whose_person_is_gone_already_makes_no_mail() {
    let outbox = Outbox::open().await;
    let order = outbox.order(&ada());
    outbox.vault.destroy(person_of(&order), outbox.store.clock().now()).unwrap();
    outbox.placed(&order).await;
    assert!(outbox.mails().await.is_empty() && outbox.consumer.poison(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_queued_mail_whose_key_was_destroyed_is_never_written() {
    let outbox = Outbox::open().await;
    let order = outbox.order(&ada());
    outbox.placed(&order).await;
    outbox.vault.destroy(person_of(&order), outbox.store.clock().now()).unwrap();
    assert_eq!(outbox.mail.deliver().await.unwrap(), 0);
    assert!(outbox.files().is_empty() && outbox.mails().await[0].summary.erased);
}

#[tokio::test]
async fn a_wrong_sender_is_refused_at_once() {
    let outbox = Outbox::open().await;
    for from in ["", "Emporia", "Emporia <shop>", "a@b.example\r\nBcc: c@d.example"] {
        let options =
            MailOptions { outbox: outbox.place.path().join("x"), from: from.into(), shop: "x".into() };
        let made = MailService::new(outbox.store.space("mail").unwrap(), outbox.vault.clone(), options);
        assert!(matches!(made, Err(MailError::Sender(_))), "{from:?}");
    }
}
