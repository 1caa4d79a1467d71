// Stock: units by SKU and location, or as a channel is to offer them, and corrections with their reason.

import { action, api, attempt, chip, empty, every, fill, h, moment, none, number, patch, question, say, scroller, table, when, words } from "./lib.js";

export const title = "Stock";

/** Rows of one page. */
const ROWS = 100;

/** Pages that are looked through for SKUs that begin with something. */
const PAGES = 20;

/** A rule in the words of the trade. */
function ruleOf(rule, channel) {
  if (!rule || rule.rule === "none") return [chip("pool"), ` less ${number(channel.buffer)}`];
  const about = { quota: "its own", pool: "less", cap: "at most" }[rule.rule] ?? "";
  const then = rule.rule === "quota" && rule.then_pool ? ", then the pool" : "";
  return [chip(rule.rule, rule.rule === "quota" ? "ok" : ""), ` ${about} ${number(rule.units)}${then}`];
}

function windowOf(campaign) {
  return `${moment(campaign.from)} – ${moment(campaign.to)}`;
}

function campaignTable(campaigns) {
  const rows = campaigns.flatMap((one) => one.items.map((item) => ({ ...one, ...item })));
  const kind = { running: "ok", planned: "warn" };
  return rows.length ? table("Campaigns of this channel", [
    ["campaign", (row) => [row.name, " ", chip(row.state, kind[row.state])]], ["window", (row) => windowOf(row)],
    ["SKU", (row) => row.sku], ["wanted", (row) => number(row.wanted), "num"], ["given", (row) => number(row.given), "num"],
    ["sold", (row) => number(row.sold), "num"], ["went back", (row) => (row.state === "ended" ? number(row.returned) : none), "num"],
  ], rows) : empty("No campaign is planned for this channel.");
}

/** What is known of one SKU of a channel: its rule, its campaign, and what was published last. */
function offered(item, channel, campaigns) {
  const rule = channel.rules.find((one) => one.sku === item.sku);
  const campaign = campaigns.find((one) => one.campaign === rule?.campaign);
  const planned = campaigns.filter((one) => one.state === "planned" && one.items.some((each) => each.sku === item.sku));
  return { ...item, rule, campaign: campaign ?? planned[0] };
}

function lastPublished(row) {
  if (row.published === null) return none;
  return row.published === row.quantity ? number(row.published)
    : [number(row.published), " ", chip("on its way", "warn")];
}

export function show(main) {
  const host = h("div", {});
  const more = h("p", { class: "right" });
  const campaigns = h("section", { class: "panel", "aria-label": "Campaigns", hidden: true });
  const filter = h("input", { name: "sku", type: "search", autocomplete: "off" });
  const view = h("select", { name: "view", onchange: () => load() }, h("option", { value: "" }, "by location"));
  const form = h("form", { class: "line", role: "search", onsubmit: (event) => { event.preventDefault(); load(); } },
    h("label", {}, "Show", view), h("label", { class: "grow" }, "SKU begins with", filter), h("button", { class: "main", type: "submit" }, "Show"));
  const told = h("span", { class: "muted" });
  main.append(h("div", { class: "head" }, h("h1", {}, "Stock"), told), h("section", { class: "panel" }, form),
    h("section", { class: "panel", "aria-label": "Stock" }, host, more), campaigns);
  let alive = true;
  let asked = 0;
  let page;

  /** A page of rows, of SKUs that begin with what is wanted; through as many pages as that takes. */
  async function collect(path, member, after) {
    const wanted = filter.value.trim();
    const rows = [];
    let next = after ?? null;
    let turns = 0;
    do {
      const query = new URLSearchParams(path.startsWith("/v1/stock") ? { limit: wanted ? "500" : String(ROWS) } : {});
      if (next) query.set("after", next);
      const found = await api(`${path}?${query}`);
      rows.push(...found[member].filter((one) => one.sku.startsWith(wanted)));
      next = found.next;
      turns += 1;
    } while (wanted && next && rows.length < ROWS && turns < PAGES);
    return [rows, next];
  }

  /** Shows the page behind `after`; `again`: the same one as it is now. */
  async function load(after, again = false) {
    asked += 1;
    const turn = asked;
    page = after;
    try {
      const built = view.value ? await ofChannel(Number(view.value), after) : await ofLocations(after);
      if (!alive || turn !== asked) return;
      say(told, `as of ${when(Date.now())}`);
      patch(host, built.content);
      patch(more, built.next ? h("button", { type: "button", onclick: () => load(built.next) }, "Next page") : "");
      campaigns.hidden = !built.campaigns;
      fill(campaigns, built.campaigns);
    } catch (error) {
      // What is shown stays, with its time, where only the next look failed.
      if (alive && turn === asked && !again) fill(host, empty(error.message));
    }
  }

  function nothing() {
    const wanted = filter.value.trim();
    return empty(wanted ? `No SKU begins with “${wanted}”.` : "No SKU is defined.");
  }

  async function ofLocations(after) {
    const [found, next] = await collect("/v1/stock", "stock", after);
    const rows = found.flatMap((one) => (one.cells.length ? one.cells : [{}]).map((cell) => ({ ...cell, sku: one.sku, on_sale: one.on_sale })));
    const content = rows.length ? table("Units by SKU and location", [
      ["SKU", (row) => [row.sku, row.on_sale ? null : [" ", chip("off sale")]]], ["location", (row) => row.location],
      ["on hand", (row) => number(row.on_hand), "num"], ["available", (row) => number(row.available), "num"],
      ["held", (row) => number(row.reserved), "num"], ["committed", (row) => number(row.committed), "num"],
      ["safety", (row) => number(row.safety), "num"], ["damaged", (row) => number(row.damaged), "num"],
      ["to inspect", (row) => number(row.quality_control), "num"],
      ["short", (row) => (row.short > 0 ? chip(number(row.short), "bad") : number(row.short)), "num"],
      ["", (row) => (row.location ? action({ "data-action": "adjust", onclick: () => adjust(row) }, "Adjust", h("span", { class: "hush" }, ` ${row.sku} at ${row.location}`)) : null)],
    ], rows, (row) => `${row.sku} at ${row.location}`) : nothing();
    return { content, next };
  }

  async function ofChannel(channelNumber, after) {
    const known = await api("/v1/channels");
    const channel = known.channels.find((one) => one.number === channelNumber) ?? { rules: [], buffer: 0, name: "" };
    const own = known.campaigns.filter((one) => one.channel === channelNumber);
    const [found, next] = await collect(`/v1/channels/${channelNumber}/stock`, "stock", after);
    const rows = found.map((item) => offered(item, channel, own));
    const content = rows.length ? scroller(`What ${channel.name} is to offer`, table(`What ${channel.name} is to offer`, [
      ["SKU", (row) => row.sku], ["rule", (row) => ruleOf(row.rule, channel)],
      ["sold of its own", (row) => number(row.rule?.used ?? 0), "num"], ["sold of the pool", (row) => number(row.rule?.pooled ?? 0), "num"],
      ["available", (row) => number(row.available), "num"],
      ["to publish", (row) => h("b", {}, number(row.quantity)), "num"], ["published last", lastPublished, "num"],
      ["true at record", (row) => (row.published_sequence === null ? none : number(row.published_sequence)), "num"],
      ["campaign", (row) => (row.campaign ? [row.campaign.name, " ", chip(row.campaign.state, row.campaign.state === "running" ? "ok" : "warn"), h("span", { class: "small muted" }, ` ${windowOf(row.campaign)}`)] : none)],
    ], rows, (row) => row.sku)) : nothing();
    return { content, next, campaigns: campaignTable(own) };
  }

  async function adjust(row) {
    const said = await question({
      title: `Adjust ${row.sku} at ${row.location}`, text: `On hand: ${number(row.on_hand)}.`, action: "Adjust",
      fields: [{ name: "delta", label: "Units more (or less, with a minus)", type: "number", step: "1", required: true },
        { name: "reason", label: "Reason (kept in the journal)", required: true, max: 64 }],
    });
    if (!said) return;
    const body = { location: row.location, delta: Number(said.delta), reason: said.reason };
    await attempt(() => api(`/v1/stock/${encodeURIComponent(row.sku)}/adjust`, { method: "POST", body }), `${row.sku} adjusted by ${said.delta}`);
    load(page, true);
  }

  async function channels() {
    const known = await api("/v1/channels").catch(() => ({ channels: [] }));
    view.append(...known.channels.map((one) => h("option", { value: String(one.number) },
      `by channel: ${one.name || one.number}${one.kind === "own" ? "" : ` (${words(one.kind)})`}`)));
  }

  channels();
  load();
  // Where many pages are looked through for a SKU, less often.
  let skipped = 0;
  const end = every(3_000, () => {
    skipped = filter.value.trim() && skipped < 4 ? skipped + 1 : 0;
    return skipped ? null : load(page, true);
  });
  return () => {
    alive = false;
    end();
  };
}
