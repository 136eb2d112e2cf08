// What can be rendered of a lot, to look at and to take away.

import { ask, fill, h, w } from "./dom.js";

export async function documentsView(app, place) {
  const { product, lot } = app.at;
  if (!lot) return fill(place, h("p", { class: "sw-empty" }, w("no_lot_yet")));
  const found = await ask("documents", { product, lot });
  const shown = h("div", { class: "sw-preview" });
  const show = (one) => fill(shown, h("iframe", { src: one.address, title: kindName(one.kind), sandbox: "allow-scripts" }));
  fill(place, h("section", { class: "sw-panel" }, h("h2", {}, w("documents_title", { lot })), h("p", { class: "sw-lead" }, w("documents_lead")),
    h("ul", { class: "sw-documents" }, found.map((one) => h("li", {}, h("span", { class: "sw-kind" }, one.kind.toUpperCase()), h("span", {}, kindName(one.kind)), h("span", { class: "sw-space" }),
      one.kind === "html" && h("button", { type: "button", class: "sw-button", onclick: () => show(one) }, w("look")),
      h("a", { class: "sw-button", href: `${one.address}?download=1`, download: `${lot}.${one.kind}` }, w("download")))))), shown);
  const wanted = found.find((one) => one.kind === (app.asked?.kind || "html"));
  if (wanted?.kind === "html") show(wanted);
}

function kindName(kind) {
  const key = `document_${kind}`;
  return w(key) === key ? kind : w(key);
}
