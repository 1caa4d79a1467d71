// Dead letters: calls that gave up, by cause, and driven again many at a time.

import { announce, api, attempt, chip, empty, fill, h, moment, money, none, number, orderLink, question, share, table, words } from "./lib.js";

export const title = "Dead letters";

function causes(letters) {
  const groups = new Map();
  for (const one of letters) {
    const key = JSON.stringify([one.provider, one.kind, one.cause.code]);
    const group = groups.get(key) ?? { provider: one.provider, kind: one.kind, code: one.cause.code, message: one.cause.message, count: 0, oldest: one.since, latest: one.since };
    group.count += 1;
    if (one.since < group.oldest) group.oldest = one.since;
    if (one.since > group.latest) group.latest = one.since;
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

export function show(main) {
  const groups = h("div", {});
  const single = h("div", {});
  const outcome = h("p", { role: "status", class: "muted" });
  main.append(h("div", { class: "head" }, h("h1", {}, "Dead letters"), outcome),
    h("section", { class: "panel", "aria-label": "By cause" }, groups), h("section", { class: "panel", "aria-label": "One by one" }, single));
  let alive = true;
  let mark = "";

  async function load() {
    const letters = [];
    let after = null;
    do {
      const found = await api(`/v1/dead-letters?limit=500${after ? `&after=${after}` : ""}`).catch(() => null);
      if (!found || !alive) return;
      letters.push(...found.dead_letters);
      after = found.next;
    } while (after && letters.length < 5_000);
    const known = JSON.stringify(letters.map((one) => [one.key, one.attempts]));
    if (known === mark) return;
    mark = known;
    const all = causes(letters);
    fill(groups, all.length ? table(`${number(letters.length)} dead letters by cause`, [
      ["cause", (row) => [chip(row.code || "no code", "bad"), ` ${row.message}`]],
      ["call", (row) => words(row.kind)], ["provider", (row) => row.provider],
      ["letters", (row) => number(row.count), "num"], ["oldest", (row) => moment(row.oldest)], ["latest", (row) => moment(row.latest)],
      ["", (row) => h("button", { type: "button", class: "main", onclick: () => redriveAll(row) }, `Redrive ${number(row.count)}`, h("span", { class: "hush" }, ` of ${row.provider} ${words(row.kind)} ${row.code}`))],
    ], all) : empty("No call has given up."));
    fill(single, letters.length ? table(letters.length > 100 ? "The first 100, one by one" : "One by one", [
      ["order", (row) => orderLink(row.order, row.number)], ["call", (row) => `${words(row.kind)}${row.milestone ? `, ${words(row.milestone)}` : ""}`],
      ["provider", (row) => row.provider], ["attempts", (row) => String(row.attempts), "num"],
      ["amount", (row) => (row.amount ? money(row.amount, row.currency) : none), "num"], ["since", (row) => moment(row.since)],
      ["said", (row) => `${row.cause.code} ${row.cause.message}`.trim() || none],
      ["", (row) => h("span", { class: "row" }, h("button", { type: "button", onclick: () => one(row, "redrive") }, "Redrive"), h("button", { type: "button", class: "risk", onclick: () => one(row, "discard") }, "Give up"))],
    ], letters.slice(0, 100)) : "");
  }

  async function redriveAll(row) {
    const said = await question({
      title: `Redrive ${number(row.count)} dead letters?`,
      text: `All ${words(row.kind)} calls to ${row.provider} that ended with “${row.code || "no code"}”. Each keeps its key, so nothing happens twice.`,
      action: "Redrive all", fields: [{ name: "reason", label: "Reason (kept in the journal)", required: true }],
    });
    if (!said) return;
    outcome.textContent = `Driving ${number(row.count)} again …`;
    const done = await attempt(() => api("/v1/dead-letters/redrive", {
      method: "POST", body: { provider: row.provider, kind: row.kind, code: row.code, wait_ms: 6_000, reason: said.reason },
    }));
    if (!done) {
      outcome.textContent = "";
      return;
    }
    const text = `${number(done.redriven)} driven again: ${number(done.recovered)} recovered, ${number(done.dead_again)} dead again, ${number(done.pending)} pending (${share(done.recovery_rate)} recovered)`;
    outcome.textContent = text;
    announce(text);
    mark = "";
    load();
  }

  async function one(row, action) {
    const said = await question({
      title: action === "redrive" ? "Redrive this call?" : "Give this call up?",
      text: `${words(row.kind)} at ${row.provider} for order ${row.number}.`,
      action: action === "redrive" ? "Redrive" : "Give up", risk: action !== "redrive",
      fields: [{ name: "reason", label: "Reason (kept in the journal)", required: true }],
    });
    if (!said) return;
    await attempt(() => api(`/v1/dead-letters/${row.order}/${row.effect}/${action}`, { method: "POST", body: { reason: said.reason } }), "Done");
    mark = "";
    load();
  }

  load();
  const again = setInterval(() => document.getElementById("ask").open || load(), 4_000);
  return () => {
    alive = false;
    clearInterval(again);
  };
}
