//! Which events make which mails.

mod outbox;

use emporia_contracts::{
    customers::{AccountNotice, AccountNoticeIssued, NoticeKind, PersonalData},
    orders::OrderMode,
};
use emporia_mail::{MailKind, MailState};
use emporia_store::Position;
use outbox::{Outbox, ada};

#[tokio::test]
async fn a_confirmation_in_english() {
    let outbox = Outbox::open().await;
    outbox.placed(&outbox.order(&ada())).await;
    let mail = outbox.mails().await.remove(0);
    assert_eq!(mail.summary.number.as_deref(), Some("EU-1001"));
    assert_eq!((mail.summary.kind, &mail.summary.state), (MailKind::OrderConfirmation, &MailState::Queued));
    let body = mail.body.unwrap();
    assert_eq!((body.to.as_str(), body.subject.as_str()), ("ada@example.com", "Your order EU-1001"));
    insta::assert_snapshot!("confirmation_en", body.text);
    insta::assert_snapshot!("confirmation_en_html", body.html.unwrap());
}

#[tokio::test]
async fn a_confirmation_in_german_with_another_address_for_the_invoice() {
    let outbox = Outbox::open().await;
    let mut contact = ada();
    contact.billing = contact.shipping.clone().map(|shipping| {
        let company = Some("Analytische Maschinen GmbH".into());
        emporia_contracts::values::Address { company, line2: Some("Hinterhaus".into()), ..shipping }
    });
    let mut order = outbox.order(&contact);
    order.locale = "de-AT".into();
    outbox.placed(&order).await;
    let body = outbox.mails().await.remove(0).body.unwrap();
    assert_eq!(body.subject, "Ihre Bestellung EU-1001");
    insta::assert_snapshot!("confirmation_de", body.text);
}

#[tokio::test]
async fn net_prices_show_tax_before_the_total() {
    let outbox = Outbox::open().await;
    let mut order = outbox.order(&ada());
    order.snapshot.kind = emporia_contracts::channels::PriceKind::Net;
    outbox.placed(&order).await;
    let text = outbox.mails().await.remove(0).body.unwrap().text;
    let (tax, total) = (text.find("Tax DE 19 %: 5.30 EUR").unwrap(), text.find("Total: 33.23 EUR").unwrap());
    assert!(tax < total && !text.contains("including"), "{text}");
}

#[tokio::test]
async fn every_amount_stands_as_the_order_has_it() {
    let outbox = Outbox::open().await;
    let mut order = outbox.order(&ada());
    // Amounts that no computation would give: they are written, not reckoned.
    order.snapshot.lines[0].amount = outbox::eur(12_345);
    order.snapshot.totals.items = outbox::eur(1);
    order.snapshot.totals.delivery = outbox::eur(2);
    order.snapshot.totals.total = outbox::eur(-3);
    order.snapshot.totals.taxes[0].tax = outbox::eur(4);
    outbox.placed(&order).await;
    let body = outbox.mails().await.remove(0).body.unwrap();
    for amount in
        ["123.45 EUR", "Items: 0.01 EUR", "(Standard): 0.02 EUR", "Total: -0.03 EUR", "DE 19 %: 0.04 EUR"]
    {
        assert!(body.text.contains(amount), "{amount}\n{}", body.text);
    }
}

#[tokio::test]
async fn reported_orders_and_orders_without_a_contact_are_not_confirmed() {
    let outbox = Outbox::open().await;
    let mut fact = outbox.order(&ada());
    fact.mode = OrderMode::Fact;
    let mut nobody = outbox.order(&ada());
    nobody.contact = None;
    for order in [&fact, &nobody] {
        outbox.placed(order).await;
        outbox.happens(vec![outbox.event(&outbox.shipped(order, &[0]))]).await;
    }
    assert!(outbox.mails().await.is_empty());
    assert!(outbox.consumer.poison(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_event_that_comes_again_makes_no_second_mail() {
    let outbox = Outbox::open().await;
    let order = outbox.order(&ada());
    outbox.placed(&order).await;
    outbox.happens(vec![outbox.event(&outbox.shipped(&order, &[0, 1]))]).await;
    assert_eq!(outbox.mail.deliver().await.unwrap(), 2);
    let before = outbox.files();
    for _ in 0..3 {
        outbox.consumer.rewind(&outbox.store.log_of("orders"), Position::default()).await.unwrap();
        outbox.consumer.caught_up().await.unwrap();
        assert_eq!(outbox.mail.deliver().await.unwrap(), 0);
    }
    assert_eq!((outbox.mails().await.len(), outbox.files()), (2, before));
}

#[tokio::test]
async fn an_order_of_several_events_is_confirmed_once_with_every_line() {
    let outbox = Outbox::open().await;
    let mut order = outbox.order(&ada());
    let lines = |from: usize, to: usize| {
        (from..to)
            .map(|n| outbox.line(&format!("SKU-{n}"), &format!("Thing number {n}"), &[], 1, "1.00", 100, 16))
            .collect::<Vec<_>>()
    };
    order.snapshot.lines = lines(0, 300);
    order.further_lines = 200;
    let events = vec![
        outbox.event(&order),
        outbox.event(&outbox.further(&order, 300, lines(300, 400))),
        outbox.event(&outbox.further(&order, 400, lines(400, 500))),
    ];
    outbox.happens(events).await;
    let mails = outbox.mails().await;
    assert_eq!(mails.len(), 1);
    let body = mails[0].body.clone().unwrap();
    for n in 0..500 {
        assert!(body.text.contains(&format!("Thing number {n}\n")), "{n}");
    }
    outbox.consumer.rewind(&outbox.store.log_of("orders"), Position::default()).await.unwrap();
    outbox.consumer.caught_up().await.unwrap();
    assert_eq!(outbox.mails().await.len(), 1);
    assert!(outbox.consumer.poison(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_largest_order_of_the_longest_titles_still_has_a_mail() {
    let outbox = Outbox::open().await;
    let mut order = outbox.order(&ada());
    let title = "& ".repeat(400);
    let lines = || {
        (0..250).map(|_| outbox.line(&"S".repeat(64), &title, &[], 1, "1.00", 100, 16)).collect::<Vec<_>>()
    };
    order.snapshot.lines = lines();
    order.further_lines = 250;
    outbox.happens(vec![outbox.event(&order)]).await;
    outbox.happens(vec![outbox.event(&outbox.further(&order, 250, lines()))]).await;
    let body = outbox.mails().await.remove(0).body.unwrap();
    assert_eq!(body.text.matches("SSSS · 1.00 each · 1.00 EUR").count(), 500);
    assert_eq!(body.html, None, "the text says the same in less room");
    assert_eq!(outbox.mail.deliver().await.unwrap(), 1);
}

#[tokio::test]
async fn word_of_shipping_names_what_is_on_its_way() {
    let outbox = Outbox::open().await;
    let order = outbox.order(&ada());
    outbox.placed(&order).await;
    outbox.happens(vec![outbox.event(&outbox.shipped(&order, &[1]))]).await;
    let mails = outbox.mails().await;
    let mail = mails.iter().find(|m| m.summary.kind == MailKind::ShippingConfirmation).unwrap();
    let body = mail.body.clone().unwrap();
    insta::assert_snapshot!("shipping_en", body.text);
    assert!(!body.html.unwrap().contains("White mug"));
    let order = emporia_contracts::orders::OrderPlaced { locale: "de".into(), ..outbox.order(&ada()) };
    outbox.placed(&order).await;
    let mut shipped = outbox.shipped(&order, &[0]);
    (shipped.carrier, shipped.tracking_number) = (None, None);
    outbox.happens(vec![outbox.event(&shipped)]).await;
    let german =
        outbox.mails().await.into_iter().filter_map(|m| m.body).find(|b| b.subject.starts_with("Unterwegs"));
    insta::assert_snapshot!("shipping_de", german.unwrap().text);
}

#[tokio::test]
async fn account_holders_get_their_codes_and_erasing_them_takes_the_mails_away() {
    let outbox = Outbox::open().await;
    let person = outbox.vault.new_person().unwrap();
    let notice = AccountNotice {
        email: "ada@example.com".parse().unwrap(),
        name: Some("Ada <Lovelace>".into()),
        code: Some("7Q2M-XK0D-94TB".into()),
        valid_until: Some("2026-11-25T12:00:00Z".parse().unwrap()),
    };
    let quiet = AccountNotice { code: None, valid_until: None, ..notice.clone() };
    for (kind, locale, notice) in [
        (NoticeKind::RegistrationCode, "en", &notice),
        (NoticeKind::PasswordCode, "de", &notice),
        (NoticeKind::PasswordChanged, "en", &quiet),
        (NoticeKind::PasskeyAdded, "en", &quiet),
        (NoticeKind::IdentityLinked, "de", &quiet),
    ] {
        let notice = outbox.vault.seal(person, notice).unwrap();
        let issued = AccountNoticeIssued { person_id: person, kind, locale: locale.into(), notice };
        outbox.happens(vec![outbox.event(&issued)]).await;
        let body = outbox.mails().await.remove(0).body.unwrap();
        assert_eq!(body.to.as_str(), "ada@example.com");
        insta::assert_snapshot!(format!("{kind:?}_{locale}"), format!("{}\n\n{}", body.subject, body.text));
        assert!(body.html.unwrap().contains("Ada &#60;Lovelace&#62;"));
    }
    assert_eq!(outbox.mail.deliver().await.unwrap(), 5);
    outbox.mail.erase(person).await.unwrap();
    assert!(outbox.files().is_empty());
    assert!(outbox.mails().await.iter().all(|mail| mail.body.is_none()));
    assert!(outbox.consumer.poison(None, 10).await.unwrap().is_empty());
}
