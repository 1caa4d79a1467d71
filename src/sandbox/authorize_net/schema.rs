//! What the XML schema behind Authorize.net's JSON asks of a request.

use super::Refused;

/// The schema's order of the members of `createTransactionRequest`.
pub(super) const REQUEST: &[&str] = &[
    "merchantAuthentication",
    "clientId",
    "refId",
    "transactionRequest",
];
/// The schema's order of the members of `transactionRequest`.
pub(super) const TRANSACTION: &[&str] = &[
    "transactionType",
    "amount",
    "currencyCode",
    "payment",
    "profile",
    "solution",
    "callId",
    "terminalNumber",
    "authCode",
    "refTransId",
    "splitTenderId",
    "order",
    "lineItems",
    "tax",
    "duty",
    "shipping",
    "taxExempt",
    "poNumber",
    "customer",
    "billTo",
    "shipTo",
    "customerIP",
    "cardholderAuthentication",
    "retail",
    "employeeId",
    "transactionSettings",
    "userFields",
];

/// A text that is longer than the schema allows.
pub(super) fn too_long(name: &str) -> Refused {
    let text = format!(
        "The '{name}' element is invalid - The value is invalid according to its datatype \
         'String' - The actual length is greater than the MaxLength value."
    );
    ("E00003", text)
}

/// A member that the schema does not have at its place.
pub(super) fn misplaced(parent: &str, name: &str) -> Refused {
    let text = format!(
        "The element '{parent}' in namespace 'AnetApi/xml/v1/schema/AnetApiSchema.xsd' has \
         invalid child element '{name}' in namespace \
         'AnetApi/xml/v1/schema/AnetApiSchema.xsd'."
    );
    ("E00003", text)
}
