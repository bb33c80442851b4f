//! The ids that services know of each other.

use emporia_id::typed_id;

typed_id!(/** A product of the catalogue. */ ProductId, "prd");
typed_id!(/** A variant of a product; other services know it by its SKU. */ VariantId, "var");
typed_id!(/** A category of the catalogue's tree. */ CategoryId, "cat");
typed_id!(/** A product type: which attributes a product has. */ ProductTypeId, "pty");
typed_id!(/** A cart. */ CartId, "crt");
typed_id!(/** A line of a cart. */ CartLineId, "cln");
typed_id!(/** One passage from a cart to an order. */ CheckoutId, "chk");
typed_id!(/** An order. */ OrderId, "ord");
typed_id!(/** A line of an order. */ OrderLineId, "oln");
typed_id!(/** A fulfilment: what leaves one location together. */ FulfilmentId, "ful");
typed_id!(/** A return. */ ReturnId, "ret");
typed_id!(/** A payment: one tender with its provider. */ PaymentId, "pay");
typed_id!(/** A refund of a payment. */ RefundId, "rfd");
typed_id!(/** A stock reservation. */ ReservationId, "rsv");
typed_id!(/** A stock movement. */ MovementId, "mov");
typed_id!(/** A task to count stock. */ CountTaskId, "cnt");
typed_id!(/** A customer's account. */ CustomerId, "cus");
typed_id!(/** An address in a customer's book. */ AddressId, "adr");
typed_id!(/** An operator or associate. */ OperatorId, "opr");
typed_id!(/** An API key: with it another system asks, not a person. */ ApiKeyId, "key");
