//! What a customer's orders amount to: how many, what they were worth, which segment.
//!
//! Fed by the facts of the orders that pass through one CRM provider, at most [`CUSTOMERS_MAX`]
//! customers; the one not seen for longest goes. A customer who is not in the table (after a
//! restart, or gone) is seeded with what the CRM has kept, so that figures go on from there.
//!
//! Two tenants may share an account of a CRM and have customers of one number or e-mail address.
//! What is kept there is kept for each of them: under plain names for the tenant that the setting
//! `tenant` names (`default`), under names with a mark for the others.
//!
//! | segment | when |
//! |---|---|
//! | `vip` | at least `vip_orders` orders (default 10), or `vip_amount` minor units (default 100,000) |
//! | `loyal` | at least `loyal_orders` orders (default 5) |
//! | `returning` | at least 2 orders |
//! | `new` | else |

use crate::adapters::call::OrderFacts;
use crate::adapters::options::{OptionsError, ProviderOptions};
use crate::types::OrderKey;
use crate::types::effect::tenant_mark;
use lru::LruCache;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::num::NonZeroUsize;

/// Most customers in the table: about 40 MB when full.
pub const CUSTOMERS_MAX: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

/// Orders of one customer that are told apart; a repeat of an older one would count again.
const ORDERS_TOLD_APART: usize = 8;

/// Currencies of one customer whose worth is kept.
const CURRENCIES_MAX: usize = 4;

/// Settings of every CRM provider.
pub const SETTINGS: [&str; 4] = ["tenant", "loyal_orders", "vip_orders", "vip_amount"];

/// What a customer's orders amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Orders that stand.
    pub orders: u64,
    /// Their worth in the currency of the order at hand, in minor units.
    pub lifetime_value: u64,
    /// `new`, `returning`, `loyal` or `vip`.
    pub segment: &'static str,
}

/// What the CRM has kept about a customer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seed {
    /// Orders.
    pub orders: u64,
    /// Worth in minor units of the order at hand's currency.
    pub lifetime_value: u64,
    /// Key of the order that was written last.
    pub last_order: String,
}

/// The table.
#[derive(Debug)]
pub struct Profiles {
    customers: Mutex<LruCache<Who, Customer>>,
    /// The tenant of the plain names.
    tenant: String,
    loyal_orders: u64,
    vip_orders: u64,
    vip_amount: u64,
}

/// Whose orders they are: the merchant's number of a customer, or else an e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Who {
    tenant: String,
    customer: u64,
    email: String,
}

#[derive(Debug, Default)]
struct Customer {
    orders: u64,
    worth: Vec<(u16, u64)>,
    /// The newest orders, and whether they count now.
    newest: VecDeque<(OrderKey, bool)>,
}

impl Profiles {
    /// Settings `tenant`, `loyal_orders`, `vip_orders`, `vip_amount`.
    ///
    /// # Errors
    /// One of them is no whole number.
    pub fn from_options(options: &ProviderOptions) -> Result<Self, OptionsError> {
        let number = |name: &str, default: u64| match options.setting_or(name, "") {
            "" => Ok(default),
            text => text.parse().map_err(|_| {
                options.invalid(
                    format!("setting `{name}`"),
                    format!("is `{text}`, no number"),
                )
            }),
        };
        Ok(Self {
            customers: Mutex::new(LruCache::new(CUSTOMERS_MAX)),
            tenant: options.setting_or("tenant", "default").to_owned(),
            loyal_orders: number("loyal_orders", 5)?,
            vip_orders: number("vip_orders", 10)?,
            vip_amount: number("vip_amount", 100_000)?,
        })
    }

    /// What ends the ids of a tenant's customers at the CRM: nothing for the tenant of the plain
    /// names, else a dash and 8 hexadecimal digits (`-default` for the tenant `default`).
    pub fn mark(&self, tenant: &str) -> String {
        if tenant == self.tenant {
            return String::new();
        }
        match tenant_mark(tenant) {
            none if none.is_empty() => format!("-{tenant}"),
            mark => mark,
        }
    }

    /// What ends the names of a tenant's own fields at the CRM: nothing for the tenant of the plain
    /// names, else `_` and its name, where that is of lower-case letters, digits and `_`; any other
    /// name is written with those, and the mark behind it.
    pub fn suffix(&self, tenant: &str) -> String {
        let mark = self.mark(tenant).replace('-', "_");
        if mark.is_empty() {
            return mark;
        }
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if tenant.chars().all(fits) {
            return format!("_{tenant}");
        }
        let name = tenant.to_ascii_lowercase();
        let name = name.replace(|c: char| !fits(c), "_");
        format!("_{name}{mark}")
    }

    /// Whether the order's customer is in the table; orders of nobody in particular always are.
    pub fn knows(&self, facts: &OrderFacts) -> bool {
        Who::of(facts).is_none_or(|who| self.customers.lock().contains(&who))
    }

    /// Enters a customer with what the CRM has kept; nothing changes for one who is known.
    pub fn seed(&self, facts: &OrderFacts, seed: &Seed) {
        let Some(who) = Who::of(facts) else {
            return;
        };
        let mut customers = self.customers.lock();
        if customers.contains(&who) {
            return;
        }
        let mut customer = Customer {
            orders: seed.orders,
            worth: vec![(facts.currency, seed.lifetime_value)],
            newest: VecDeque::new(),
        };
        if seed.last_order == facts.order.to_string() {
            customer.newest.push_back((facts.order, true));
        }
        customers.put(who, customer);
    }

    /// The customer's figures with this order; an order counts once.
    pub fn add(&self, facts: &OrderFacts) -> Profile {
        self.change(facts, true)
    }

    /// The customer's figures without this order, which was undone; it is taken off once.
    pub fn remove(&self, facts: &OrderFacts) -> Profile {
        self.change(facts, false)
    }

    fn change(&self, facts: &OrderFacts, counts: bool) -> Profile {
        let Some(who) = Who::of(facts) else {
            let mut nobody = Customer::default();
            nobody.set(facts, counts);
            return self.profile(&nobody, facts.currency);
        };
        let mut customers = self.customers.lock();
        let customer = customers.get_or_insert_mut(who, Customer::default);
        customer.set(facts, counts);
        self.profile(customer, facts.currency)
    }

    fn profile(&self, customer: &Customer, currency: u16) -> Profile {
        let worth = customer.worth.iter().find(|(of, _)| *of == currency);
        let lifetime_value = worth.map_or(0, |(_, amount)| *amount);
        let orders = customer.orders;
        let segment = if orders >= self.vip_orders || lifetime_value >= self.vip_amount {
            "vip"
        } else if orders >= self.loyal_orders {
            "loyal"
        } else if orders >= 2 {
            "returning"
        } else {
            "new"
        };
        Profile {
            orders,
            lifetime_value,
            segment,
        }
    }
}

impl Who {
    fn of(facts: &OrderFacts) -> Option<Self> {
        let email = match facts.customer {
            0 => facts.details.email.trim().to_ascii_lowercase(),
            _ => String::new(),
        };
        (facts.customer != 0 || !email.is_empty()).then(|| Self {
            tenant: facts.tenant.clone(),
            customer: facts.customer,
            email,
        })
    }
}

impl Customer {
    fn set(&mut self, facts: &OrderFacts, counts: bool) {
        let known = self
            .newest
            .iter_mut()
            .find(|(order, _)| *order == facts.order);
        match known {
            Some((_, counted)) if *counted == counts => return,
            Some((_, counted)) => *counted = counts,
            None => {
                if self.newest.len() == ORDERS_TOLD_APART {
                    self.newest.pop_front();
                }
                self.newest.push_back((facts.order, counts));
            }
        }
        let worth = match self.worth.iter().position(|(of, _)| *of == facts.currency) {
            Some(at) => self.worth.get_mut(at),
            None if self.worth.len() < CURRENCIES_MAX => {
                self.worth.push((facts.currency, 0));
                self.worth.last_mut()
            }
            None => None,
        };
        if counts {
            self.orders = self.orders.saturating_add(1);
        } else {
            self.orders = self.orders.saturating_sub(1);
        }
        if let Some((_, amount)) = worth {
            *amount = if counts {
                amount.saturating_add(facts.total)
            } else {
                amount.saturating_sub(facts.total)
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profiles() -> Profiles {
        Profiles::from_options(&ProviderOptions::default()).unwrap()
    }

    fn order(customer: u64, key: u128, total: u64) -> OrderFacts {
        OrderFacts {
            order: OrderKey(key),
            tenant: "acme".into(),
            customer,
            currency: 978,
            total,
            ..OrderFacts::default()
        }
    }

    fn figures(profile: Profile) -> (u64, u64, &'static str) {
        (profile.orders, profile.lifetime_value, profile.segment)
    }

    #[test]
    fn segments_follow_from_orders_and_worth() {
        let profiles = profiles();
        for (key, segment) in [
            (1, "new"),
            (2, "returning"),
            (4, "returning"),
            (5, "loyal"),
            (9, "loyal"),
            (10, "vip"),
        ] {
            let mut last = None;
            for made in 1..=key {
                last = Some(profiles.add(&order(u64::try_from(key).unwrap() + 100, made, 10)));
            }
            assert_eq!(last.unwrap().segment, segment, "{key} orders");
        }
        assert_eq!(
            figures(profiles.add(&order(1, 99, 100_000))),
            (1, 100_000, "vip")
        );
    }

    #[test]
    fn an_order_counts_once_and_is_taken_off_once() {
        let profiles = profiles();
        profiles.add(&order(1, 1, 500));
        assert_eq!(figures(profiles.add(&order(1, 1, 500))), (1, 500, "new"));
        assert_eq!(
            figures(profiles.add(&order(1, 2, 700))),
            (2, 1_200, "returning")
        );
        assert_eq!(figures(profiles.remove(&order(1, 1, 500))), (1, 700, "new"));
        assert_eq!(figures(profiles.remove(&order(1, 1, 500))), (1, 700, "new"));
        assert_eq!(
            figures(profiles.add(&order(1, 1, 500))),
            (2, 1_200, "returning")
        );
    }

    #[test]
    fn currencies_and_customers_are_not_mixed() {
        let profiles = profiles();
        profiles.add(&order(1, 1, 500));
        let dollars = OrderFacts {
            currency: 840,
            ..order(1, 2, 900)
        };
        assert_eq!(figures(profiles.add(&dollars)), (2, 900, "returning"));
        assert_eq!(figures(profiles.add(&order(2, 3, 5))), (1, 5, "new"));
        let mut guest = order(0, 4, 5);
        assert_eq!(figures(profiles.add(&guest)), (1, 5, "new"));
        guest.order = OrderKey(5);
        assert_eq!(
            figures(profiles.add(&guest)),
            (1, 5, "new"),
            "nobody has no history"
        );
    }

    #[test]
    fn customers_of_two_tenants_are_told_apart_here_and_at_the_crm() {
        let mut options = ProviderOptions::default();
        let profiles = profiles();
        profiles.add(&order(1, 1, 500));
        let other = OrderFacts {
            tenant: "globex".into(),
            ..order(1, 1, 700)
        };
        assert!(!profiles.knows(&other));
        assert_eq!(figures(profiles.add(&other)), (1, 700, "new"));
        assert_eq!(profiles.mark("default"), "");
        assert_eq!(profiles.suffix("default"), "");
        assert_eq!(profiles.mark("acme"), "-413a106c");
        assert_eq!(profiles.suffix("acme"), "_acme");
        assert_ne!(profiles.suffix("Acme/eu"), profiles.suffix("acme_eu"));
        assert!(profiles.suffix("Acme/eu").starts_with("_acme_eu_"));
        options.settings.insert("tenant".into(), "acme".into());
        let of_acme = Profiles::from_options(&options).unwrap();
        assert_eq!(of_acme.mark("acme"), "");
        assert_eq!(of_acme.suffix("acme"), "");
        assert_eq!(of_acme.mark("default"), "-default");
        assert_eq!(of_acme.suffix("default"), "_default");
    }

    #[test]
    fn figures_go_on_from_what_the_crm_has_kept() {
        let profiles = profiles();
        let seventh = order(1, 7, 500);
        assert!(!profiles.knows(&seventh));
        let mut seed = Seed {
            orders: 6,
            lifetime_value: 6_000,
            last_order: String::new(),
        };
        profiles.seed(&seventh, &seed);
        assert!(profiles.knows(&seventh));
        assert_eq!(figures(profiles.add(&seventh)), (7, 6_500, "loyal"));
        let eighth = order(2, 8, 500);
        seed.last_order = eighth.order.to_string();
        profiles.seed(&eighth, &seed);
        assert_eq!(
            figures(profiles.add(&eighth)),
            (6, 6_000, "loyal"),
            "it is in there already"
        );
    }
}
