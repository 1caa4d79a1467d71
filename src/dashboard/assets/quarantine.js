// Quarantine: what channels sent and a person has to see to, and which SKU their items stand for.

import { action, announce, api, attempt, channelsByNumber, chip, empty, every, fill, h, mayAct, moment, number, orderLink, patch, question, when, words } from "./lib.js";
import { mappings, setMappings } from "./mappings.js";

export const title = "Quarantine";

const kinds = { quarantined: "bad", unmapped: "warn", parked: "warn", open: "" };
const meaning = {
  quarantined: "It cannot be an order as it is.",
  unmapped: "An item of it stands for no SKU.",
  parked: "A person has to do what it asks for, and discards it then.",
  open: "It is being worked off.",
};

/** Items for which a SKU is missing, as the note of an unmapped event names them. */
function missing(note) {
  const found = [...(note ?? "").matchAll(/item (.+?) \(SKU text (.*?)\)/g)];
  return found.map(([, item, text]) => ({ item, text })).map(({ item, text }) => ({ item, text: text === "none" ? "" : text })).slice(0, 8);
}

/** A body as it was received, with line breaks where it is JSON. */
function pretty(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

export function show(main) {
  const list = h("div", {});
  const detail = h("section", { class: "panel", "aria-label": "The event" }, empty("Choose an event."));
  const count = h("span", { class: "muted", role: "status" });
  const fate = h("select", { name: "fate", onchange: () => load(true) },
    h("option", { value: "" }, "all that wait"), Object.keys(kinds).map((name) => h("option", { value: name }, name)));
  const all = action({ hidden: true, onclick: redriveAll }, "Redrive all") ?? h("span", { hidden: true });
  main.append(h("div", { class: "head" }, h("h1", {}, "Quarantine"), count, h("div", { class: "push" }, h("label", { class: "inline" }, "Show", fate), all)),
    h("div", { class: "split" }, h("section", { class: "panel", "aria-label": "Events that wait" }, list), detail));
  let picked = null;
  let rows = [];
  let alive = true;
  let mark = "";
  const names = new Map();

  const channelName = (row) => row.channel_name ?? names.get(row.channel)?.name ?? `channel ${row.channel}`;

  let turn = 0;
  async function load(again) {
    turn += 1;
    const asked = turn;
    const query = fate.value ? `&fate=${fate.value}` : "";
    const found = await api(`/v1/quarantine?limit=200${query}`).catch((error) => ({ error }));
    if (!alive || asked !== turn) return;
    if (found.error) {
      fill(list, empty(found.error.message));
      mark = "";
      return;
    }
    const known = JSON.stringify(found.events.map((one) => [one.event, one.fate, one.note]));
    if (known === mark && !again) return;
    mark = known;
    rows = found.events;
    count.textContent = rows.length ? `${number(rows.length)}${found.next ? "+" : ""} wait` : "";
    all.hidden = rows.length < 2 || !mayAct();
    all.textContent = `Redrive all ${number(rows.length)}`;
    patch(list, rows.length ? rows.map((row) => h("button", {
      type: "button", class: "pick", "data-key": row.event, "data-event": row.event, "aria-current": String(row.event === picked), onclick: () => pick(row.event),
    }, h("b", {}, channelName(row), " ", h("span", { class: "muted" }, row.topic || "")), chip(words(row.fate), kinds[row.fate]),
    h("span", { class: "why" }, row.note || meaning[row.fate]), h("span", { class: "muted small" }, when(row.received_ms)))) : empty("Nothing waits for a person."));
    if (!rows.some((row) => row.event === picked)) {
      if (rows.length) pick(rows[0].event);
      else {
        picked = null;
        fill(detail, empty("Nothing waits for a person."));
      }
    }
  }

  async function pick(event) {
    picked = event;
    for (const one of list.querySelectorAll("[data-event]")) one.setAttribute("aria-current", String(one.dataset.event === event));
    const found = await attempt(() => api(`/v1/quarantine/${event}`));
    if (!found || picked !== event || !alive) return;
    const headers = Object.entries(found.headers ?? {});
    fill(detail,
      h("header", {}, h("h2", {}, `${channelName(found)}: ${found.topic || "event"}`), chip(words(found.fate), kinds[found.fate])),
      h("p", { class: "why" }, found.note || meaning[found.fate]),
      h("div", { class: "row" },
        found.fate === "unmapped" ? action({ class: "main", id: "map", onclick: () => map(found) }, "Map and redrive") : null,
        action({ class: found.fate === "unmapped" ? null : "main", id: "redrive", onclick: () => settle(found, "redrive") }, "Redrive"),
        action({ class: "risk", id: "discard", onclick: () => settle(found, "discard") }, "Discard")),
      h("dl", { class: "facts" },
        h("dt", {}, "received"), h("dd", {}, moment(found.received_ms)),
        found.settled_ms ? [h("dt", {}, "decided"), h("dd", {}, moment(found.settled_ms))] : null,
        found.order ? [h("dt", {}, "order"), h("dd", {}, orderLink(found.order), h("span", { class: "muted" }, " once it is taken"))] : null,
        h("dt", {}, "event"), h("dd", {}, h("span", { class: "key" }, found.event)),
        headers.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
      found.body === undefined ? null : [h("h3", { id: "received" }, "What was received"),
        h("pre", { tabindex: "0", role: "region", "aria-labelledby": "received" }, pretty(found.body))]);
  }

  async function done(event) {
    // What follows it in the list is looked at next.
    const place = rows.findIndex((row) => row.event === event);
    picked = rows[place + 1]?.event ?? rows[place - 1]?.event ?? null;
    await load(true);
    if (picked && rows.some((row) => row.event === picked)) await pick(picked);
    (list.querySelector("[aria-current=true]") ?? document.getElementById("main")).focus();
  }

  async function settle(row, action) {
    const redrive = action === "redrive";
    const said = await question({
      title: redrive ? "Redrive this event?" : "Discard this event?",
      text: redrive ? "It is worked off once more, as if it had just come." : "It is given up: what it says is never done.",
      action: redrive ? "Redrive" : "Discard", risk: !redrive,
      fields: [{ name: "reason", label: "Reason (kept in the journal)", required: true }],
    });
    if (!said) return;
    const told = await attempt(() => api(`/v1/quarantine/${row.event}/${action}`, { method: "POST", body: { reason: said.reason } }),
      redrive ? "Driven again" : "Discarded");
    if (told) await done(row.event);
  }

  async function map(row) {
    const items = missing(row.note);
    const said = await question({
      title: "Which SKU does it stand for?", text: `${channelName(row)} knows it by its own number. Orders that come later are understood as well.`,
      action: "Map and redrive",
      fields: items.length
        ? items.map((one, place) => ({ name: `sku${place}`, required: true, label: `SKU for item ${one.item}${one.text ? ` (“${one.text}”)` : ""}` }))
        : [{ name: "item", label: "The channel's item", required: true }, { name: "sku0", label: "SKU", required: true }],
    });
    if (!said) return;
    const wanted = items.length ? items.map((one, place) => ({ item: one.item, sku: said[`sku${place}`].trim() })) : [{ item: said.item.trim(), sku: said.sku0.trim() }];
    if (!await setMappings(row.channel, wanted)) return;
    const told = await attempt(() => api(`/v1/quarantine/${row.event}/redrive`, { method: "POST", body: { reason: "mapped" } }), "Mapped, and driven again");
    if (!told) return;
    await done(row.event);
    book.load();
  }

  async function redriveAll() {
    const events = rows.map((row) => row.event);
    const said = await question({
      title: `Redrive ${number(events.length)} events?`, text: "Each is worked off once more. What was done already is not done twice.",
      action: "Redrive all", fields: [{ name: "reason", label: "Reason (kept in the journal)", required: true }],
    });
    if (!said) return;
    let driven = 0;
    for (const event of events) {
      const told = await api(`/v1/quarantine/${event}/redrive`, { method: "POST", body: { reason: said.reason } }).catch(() => null);
      driven += told ? 1 : 0;
      if (!alive) return;
    }
    announce(`${number(driven)} of ${number(events.length)} driven again`, driven < events.length);
    await load(true);
  }

  const book = mappings(main);
  channelsByNumber().then((found) => {
    for (const [key, one] of found) names.set(key, one);
    load(true);
  });
  const end = every(4_000, () => load());
  return () => {
    alive = false;
    end();
  };
}
