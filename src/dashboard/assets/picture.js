// The picture of the flow: systems as cards, and orders as dots on the lines between them.

import { duration, fill, h, none, s, say, share, short, words } from "./lib.js";

export const nodes = [
  ["intake", "Intake", "orders held"],
  ["fraud", "Fraud", "orders"],
  ["payment", "Payment", "orders"],
  ["fulfilment", "Fulfilment", "orders"],
  ["crm", "CRM", "calls"],
  ["notification", "Notification", "calls"],
  ["review", "Review", "to decide"],
  ["done", "Ended", "a second"],
];

const lines = [
  ["intake", "fraud"], ["fraud", "payment"], ["payment", "fulfilment"],
  ["fraud", "review"], ["payment", "review"], ["fulfilment", "review"], ["review", "payment"],
  ["fulfilment", "crm"], ["fulfilment", "notification"], ["fulfilment", "done"],
];

/** States in the order in which an order passes through them. */
const way = ["HELD", "BACKORDERED", "FRAUD_CHECK", "PAYMENT", "WEBHOOK", "REVIEW", "CONFIRMED", "FULFILLING", "SHIPPED", "DELIVERED", "CANCELLING"];

/** Dots on one line at most. */
const DOTS = 14;

/** How long a dot takes along a line, in milliseconds. */
const TRAVEL_MS = 1_600;

const still = matchMedia("(prefers-reduced-motion: reduce)");

function card([name, title, unit], onpick) {
  const parts = { live: h("span", {}, "0"), state: h("span", {}, "") };
  const stats = ["rate", "errors", "refused", "lag", "p50", "p99"].map((key) => {
    parts[key] = h("b", {}, "–");
    return h("span", { "data-stat": key }, { rate: "rate ", errors: "errors ", refused: "refused ", p50: "p50 ", p99: "p99 ", lag: "lag " }[key], parts[key]);
  });
  const inner = [
    h("span", { class: "title" }, title, parts.state),
    h("span", { class: "live" }, parts.live, h("small", {}, unit)),
    name === "review" || name === "done" ? null : h("span", { class: "stats" }, stats),
  ];
  const element = name === "done"
    ? h("div", { class: "node", "data-node": name }, inner)
    : h("button", { class: "node", type: "button", "data-node": name, "aria-expanded": "false", onclick: () => onpick(name) }, inner);
  element.style.gridArea = name;
  return { element, parts };
}

/** The picture; `onpick` is called with a node's name. */
export function picture(onpick) {
  const cards = Object.fromEntries(nodes.map((node) => [node[0], card(node, onpick)]));
  const svg = s("svg", { "aria-hidden": "true", focusable: "false" });
  const edges = lines.map(([from, to]) => {
    const path = s("path", { class: "edge" });
    const label = s("text", { class: "speed" });
    svg.append(path, label);
    return { from, to, path, label, rate: 0, dots: [] };
  });
  const counts = h("ul", {});
  const states = h("section", { class: "panel states", "aria-label": "Orders in process by state" }, h("h2", { class: "small muted" }, "Orders in process"), counts);
  const inside = [...nodes.map(([name]) => cards[name].element)];
  inside.splice(5, 0, states);
  const root = h("div", { class: "picture" }, svg, h("div", { class: "nodes" }, inside));
  let shown = "";

  function lay() {
    const frame = root.getBoundingClientRect();
    if (!frame.width) return;
    svg.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
    const box = (name) => {
      const one = cards[name].element.getBoundingClientRect();
      return {
        left: one.left - frame.left, right: one.right - frame.left, top: one.top - frame.top, bottom: one.bottom - frame.top,
        x: (one.left + one.right) / 2 - frame.left, y: (one.top + one.bottom) / 2 - frame.top,
      };
    };
    const narrow = frame.width < 720;
    for (const edge of edges) {
      const [a, b] = [box(edge.from), box(edge.to)];
      let d = "";
      let at = [0, 0];
      if (narrow) {
        const near = Math.abs(b.top - a.bottom) < 40;
        d = near ? `M${a.x} ${a.bottom}L${b.x} ${b.top}` : "";
        at = [a.x + 34, (a.bottom + b.top) / 2 + 5];
      } else if (Math.abs(a.y - b.y) < 20) {
        const [from, to] = a.x < b.x ? [a.right, b.left] : [a.left, b.right];
        d = `M${from} ${a.y}L${to} ${b.y}`;
        at = [(from + to) / 2, a.y - 8];
      } else {
        const down = a.y < b.y;
        const [y0, y1] = down ? [a.bottom, b.top] : [a.top, b.bottom];
        const shift = edge.from === "review" ? -26 : Math.abs(a.x - b.x) < 40 ? 26 : 0;
        const [x0, x1] = [a.x + shift, b.x + shift + (a.x < b.x - 40 ? -40 : a.x > b.x + 40 ? 40 : 0)];
        const mid = (y0 + y1) / 2;
        d = `M${x0} ${y0}C${x0} ${mid} ${x1} ${mid} ${x1} ${y1}`;
        at = Math.abs(x0 - x1) < 60 ? [x0 + (edge.from === "review" ? -30 : 30), mid + 4] : [(x0 + x1) / 2, mid + 4];
      }
      edge.path.setAttribute("d", d);
      edge.length = d ? edge.path.getTotalLength() : 0;
      edge.label.setAttribute("x", at[0]);
      edge.label.setAttribute("y", at[1]);
    }
  }

  function dots(edge) {
    const wanted = still.matches || !edge.length ? 0 : Math.min(DOTS, Math.floor(edge.length / 18), Math.ceil(edge.rate * (TRAVEL_MS / 1000)));
    while (edge.dots.length < wanted) {
      const dot = s("circle", { class: "dot", r: "4.5" });
      svg.append(dot);
      edge.dots.push({ dot, phase: (edge.dots.length * 0.618) % 1 });
    }
    while (edge.dots.length > wanted) edge.dots.pop().dot.remove();
  }

  let running = true;
  function move(now) {
    if (!running) return;
    for (const edge of edges) {
      for (const one of edge.dots) {
        const place = edge.path.getPointAtLength(((now / TRAVEL_MS + one.phase) % 1) * edge.length);
        one.dot.setAttribute("cx", place.x);
        one.dot.setAttribute("cy", place.y);
      }
    }
    requestAnimationFrame(move);
  }

  const watcher = new ResizeObserver(lay);
  watcher.observe(root);
  requestAnimationFrame((now) => {
    lay();
    move(now);
  });

  return {
    root,
    pick(name) {
      for (const [key, { element }] of Object.entries(cards)) {
        if (element.matches("button")) element.setAttribute("aria-expanded", String(key === name));
      }
    },
    show(live, worst, wait) {
      for (const [name] of nodes) {
        const { element, parts } = cards[name];
        const system = live.systems?.[name] ?? {};
        if (name === "done") {
          const ended = Object.entries(live.flows ?? {}).filter(([key]) => key.endsWith(">done"));
          say(parts.live, short(ended.reduce((sum, [, rate]) => sum + rate, 0)));
          continue;
        }
        say(parts.live, short(system.live));
        if (name === "review") {
          element.dataset.health = system.live > 0 ? "warn" : "ok";
          continue;
        }
        say(parts.rate, `${short(system.rate ?? 0)}/s`);
        say(parts.errors, share(system.errors));
        say(parts.p50, duration(system.p50));
        say(parts.p99, duration(system.p99));
        const no = (system.refused ?? 0) + (system.declined ?? 0);
        say(parts.refused, system.errors === null || system.errors === undefined ? none : share(no));
        parts.refused.parentElement.hidden = name === "intake";
        say(parts.lag, duration(name === "intake" ? system.lag ?? 0 : wait(name)));
        const [state, kind] = worst(name);
        say(parts.state, state === "closed" || !state ? "" : `breaker ${state.replace("_", " ")}`);
        parts.state.className = state && state !== "closed" ? `chip ${kind}` : "";
        element.dataset.health = kind === "bad" || system.errors > 0.2 ? "bad" : kind === "warn" || system.errors > 0.05 || system.refused > 0.2 ? "warn" : "ok";
      }
      const held = way.filter((state) => live.states?.[state] > 0);
      const known = JSON.stringify(held.map((state) => [state, live.states[state]]));
      if (known !== shown) {
        shown = known;
        fill(counts, ...(held.length ? held.map((state) => h("li", {}, h("b", {}, short(live.states[state])), h("span", { class: "small muted" }, words(state)))) : [h("li", { class: "muted" }, "none")]));
      }
      for (const edge of edges) {
        edge.rate = live.flows?.[`${edge.from}>${edge.to}`] ?? 0;
        edge.path.classList.toggle("busy", edge.rate > 0);
        say(edge.label, edge.rate > 0 && edge.length ? `${short(edge.rate)}/s` : "");
        dots(edge);
      }
    },
    stop() {
      running = false;
      watcher.disconnect();
    },
  };
}
