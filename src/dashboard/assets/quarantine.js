// Quarantine: events of channels that could not be taken, with their reason.

import { api, attempt, chip, empty, fill, h, moment, none, question, table, words } from "./lib.js";

export const title = "Quarantine";

export function show(main) {
  const host = h("div", {});
  main.append(h("div", { class: "head" }, h("h1", {}, "Quarantine")), h("section", { class: "panel", "aria-label": "Events", "aria-live": "polite" }, host));

  async function load() {
    try {
      const found = await api("/v1/quarantine?limit=200");
      const rows = found.events ?? found.quarantine ?? [];
      fill(host, rows.length ? table("Events that wait for a person", [
        ["event", (row) => h("span", { class: "key" }, row.event ?? row.id)], ["channel", (row) => String(row.channel ?? none)],
        ["topic", (row) => row.topic ?? none], ["fate", (row) => chip(words(row.fate ?? row.state), "warn")],
        ["why", (row) => row.reason ?? row.detail ?? none], ["received", (row) => moment(row.received ?? row.at)],
        ["", (row) => h("button", { type: "button", onclick: () => redrive(row.event ?? row.id) }, "Redrive")],
      ], rows) : empty("Nothing is in quarantine."));
    } catch (error) {
      fill(host, empty(error.status === 404 ? "This server takes no webhooks of channels, so nothing can be in quarantine." : error.message));
    }
  }

  async function redrive(event) {
    const said = await question({ title: "Redrive this event?", action: "Redrive", fields: [{ name: "reason", label: "Reason (kept in the journal)", required: true }] });
    if (!said) return;
    await attempt(() => api(`/v1/quarantine/${encodeURIComponent(event)}/redrive`, { method: "POST", body: { reason: said.reason } }), "Driven again");
    load();
  }

  load();
}
