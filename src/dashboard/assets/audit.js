// Audit: who did what, newest first.

import { api, attempt, empty, fill, h, moment, none, orderLink, session, table, words } from "./lib.js";

export const title = "Audit";

export function show(main) {
  const host = h("div", {});
  const more = h("p", { class: "right" });
  main.append(h("div", { class: "head" }, h("h1", {}, "Audit")), h("section", { class: "panel", "aria-label": "Actions", "aria-live": "polite" }, host, more));

  async function load(before) {
    const query = before ? `?before=${before}` : "";
    const found = await attempt(() => api(`/dashboard/data/audit${query}`));
    if (!found) return;
    const rows = found.audit;
    fill(host, rows.length ? table("Actions of people and connectors", [
      ["when", (row) => moment(row.time_ms)], ["who", (row) => row.actor ?? "the engine"], ["about", (row) => row.what],
      ["what", (row) => words(row.action)], ["which", (row) => (row.what === "order" ? orderLink(row.subject) : h("span", { class: "key" }, row.subject ?? none))],
      ["why", (row) => row.reason || none],
    ], rows) : empty("Nobody has done anything yet."));
    fill(more, rows.length === 200 ? h("button", { type: "button", onclick: () => load(rows.at(-1).time_ms) }, "Older") : "");
  }

  if (session.history) load();
  else fill(host, empty("This server keeps no history."));
}
