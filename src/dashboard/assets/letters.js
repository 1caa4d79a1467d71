// Dead letters: calls that gave up, by cause, and driven again many at a time.

import { action, announce, api, attempt, chip, empty, every, h, moment, money, none, number, orderLink, patch, question, say, share, table, words } from "./lib.js";

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

/** Letters that are read: of more there are at least so many. */
const READ_MAX = 5_000;

/** Letters that one request drives again. */
const DRIVEN_MAX = 1_000;

export function show(main) {
  const groups = h("div", {});
  const single = h("div", {});
  const outcome = h("p", { role: "status", class: "muted" });
  const stale = h("p", { class: "muted" });
  main.append(h("div", { class: "head" }, h("h1", {}, "Dead letters"), outcome, stale),
    h("section", { class: "panel", "aria-label": "By cause" }, groups), h("section", { class: "panel", "aria-label": "One by one" }, single));
  let alive = true;
  let mark = "";

  let turn = 0;
  async function load() {
    turn += 1;
    const asked = turn;
    const letters = [];
    let after = null;
    do {
      const found = await api(`/v1/dead-letters?limit=500${after ? `&after=${after}` : ""}`).catch((error) => ({ error }));
      if (!alive || asked !== turn) return;
      say(stale, found.error ? `The list is not up to date: ${found.error.message}` : "");
      if (found.error) return;
      letters.push(...found.dead_letters);
      after = found.next;
    } while (after && letters.length < READ_MAX);
    const known = JSON.stringify(letters.map((one) => [one.key, one.attempts]));
    if (known === mark) return;
    mark = known;
    const more = after ? "+" : "";
    const all = causes(letters);
    patch(groups, all.length ? table(`${number(letters.length)}${more} dead letters by cause`, [
      ["cause", (row) => [chip(row.code || "no code", "bad"), ` ${row.message}`]],
      ["call", (row) => words(row.kind)], ["provider", (row) => row.provider],
      ["letters", (row) => `${number(row.count)}${more}`, "num"], ["oldest", (row) => moment(row.oldest)], ["latest", (row) => moment(row.latest)],
      ["", (row) => action({ class: "main", onclick: () => redriveAll(row) }, `Redrive ${number(row.count)}`, h("span", { class: "hush" }, ` of ${row.provider} ${words(row.kind)} ${row.code}`))],
    ], all, (row) => `${row.provider} ${row.kind} ${row.code}`) : empty("No call has given up."));
    patch(single, letters.length ? table(letters.length > 100 ? "The first 100, one by one" : "One by one", [
      ["order", (row) => orderLink(row.order, row.number)], ["call", (row) => `${words(row.kind)}${row.milestone ? `, ${words(row.milestone)}` : ""}`],
      ["provider", (row) => row.provider], ["attempts", (row) => String(row.attempts), "num"],
      ["amount", (row) => (row.amount ? money(row.amount, row.currency) : none), "num"], ["since", (row) => moment(row.since)],
      ["said", (row) => `${row.cause.code} ${row.cause.message}`.trim() || none],
      ["", (row) => h("span", { class: "row" }, action({ onclick: () => one(row, "redrive") }, "Redrive"), action({ class: "risk", onclick: () => one(row, "discard") }, "Give up"))],
    ], letters.slice(0, 100), (row) => row.key) : "");
  }

  async function redriveAll(row) {
    const said = await question({
      title: `Redrive ${number(row.count)} dead letters?`,
      text: `All ${words(row.kind)} calls to ${row.provider} that ended with “${row.code || "no code"}”. Each keeps its key, so nothing happens twice.`,
      action: "Redrive all", fields: [{ name: "reason", label: "Reason (kept in the journal)", required: true }],
    });
    if (!said) return;
    outcome.textContent = `Driving ${number(row.count)} again …`;
    const done = { redriven: 0, recovered: 0, dead_again: 0, pending: 0 };
    // One request drives a part of many; what died again is not driven twice.
    for (let left = row.count; left > 0; left -= DRIVEN_MAX) {
      const limit = Math.min(left, DRIVEN_MAX);
      const part = await attempt(() => api("/v1/dead-letters/redrive", {
        method: "POST", body: { provider: row.provider, kind: row.kind, code: row.code, limit, wait_ms: 6_000, reason: said.reason },
      }));
      for (const name of Object.keys(done)) done[name] += part?.[name] ?? 0;
      if (!part?.redriven) break;
    }
    if (!done.redriven) {
      outcome.textContent = "";
      mark = "";
      load();
      return;
    }
    const ended = done.recovered + done.dead_again;
    done.recovery_rate = ended ? done.recovered / ended : null;
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
  const end = every(4_000, load);
  return () => {
    alive = false;
    end();
  };
}
