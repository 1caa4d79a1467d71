// Review: orders that wait for a person, with what there is to know, and the decision.

import { action, api, attempt, duration, empty, every, fill, h, mayAct, moment, money, number, patch, question, say, session, since, when, words } from "./lib.js";
import { addressForm } from "./address.js";
import { follow, live } from "./live.js";
import { cancel, facts, learnChannels, timeline } from "./orders.js";

export const title = "Review";

export function show(main, [chosen]) {
  const list = h("div", {});
  const detail = h("section", { class: "panel", tabindex: "-1", "aria-label": "The order in review" }, empty("Choose an order."));
  const count = h("span", { class: "muted", role: "status" });
  main.append(h("div", { class: "head" }, h("h1", {}, "Review"), count),
    h("div", { class: "split" }, h("section", { class: "panel", "aria-label": "Orders that wait for a decision" }, list), detail));
  let picked = chosen ?? null;
  let rows = [];
  let alive = true;
  let turn = 0;

  async function load() {
    turn += 1;
    const asked = turn;
    const found = await api("/v1/review?limit=200").catch((error) => ({ error }));
    if (!alive || asked !== turn) return;
    if (found.error) {
      say(count, `The list is not up to date: ${found.error.message}`);
      return;
    }
    rows = found.orders;
    say(count, `${number(rows.length)}${found.next ? "+" : ""} to decide`);
    patch(list, rows.length ? rows.map((row) => h("button", {
      type: "button", class: "pick", "data-key": row.order, "data-order": row.order, "aria-current": String(row.order === picked), onclick: () => pick(row.order),
    }, h("b", {}, row.number ?? row.order.slice(0, 8)), h("span", {}, money(row.total, row.currency)),
    h("span", {}, words(row.review_reason)),
    h("span", { class: "muted small", title: moment(row.since) }, `${when(row.since)}, waits ${duration(since(row.since))}`)))
      : empty("Nothing waits for a person."));
    if (!picked && rows.length) pick(rows[0].order);
    else if (picked && shown !== null && shown !== waitsFor(rows.find((row) => row.order === picked))) pick(picked);
  }

  /** What an order in review waits for; nothing where it is in none. */
  function waitsFor(row) {
    return row ? row.review_reason ?? "review" : "";
  }

  let shown = null; // what the order that is picked waits for, as the page shows it
  async function pick(order) {
    if (picked !== order) shown = null;
    picked = order;
    for (const one of list.querySelectorAll("[data-order]")) one.setAttribute("aria-current", String(one.dataset.order === order));
    const found = await attempt(() => api(`/v1/orders/${order}`));
    if (!found || picked !== order || !alive) return;
    const told = session.history ? await api(`/dashboard/data/timeline/${order}`).catch(() => null) : null;
    if (picked !== order || !alive) return;
    const open = found.state === "REVIEW";
    shown = waitsFor(open ? found.process ?? {} : null);
    const unaddressed = found.process?.review_reason === "address_missing";
    patch(detail,
      h("header", {}, h("h2", {}, `Order ${found.number ?? order.slice(0, 8)}`),
        h("a", { class: "push", href: `#/orders/${order}` }, "Whole order")),
      open ? h("div", { class: "row" },
        action({ class: unaddressed ? null : "main", id: "approve", onclick: () => decide(found, true) }, "Approve"),
        action({ class: "risk", id: "decline", onclick: () => decide(found, false) }, "Decline"),
        action({ class: "risk", id: "cancel", onclick: () => done(found, cancel(order)) }, "Cancel"),
        h("span", { class: "muted" }, hint(found, unaddressed)))
        : h("p", {}, `It is ${words(found.state)} now: nothing to decide.`),
      open && unaddressed ? addressForm(found, addressed) : null,
      h("h3", {}, "What is known"), facts(found, told),
      told ? [h("h3", {}, "What happened"), timeline(told.events.slice(-25))] : null);
  }

  /** What comes of which decision. */
  function hint(found, unaddressed) {
    if (!unaddressed) return found.process?.resume_to ? `approved, it goes on to ${words(found.process.resume_to)}` : "";
    return mayAct() ? "approved as it is, it goes on without an address" : "an operator can say where it is to go";
  }

  /** Shows what became of the order whose address was saved; it may ask for another decision. */
  async function addressed() {
    const order = picked;
    await load();
    if (picked === order) await pick(order);
  }

  async function decide(found, approve) {
    const said = await question({
      title: approve ? "Approve this order?" : "Decline this order?",
      text: `${words(found.process?.review_reason)}, ${money(found.process?.total, found.process?.currency)}.`
        + (approve && found.process?.review_reason === "address_missing" ? " It goes on without an address, for what is collected." : ""),
      action: approve ? "Approve" : "Decline", risk: !approve,
      fields: [{ name: "reason", label: "Reason (kept in the journal)", required: true }],
    });
    if (!said) return;
    const path = `/v1/review/${found.order}/${approve ? "approve" : "decline"}`;
    await done(found, attempt(() => api(path, { method: "POST", body: { reason: said.reason } }),
      (told) => `${approve ? "Approved" : "Declined"}: the order is ${words(told.state)}`));
  }

  /** Goes on to what is next once something was done. */
  async function done(found, doing) {
    if (!await doing) return;
    const next = rows.find((row) => row.order !== found.order);
    picked = next?.order ?? null;
    shown = null;
    await load();
    if (picked) await pick(picked);
    else fill(detail, empty("Nothing waits for a person."));
    (list.querySelector("button") ?? document.getElementById("main")).focus();
  }

  learnChannels().then(() => {
    load();
    if (picked) pick(picked);
  });
  let waiting = -1;
  const stop = follow(() => {
    const now = live.states?.REVIEW ?? 0;
    if (now !== waiting) {
      waiting = now;
      load();
    }
  });
  const end = every(4_000, load);
  return () => {
    alive = false;
    stop();
    end();
  };
}
