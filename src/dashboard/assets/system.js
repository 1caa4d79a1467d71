// One system in detail: providers, endpoints, settings, failures, dwell, and what a person can do.

import { api, attempt, chip, clock, duration, empty, h, health, number, orderLink, question, scroller, session, share, words } from "./lib.js";

/** Names of the providers of each system, in the order in which they are tried. */
export function providersOf(setup, name) {
  const steps = setup.pipelines.flatMap((pipeline) => pipeline.steps);
  const of = (kind) => steps.filter((step) => step.kind === kind);
  const lists = {
    intake: [],
    fraud: of("fraud").flatMap((step) => step.providers),
    payment: of("payment").flatMap((step) => step.providers),
    fulfilment: [...of("fulfilment").flatMap((step) => [...step.providers, ...step.warehouses]), ...of("webhook").flatMap((step) => step.providers)],
    crm: setup.crm ?? [],
    notification: [...(setup.messages ?? []).map((message) => message.provider), ...(setup.alerts ?? [])],
  };
  return [...new Set(lists[name] ?? [])].filter(Boolean);
}

const states = {
  intake: ["HELD"],
  fraud: ["FRAUD_CHECK"],
  payment: ["PAYMENT"],
  fulfilment: ["WEBHOOK", "CONFIRMED", "FULFILLING", "SHIPPED", "DELIVERED"],
  review: ["REVIEW"],
};

async function change(provider, isolate) {
  const asked = await question({
    title: isolate ? `Isolate ${provider}?` : `Reset the breaker of ${provider}?`,
    text: isolate ? "No call goes out to it until it is reset; orders go to the next provider, or wait." : "Calls go out again at once.",
    action: isolate ? "Isolate" : "Reset", risk: isolate,
  });
  if (!asked) return;
  const action = isolate ? "isolate" : "reset";
  await attempt(() => api(`/v1/breakers/${encodeURIComponent(provider)}/${action}`, { method: "POST" }), `${provider}: ${isolate ? "isolated" : "reset"}`);
}

function provider(setup, live, name, place) {
  const fixed = setup.providers.find((one) => one.name === name) ?? { name };
  const now = live.providers?.[name] ?? {};
  const breaker = now.breaker ?? { state: "closed" };
  const until = breaker.until > live.at ? ` for ${duration(breaker.until - live.at)}` : "";
  const failures = (now.failures ?? []).slice(0, 3).map((one) =>
    h("li", { class: "small" }, `${clock(one.at)} ${words(one.kind)} ${one.class}${one.status ? ` ${one.status}` : ""}: ${one.text} `, orderLink(one.order)));
  return h("section", { class: "provider" },
    h("div", { class: "row" },
      h("h3", {}, `${place + 1}. ${name}`), chip(words(breaker.state) + until, health[breaker.state]),
      h("span", { class: "row push" },
        h("button", { type: "button", class: "risk", disabled: breaker.state === "isolated", onclick: () => change(name, true) }, "Isolate", h("span", { class: "hush" }, ` ${name}`)),
        h("button", { type: "button", onclick: () => change(name, false) }, "Reset", h("span", { class: "hush" }, ` ${name}`)))),
    h("dl", { class: "facts" },
      h("dt", {}, "endpoint"), h("dd", {}, h("code", {}, fixed.endpoint ?? "–")),
      h("dt", {}, "limits"), h("dd", {}, `${duration(fixed.timeout_ms)} a call, ${fixed.concurrency ?? "–"} at once, ${fixed.rate_per_second ? `${fixed.rate_per_second}/s` : "no rate limit"}`),
      h("dt", {}, "now"), h("dd", {}, `${number(now.rate ?? 0)}/s, errors ${share(now.errors)}, p50 ${duration(now.p50)}, p99 ${duration(now.p99)}, ${now.out ?? 0} out`)),
    failures.length ? h("ul", { "aria-label": `Last failures of ${name}` }, failures) : null);
}

/** What is known about a system, as one element. */
export function detail(setup, live, name) {
  const names = providersOf(setup, name);
  const dwell = (states[name] ?? []).filter((state) => live.dwell?.[state]).map((state) => {
    const one = live.dwell[state];
    return [h("dt", {}, words(state)), h("dd", {}, `p50 ${duration(one.p50)}, p99 ${duration(one.p99)} of ${number(one.n)} orders`)];
  });
  const retry = setup.retry;
  const settings = retry && names.length ? h("dl", { class: "facts" },
    h("dt", {}, "retry"), h("dd", {}, `${retry.attempts} attempts, after ${retry.delays_ms.map((ms) => duration(ms)).join(", ")}, jitter ${retry.jitter_percent} %`),
    h("dt", {}, "breaker"), h("dd", {}, `opens after ${setup.breaker.failures} failures in a row for ${duration(setup.breaker.open_ms)} (up to ${duration(setup.breaker.open_max_ms)}), ${setup.breaker.probes} probes`),
    h("dt", {}, "failover"), h("dd", {}, names.join(" → "))) : null;
  const live_states = (states[name] ?? []).filter((state) => live.states?.[state]).map((state) => `${words(state)} ${number(live.states[state])}`);
  return scroller("Details",
    live_states.length ? h("p", { class: "small muted" }, live_states.join(" · ")) : null,
    settings,
    dwell.length ? [h("h3", {}, "How long orders stay"), h("dl", { class: "facts" }, dwell)] : null,
    names.map((one, place) => provider(setup, live, one, place)),
    name === "review" ? h("p", {}, h("a", { href: "#/review" }, "Open the review queue")) : null,
    names.length || name === "review" || name === "intake" ? null : empty("No provider serves this: start the server with a process file."),
    name === "intake" ? h("p", { class: "small muted" }, `Orders of tenant ${session.tenant}. “Held” counts unpaid orders that hold units; it is not known where the server has several tenants.`) : null);
}
