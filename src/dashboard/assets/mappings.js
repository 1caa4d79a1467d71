// Mappings: which SKU each item of a channel stands for.

import { action, announce, api, attempt, channelsByNumber, empty, fill, h, none, patch, question, table, words } from "./lib.js";

/** Sets mappings of a channel; says which were refused, and whether all were taken. */
export async function setMappings(channel, wanted) {
  const told = await attempt(() => api(`/v1/mappings/${channel}`, { method: "PUT", body: { mappings: wanted } }));
  if (!told) return false;
  const [refused] = told.refused;
  if (refused) announce(`Item ${refused.item} was not mapped to “${refused.sku}”: ${refused.title}`, true);
  return !refused;
}

/** Adds the section to a page. */
export function mappings(main) {
  const host = h("div", { "aria-live": "polite" });
  const more = h("p", { class: "right" });
  const choice = h("select", { name: "channel", onchange: () => load() });
  const add = action({ id: "add-mapping", onclick: () => change({ item: "", sku: "", write_back: {} }) }, "Add");
  const panel = h("section", { class: "panel", "aria-labelledby": "mappings-title", hidden: true },
    h("header", {}, h("h2", { id: "mappings-title" }, "What items stand for"), h("span", { class: "row push" }, h("label", { class: "inline" }, "Channel", choice), add)), host, more);
  main.append(panel);

  async function load(after) {
    if (!choice.value) return;
    const query = new URLSearchParams({ limit: "100" });
    if (after) query.set("after", after);
    const found = await attempt(() => api(`/v1/mappings/${choice.value}?${query}`));
    if (!found) return;
    patch(host, found.mappings.length ? table("The channel's items and the SKUs that they stand for", [
      ["item", (row) => h("span", { class: "key" }, row.item)], ["SKU", (row) => row.sku],
      ["for writing stock", (row) => Object.entries(row.write_back).map(([name, value]) => `${words(name)} ${value}`).join(", ") || none],
      ["", (row) => h("span", { class: "row" }, action({ onclick: () => change(row) }, "Change", h("span", { class: "hush" }, ` ${row.item}`)),
        action({ class: "risk", onclick: () => remove(row) }, "Remove", h("span", { class: "hush" }, ` ${row.item}`)))],
    ], found.mappings, (row) => row.item) : empty("No item of this channel is mapped. An item that carries the name of a SKU needs no mapping."));
    fill(more, found.next ? h("button", { type: "button", onclick: () => load(found.next) }, "Next page") : "");
  }

  async function change(row) {
    const said = await question({
      title: row.item ? `Item ${row.item}` : "Map an item", action: "Save",
      fields: [row.item ? null : { name: "item", label: "The channel's item", required: true }, { name: "sku", label: "SKU that it stands for", value: row.sku, required: true }].filter(Boolean),
    });
    if (!said) return;
    const item = row.item || said.item.trim();
    if (await setMappings(choice.value, [{ item, sku: said.sku.trim(), write_back: row.write_back }])) announce(`Item ${item} stands for ${said.sku.trim()}`);
    load();
  }

  async function remove(row) {
    const said = await question({ title: `Remove the mapping of item ${row.item}?`, text: "Orders with it wait here until it is mapped again.", action: "Remove", risk: true });
    if (!said) return;
    if (await setMappings(choice.value, [{ item: row.item, sku: "" }])) announce(`Item ${row.item} stands for no SKU any more`);
    load();
  }

  channelsByNumber().then((found) => {
    const shops = [...found.values()].filter((one) => one.kind !== "own");
    panel.hidden = shops.length === 0;
    fill(choice, shops.map((one) => h("option", { value: String(one.number) }, one.name || String(one.number))));
    load();
  });
  return { load };
}
