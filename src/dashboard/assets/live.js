// The stream of figures: one connection, merged into one state, with the age of what is shown.

import { api, session } from "./lib.js";

/** What the server said last, section by section. */
export const live = { at: 0, seen: 0, news: [], ticks: [] };

const listeners = new Set();
let source = null;
let start = null; // of the server, as ids of frames tell it

const TICKS = 120;
const NEWS = 60;

/** After so long without a frame the figures are called stale, in milliseconds. */
const STALE_MS = 3_000;

/** Calls `listener` at every frame until the returned function is called. */
export function follow(listener) {
  listeners.add(listener);
  if (live.at) listener(live);
  return () => listeners.delete(listener);
}

function merge(frame) {
  const { news, ticks, whole, ...rest } = frame;
  const providers = { ...live.providers };
  for (const [name, value] of Object.entries(rest)) {
    if (name.startsWith("provider:")) providers[name.slice(9)] = value;
    else live[name] = value;
  }
  live.providers = providers;
  if (whole) {
    live.news = news ?? [];
    live.ticks = ticks ?? [];
  } else {
    if (news) live.news = [...live.news, ...news].slice(-NEWS);
    const last = live.ticks.at(-1)?.[0] ?? 0;
    if (ticks) live.ticks = [...live.ticks, ...ticks.filter((tick) => tick[0] > last)].slice(-TICKS);
  }
  live.seen = performance.now();
}

/** Connects for the session's tenant; a connection that breaks is made again. */
export function connect() {
  source?.close();
  const opened = new EventSource(`/dashboard/events?tenant=${encodeURIComponent(session.tenant)}`);
  source = opened;
  opened.onmessage = (event) => {
    const [told] = event.lastEventId.split("-");
    if (start !== null && told !== start) renew();
    start = told;
    merge(JSON.parse(event.data));
    for (const listener of listeners) listener(live);
  };
  opened.onerror = () => {
    // The browser tries again by itself, but not after an answer that is no stream.
    if (opened.readyState === EventSource.CLOSED && source === opened) setTimeout(() => again(opened), 2_000);
  };
}

/** A server that was started anew may have other pages: a wall display takes them by itself. */
async function renew() {
  const told = await api("/dashboard/session").catch(() => null);
  if (told && told.pages !== session.pages) location.reload();
}

/** Connects again, or asks for a token where the session did not outlive the server. */
async function again(broken) {
  try {
    const told = await api("/dashboard/session");
    if (source !== broken) return;
    if (told.signed_in) connect();
    else window.dispatchEvent(new Event("onhand-sign-in"));
  } catch {
    if (source === broken) setTimeout(() => again(broken), 2_000); // nobody answers yet
  }
}

// A page that is left but kept would hold its connection, of which a browser has six to a server.
window.addEventListener("pagehide", disconnect);
window.addEventListener("pageshow", (event) => {
  if (event.persisted && session.role) connect();
});

export function disconnect() {
  source?.close();
  source = null;
}

/** How fresh the figures are: "live", "wait" (behind the journal) or "stale", and in words. */
export function freshness() {
  if (!live.at) return ["wait", "connecting", ""];
  const age = performance.now() - live.seen;
  if (age > STALE_MS) {
    const since = new Date(Date.now() - age).toLocaleTimeString("en-GB");
    return ["stale", "stale", `No figures since ${since}. What you see is old; the page connects again by itself.`];
  }
  if (live.behind?.stopped) {
    return ["stale", "stopped", "The server cannot read its journal; these figures stand still. Its log says why."];
  }
  if ((live.behind?.ms ?? 0) > 2_000) {
    return ["wait", `${(live.behind.ms / 1000).toFixed(0)} s behind`, ""];
  }
  // A mistyped tenant has no orders, and neither has one that has only just begun.
  if (live.sale?.followed === false) return ["live", `live, nothing of tenant ${session.tenant}`, ""];
  return ["live", "live", ""];
}

/** The server's clock, in milliseconds. */
export function serverNow() {
  return live.at + (performance.now() - live.seen);
}
