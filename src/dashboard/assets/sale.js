// Sale: what is offered, taken, sold out and refused, and whether a unit or an order went wrong.

import { chip, duration, empty, fill, h, none, number, say, scroller, short, table } from "./lib.js";
import { follow, live } from "./live.js";
import uPlot from "./vendor/uplot.js";

export const title = "Sale";

/** A channel's stock is called true if it is no older than this, in milliseconds. */
const TRUE_MS = 100;

function figure(name, unit, kind = "") {
  const value = h("span", { class: "value" }, "0");
  const under = h("span", { class: "unit" }, unit);
  return { root: h("div", { class: `panel figure ${kind}` }, h("span", { class: "name" }, name), value, under), value, under };
}

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function chart(host) {
  const series = [["offered", "--ink-2"], ["accepted", "--series-2"], ["sold out", "--series-3"], ["rejected", "--series-4"]];
  const axis = () => ({ stroke: color("--ink-2"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line") }, font: "13px system-ui" });
  const plot = new uPlot({
    width: Math.max(280, host.clientWidth), height: Math.max(160, host.clientHeight - 34),
    series: [{ value: (_, at) => (at ? new Date(at * 1000).toLocaleTimeString("en-GB") : "–") }, ...series.map(([label, name]) => ({
      label, stroke: color(name), width: 2, points: { show: false }, value: (_, value) => number(value),
    }))],
    axes: [{ ...axis(), values: (_, all) => all.map((at) => new Date(at * 1000).toLocaleTimeString("en-GB")), space: 110 },
      { ...axis(), values: (_, all) => all.map((value) => short(value)), size: 62 }],
    scales: { y: { range: (_, low, high) => [0, Math.max(10, high * 1.1)] } },
    cursor: { y: false },
  }, [[], [], [], [], []], host);
  plot.root.setAttribute("aria-hidden", "true");
  return plot;
}

export function show(main) {
  const oversold = figure("OVERSOLD", "units promised beyond what is there", "truth good");
  const lost = figure("LOST", "accepted orders missing from the journal", "truth good");
  const rates = ["offered", "accepted", "sold out", "rejected"].map((name) => figure(name, "orders/s"));
  const yours = figure("answer “yours”, p99", "p50 · p99");
  const gone = figure("answer “sold out”, p99", "p50 · p99");
  const truth = figure("channel truth lag, p99", "no channel publishes stock", "wide");
  say(truth.value, none);
  const skus = h("div", {});
  const channels = h("div", {}, empty("No channel publishes stock."));
  const host = h("div", { class: "chart" });
  const spoken = h("p", { class: "hush", role: "status" });
  main.className = "wall";
  main.append(
    h("div", { class: "head" }, h("h1", {}, "Sale"), spoken),
    h("div", { class: "sale" },
      h("div", { class: "truths" }, oversold.root, lost.root),
      h("div", { class: "figures" }, rates.map((one) => one.root))),
    h("div", { class: "sale middle" },
      h("div", { class: "truths" }, yours.root, gone.root, truth.root),
      h("section", { class: "panel", "aria-label": "Orders a second, last two minutes" }, host)),
    h("div", { class: "sale last" },
      h("section", { class: "panel", "aria-labelledby": "truth-title" }, h("header", {}, h("h2", { id: "truth-title" }, "Channel truth lag"), h("span", { class: "small muted" }, "age of a quantity when its channel acknowledged it")), scroller("Channel truth lag", channels)),
      h("section", { class: "panel", "aria-labelledby": "hot-title" }, h("header", {}, h("h2", { id: "hot-title" }, "Hot SKUs")), scroller("Hot SKUs", skus))));

  let plot = chart(host);
  const size = new ResizeObserver(() => plot.setSize({ width: Math.max(280, host.clientWidth), height: Math.max(160, host.clientHeight - 34) }));
  size.observe(host);
  const repaint = () => {
    plot.destroy();
    plot = chart(host);
    drawn = 0;
  };
  window.addEventListener("onhand-theme", repaint);

  let drawn = 0;
  let said = 0;
  const stop = follow(() => {
    const sale = live.sale ?? {};
    const now = sale.now ?? [];
    const total = sale.total ?? [];
    for (const [one, value] of [[oversold, sale.oversold ?? 0], [lost, sale.lost ?? 0]]) {
      say(one.value, short(value));
      one.root.classList.toggle("good", value === 0);
      one.root.classList.toggle("wrong", value > 0);
    }
    rates.forEach((one, place) => {
      say(one.value, short(now[place + 1] ?? 0));
      say(one.under, `orders/s · ${short(total[place + 1] ?? 0)} in all`);
    });
    for (const [one, latency] of [[yours, live.latency?.yours], [gone, live.latency?.sold_out]]) {
      say(one.value, duration(latency?.p99));
      say(one.under, `p50 ${duration(latency?.p50)}, last 10 s`);
    }
    const last = live.ticks.at(-1)?.[0] ?? 0;
    if (last !== drawn) {
      drawn = last;
      plot.setData([0, 1, 2, 3, 4].map((place) => live.ticks.map((tick) => tick[place])));
      hot();
    }
    if (performance.now() - said > 30_000) {
      said = performance.now();
      say(spoken, `${number(now[2] ?? 0)} orders a second accepted, ${number(sale.oversold ?? 0)} units oversold, ${number(sale.lost ?? 0)} orders lost`);
    }
  });

  function hot() {
    const rows = live.skus ?? [];
    fill(skus, rows.length ? table("Those that sell fastest now", [
      ["SKU", (row) => row.sku ?? "…"],
      ["sold a second", (row) => number(row.rate), "num"],
      ["sold", (row) => number(row.sold), "num"],
      ["left", (row) => (row.left === 0 ? h("span", { class: "chip warn" }, "sold out") : number(row.left)), "num"],
      ["held", (row) => number(row.reserved), "num"],
      ["committed", (row) => number(row.committed), "num"],
      ["sold out in", (row) => (row.sold_out_in_s === null ? "–" : duration(row.sold_out_in_s * 1000)), "num"],
    ], rows) : empty("Nothing was sold since the server started."));
    const published = Object.entries(live.channels ?? {});
    if (published.length) {
      const ages = published.map(([, one]) => one.p99).filter((ms) => ms !== null && ms !== undefined);
      const worst = ages.length ? Math.max(...ages) : null;
      say(truth.value, duration(worst));
      say(truth.under, worst === null ? "nothing published in the last 10 s" : `slowest of ${number(published.length)} channels; true up to ${TRUE_MS} ms`);
      truth.root.classList.toggle("good", worst !== null && worst <= TRUE_MS);
      truth.root.classList.toggle("wrong", worst > TRUE_MS);
      fill(channels, table("By channel, last 10 s", [
        ["channel", ([name]) => name], ["a second", ([, one]) => number(one.rate), "num"], ["p50", ([, one]) => duration(one.p50), "num"], ["p99", ([, one]) => (one.p99 === null || one.p99 === undefined ? "–" : chip(duration(one.p99), one.p99 <= TRUE_MS ? "ok" : "warn")), "num"],
        ["waiting", ([, one]) => (one.down ? chip("calls fail", "bad") : number(one.waiting)), "num"],
        ["refused", ([, one]) => (one.refused > 0 ? chip(`${number(one.refused)} SKUs`, "bad") : number(one.refused)), "num"],
      ], published));
    }
  }

  return () => {
    stop();
    size.disconnect();
    window.removeEventListener("onhand-theme", repaint);
    plot.destroy();
  };
}
