// The frame around the pages: who is signed in, which page is open, how fresh the figures are.

import { announce, api, attempt, fill, h, say, session } from "./lib.js";
import { connect, disconnect, follow, freshness } from "./live.js";
import * as audit from "./audit.js";
import * as bottlenecks from "./bottlenecks.js";
import * as flow from "./flow.js";
import * as letters from "./letters.js";
import * as orders from "./orders.js";
import * as quarantine from "./quarantine.js";
import * as review from "./review.js";
import * as sale from "./sale.js";
import * as stock from "./stock.js";

const pages = { flow, sale, orders, review, letters, stock, bottlenecks, audit, quarantine };

let leave = () => {};

// What goes wrong in the page itself is said, not swallowed.
window.failures = [];
for (const name of ["error", "unhandledrejection", "securitypolicyviolation"]) {
  window.addEventListener(name, (event) => {
    const what = String(event.reason?.message ?? event.message ?? event.violatedDirective);
    if (what.includes("ResizeObserver")) return; // a size that is measured again in the next frame
    window.failures.push(what);
    announce(`The page made a mistake: ${what}`, true);
  });
}

function stored(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // private windows may refuse
  }
}

function store(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // the choice lasts as long as the page
  }
}

function theme(name) {
  if (name === "light" || name === "dark") document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function top() {
  const header = document.getElementById("top");
  const links = Object.entries(pages).map(([name, page]) =>
    h("li", {}, h("a", { href: `#/${name}`, "data-page": name }, page.title)));
  const fresh = h("span", { class: "fresh", id: "fresh", "data-state": "wait" }, "connecting");
  const tenant = h("input", {
    value: session.tenant, "aria-label": "Tenant", size: "10", maxlength: "64", autocomplete: "off",
    readonly: Boolean(session.only),
    onchange: (event) => choose(event.target.value.trim() || "default"),
  });
  const dark = h("button", {
    class: "quiet", type: "button", "aria-pressed": String(isDark()),
    onclick: () => {
      const next = isDark() ? "light" : "dark";
      theme(next);
      store("onhand-theme", next);
      dark.setAttribute("aria-pressed", String(next === "dark"));
      window.dispatchEvent(new Event("onhand-theme"));
    },
  }, "Dark");
  const out = session.csrf ? h("button", { class: "quiet", type: "button", onclick: signOut }, "Sign out") : null;
  const menu = h("button", {
    class: "menu", type: "button", "aria-expanded": "false", "aria-controls": "pages",
    onclick: () => {
      const open = header.dataset.open !== "true";
      header.dataset.open = String(open);
      menu.setAttribute("aria-expanded", String(open));
    },
  }, "Menu");
  fill(header, 
    h("a", { class: "brand", href: "#/flow" }, h("img", { src: "/dashboard/assets/icon.svg", alt: "" }), "Onhand"),
    menu,
    h("nav", { id: "pages", "aria-label": "Pages" }, h("ul", {}, links)),
    h("div", { class: "who" }, fresh, tenant, h("span", { class: "muted small" }, session.actor ?? ""), dark, out));
}

function choose(tenant) {
  session.tenant = tenant;
  store("onhand-tenant", tenant);
  announce(`Tenant ${tenant}`);
  location.reload();
}

async function signOut() {
  disconnect();
  await attempt(() => api("/dashboard/logout", { method: "POST" }));
  location.reload();
}

function signIn() {
  leave();
  leave = () => {};
  disconnect();
  fill(document.getElementById("top"), 
    h("a", { class: "brand", href: "#/flow" }, h("img", { src: "/dashboard/assets/icon.svg", alt: "" }), "Onhand"));
  const token = h("input", { type: "password", name: "token", required: true, autocomplete: "current-password" });
  const why = h("p", { role: "alert", class: "chip bad", hidden: true });
  const form = h("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      try {
        await api("/dashboard/login", { method: "POST", body: { token: token.value } });
        location.reload();
      } catch (error) {
        why.hidden = false;
        say(why, error.status === 401 ? "This token is not known to the server." : error.message);
        token.select();
      }
    },
  },
  h("h1", {}, "Sign in"),
  h("p", { class: "muted" }, "With a token of the server's token file. The browser keeps a session for 12 hours, not the token."),
  h("label", {}, "Token", token), why,
  h("button", { class: "main", type: "submit" }, "Sign in"));
  fill(document.getElementById("main"), h("section", { class: "panel login" }, form));
  document.title = "Sign in · Onhand";
  token.focus();
}

function route() {
  const [name, ...rest] = location.hash.replace(/^#\//, "").split("/");
  const page = pages[name] ?? flow;
  leave();
  const main = document.getElementById("main");
  main.replaceChildren();
  main.className = "";
  document.title = `${page.title} · Onhand`;
  for (const link of document.querySelectorAll(".top nav a")) {
    if (pages[link.dataset.page] === page) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.getElementById("top").dataset.open = "false";
  leave = page.show(main, rest.map(decodeURIComponent)) ?? (() => {});
}

function tick() {
  const [state, text, sentence] = freshness();
  const fresh = document.getElementById("fresh");
  if (fresh) {
    fresh.dataset.state = state;
    say(fresh, text);
  }
  const stale = document.getElementById("stale");
  stale.hidden = sentence === "";
  say(stale, sentence);
}

async function start() {
  theme(stored("onhand-theme"));
  const told = await api("/dashboard/session");
  Object.assign(session, {
    csrf: told.csrf, role: told.role, actor: told.actor, only: told.tenant,
    rehearsal: told.rehearsal, history: told.history, currencies: told.currencies ?? {},
    tenant: told.tenant ?? new URLSearchParams(location.search).get("tenant") ?? stored("onhand-tenant") ?? "default",
  });
  if (!told.signed_in) {
    signIn();
    return;
  }
  window.addEventListener("onhand-sign-in", signIn, { once: true });
  top();
  connect();
  follow(() => {});
  window.addEventListener("hashchange", () => {
    route();
    document.getElementById("main").focus({ preventScroll: true });
    window.scrollTo(0, 0);
  });
  setInterval(tick, 500);
  tick();
  route();
}

start().catch((error) => announce(`The server does not answer: ${error.message}`, true));
