// Orders: find one, and see everything that ever happened to it.

import { action, api, attempt, channelsByNumber, chip, currency, decimal, empty, every, fill, h, minorUnits, moment, money, none, number, orderLink, patch, question, say, scroller, session, table, when, words } from "./lib.js";

export const title = "Orders";

const ended = new Set(["COMPLETED", "CANCELLED", "DECLINED", "EXPIRED", "REJECTED"]);
const states = ["", "FRAUD_CHECK", "PAYMENT", "REVIEW", "CONFIRMED", "FULFILLING", "SHIPPED", "DELIVERED", "CANCELLING", "BACKORDERED", "WEBHOOK"];

let channels = new Map();

/** Asks for the names of channels, so that orders say where they come from. */
export async function learnChannels() {
  channels = await channelsByNumber();
}

function channelName(channel) {
  return channels.get(Number(channel))?.name || (Number(channel) === 0 ? "own shop" : `channel ${channel}`);
}

export function stateChip(state) {
  const kind = { REVIEW: "warn", COMPLETED: "ok", DELIVERED: "ok", SHIPPED: "ok", DECLINED: "bad", REJECTED: "bad", CANCELLED: "bad", EXPIRED: "bad" };
  return chip(words(state), kind[state]);
}

/** Shows a table of orders, with the time at which it was so. */
function listed(results, told, caption, columns, rows, key, none) {
  patch(results, rows.length ? table(`${caption}, at ${told}`, columns, rows, key) : empty(none));
}

export function show(main, [order]) {
  if (order) return showOne(main, order);
  const results = h("div", {});
  const field = h("input", { name: "q", type: "search", autocomplete: "off", placeholder: "key, number, customer, e-mail or channel's order id" });
  const state = h("select", { name: "state", onchange: () => look(list) }, states.map((name) => h("option", { value: name }, name ? words(name) : "any state")));
  const form = h("form", { class: "line", role: "search", onsubmit: (event) => { event.preventDefault(); search(field.value.trim()); } },
    h("label", { class: "grow" }, "Find an order", field), h("button", { class: "main", type: "submit" }, "Search"),
    h("label", {}, "In process", state));
  const count = h("span", { class: "muted", role: "status" });
  main.append(h("div", { class: "head" }, h("h1", {}, "Orders"), count), h("section", { class: "panel" }, form),
    h("section", { class: "panel", "aria-label": "Orders found" }, results));
  let shown = null;
  let alive = true;

  /** Shows what `doing` finds, now and again and again. */
  function look(doing) {
    say(count, "");
    shown = doing;
    return attempt(() => renew(doing));
  }

  async function renew(doing) {
    const draw = await doing();
    // The page was left, or something else is looked for meanwhile.
    if (alive && shown === doing) draw();
  }

  async function search(text) {
    if (!text) {
      look(list);
      return;
    }
    // A key or a number is known to the engine, also where there is no history.
    if (/^([0-9a-f]{32}|\d+-\d+)$/i.test(text)) {
      try {
        const one = await api(`/v1/orders/${encodeURIComponent(text.toLowerCase())}`);
        location.hash = `#/orders/${one.order}`;
        return;
      } catch (error) {
        if (error.status !== 404) {
          fill(results, empty(error.message));
          return;
        }
      }
    }
    if (!session.history) {
      shown = null;
      fill(results, empty("Only keys and order numbers can be found: this server keeps no history."));
      return;
    }
    look(async () => {
      const told = await api(`/dashboard/data/search?q=${encodeURIComponent(text)}`);
      return () => say(count, `${number(told.orders.length)} found`) ?? listed(results, when(Date.now()), "Orders found", [
        ["order", (row) => orderLink(row.order_key, row.number)],
        ["channel", (row) => channelName(row.channel)],
        ["channel's id", (row) => row.external_id || none],
        ["customer", (row) => row.customer],
        ["state", (row) => [stateChip(row.state), row.review_reason && row.review_reason !== "none" ? ` ${words(row.review_reason)}` : ""]],
        ["total", (row) => (row.total === null ? none : money(Number(row.total), Number(row.currency))), "num"],
        ["decided", (row) => moment(row.accepted_ms)],
      ], told.orders, (row) => `${row.order_key} ${row.accepted_ms}`, `Nothing found for “${text}”.`);
    });
  }

  async function list() {
    const wanted = state.value ? `&state=${state.value}` : "";
    const told = await api(`/v1/orders?limit=100${wanted}`);
    return () => listed(results, when(Date.now()), `Orders in process, oldest first${told.next ? " (the first 100)" : ""}`, [
      ["order", (row) => orderLink(row.order, row.number)],
      ["customer", (row) => String(row.customer)],
      ["state", (row) => [stateChip(row.state), row.review_reason ? ` ${words(row.review_reason)}` : ""]],
      ["step", (row) => (row.step ? `${row.pipeline} / ${row.step}` : none)],
      ["total", (row) => money(row.total, row.currency), "num"],
      ["since", (row) => moment(row.since)],
    ], told.orders, (row) => row.order, "No order is in process.");
  }
  learnChannels();
  look(list);
  // Without a word where it fails: the time in the caption stands still then.
  const stop = every(3_000, () => shown && renew(shown).catch(() => {}));
  return () => {
    alive = false;
    stop();
  };
}

/** Asks for a reason and does it. */
export async function act(path, asked, body, done) {
  const said = await question(asked);
  if (!said) return false;
  return Boolean(await attempt(() => api(path, { method: "POST", body: body(said) }), done));
}

export async function cancel(order) {
  return act(`/v1/orders/${order}/cancel`, {
    title: "Cancel this order?", text: "What was done is undone: money goes back, the label is cancelled, units are released.",
    action: "Cancel the order", risk: true, fields: [{ name: "reason", label: "Reason (kept in the journal)", required: true }],
  }, (said) => ({ reason: said.reason }), "The order is being cancelled");
}

async function refund(order, process) {
  const left = process.captured - process.refunded;
  const step = decimal(1, process.currency);
  return act(`/v1/orders/${order}/refund`, {
    title: "Give money back?", text: `Captured and not given back: ${money(left, process.currency)}.`,
    action: "Refund", risk: true,
    fields: [{ name: "amount", label: `Amount in ${currency(process.currency)?.code ?? "minor units"}`, type: "number", value: decimal(left, process.currency), min: step, step, required: true },
      { name: "reason", label: "Reason (kept in the journal)", required: true }],
  }, (said) => {
    const amount = minorUnits(said.amount, process.currency);
    // 0 would ask for all that is left.
    if (!amount) throw new Error(`“${said.amount}” is no amount that can be given back; nothing was done.`);
    return { amount, reason: said.reason };
  }, "The refund is on its way");
}

function lines(found) {
  return table("Units", [
    ["SKU", (row) => row.sku], ["location", (row) => row.location], ["ordered", (row) => number(row.ordered), "num"],
    ["held", (row) => number(row.reserved), "num"], ["committed", (row) => number(row.committed), "num"],
    ["shipped", (row) => number(row.shipped), "num"], ["returned", (row) => number(row.returned), "num"], ["cancelled", (row) => number(row.cancelled), "num"],
  ], found.lines);
}

/** An order's facts, as far as the engine and the history know them. */
export function facts(found, told) {
  const process = found.process;
  const about = told?.about;
  const gone = found.state === "REJECTED" && !about;
  const rows = [
    ["key", h("span", { class: "key" }, found.order)],
    // Of a rejected order the engine keeps no more than its key and why.
    gone ? null : ["customer", String(found.customer)],
    gone ? null : ["channel", `${channelName(found.channel)}${about?.external_id ? `, order ${about.external_id}` : ""}`],
    about ? ["accepted", moment(about.accepted_ms)] : null,
    process ? ["step", `${[process.pipeline, process.step].filter(Boolean).join(" / ")}${process.sub_state ? `, ${words(process.sub_state)}` : ""}, since ${moment(process.since)}`] : null,
    process?.review_reason ? ["why in review", words(process.review_reason)] : null,
    process ? ["total", money(process.total, process.currency)] : about ? ["total", money(Number(about.total), Number(about.currency))] : null,
    process ? ["money", `authorised ${money(process.authorised, process.currency)}, captured ${money(process.captured, process.currency)}, given back ${money(process.refunded, process.currency)}${process.processor ? ` at ${process.processor}` : ""}`] : null,
    process?.score !== null && process?.score !== undefined ? ["risk score", `${process.score} of 100`] : null,
    process?.timer ? ["timer", `${words(process.timer.kind)} ends ${moment(process.timer.at)}`] : null,
    found.code !== "OK" ? [gone ? "why rejected" : "latest version", `${gone ? "" : "refused: "}${words(found.code)}`] : null,
  ].filter(Boolean);
  return h("dl", { class: "facts" }, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** Effects of the engine, for servers without a history. */
function effects(found) {
  const rows = found.process?.effects ?? [];
  return rows.length ? table("Calls that are not over, or could be undone", [
    ["call", (row) => words(row.kind)], ["provider", (row) => row.provider], ["attempt", (row) => String(row.attempt), "num"],
    ["next", (row) => words(row.next)], ["since", (row) => moment(row.since)], ["said", (row) => `${row.code} ${row.message}`.trim() || none],
  ], rows) : null;
}

const hidden = new Set(["step_entered"]);

export function timeline(events) {
  const shown = events.filter((one) => !hidden.has(one.event) || one.before_state !== one.after_state);
  return h("ol", { class: "timeline" }, shown.map((one) => {
    const change = one.what === "event" && one.after_state && one.before_state !== one.after_state
      ? h("b", {}, ` ${one.before_state ? `${words(one.before_state)} → ` : "→ "}${words(one.after_state)}`) : null;
    const next = one.what === "answer" && one.after_state ? ` (${words(one.after_state)})` : "";
    return h("li", { "data-what": one.what },
      h("time", { title: moment(one.time_ms) }, when(one.time_ms), h("span", { class: "hush" }, ` ${one.what}`)),
      h("div", {}, words(one.event), one.provider ? ` at ${one.provider}` : "", change, next,
        one.actor && one.actor !== "engine" ? h("span", { class: "muted" }, ` by ${one.actor}`) : null,
        one.detail ? h("span", { class: "muted" }, ` · ${one.detail}`) : null));
  }));
}

/** An order as the history knows it, once the engine has forgotten it. */
function remembered(told) {
  const about = told.about ?? {};
  const last = told.events.findLast((one) => one.what === "event" || one.what === "rejected");
  return {
    order: told.order, number: about.number ?? null, code: "OK", state: about.state ?? last?.after_state ?? "",
    customer: about.customer ?? none, channel: about.channel ?? 0, lines: [], process: null,
  };
}

function showOne(main, order) {
  const host = h("div", { class: "split" });
  const heading = h("h1", { tabindex: "-1" }, "Order");
  const actions = h("div", { class: "push" });
  main.append(h("div", { class: "head" }, h("a", { href: "#/orders" }, "Orders"), heading, actions), host);
  let alive = true;
  let mark = "";
  let turn = 0;

  async function load(first) {
    turn += 1;
    const asked = turn;
    let found = null;
    let told = null;
    let known = null;
    const past = session.history ? api(`/dashboard/data/timeline/${order}`).catch(() => null) : null;
    try {
      found = await api(`/v1/orders/${order}`);
      told = await past;
    } catch (error) {
      told = await past;
      // What the engine has forgotten, the history may still know.
      if (!told?.events.length) {
        if (first && alive) fill(host, h("section", { class: "panel" }, empty(error.message)));
        return;
      }
      found = remembered(told);
    }
    known = JSON.stringify([found, told]);
    // An answer that was overtaken by a later one is old.
    if (!alive || known === mark || asked !== turn) return;
    mark = known;
    fill(heading, `Order ${found.number ?? order.slice(0, 8)} `, stateChip(found.state));
    const process = found.process;
    const before = document.activeElement?.dataset?.action;
    patch(actions,
      process?.review_reason ? h("a", { class: "button", "data-key": "review", href: `#/review/${found.order}` }, "Decide the review") : null,
      action({ class: "risk", "data-key": "cancel", "data-action": "cancel", disabled: ended.has(found.state) || ["SHIPPED", "DELIVERED", "CANCELLING"].includes(found.state), onclick: async () => { await cancel(order); load(); } }, "Cancel"),
      action({ "data-key": "refund", "data-action": "refund", disabled: !process || process.captured <= process.refunded, onclick: async () => { await refund(order, process); load(); } }, "Refund"));
    // What was pressed may not be pressed again: go on with what became of the order.
    if (before && actions.querySelector(`[data-action="${before}"]`)?.disabled) heading.focus({ preventScroll: true });
    patch(host,
      h("section", { class: "panel", "aria-label": "Facts" }, facts(found, told), found.lines.length ? lines(found) : null, told ? null : effects(found)),
      h("section", { class: "panel", "aria-labelledby": "timeline-title" }, h("header", {}, h("h2", { id: "timeline-title" }, "Timeline")),
        told ? timeline(told.events) : empty("The history is off, or behind: the timeline is not known.")));
  }
  learnChannels().then(() => load(true));
  const stop = every(1_500, () => load(false));
  return () => {
    alive = false;
    stop();
  };
}

