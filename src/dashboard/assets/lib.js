// What every page uses: elements, numbers for people, requests, questions, announcements.

/** An element: h("button", { class: "main", onclick }, "Go"). Text is text, never markup. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  set(element, attributes);
  element.append(...kept(children));
  return element;
}

function kept(children) {
  return children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false);
}

/** Replaces what is in an element; lists are flattened, and nothing is nothing. */
export function fill(element, ...children) {
  element.replaceChildren(...kept(children));
}

const handlers = ["onclick", "onchange", "onsubmit"];

/** What tells an element from its siblings: rows of lists that come and go have a `data-key`. */
function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.dataset.key ?? null : null;
}

function morph(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of [...fresh.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const name of handlers) old[name] = fresh[name];
  morphChildren(old, [...fresh.childNodes]);
}

function morphChildren(old, wanted) {
  const keys = new Set(wanted.map(keyOf).filter((key) => key !== null));
  const known = new Map([...old.childNodes].map((node) => [keyOf(node), node]));
  let place = old.firstChild;
  for (const node of wanted) {
    // What is not wanted any more makes room, so that the others are left where they are.
    while (place && keyOf(place) !== null && !keys.has(keyOf(place))) {
      const gone = place;
      place = place.nextSibling;
      gone.remove();
    }
    const key = keyOf(node);
    const same = key === null ? (place && keyOf(place) === null ? place : null) : known.get(key);
    known.delete(key); // a second one of the same key is another one
    if (!same || same.nodeName !== node.nodeName) {
      old.insertBefore(node, place);
      continue;
    }
    if (same === place) place = place.nextSibling;
    else old.insertBefore(same, place);
    morph(same, node);
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
}

/**
 * As `fill`, but what is the same stays the same element: it keeps the focus, the scroll position and
 * the attention of a screen reader. Where what had the focus is gone, the focus goes to what is next
 * to it in the page instead of nowhere.
 */
export function patch(element, ...children) {
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  const fresh = document.createDocumentFragment();
  fresh.append(...kept(children));
  morphChildren(element, [...fresh.childNodes]);
  if (focused && (!focused.isConnected || focused.disabled)) refocus(element);
}

/** Puts the focus to the nearest thing around an element that can have it. */
export function refocus(element) {
  const near = element.closest("[tabindex]") ?? document.getElementById("main");
  near.focus({ preventScroll: true });
}

/** The same in a picture. */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else if (name.startsWith("on")) element[name] = value; // one of each, so that `patch` can give it to another
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, value);
  }
}

/** Changes a text only where it is another one, so that screen readers are not told for nothing. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });

export const none = "–";

export function number(value) {
  if (value === null || value === undefined) return none;
  return Math.abs(value) < 10 && value % 1 !== 0 ? tenth.format(value) : whole.format(value);
}

/** 1,234,567 as 1.23 M: for figures that are read from across the room. */
export function short(value) {
  if (value === null || value === undefined) return none;
  for (const [size, mark] of [[1e9, " G"], [1e6, " M"], [1e4, " k"]]) {
    if (value >= size) return (value / (mark === " k" ? 1e3 : size)).toPrecision(3) + mark;
  }
  return number(value);
}

export function share(value) {
  if (value === null || value === undefined) return none;
  return `${tenth.format(value * 100)} %`;
}

export function duration(ms) {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return none;
  if (ms === 0) return "0 ms";
  if (ms < 10) return `${Number(ms).toFixed(2)} ms`;
  if (ms < 1000) return `${whole.format(ms)} ms`;
  if (ms < 60_000) return `${tenth.format(ms / 1000)} s`;
  if (ms < 3_600_000) return `${tenth.format(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${tenth.format(ms / 3_600_000)} h`;
  return `${tenth.format(ms / 86_400_000)} d`;
}

export function clock(at) {
  return new Date(at).toLocaleTimeString("en-GB");
}

function dateOf(at) {
  return new Date(typeof at === "string" && /^\d+$/.test(at) ? Number(at) : at);
}

/** A time of today without its date, any other one with it. */
export function when(at) {
  if (!at) return none;
  return dateOf(at).toDateString() === new Date().toDateString() ? clock(dateOf(at)) : moment(at);
}

/** For how long something has been so, in milliseconds. */
export function since(at) {
  return Math.max(0, Date.now() - dateOf(at).getTime());
}

export function moment(at) {
  if (!at) return none;
  const date = dateOf(at);
  return `${date.toLocaleDateString("en-CA")} ${date.toLocaleTimeString("en-GB")}`;
}

/** Code and digits of a currency by its number, as the server counts it; null for one that it does not know. */
export function currency(number) {
  return session.currencies[number] ?? null;
}

/** Minor units as decimal text with all digits of the currency: 4470 EUR is 44.70, 4470 JPY is 4470. */
export function decimal(minor, number) {
  const digits = currency(number)?.digits ?? 0;
  const text = String(minor).padStart(digits + 1, "0");
  return digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text;
}

/** Minor units of decimal text; null for what is no amount, or has a fraction of a minor unit. */
export function minorUnits(text, number) {
  const digits = currency(number)?.digits ?? 0;
  const found = /^(\d+)(?:\.(\d*))?$/.exec(String(text).trim());
  const fraction = (found?.[2] ?? "").replace(/0+$/, "");
  if (!found || fraction.length > digits) return null;
  const minor = Number(found[1] + fraction.padEnd(digits, "0"));
  return Number.isSafeInteger(minor) ? minor : null;
}

/** An amount for people. Of a currency that the server does not know only minor units can be told. */
export function money(minor, number) {
  if (minor === null || minor === undefined) return none;
  const known = currency(number);
  if (!known) return `${whole.format(minor)} minor units of currency ${number}`;
  return `${known.digits ? decimal(minor, number) : whole.format(minor)} ${known.code}`;
}

/** snake_case and UPPER_CASE as words. */
export function words(name) {
  return name ? String(name).toLowerCase().replaceAll("_", " ") : none;
}

export const session = { csrf: null, tenant: "default", role: null, rehearsal: false, history: false, currencies: {} };

/** A refusal of the server's, in its own words. */
export class Refused extends Error {
  constructor(status, problem) {
    super([problem.title, problem.detail].filter(Boolean).join(" "));
    this.status = status;
    this.code = problem.code;
    this.member = problem.member ?? null; // of the body, where one is wrong
  }
}

/** 128 random bits; also where the page is not from a secure origin. */
function drawKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** JSON whose numbers beyond 2^53, such as a customer's, are texts: as numbers they would be others. */
export function parse(text) {
  const exact = (part) => (part.startsWith('"') || Number.isSafeInteger(Number(part)) ? part : `"${part}"`);
  return JSON.parse(text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g, exact));
}

/** Asks the server. Whatever changes something carries a key, so that it happens once. */
export async function api(path, { method = "GET", body } = {}) {
  const headers = { "onhand-tenant": session.tenant };
  if (method !== "GET") {
    headers["idempotency-key"] = drawKey();
    if (session.csrf) headers["x-onhand-csrf"] = session.csrf;
    if (body !== undefined) headers["content-type"] = "application/json";
  }
  const answer = await fetch(path, {
    method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store",
  });
  const text = await answer.text();
  let said = {};
  try {
    said = text ? parse(text) : {};
  } catch {
    said = { title: text.slice(0, 200) };
  }
  if (answer.status === 401) window.dispatchEvent(new Event("onhand-sign-in"));
  if (!answer.ok) throw new Refused(answer.status, said);
  return said;
}

/**
 * Does something again and again, `ms` after it was done last: a slow server is asked less often, and
 * never twice at once. Not while a question is open. Returns what ends it.
 */
export function every(ms, doing) {
  let timer = null;
  let alive = true;
  const next = () => {
    if (!alive) return;
    timer = setTimeout(async () => {
      try {
        if (!document.getElementById("ask").open) await doing();
      } finally {
        next();
      }
    }, ms);
  };
  next();
  return () => {
    alive = false;
    clearTimeout(timer);
  };
}

/** True where the session's role may do what operators do. */
export function mayAct() {
  return ["operator", "admin"].includes(session.role);
}

/** A button for those who may press it; for others there is none. */
export function action(attributes, ...children) {
  return mayAct() ? h("button", { type: "button", ...attributes }, ...children) : null;
}

/** Tells everybody, also those who listen. */
export function announce(text, bad = false) {
  const place = document.getElementById("said");
  const line = h("p", { class: bad ? "bad" : null }, text);
  place.append(line);
  while (place.children.length > 3) place.firstChild.remove();
  setTimeout(() => line.remove(), bad ? 12_000 : 6_000);
}

/** Does something that may be refused, and says what became of it. */
export async function attempt(doing, done) {
  try {
    const result = await doing();
    if (done) announce(typeof done === "function" ? done(result) : done);
    return result;
  } catch (error) {
    announce(error.message || String(error), true);
    return null;
  }
}

/** Asks a person, with fields; resolves with their values, or null. */
export function question({ title, text, action, risk = false, fields = [] }) {
  const dialog = document.getElementById("ask");
  return new Promise((resolve) => {
    const inputs = fields.map((field) => {
      const input = h("input", {
        name: field.name, type: field.type ?? "text", value: field.value ?? "", min: field.min, step: field.step,
        required: field.required, autocomplete: "off", maxlength: field.type ? null : field.max ?? 200,
      });
      return h("label", {}, field.label, input);
    });
    const close = (value) => {
      dialog.close();
      resolve(value);
    };
    const form = h("form", {
      onsubmit: (event) => {
        event.preventDefault();
        const data = new FormData(form);
        close(Object.fromEntries(fields.map((field) => [field.name, String(data.get(field.name) ?? "")])));
      },
    },
    h("h2", { id: "ask-title" }, title),
    text ? h("p", { class: "muted" }, text) : null,
    inputs,
    h("div", { class: "row" },
      h("button", { type: "button", onclick: () => close(null) }, "Back"),
      h("button", { type: "submit", class: risk ? "risk" : "main" }, action)));
    dialog.replaceChildren(form);
    dialog.oncancel = (event) => {
      event.preventDefault();
      close(null);
    };
    // Also where the page below it was left; the end of one question is not that of the next one.
    dialog.onclose = () => dialog.open || resolve(null);
    dialog.showModal();
    (form.querySelector("input") ?? form.querySelector("button[type=submit]")).focus();
  });
}

/** A table; each column is [heading, cell of a row, class]. `key` tells rows apart that come and go. */
export function table(caption, columns, rows, key = null) {
  const head = h("tr", {}, columns.map(([name, , kind]) => h("th", { scope: "col", class: kind }, name || h("span", { class: "hush" }, "Actions"))));
  const body = rows.map((row) => h("tr", { "data-key": key ? key(row) : null }, columns.map(([name, cell, kind]) => {
    const value = cell(row);
    return h("td", { class: kind, "data-label": name || null }, value === null || value === undefined ? none : value);
  })));
  return h("table", { class: "cards" }, h("caption", {}, caption), h("thead", {}, head), h("tbody", {}, body));
}

/** A region that scrolls by itself can be reached by keyboard. */
export function scroller(label, ...children) {
  return h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": label }, ...children);
}

export function chip(text, kind) {
  return h("span", { class: `chip ${kind ?? ""}` }, text);
}

/** Channels of the tenant by their number: those of the channels file, and those with rules. */
export async function channelsByNumber() {
  const [setup, known] = await Promise.all(["/dashboard/data/setup", "/v1/channels"].map((path) => api(path).catch(() => ({}))));
  const all = new Map();
  for (const one of [...(known.channels ?? []), ...(setup.channels ?? [])]) all.set(one.number, { ...all.get(one.number), ...one });
  return all;
}

const windows = [[3_600_000, "last hour"], [86_400_000, "last 24 hours"], [604_800_000, "last 7 days"], [2_592_000_000, "last 30 days"]];

/** A list of times to look at; `from` of what was chosen is a time in milliseconds. */
export function timeWindow(changed) {
  const list = h("select", { name: "window", onchange: changed }, windows.map(([ms, name]) => h("option", { value: ms, selected: ms === 86_400_000 }, name)));
  return { list, from: () => Date.now() - Number(list.value) };
}

export function orderLink(order, text) {
  return h("a", { class: "key", href: `#/orders/${order}` }, text ?? order.slice(0, 8));
}

export const health = { closed: "ok", slow: "warn", half_open: "warn", open: "bad", isolated: "bad" };

export function empty(text) {
  return h("p", { class: "empty" }, text);
}
