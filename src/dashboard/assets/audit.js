// Audit: who did what, newest first.

import { api, attempt, empty, every, fill, h, moment, none, orderLink, say, session, table, timeWindow, words } from "./lib.js";

export const title = "Audit";

export function show(main) {
  const host = h("div", {});
  const more = h("p", { class: "right" });
  const since = h("p", { class: "muted", "data-window": "" });
  const within = timeWindow(() => load());
  main.append(h("div", { class: "head" }, h("h1", {}, "Audit")),
    h("section", { class: "panel" }, h("form", { class: "line", onsubmit: (event) => event.preventDefault() }, h("label", {}, "Which time", within.list), since)),
    h("section", { class: "panel", "aria-label": "Actions", "aria-live": "polite" }, host, more));

  let alive = true;
  let older = false;
  let mark = "";

  async function load(last, asked = true) {
    older = Boolean(last);
    const query = last ? `&before=${last.time_ms}&sequence=${last.sequence}` : "";
    const ask = () => api(`/dashboard/data/audit?from=${within.from()}${query}`);
    const found = await (asked ? attempt(ask) : ask().catch(() => null));
    if (!found || !alive) return;
    const rows = found.audit;
    say(since, `since ${moment(found.from_ms).slice(0, -3)}`);
    const known = JSON.stringify([within.list.value, rows]);
    if (known === mark) return;
    mark = known;
    fill(host, rows.length ? table("Actions of people and connectors", [
      ["when", (row) => moment(row.time_ms)], ["who", (row) => row.actor ?? "the engine"], ["about", (row) => words(row.what)],
      ["what", (row) => words(row.action)], ["which", (row) => (row.what === "order" ? orderLink(row.subject) : h("span", { class: "key" }, row.subject ?? none))],
      ["why", (row) => row.reason || none],
    ], rows) : empty("Nobody has done anything in this time."));
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
