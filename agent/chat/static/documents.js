// What can be made of the lot, the open part and the product: to look at and to take away, or why it can't be made yet.

import { ask, button, fill, h, marked, questioned, toast, w } from "./dom.js";

const GROUPS = { lot: "this_lot", part: "this_part", product: "this_product" };

export async function documentsView(app, place) {
  const { product, lot, file } = app.at;
  const groups = lot ? await ask("documents", { product, lot, file }) : [];
  if (!groups.length) return fill(place, h("p", { class: "sw-empty" }, w("no_lot_yet")));
  const shown = h("div", { class: "sw-preview" });
  const show = (one) => {
    const note = h("p", { class: "sw-empty", role: "status" }, w("making"));
    const frame = h("iframe", { src: of(one, "html").address, title: one.name, sandbox: "allow-scripts", hidden: true, onload: () => { note.remove(); frame.hidden = false; } });
    fill(shown, note, frame);
  };
  const look = (one) => { show(one); shown.scrollIntoView({ block: "start", behavior: "smooth" }); };
  fill(place, h("p", { class: "sw-lead" }, w("documents_lead")),
    h("div", { class: "sw-papers" }, groups.map((group) => h("section", { class: `sw-panel ${group.group}` },
      h("h2", {}, w(GROUPS[group.group]), " ", h("span", { class: "sw-hint" }, group.about)),
      h("ul", { class: "sw-documents" }, group.documents.map((one) => row(one, look))),
      group.group === "lot" && app.may("study") && h("div", { class: "sw-row" }, button("start_study", () => study(app)))))), shown);
  open(app.asked, groups, place, show);
}

// A study of the lot, for a reason; then it is open.
async function study(app) {
  const { product, lot } = app.at;
  const why = await questioned(w("study_title", { lot }), "reason", { hint: w("study_hint"), go: "enter" });
  if (why === null) return;
  await ask("study", { product, lot, why });
  toast(w("entered"));
  await app.show({ tab: "documents", kind: "study" });
}

// The document that the conversation asked for, else the lot's report.
function open(asked, groups, place, show) {
  const named = (kind) => groups.flatMap((group) => group.documents).find((one) => one.kind === kind && of(one, "html"));
  const one = named(asked?.kind) ?? named("lot");
  if (one) show(one);
  if (asked?.format) place.querySelector(`[data-kind="${asked.kind}"] [data-format="${asked.format}"]`)?.focus();
}

function of(one, format) {
  return one.formats.find((found) => found.format === format);
}

function row(one, look) {
  return h("li", { "data-kind": one.kind }, h("div", {}, one.name, one.about && h("span", { class: "sw-hint" }, ` ${one.about}`), one.problem && h("p", { class: "sw-hint" }, marked(one.problem))),
    of(one, "html") && h("button", { type: "button", class: "sw-button", "aria-label": `${w("look")}: ${one.name}`, onclick: () => look(one) }, w("look")),
    one.formats.filter((found) => one.kind === "lot" ? found.format !== "html" : found.format === "pdf").map((found) => save(one, found)));
}

function save(one, { format, address }) {
  const name = format.toUpperCase();
  return h("a", { class: "sw-button", "data-format": format, "aria-label": w("save_as", { name: one.name, format: name }), download: true,
    href: `${address}${address.includes("?") ? "&" : "?"}download=1` }, name);
}
