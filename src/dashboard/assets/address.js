// The address of an order whose buyer has not said where it is to go: the form that asks for it.

import { announce, api, h, mayAct, say, words } from "./lib.js";

/** What was typed, as the API takes it, and what of it is wrong, by the names of the fields. */
function read(form) {
  const lines = form.elements.shipping_address.value.split("\n").map((line) => line.trim()).filter(Boolean);
  const country = form.elements.country.value.trim().toUpperCase();
  const wrong = {};
  if (!lines.length) wrong.shipping_address = "Write where it is to go, one line below the other.";
  if (!/^[A-Z]{2}$/.test(country)) wrong.country = "Write the two letters of the country, such as ES.";
  return { body: { shipping_address: lines, country }, wrong };
}

/** Says beside each field what is wrong with it, and goes to the first such field. */
function tell(form, wrong) {
  let first = null;
  for (const name of ["shipping_address", "country"]) {
    const field = form.elements[name];
    say(form.querySelector(`#${name}-wrong`), wrong[name] ?? "");
    if (wrong[name]) {
      field.setAttribute("aria-invalid", "true");
      first ??= field;
    } else field.removeAttribute("aria-invalid");
  }
  say(form.querySelector("#address-wrong"), wrong.form ?? "");
  first?.focus();
}

/** What the server says where somebody else was faster. */
const overtaken = new Set(["IDEMPOTENCY_CONFLICT", "STALE_VERSION"]);

/** The server's refusal as something that is wrong with a field, or with none of them. */
function refusal(error) {
  if (overtaken.has(error.code)) return { form: "Somebody else changed this order meanwhile. It is shown as it is now: look at it, and save again." };
  return ["shipping_address", "country"].includes(error.member) ? { [error.member]: error.message } : { form: error.message };
}

/** A field with its label, a hint, and a place for what is wrong with it. */
function field(label, hint, element) {
  const name = element.getAttribute("name");
  element.id = name;
  element.setAttribute("aria-describedby", `${name}-hint ${name}-wrong`);
  return h("div", { class: "field" }, h("label", { for: name }, label), element,
    h("p", { class: "muted small", id: `${name}-hint` }, hint), h("p", { class: "wrong", id: `${name}-wrong` }));
}

/**
 * The form, for those who may use it. `saved` shows what became of the order. What is made
 * here may be patched into an older form of the same order, so handlers look at the form in the page.
 */
export function addressForm(found, saved) {
  if (!mayAct()) return null;
  return h("form", {
    class: "address", "data-key": `address ${found.order}`, novalidate: true, "aria-labelledby": "address-title",
    onsubmit: async (event) => {
      event.preventDefault();
      const form = event.currentTarget;
      if (form.dataset.busy) return;
      const { body, wrong } = read(form);
      tell(form, wrong);
      if (Object.keys(wrong).length) return;
      form.dataset.busy = "true";
      try {
        // The version after the one that is shown: of two people one is told that it was done.
        const told = await api(`/v1/orders/${found.order}/edit`, { method: "POST", body: { ...body, version: found.version + 1 } });
        announce(`The address is kept: the order is ${words(told.state)}`);
        await saved();
      } catch (error) {
        const wrong = refusal(error);
        // Of another version than the one that was looked at: that one is shown first.
        if (overtaken.has(error.code)) await saved();
        if (form.isConnected) tell(form, wrong);
        else announce(wrong.form ?? error.message, true);
      } finally {
        delete form.dataset.busy;
      }
    },
  },
  h("h3", { id: "address-title" }, "Where it is to go"),
  h("p", { class: "muted" }, "The order goes on by itself once its address is known."),
  field("Address", "As on the parcel: street, then postcode and city.", h("textarea", { name: "shipping_address", rows: "3", required: true, autocomplete: "off" })),
  field("Country", "Two letters, such as ES.", h("input", { name: "country", required: true, autocomplete: "off", maxlength: "2", size: "4" })),
  h("p", { class: "wrong", id: "address-wrong", role: "alert" }),
  h("button", { class: "main", type: "submit" }, "Save the address"));
}
