// What the markup of Swagger UI lacks for who cannot see it, or uses no mouse. Its parts come and go
// as one opens them, so it is looked over again after every change.

const page = document.getElementById("swagger-ui");

/// True where somebody gave the field a name: a label that is more than the field within it.
function isNamed(field) {
  const says = (label) => [...label.childNodes].some((part) => !part.contains(field) && part.textContent.trim());
  return field.hasAttribute("aria-label") || [...field.labels ?? []].some(says);
}

/// A field's name: of its row, of the part that it is in, or what it is.
function nameOf(field) {
  if (field.closest(".servers")) return "Server";
  const row = field.closest("tr[data-param-name]");
  if (row) return row.dataset.paramName;
  if (field.closest(".opblock-section-request-body")) return field.matches("select") ? "Media type of the body" : "Body of the request";
  if (field.closest(".responses-wrapper")) return "Media type of the answer";
  return field.getAttribute("placeholder") ?? "Value";
}

function mend() {
  // A link within a button is reached twice; the button does the same.
  for (const link of page.querySelectorAll(".opblock-summary-control a[href]")) link.removeAttribute("href");
  for (const field of page.querySelectorAll("input, select, textarea")) {
    if (!isNamed(field)) field.setAttribute("aria-label", nameOf(field));
  }
  for (const button of page.querySelectorAll("button:not([aria-label])")) {
    if (!button.textContent.trim()) button.setAttribute("aria-label", button.closest(".copy-to-clipboard") ? "Copy" : "Close");
  }
  // What scrolls can be scrolled by keys.
  for (const code of page.querySelectorAll("pre")) {
    const scrolls = code.scrollHeight > code.clientHeight || code.scrollWidth > code.clientWidth;
    if (scrolls && !code.hasAttribute("tabindex")) code.tabIndex = 0;
  }
}

let planned = false;
new MutationObserver(() => {
  if (planned) return;
  planned = true;
  requestAnimationFrame(() => {
    planned = false;
    mend();
  });
}).observe(page, { childList: true, subtree: true });
