//! Requests as Authorize.net's schema wants them: the order of the members matters.

use serde::Serialize;

/// `merchantAuthentication`.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Merchant<'a> {
    pub name: &'a str,
    pub transaction_key: &'a str,
}

/// A whole request: one member, named after the operation.
#[derive(Serialize)]
pub(super) enum Request<'a> {
    #[serde(rename = "createTransactionRequest", rename_all = "camelCase")]
    Create {
        merchant_authentication: Merchant<'a>,
        ref_id: &'a str,
        transaction_request: Transaction<'a>,
    },
    #[serde(rename = "getTransactionDetailsRequest", rename_all = "camelCase")]
    Details {
        merchant_authentication: Merchant<'a>,
        trans_id: &'a str,
    },
    #[serde(
        rename = "getUnsettledTransactionListRequest",
        rename_all = "camelCase"
    )]
    Unsettled {
        merchant_authentication: Merchant<'a>,
        sorting: Sorting,
        paging: Paging,
    },
}

/// `transactionRequest`; what is none is left out.
#[allow(clippy::struct_field_names)] // the schema's names
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Transaction<'a> {
    pub transaction_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<Payment<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ref_trans_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Order<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bill_to: Option<BillTo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_settings: Option<Settings>,
}

/// A token, or for a refund the card's last digits.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Payment<'a> {
    #[serde(rename_all = "camelCase")]
    CreditCard {
        card_number: &'a str,
        expiration_date: &'static str,
    },
    #[serde(rename_all = "camelCase")]
    OpaqueData {
        data_descriptor: &'a str,
        data_value: &'a str,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Order<'a> {
    pub invoice_number: &'a str,
    pub description: &'a str,
}

#[derive(Serialize)]
pub(super) struct Customer<'a> {
    pub id: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub email: &'a str,
}

/// `billTo`; what is empty is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BillTo {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub first_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub city: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub state: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub zip: String,
}

#[derive(Serialize)]
pub(super) struct Settings {
    pub setting: [Setting; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Setting {
    pub setting_name: &'static str,
    pub setting_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sorting {
    pub order_by: &'static str,
    pub order_descending: bool,
}

/// A page's size and its number, from 1.
#[derive(Serialize)]
pub(super) struct Paging {
    pub limit: String,
    pub offset: String,
}
