// Bottlenecks: where orders wait, and what that costs.

import { api, attempt, channelsByNumber, duration, empty, every, fill, h, moment, number, say, session, table, timeWindow, words } from "./lib.js";

export const title = "Bottlenecks";

const kinds = { step: "step", provider: "provider", carrier: "carrier", channel: "channel" };

export function show(main) {
  const host = h("div", {});
  const rate = h("input", { type: "number", name: "rate", value: "0.05", min: "0", step: "0.01" });
  const kind = h("select", { name: "kind" }, h("option", { value: "" }, "all"), Object.keys(kinds).map((name) => h("option", { value: name }, kinds[name])));
  const since = h("p", { class: "muted", "data-window": "" });
  const within = timeWindow(() => load());
  let rows = [];
  let asked = 0;
  rate.addEventListener("input", draw);
  kind.addEventListener("change", draw);
  main.append(h("div", { class: "head" }, h("h1", {}, "Bottlenecks")),
    h("section", { class: "panel" }, h("form", { class: "line", onsubmit: (event) => event.preventDefault() },
      h("label", {}, "Orders accepted in", within.list), h("label", {}, "What a minute of waiting costs", rate), h("label", {}, "By", kind),
      h("p", { class: "muted" }, "cost = average minutes × rate × volume, highest first"), since)),
    h("section", { class: "panel", "aria-label": "Bottlenecks", "aria-live": "polite" }, host));

  function draw() {
    const each = Number(rate.value) || 0;
    const shown = rows.filter((row) => !kind.value || row.kind === kind.value)
      .map((row) => ({ ...row, cost: (Number(row.average_ms) / 60_000) * each * Number(row.volume) }))
      .sort((a, b) => b.cost - a.cost || Number(b.average_ms) - Number(a.average_ms));
    const most = shown[0]?.cost || 1;
    fill(host, shown.length ? table("From the history, of the orders of this time", [
      ["by", (row) => row.kind], ["where", (row) => words(row.name.replace(/^– \/ /, "after the last step / "))], ["volume", (row) => number(Number(row.volume)), "num"],
      ["average", (row) => duration(Number(row.average_ms)), "num"], ["longest", (row) => duration(Number(row.longest_ms)), "num"],
      ["cost", (row) => row.cost.toFixed(2), "num"],
      ["share of the highest", (row) => h("progress", { max: "1", value: String(row.cost / most), "aria-label": `${row.name}: cost ${row.cost.toFixed(2)}` })],
    ], shown) : empty(session.history ? "No order of this time has left a step yet." : "This server keeps no history."));
  }

  if (!session.history) {
    draw();
    return () => {};
  }
  async function load() {
    const turn = ++asked;
    const found = await attempt(() => Promise.all([api(`/dashboard/data/bottlenecks?from=${within.from()}`), channelsByNumber()]));
    // Another time was chosen meanwhile.
    if (!found || turn !== asked) return;
    const [told, channels] = found;
    const part = told.every > 1 ? `; of ${number(told.orders)} orders one in ${number(told.every)} is read: volume and cost are estimates, the longest is of those` : "";
    say(since, `accepted since ${moment(told.from_ms).slice(0, -3)}${part}`);
    // The history knows channels by their number only.
    const named = (name) => name.replace(/^channel (\d+)/, (text, digits) => channels.get(Number(digits))?.name || (digits === "0" ? "own shop" : text));
    rows = told.bottlenecks.map((row) => (row.kind === "channel" ? { ...row, name: named(row.name) } : row));
    draw();
  }
  load();
  // The time that is looked at goes on; summing it up is work, so not often.
  return every(60_000, load);
}
