use crate::{
    model::Order,
    service::{OrdersService, fault},
};
use emporia_contracts::{Fault, customers::PersonalData};
use emporia_store::{IndexKey, Query};
use emporia_vault::PersonId;
use serde_json::{Value, json};

#[async_trait::async_trait]
impl PersonalData for OrdersService {
    fn room(&self) -> &'static str {
        "orders"
    }

    async fn export(&self, person: PersonId) -> Result<Value, Fault> {
        let prefix = IndexKey::new().text(&person.to_string());
        let (mut orders, mut after) = (vec![], None);
        loop {
            let query = Query::index("orders_by_person").prefix(prefix.clone()).limit(200).after(after);
            let page = self.space.query::<Order>(query).await.map_err(fault)?;
            after = page.items.last().map(|(cursor, _)| cursor.clone());
            for (_, order) in page.items {
                let lines = self.lines(&order).await.map_err(fault)?;
                let contact = self.contact(&order).map_err(|e| Fault::permanent("orders", e))?;
                orders.push(json!({
                    "number": order.number,
                    "placedAt": order.placed_at,
                    "total": order.totals.total,
                    "contact": contact,
                    "lines": lines.iter().map(|l| json!({"sku": l.priced.sku, "title": l.priced.title, "quantity": l.priced.quantity})).collect::<Vec<_>>(),
                }));
            }
            if !page.has_more {
                return Ok(Value::Array(orders));
            }
        }
    }

    async fn erase(&self, _: PersonId) -> Result<(), Fault> {
        // Contacts are sealed under the person's key: they go with it. The facts of the sale stay, as the law wants.
        Ok(())
    }
}
