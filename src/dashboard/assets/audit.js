// Audit: who did what, newest first.

import { api, attempt, empty, every, fill, h, moment, none, orderLink, say, session, table, timeWindow, words } from "./lib.js";

export const title = "Audit";

/** What may be asked for: the table `actions` says what each is. */
const things = [["", "Everything but holds"], ["order", "Orders"], ["hold", "Holds"], ["stock", "Stock"], ["rule", "Channel rules"],
  ["campaign", "Campaigns"], ["channel", "Channels"], ["sku", "SKUs"], ["location", "Locations"], ["tenant", "Tenants"], ["pipelines", "Pipelines"],
  ["breaker", "Breakers"], ["event", "Channel events"], ["mapping", "Mappings"], ["subscriber", "Subscribers"], ["command", "Refused commands"]];

const ofOrders = ["order", "hold"];

/** States in words, everything else as it is. */
function value(row, text) {
  return text ? (ofOrders.includes(row.what) ? words(text) : text) : none;
}

export function show(main) {
  const host = h("div", {});
  const more = h("p", { class: "right" });
  const since = h("p", { class: "muted", "data-window": "" });
  const within = timeWindow(() => load());
  const about = h("select", { name: "about", onchange: () => load() }, things.map(([key, name]) => h("option", { value: key }, name)));
  const actor = h("input", { name: "actor", autocomplete: "off", onchange: () => load() });
  main.append(h("div", { class: "head" }, h("h1", {}, "Audit")),
    h("section", { class: "panel" }, h("form", { class: "line", onsubmit: (event) => { event.preventDefault(); load(); } }, h("label", {}, "Which time", within.list),
      h("label", {}, "About", about), h("label", {}, "By", actor), since)),
    h("section", { class: "panel", "aria-label": "Actions", "aria-live": "polite" }, host, more));

  let alive = true;
  let older = false;
  let mark = "";
  let turn = 0;

  async function load(last, asked = true) {
    older = Boolean(last);
    turn += 1;
    const mine = turn;
    const query = last ? `&before=${last.time_ms}&sequence=${last.sequence}` : "";
    const wanted = `&about=${about.value}&actor=${encodeURIComponent(actor.value.trim())}`;
    const ask = () => api(`/dashboard/data/audit?from=${within.from()}${wanted}${query}`);
    const found = await (asked ? attempt(ask) : ask().catch(() => null));
    if (!found || !alive || mine !== turn) return; // another question was asked meanwhile
    const rows = found.audit;
    say(since, `since ${moment(found.from_ms).slice(0, -3)}`);
    const known = JSON.stringify([within.list.value, wanted, rows]);
    if (known === mark) return;
    mark = known;
    fill(host, rows.length ? table("Actions of people and connectors", [
      ["when", (row) => moment(row.time_ms)], ["who", (row) => row.actor ?? "the engine"], ["about", (row) => words(row.what)],
      ["what", (row) => words(row.action)], ["which", (row) => (ofOrders.includes(row.what) ? orderLink(row.subject) : h("span", { class: "key" }, row.subject ?? none))],
      ["before", (row) => value(row, row.before_value)], ["after", (row) => value(row, row.after_value)],
      ["outcome", (row) => row.outcome || none], ["details", (row) => row.reason || none],
    ], rows) : empty(about.value || actor.value ? "Nobody has done such a thing in this time." : "Nobody has done anything in this time."));
    fill(more, older ? h("button", { type: "button", onclick: () => load() }, "Newest") : null, " ",
      rows.length === 200 ? h("button", { type: "button", onclick: () => load(rows.at(-1)) }, "Older") : null);
  }

  if (!session.history) {
    fill(host, empty("This server keeps no history."));
    return () => {};
  }
  load();
  // The newest page is kept up to date; who reads an older one is left alone.
  const end = every(4_000, () => older || load(null, false));
  return () => {
    alive = false;
    end();
  };
}
