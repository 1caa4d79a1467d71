// Review: orders that wait for a person, with what there is to know, and the decision.

import { api, attempt, empty, fill, h, moment, money, number, question, session, words } from "./lib.js";
import { follow, live } from "./live.js";
import { facts, learnChannels, timeline } from "./orders.js";

export const title = "Review";

export function show(main, [chosen]) {
  const list = h("div", {});
  const detail = h("section", { class: "panel", "aria-label": "The order in review" }, empty("Choose an order."));
  const count = h("span", { class: "muted", role: "status" });
  main.append(h("div", { class: "head" }, h("h1", {}, "Review"), count),
    h("div", { class: "split" }, h("section", { class: "panel", "aria-label": "Orders that wait for a decision" }, list), detail));
  let picked = chosen ?? null;
  let rows = [];
  let alive = true;
  let mark = "";

  async function load() {
    const found = await api("/v1/review?limit=200").catch(() => null);
    if (!alive || !found) return;
    const known = JSON.stringify(found.orders.map((one) => [one.order, one.since]));
    if (known === mark) return;
    mark = known;
    rows = found.orders;
    count.textContent = `${number(rows.length)}${found.next ? "+" : ""} to decide`;
    const focused = document.activeElement?.dataset?.order;
    fill(list, ...(rows.length ? rows.map((row) => h("button", {
      type: "button", class: "pick", "data-order": row.order, "aria-current": String(row.order === picked), onclick: () => pick(row.order),
    }, h("b", {}, row.number ?? row.order.slice(0, 8)), h("span", {}, money(row.total, row.currency)),
    h("span", {}, words(row.review_reason)), h("span", { class: "muted small" }, moment(row.since).slice(11))))
      : [empty("Nothing waits for a person.")]));
    if (focused) list.querySelector(`[data-order="${focused}"]`)?.focus();
    if (!picked && rows.length) pick(rows[0].order);
    else if (picked && !rows.some((row) => row.order === picked)) pick(picked);
  }

  async function pick(order) {
    picked = order;
    for (const one of list.querySelectorAll("[data-order]")) one.setAttribute("aria-current", String(one.dataset.order === order));
    const found = await attempt(() => api(`/v1/orders/${order}`));
    if (!found || picked !== order || !alive) return;
    const told = session.history ? await api(`/dashboard/data/timeline/${order}`).catch(() => null) : null;
    if (picked !== order || !alive) return;
    const open = found.state === "REVIEW";
    fill(detail, 
      h("header", {}, h("h2", {}, `Order ${found.number ?? order.slice(0, 8)}`),
        h("a", { class: "push", href: `#/orders/${order}` }, "Whole order")),
      open ? h("div", { class: "row" },
        h("button", { type: "button", class: "main", id: "approve", onclick: () => decide(found, true) }, "Approve"),
        h("button", { type: "button", class: "risk", id: "decline", onclick: () => decide(found, false) }, "Decline"),
        h("span", { class: "muted" }, found.process?.resume_to ? `approved, it goes on to ${words(found.process.resume_to)}` : ""))
        : h("p", {}, `It is ${words(found.state)} now: nothing to decide.`),
      h("h3", {}, "What is known"), facts(found, told),
      told ? [h("h3", {}, "What happened"), timeline(told.events.slice(-25))] : null);
  }

  async function decide(found, approve) {
    const said = await question({
      title: approve ? "Approve this order?" : "Decline this order?",
      text: `${words(found.process?.review_reason)}, ${money(found.process?.total, found.process?.currency)}.`,
      action: approve ? "Approve" : "Decline", risk: !approve,
      fields: [{ name: "reason", label: "Reason (kept in the journal)", required: true }],
    });
    if (!said) return;
    const path = `/v1/review/${found.order}/${approve ? "approve" : "decline"}`;
    const done = await attempt(() => api(path, { method: "POST", body: { reason: said.reason } }),
      (told) => `${approve ? "Approved" : "Declined"}: the order is ${words(told.state)}`);
    if (!done) return;
    const next = rows.find((row) => row.order !== found.order);
    picked = next?.order ?? null;
    mark = "";
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
  const again = setInterval(load, 4_000);
  return () => {
    alive = false;
    stop();
    clearInterval(again);
  };
}
