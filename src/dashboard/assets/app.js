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
    window.failures = [...window.failures, what].slice(-50);
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
  const address = new URL(location);
  if (address.searchParams.get("tenant") === tenant) {
    location.reload();
    return;
  }
  // What the address says comes first at the next start.
  address.searchParams.set("tenant", tenant);
  location.assign(address);
}

async function signOut() {
  disconnect();
  await attempt(() => api("/dashboard/logout", { method: "POST" }));
  location.reload();
}

let asking = false; // for a token: no page is shown meanwhile

function signIn() {
  if (asking) return;
  asking = true;
  document.getElementById("ask").close();
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
  h("p", { class: "muted" }, "With a token of the server's token file. The browser keeps a session, not the token: for 12 hours from its last use, and 7 days at most."),
  h("label", {}, "Token", token), why,
  h("button", { class: "main", type: "submit" }, "Sign in"));
  fill(document.getElementById("main"), h("section", { class: "panel login" }, form));
  document.title = "Sign in · Onhand";
  token.focus();
}

/** The parts of the address behind `#/`; what nobody can read is nothing. */
function address() {
  try {
    return location.hash.replace(/^#\//, "").split("/").map(decodeURIComponent);
  } catch {
    return [];
  }
}

function route() {
  if (asking) return;
  const [name, ...rest] = address();
  const page = pages[name] ?? flow;
  document.getElementById("ask").close(); // a question about the page that is left
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
  leave = page.show(main, rest) ?? (() => {});
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
  document.body.dataset.stale = String(sentence !== "");
  say(stale, sentence);
}

async function start() {
  theme(stored("onhand-theme"));
  const told = await api("/dashboard/session");
  Object.assign(session, {
    csrf: told.csrf, role: told.role, actor: told.actor, only: told.tenant,
    rehearsal: told.rehearsal, history: told.history, currencies: told.currencies ?? {}, pages: told.pages,
    tenant: told.tenant ?? new URLSearchParams(location.search).get("tenant") ?? stored("onhand-tenant") ?? "default",
  });
  if (!told.signed_in) {
    signIn();
    return;
  }
  window.addEventListener("onhand-sign-in", signIn);
  // Not by its address, which says what page is open.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("main").focus();
  });
  top();
  connect();
  follow(() => {});
  window.addEventListener("hashchange", () => {
    if (asking) return;
    route();
    document.getElementById("main").focus({ preventScroll: true });
    window.scrollTo(0, 0);
  });
  setInterval(tick, 500);
  tick();
  route();
}

start().catch((error) => announce(`The server does not answer: ${error.message}`, true));
