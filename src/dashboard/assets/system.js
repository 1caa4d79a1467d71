// One system in detail: providers, endpoints, settings, failures, dwell, and what a person can do.

import { action, api, attempt, chip, duration, empty, h, health, number, orderLink, question, scroller, session, share, when, words } from "./lib.js";

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
  const path = `/v1/breakers/${encodeURIComponent(provider)}/${isolate ? "isolate" : "reset"}`;
  await attempt(() => api(path, { method: "POST" }), `${provider}: ${isolate ? "isolated" : "reset"}`);
}

function provider(setup, live, name, place) {
  const fixed = setup.providers.find((one) => one.name === name) ?? { name };
  const now = live.providers?.[name] ?? {};
  const breaker = now.breaker ?? { state: "closed" };
  const until = breaker.until > live.at ? ` for ${duration(breaker.until - live.at)}` : "";
  const failures = (now.failures ?? []).slice(0, 3).map((one) =>
    h("li", { class: "small", "data-key": `${one.at} ${one.order}` }, `${when(one.at)} ${words(one.kind)} ${one.class}${one.status ? ` ${one.status}` : ""}: ${one.text} `, orderLink(one.order)));
  return h("section", { class: "provider", "data-key": name },
    h("div", { class: "row" },
      h("h3", {}, `${place + 1}. ${name}`), chip(words(breaker.state) + until, health[breaker.state]),
      h("span", { class: "row push" },
        breaker.state === "isolated" ? null : action({ class: "risk", onclick: () => change(name, true) }, "Isolate", h("span", { class: "hush" }, ` ${name}`)),
        action({ onclick: () => change(name, false) }, "Reset", h("span", { class: "hush" }, ` ${name}`)))),
    h("dl", { class: "facts" },
      h("dt", {}, "endpoint"), h("dd", {}, h("code", {}, fixed.endpoint ?? "–")),
      h("dt", {}, "limits"), h("dd", {}, fixed.timeout_ms === undefined ? "–" : `${duration(fixed.timeout_ms)} a call, ${fixed.concurrency ?? "–"} at once, ${fixed.rate_per_second ? `${fixed.rate_per_second}/s` : "no rate limit"}`),
      h("dt", {}, "now"), h("dd", {}, `${number(now.rate ?? 0)}/s, errors ${share(now.errors)}, refused ${share(now.refused)}, declined ${share(now.declined)}, p50 ${duration(now.p50)}, p99 ${duration(now.p99)}, ${now.out ?? 0} out, a call leaves after ${duration(now.wait)}`)),
    failures.length ? h("ul", { "aria-label": `Last failures of ${name}` }, failures) : null);
}

/** Who is asked in which order, line by line: [what for, names]. */
function routes(setup, name) {
  const join = (names) => names.filter(Boolean).join(" → ");
  // Pipelines that do the same are one line.
  const steps = (kind, list, about) => {
    const same = new Map();
    for (const pipeline of setup.pipelines) {
      for (const step of pipeline.steps.filter((one) => one.kind === kind && one[list].length)) {
        const key = JSON.stringify([step.name, step[list]]);
        same.set(key, [...(same.get(key) ?? []), words(pipeline.name)]);
      }
    }
    return [...same].map(([key, pipelines]) => {
      const [step, names] = JSON.parse(key);
      return [`${pipelines.length === setup.pipelines.length ? "every pipeline" : pipelines.join(", ")} / ${words(step)}${about}`, join(names)];
    });
  };
  if (name === "fraud" || name === "payment") return steps(name, "providers", "");
  if (name === "fulfilment") {
    return [...steps("webhook", "providers", ""), ...steps("fulfilment", "providers", ", carriers"), ...steps("fulfilment", "warehouses", ", warehouses")];
  }
  if (name === "crm") return setup.crm?.length ? [["every order", setup.crm.join(", ")]] : [];
  const by = new Map();
  for (const one of setup.messages ?? []) by.set(one.provider, [...(by.get(one.provider) ?? []), words(one.milestone)]);
  return name === "notification" ? [...[...by].map(([one, what]) => [one, what.join(", ")]), ...(setup.alerts?.length ? [["alerts of the team", setup.alerts.join(", ")]] : [])] : [];
}

function settings(setup, name) {
  const { retry, breaker } = setup;
  if (!retry) return null;
  return h("dl", { class: "facts" },
    h("dt", {}, "retry"), h("dd", {}, `${retry.attempts} attempts, after ${retry.delays_ms.map((ms) => duration(ms)).join(", ")}, jitter ${retry.jitter_percent} %`),
    h("dt", {}, "breaker"), h("dd", {}, `opens after ${breaker.failures} failures in a row for ${duration(breaker.open_ms)} (up to ${duration(breaker.open_max_ms)}), ${breaker.probes} probes`),
    h("dt", {}, name === "notification" || name === "crm" ? "who is told" : "failover order"),
    h("dd", {}, routes(setup, name).map(([what, names]) => h("div", {}, h("span", { class: "muted" }, `${what}: `), names))));
}

function stays(live, name) {
  const rows = (states[name] ?? []).filter((state) => live.dwell?.[state]).map((state) => [`orders in ${words(state)}`, live.dwell[state], "orders"]);
  const spent = live.systems?.[name]?.spent;
  if (spent) rows.push(["a call, waits and retries included", spent, "calls"]);
  if (!rows.length) return null;
  return [h("h3", {}, "How long it takes"), h("dl", { class: "facts" }, rows.map(([what, one, of]) =>
    [h("dt", {}, what), h("dd", {}, `p50 ${duration(one.p50)}, p99 ${duration(one.p99)} of ${number(one.n)} ${of}`)]))];
}

function answers(live, name) {
  const one = live.systems?.[name];
  if (!one || one.errors === null || one.errors === undefined || name === "intake") return null;
  return h("p", { class: "small muted" }, `Of the answers ${share(one.errors)} were errors of the provider, ${share(one.refused)} refused the request, ${share(one.declined)} declined the order.`);
}

/** Orders come in by TCP, by REST, and from channels. */
function intake(setup, live) {
  const one = live.systems?.intake ?? {};
  const channels = setup.channels ?? [];
  return [
    h("dl", { class: "facts" },
      h("dt", {}, "decision"), h("dd", {}, `p50 ${duration(one.p50)}, p99 ${duration(one.p99)}, from the first read to the reply`),
      h("dt", {}, "endpoints"), h("dd", {}, h("code", {}, "POST /v1/orders"), ", ", h("code", {}, "POST /v1/holds"), ", binary protocol"),
      channels.map((each) => [h("dt", {}, each.name), h("dd", {}, `${words(each.kind)} `, h("code", {}, `POST ${each.path}`))])),
    h("p", { class: "row" }, h("a", { class: "button", href: "#/orders" }, "Orders in process"), h("a", { class: "button", href: "#/quarantine" }, "Events in quarantine")),
    h("p", { class: "small muted" }, `Orders of tenant ${session.tenant}. “Held” counts unpaid orders that hold units; it is not known where the server has several tenants. “Errors” are orders rejected for another reason than stock.`),
  ];
}

/** What is known about a system, as one element. */
export function detail(setup, live, name) {
  const names = providersOf(setup, name);
  const now = (states[name] ?? []).filter((state) => live.states?.[state]).map((state) => `${words(state)} ${number(live.states[state])}`);
  return scroller("Details",
    now.length ? h("p", { class: "small muted" }, now.join(" · ")) : null,
    answers(live, name),
    names.length ? settings(setup, name) : null,
    stays(live, name),
    names.map((one, place) => provider(setup, live, one, place)),
    name === "intake" ? intake(setup, live) : null,
    name === "review" ? h("p", {}, h("a", { class: "button", href: "#/review" }, "Open the review queue")) : null,
    names.length || name === "review" || name === "intake" ? null : empty("No provider serves this: start the server with a process file."));
}
