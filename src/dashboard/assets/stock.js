// Stock: units by SKU, location and channel, and corrections with their reason.

import { api, attempt, empty, fill, h, number, question, table } from "./lib.js";
import { follow, live } from "./live.js";

export const title = "Stock";

export function show(main) {
  const host = h("div", {});
  const more = h("p", { class: "right" });
  const filter = h("input", { name: "sku", type: "search", autocomplete: "off" });
  const form = h("form", { class: "line", role: "search", onsubmit: (event) => { event.preventDefault(); load(); } },
    h("label", { class: "grow" }, "SKU begins with", filter), h("button", { class: "main", type: "submit" }, "Show"));
  main.append(h("div", { class: "head" }, h("h1", {}, "Stock")), h("section", { class: "panel" }, form),
    h("section", { class: "panel", "aria-label": "Stock by SKU and location", "aria-live": "polite" }, host, more));
  let stop = () => {};
  let alive = true;

  async function load(after) {
    try {
      const query = new URLSearchParams({ limit: "100" });
      if (after) query.set("after", after);
      const wanted = filter.value.trim();
      const found = await api(`/v1/stock?${query}`);
      if (!alive) return;
      stop();
      const rows = found.stock.filter((one) => one.sku.startsWith(wanted))
        .flatMap((one) => (one.cells.length ? one.cells : [{}]).map((cell) => ({ ...cell, sku: one.sku, on_sale: one.on_sale })));
      fill(host, rows.length ? table("Units by SKU and location", [
        ["SKU", (row) => [row.sku, row.on_sale ? null : h("span", { class: "chip" }, "off sale")]], ["location", (row) => row.location],
        ["on hand", (row) => number(row.on_hand), "num"], ["available", (row) => number(row.available), "num"],
        ["held", (row) => number(row.reserved), "num"], ["committed", (row) => number(row.committed), "num"],
        ["safety", (row) => number(row.safety), "num"], ["damaged", (row) => number(row.damaged), "num"],
        ["to inspect", (row) => number(row.quality_control), "num"],
        ["short", (row) => (row.short > 0 ? h("span", { class: "chip bad" }, number(row.short)) : number(row.short)), "num"],
        ["", (row) => (row.location ? h("button", { type: "button", onclick: () => adjust(row) }, "Adjust", h("span", { class: "hush" }, ` ${row.sku} at ${row.location}`)) : null)],
      ], rows) : empty(wanted ? `No SKU of this page begins with “${wanted}”.` : "No SKU is defined."));
      fill(more, found.next ? h("button", { type: "button", onclick: () => load(found.next) }, "Next page") : "");
    } catch (error) {
      if (!alive) return;
      if (error.status !== 404) {
        fill(host, empty(error.message));
        return;
      }
      stop();
      stop = follow(selling);
    }
  }

  /** Where the server has no list of stock: what sells now, from the stream. */
  function selling() {
    const rows = live.skus ?? [];
    const [shown] = host.children;
    const built = rows.length ? table("SKUs that sell now, over all locations", [
      ["SKU", (row) => row.sku ?? "…"], ["left", (row) => number(row.left), "num"], ["held", (row) => number(row.reserved), "num"],
      ["committed", (row) => number(row.committed), "num"], ["sold since start", (row) => number(row.sold), "num"],
    ], rows) : empty("Nothing was sold since the server started.");
    if (shown?.textContent !== built.textContent) fill(host, built);
  }

  async function adjust(row) {
    const said = await question({
      title: `Adjust ${row.sku} at ${row.location}`, text: `On hand: ${number(row.on_hand)}.`, action: "Adjust",
      fields: [{ name: "delta", label: "Units more (or less, with a minus)", type: "number", step: "1", required: true },
        { name: "reason", label: "Reason (kept in the journal)", required: true }],
    });
    if (!said) return;
    const body = { location: row.location, delta: Number(said.delta), reason: said.reason };
    await attempt(() => api(`/v1/stock/${encodeURIComponent(row.sku)}/adjust`, { method: "POST", body }), `${row.sku} adjusted by ${said.delta}`);
    load();
  }

  load();
  return () => {
    alive = false;
    stop();
  };
}
