// Sale: what is offered, taken, sold out and refused, and whether a unit or an order went wrong.

import { chip, duration, empty, h, none, number, patch, say, scroller, short, table } from "./lib.js";
import { follow, live } from "./live.js";
import uPlot from "./vendor/uplot.js";

export const title = "Sale";

/** What is not known is said to be so: a 0 would be good news. */
function showTruth(one, value, atLeast, unit) {
  const known = value !== null && value !== undefined;
  const said = [known ? number(value) : "unknown", known && atLeast ? "or more" : ""].filter(Boolean).join(" ");
  say(one.value, known ? `${atLeast ? "≥\u00a0" : ""}${short(value)}` : "?");
  say(one.under, known && !atLeast ? unit : `${said}: ${unit}`);
  one.root.classList.toggle("good", value === 0 && !atLeast);
  one.root.classList.toggle("wrong", value > 0);
  return said;
}

/** The age of what a channel shows, at least: none where nothing was told to it lately. */
function ageOf(channel) {
  const known = [channel.p99, channel.still].filter((ms) => ms !== null && ms !== undefined);
  return known.length ? Math.max(...known) : null;
}

/** A channel's stock is called true if it is no older than this, in milliseconds. */
const TRUE_MS = 100;

function figure(name, unit, kind = "") {
  const value = h("span", { class: "value" }, none);
  const under = h("span", { class: "unit" }, unit);
  return { root: h("div", { class: `panel figure ${kind}` }, h("span", { class: "name" }, name), value, under), value, under };
}

/** Names, as many as fit under a figure. */
function few(names) {
  return names.length > 2 ? `${number(names.length)} channels` : names.join(" and ");
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
  const beyond = "units promised beyond what is there";
  const missing = "accepted orders missing from the journal";
  const oversold = figure("OVERSOLD", beyond, "truth");
  const lost = figure("LOST", missing, "truth");
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
  const sky = matchMedia("(prefers-color-scheme: dark)");
  sky.addEventListener("change", repaint);

  let drawn = 0;
  let said = 0;
  const stop = follow(() => {
    const sale = live.sale ?? {};
    const now = sale.now ?? [];
    const total = sale.total ?? [];
    const truths = [
      `oversold ${showTruth(oversold, sale.oversold, sale.at_least, beyond)}`,
      `lost ${showTruth(lost, sale.lost, false, missing)}`,
    ].join(", ");
    rates.forEach((one, place) => {
      say(one.value, short(now[place + 1]));
      say(one.under, `orders/s · ${short(total[place + 1])} in all`);
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
      say(spoken, `${number(now[2] ?? 0)} orders a second accepted, ${truths}`);
    }
  });

  function hot() {
    const rows = live.skus ?? [];
    patch(skus, rows.length ? table("Those that sell fastest now", [
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
      const ages = published.map(([, one]) => ageOf(one)).filter((ms) => ms !== null);
      const worst = ages.length ? Math.max(...ages) : null;
      const down = published.filter(([, one]) => one.down).map(([name]) => name);
      const still = published.filter(([, one]) => one.still).map(([name]) => name);
      say(truth.value, down.length && worst === null ? "down" : duration(worst));
      say(truth.under, down.length ? `calls to ${few(down)} fail`
        : still.length ? `nothing reaches ${few(still)}`
          : worst === null ? "nothing published in the last 10 s" : `slowest of ${number(published.length)} channels; true up to ${TRUE_MS} ms`);
      truth.root.classList.toggle("good", !down.length && worst !== null && worst <= TRUE_MS);
      truth.root.classList.toggle("wrong", down.length > 0 || worst > TRUE_MS);
      patch(channels, table("By channel, last 10 s", [
        ["channel", ([name]) => name], ["a second", ([, one]) => number(one.rate), "num"], ["p50", ([, one]) => duration(one.p50), "num"], ["p99", ([, one]) => (ageOf(one) === null ? none : chip(`${one.still ? "≥ " : ""}${duration(ageOf(one))}`, ageOf(one) <= TRUE_MS ? "ok" : one.still ? "bad" : "warn")), "num"],
        ["waiting", ([, one]) => (one.down ? chip("calls fail", "bad") : number(one.waiting)), "num"],
        ["refused", ([, one]) => (one.refused > 0 ? chip(`${number(one.refused)} SKUs`, "bad") : number(one.refused)), "num"],
      ], published));
    } else {
      say(truth.value, none);
      say(truth.under, "no channel publishes stock");
      patch(channels, empty("No channel publishes stock."));
    }
  }

  return () => {
    stop();
    size.disconnect();
    window.removeEventListener("onhand-theme", repaint);
    sky.removeEventListener("change", repaint);
    plot.destroy();
  };
}
