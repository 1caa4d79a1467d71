//! The default words of messages: see the module above for what a template knows.

use crate::types::effect::Milestone;

const ADDRESS_MISSING: &str = "Where is your order {{ number }} to go?\n\n\
    Hello{% if name %} {{ name }}{% endif %},\n\n\
    we have your order {{ number }} over {{ total }} and keep its items for you.\n\
    Please tell us where it is to go: name, street, postcode, city and country.\n";

pub(super) const fn email_text(milestone: Milestone) -> &'static str {
    match milestone {
        Milestone::Received => {
            "We have your order {{ number }}\n\n\
             Hello{% if name %} {{ name }}{% endif %},\n\n\
             thank you for your order {{ number }} at {{ shop }}:\n\
             {% for item in items %}\n  {{ item.quantity }} x {{ item.sku }}{% endfor %}\n\n\
             Total: {{ total }}\n\nWe write again as soon as it is confirmed.\n\
             {% if link %}\nHow it is doing: {{ link }}\n{% endif %}"
        }
        Milestone::Delayed => {
            "We are processing your order {{ number }}\n\n\
             Hello{% if name %} {{ name }}{% endif %},\n\n\
             your order {{ number }} is being processed. This takes a little longer than usual;\n\
             the confirmation follows within 5 minutes. There is nothing you have to do.\n\
             {% if link %}\nHow it is doing: {{ link }}\n{% endif %}"
        }
        Milestone::Confirmed => {
            "Your order {{ number }} is confirmed\n\n\
             Hello{% if name %} {{ name }}{% endif %},\n\n\
             your order {{ number }} over {{ total }} is confirmed:\n\
             {% for item in items %}\n  {{ item.quantity }} x {{ item.sku }}{% endfor %}\n\n\
             We write again when it is on its way.\n\
             {% if link %}\nHow it is doing: {{ link }}\n{% endif %}"
        }
        Milestone::Declined => {
            "We could not accept your order {{ number }}\n\n\
             Hello{% if name %} {{ name }}{% endif %},\n\n\
             we could not accept your order {{ number }}. No money was taken.\n"
        }
        Milestone::Shipped => {
            "Your order {{ number }} is on its way\n\n\
             Hello{% if name %} {{ name }}{% endif %},\n\n\
             your order {{ number }} has left our warehouse.\n\
             {% if tracking %}\nTracking: {% if carrier %}{{ carrier }} {% endif %}\
             {{ tracking }}\n{% endif %}\
             {% if link %}\nHow it is doing: {{ link }}\n{% endif %}"
        }
        Milestone::Delivered => {
            "Your order {{ number }} was delivered\n\n\
             Hello{% if name %} {{ name }}{% endif %},\n\n\
             your order {{ number }} was delivered. Thank you for shopping at {{ shop }}.\n\
             {% if tracking %}\nTracking: {% if carrier %}{{ carrier }} {% endif %}\
             {{ tracking }}\n{% endif %}"
        }
        Milestone::Cancelled => {
            "Your order {{ number }} is cancelled\n\n\
             Hello{% if name %} {{ name }}{% endif %},\n\n\
             your order {{ number }} is cancelled. Money that was taken for it comes back to you.\n"
        }
        Milestone::Refunded => {
            "Your refund for order {{ number }}\n\n\
             Hello{% if name %} {{ name }}{% endif %},\n\n\
             we have sent {{ amount }} for order {{ number }} back to you.\n"
        }
        Milestone::ActionRequired => {
            "Please confirm the payment of order {{ number }}\n\n\
             Hello{% if name %} {{ name }}{% endif %},\n\n\
             your bank asks you to confirm the payment of order {{ number }} over {{ total }}.\n\
             Please finish it where you ordered; we keep your items for a short while.\n"
        }
        Milestone::Expired => {
            "Your order {{ number }} has run out\n\n\
             Hello{% if name %} {{ name }}{% endif %},\n\n\
             we could not keep the items of order {{ number }} any longer. No money was taken.\n"
        }
        Milestone::AddressMissing => ADDRESS_MISSING,
    }
}

pub(super) const fn sms_text(milestone: Milestone) -> &'static str {
    match milestone {
        Milestone::Received => "{{ shop }}: we have your order {{ number }} over {{ total }}.",
        Milestone::Delayed => {
            "{{ shop }}: order {{ number }} is being processed. \
             Confirmation follows within 5 minutes.{% if link %} {{ link }}{% endif %}"
        }
        Milestone::Confirmed => {
            "{{ shop }}: order {{ number }} over {{ total }} is confirmed.\
             {% if link %} {{ link }}{% endif %}"
        }
        Milestone::Declined => {
            "{{ shop }}: we could not accept order {{ number }}. No money was taken."
        }
        Milestone::Shipped => {
            "{{ shop }}: order {{ number }} is on its way.\
             {% if tracking %} Tracking: {% if carrier %}{{ carrier }} {% endif %}\
             {{ tracking }}{% endif %}{% if link %} {{ link }}{% endif %}"
        }
        Milestone::Delivered => "{{ shop }}: order {{ number }} was delivered.",
        Milestone::Cancelled => "{{ shop }}: order {{ number }} is cancelled.",
        Milestone::Refunded => {
            "{{ shop }}: {{ amount }} for order {{ number }} is on its way back to you."
        }
        Milestone::ActionRequired => {
            "{{ shop }}: please confirm the payment of order {{ number }} where you ordered."
        }
        Milestone::Expired => {
            "{{ shop }}: we could not keep order {{ number }} any longer. No money was taken."
        }
        Milestone::AddressMissing => {
            "{{ shop }}: we have order {{ number }} over {{ total }}. Please tell us where it is to \
             go: name, street, postcode, city and country."
        }
    }
}

pub(super) const fn whatsapp_text(milestone: Milestone) -> &'static str {
    match milestone {
        Milestone::Received
        | Milestone::Confirmed
        | Milestone::ActionRequired
        | Milestone::AddressMissing => "{{ number }}\n{{ total }}",
        Milestone::Delayed => "{{ number }}\n5 minutes",
        Milestone::Shipped => "{{ number }}\n{{ tracking or '-' }}",
        Milestone::Refunded => "{{ number }}\n{{ amount }}",
        Milestone::Declined | Milestone::Delivered | Milestone::Cancelled | Milestone::Expired => {
            "{{ number }}"
        }
    }
}
