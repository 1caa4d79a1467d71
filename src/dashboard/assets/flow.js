// Flow: where orders are, what moves, what fails, and what becomes of it.

import { action, api, attempt, chip, duration, empty, every, h, health, number, orderLink, patch, say, scroller, session, share, when, words } from "./lib.js";
import { follow, live, serverNow } from "./live.js";
import { nodes, picture } from "./picture.js";
import { detail, providersOf } from "./system.js";

export const title = "Flow";

const kinds = {
  retry: ["retry", "warn"], breaker: ["breaker", "bad"], failover: ["failover", "warn"], message: ["message", "ok"],
  review: ["review", "warn"], alert: ["alert", "bad"], decision: ["decision", "ok"], dead_letter: ["dead letter", "bad"],
};

const byHand = [["Orders an hour", "15"], ["Orders with an error", "12 %"], ["Time for one order", "4 to 8 min"]];

function measured() {
  const ticks = live.ticks.slice(-60);
  const accepted = ticks.reduce((sum, tick) => sum + tick[2], 0);
  const hourly = ticks.length ? accepted * (3600 / ticks.length) : 0;
  const lanes = Object.values(live.systems ?? {}).filter((one) => one.errors !== undefined && one.errors !== null && one.calls !== undefined);
  const calls = lanes.reduce((sum, one) => sum + one.rate, 0);
  const failed = lanes.reduce((sum, one) => sum + one.rate * one.errors, 0);
  const way = ["FRAUD_CHECK", "PAYMENT", "CONFIRMED"].map((state) => live.dwell?.[state]?.p50).filter((ms) => ms !== undefined);
  return [
    `${number(Math.round(hourly))}`,
    calls ? `${share(failed / calls)} of calls, retried by themselves` : "–",
    way.length ? `${duration(way.reduce((sum, ms) => sum + ms, 0))} from placed to label` : "–",
  ];
}

function automation() {
  let on = false;
  const cells = byHand.map(() => h("td", {}, "–"));
  const table = h("table", {},
    h("caption", {}, "By hand: figures as given, not measured here. Automated: measured by this server in the last minute."),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Figure"), h("th", { scope: "col" }, "By hand (given)"), h("th", { scope: "col" }, "Automated (measured)"))),
    h("tbody", {}, byHand.map(([name, value], place) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value), cells[place]))));
  const button = h("button", {
    type: "button", "aria-pressed": "false",
    onclick: () => {
      on = !on;
      button.setAttribute("aria-pressed", String(on));
      say(button, on ? "Automation on" : "Enable automation");
      show();
    },
  }, "Enable automation");
  function show() {
    const values = on ? measured() : byHand.map(() => "off");
    cells.forEach((cell, place) => say(cell, values[place]));
  }
  return { button, table, show };
}

export function show(main) {
  let setup = { providers: [], pipelines: [] };
  let picked = null;
  let drawn = 0;
  const news = h("ul", { class: "news" });
  const retries = h("div", {});
  const waiting = h("span", { class: "muted small" });
  const panelTitle = h("h2", {}, "System");
  const panelBody = h("div", { class: "scroll-host" }, empty("Choose a system for its providers, settings and failures."));
  const compare = automation();
  const status = h("span", { class: "muted small", role: "status" });
  const simulate = session.rehearsal ? action({ class: "risk", id: "simulate", onclick: start }, "Simulate payment failure") : null;

  /** It keeps the focus, so it is not disabled: it does nothing. */
  function simulates(running) {
    if (running) simulate?.setAttribute("aria-disabled", "true");
    else simulate?.removeAttribute("aria-disabled");
  }

  async function start() {
    if (simulate.getAttribute("aria-disabled") === "true") return;
    simulates(true);
    const told = await attempt(() => api("/dashboard/simulate", { method: "POST" }), "The primary processor is down; watch the retries");
    if (!told) simulates(false);
  }

  function pick(name) {
    picked = picked === name ? null : name;
    view.pick(picked);
    panelBody.replaceChildren(); // another one is read from its top
    drawn = 0;
    render();
  }

  const view = picture(pick);
  const worst = (name) => {
    const rank = ["closed", "slow", "half_open", "open", "isolated"];
    const found = providersOf(setup, name).map((one) => live.providers?.[one]?.breaker?.state ?? "closed");
    const state = found.sort((a, b) => rank.indexOf(b) - rank.indexOf(a))[0];
    return [state, health[state]];
  };

  /** How long calls of a system wait until they leave: of the slowest of its providers. */
  const wait = (name) => {
    const found = providersOf(setup, name).map((one) => live.providers?.[one]?.wait).filter((ms) => ms !== null && ms !== undefined);
    return found.length ? Math.max(...found) : null;
  };

  function render() {
    if (performance.now() - drawn < 900) return;
    drawn = performance.now();
    if (picked) {
      const [, name] = nodes.find(([key]) => key === picked);
      say(panelTitle, name);
      patch(panelBody, detail(setup, live, picked));
    } else if (session.rehearsal) {
      say(panelTitle, "By hand and automated");
      if (!panelBody.contains(compare.table)) panelBody.replaceChildren(compare.table);
      compare.show();
    } else {
      say(panelTitle, "System");
      patch(panelBody, empty("Choose a system for its providers, settings and failures."));
    }
  }

  let told = -1;
  function headlines() {
    const mark = live.news.reduce((sum, one) => sum + one.more, live.news.at(-1)?.id ?? 0);
    if (mark === told) return;
    told = mark;
    const rows = [...live.news].reverse().slice(0, 40).map((one) => {
      const [name, kind] = kinds[one.kind] ?? [one.kind, ""];
      return h("li", { "data-kind": one.kind, "data-key": `${one.id} ${one.at}` }, h("time", {}, when(one.at)), h("span", {}, chip(name, kind)),
        h("span", { class: "text" }, one.text, " ", one.order ? orderLink(one.order) : null, one.more ? h("span", { class: "muted" }, ` and ${number(one.more)} more`) : null));
    });
    patch(news, rows.length ? rows : h("li", {}, h("span", { class: "only muted" }, "Nothing out of the ordinary.")));
  }

  function countdown() {
    const now = serverNow();
    const next = live.retries?.next ?? [];
    say(waiting, live.retries?.waiting ? `${number(live.retries.waiting)} wait` : "");
    const rows = next.slice(0, 7).map((one) => {
      const left = Math.max(0, one.due - now);
      const delays = setup.retry?.delays_ms ?? [];
      const whole = (delays[one.attempt - 1] ?? delays.at(-1) ?? 8_000) / 1000;
      return h("div", { class: "retry", "data-key": `${one.order} ${one.kind} ${one.attempt}` },
        h("span", {}, `${words(one.kind)} at ${one.provider}, attempt ${one.attempt + 1} `, orderLink(one.order)),
        h("span", { class: "count" }, left > 0 ? `${(left / 1000).toFixed(1)} s` : "now"),
        h("progress", { max: "1", value: String(1 - Math.min(1, left / (whole * 1000))), "aria-label": `attempt ${one.attempt + 1} of order ${one.order.slice(0, 8)}` }));
    });
    patch(retries, rows.length ? rows : empty("No call waits for its next attempt."));
  }

  main.className = "wall";
  main.append(
    h("div", { class: "head" }, h("h1", {}, "Flow"), status,
      session.rehearsal ? h("div", { class: "push" }, compare.button, simulate) : null),
    view.root,
    h("div", { class: "below" },
      h("section", { class: "panel", "aria-labelledby": "retries-title" },
        h("header", {}, h("h2", { id: "retries-title" }, "Next attempts"), h("span", { class: "push" }, waiting)), scroller("Next attempts", retries)),
      h("section", { class: "panel", "aria-labelledby": "news-title" },
        h("header", {}, h("h2", { id: "news-title" }, "As it happens")), scroller("As it happens", news)),
      h("section", { class: "panel", id: "system", "aria-label": "Details" }, h("header", {}, panelTitle), panelBody)));

  const stop = follow(() => {
    view.show(live, worst, wait);
    headlines();
    countdown();
    render();
  });
  const clockwork = setInterval(countdown, 200);
  attempt(async () => {
    setup = await api("/dashboard/data/setup");
    drawn = 0;
    render();
  });
  async function look() {
    try {
      const now = await api("/dashboard/simulate");
      simulates(now.running);
      say(status, now.step ?? "");
    } catch {
      // the stream says when the server is gone
    }
  }
  if (session.rehearsal) look();
  const poll = session.rehearsal ? every(1_000, look) : () => {};
  return () => {
    stop();
    view.stop();
    clearInterval(clockwork);
    poll();
  };
}
