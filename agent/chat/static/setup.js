// Setting a product up: the card as a form, good photos on a shelf, learning, and a new model beside the one that speaks.

import { ask, badge, button, dropzone, faulted, field, fill, h, questioned, toast, w } from "./dom.js";
import { Drawing } from "./draw.js";
import { Odd } from "./odd.js";

const EMPTY = { name: "", description: "", materials: [], processes: [], defects: [], parts: [], outline: [], mm_per_px: null, mm_uncertainty: 0 };

export async function setupView(app, place) {
  const product = app.data.product;
  if (!product) return fill(place, beginning(app));
  const live = {};
  const odd = product.model ? (await ask("oddest", { product: product.key })).filter((one) => one.flags.length && !one.kept).length : 0;
  fill(place, h("div", { class: "sw-two" }, card(app, product, place, live), h("div", { class: "sw-stack" }, shelf(app, product, place, live, odd), learning(app, product))));
  if (product.waiting.length) await waiting(app, place, product);
  return live;
}

// Before there is a product: one question.
function beginning(app) {
  const form = { ...EMPTY, ...app.pending?.form };
  const inputs = fields(form);
  const files = app.pending?.files ?? [];
  return h("form", { class: "sw-begin sw-panel", onsubmit: async (event) => {
    event.preventDefault();
    const key = await ask("create", { form: inputs.read() });
    if (files.length) app.tookFiles(await ask("add_good", { product: key, files }));
    await app.choose(key, "setup");
  } },
    h("h1", {}, w("begin_title")), h("p", { class: "sw-lead" }, w("begin_lead")),
    inputs.parts,
    files.length > 0 && h("p", { class: "sw-note" }, w("begin_files", { count: files.length })),
    h("div", { class: "sw-row end" }, h("button", { type: "submit", class: "sw-button main", disabled: !app.may("set_up") }, w("begin"))));
}

function card(app, product, place, live) {
  const draft = app.pending?.form;
  const inputs = fields({ ...product.form, ...draft }); // what a draft doesn't speak of stays
  // The drawing takes the place of the page; what was drawn comes back as a draft.
  const draw = async () => {
    const form = inputs.read();
    const drawing = new Drawing(app, place, form, async (drawn) => {
      app.pending = { form: { ...form, ...drawn }, files: app.pending?.files ?? [], drawn: drawn !== null };
      await app.draw();
    });
    Object.assign(live, { keeps: true, close: () => drawing.close(), key: (event) => drawing.key(event) });
    await drawing.open();
  };
  const changed = h("div", { class: "sw-diff", "aria-live": "polite" });
  const save = h("button", { type: "submit", class: "sw-button main", disabled: true }, w("save_card")); // while nothing is changed
  const changes = () => { save.disabled = !app.may("set_up"); };
  const compare = async () => {
    const rows = await ask("diff", { product: product.key, form: inputs.read() });
    save.disabled = !rows.length || !app.may("set_up");
    fill(changed, differences(rows));
  };
  const form = h("form", { class: "sw-panel", oninput: changes, onchange: compare, onsubmit: async (event) => {
    event.preventDefault();
    const rows = await ask("diff", { product: product.key, form: inputs.read() });
    const why = product.model && rows.length ? await questioned(w("save_card"), "reason", { hint: w("adopt_hint"), go: "save_card" }) : "";
    if (why === null) return;
    await ask("save_card", { product: product.key, form: inputs.read(), why });
    app.pending = null;
    await app.refresh("setup");
    toast(w("saved")); // when the page is drawn anew: whoever goes on at once must not be taken back
  } },
    h("h2", {}, w("card")), draft && h("p", { class: "sw-note" }, w(app.pending.drawn ? "card_drawn" : "card_drafted")),
    inputs.parts, drawn(inputs.form), h("div", { class: "sw-row" }, button("draw_on", draw, { disabled: !product.good.length || !app.may("set_up") }),
      !product.good.length && h("span", { class: "sw-hint" }, w("draw_first_good"))), changed,
    h("div", { class: "sw-row end" },
      draft && button("discard", async () => { app.pending = null; await app.draw(); }, { class: "quiet" }),
      save));
  if (draft) compare();
  return form;
}

// What was drawn of the product, in one line.
function drawn(form) {
  const told = [form.parts.length > 0 && w("zones_named", { names: form.parts.map((part) => part.name).join(", ") }), form.outline.length > 0 && w("outline_closed", { count: form.outline.length })];
  return told.some(Boolean) && h("p", { class: "sw-hint" }, told.filter(Boolean).join(" "));
}

function differences(rows) {
  if (!rows.length) return null;
  return h("table", { class: "sw-table" }, h("caption", {}, w("diff")),
    h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, w(`card_${row.field}`)),
      h("td", {}, row.before && h("del", {}, row.before)), h("td", {}, row.after ? h("ins", {}, row.after) : w("nothing"))))));
}

// The form's inputs, and how they read.
function fields(form) {
  const name = h("input", { type: "text", value: form.name, required: true, maxlength: 120 });
  const description = h("input", { type: "text", value: form.description, maxlength: 1000 });
  const materials = h("input", { type: "text", value: form.materials.join(", ") });
  const defects = h("textarea", { rows: Math.max(3, form.defects.length + 1), value: form.defects.map((d) => (d.description ? `${d.name}: ${d.description}` : d.name)).join("\n") });
  const scale = h("input", { type: "number", step: "any", min: 0, value: form.mm_per_px ?? "" });
  const sure = h("input", { type: "number", step: "any", min: 0, value: form.mm_uncertainty });
  const more = h("details", { class: "sw-more", open: form.materials.length > 0 || form.mm_per_px !== null }, h("summary", {}, w("card_more")),
    h("div", { class: "sw-stack" }, field("card_materials", materials, w("card_materials_hint")),
      h("div", { class: "sw-two" }, field("card_scale", scale, w("card_scale_hint")), field("card_uncertainty", sure, w("length_sure_hint")))));
  const parts = [field("card_name", name), field("card_description", description, w("card_description_hint")), field("card_defects", defects, w("card_defects_hint")), more];
  const list = (text) => text.split(",").map((word) => word.trim()).filter(Boolean);
  const read = () => ({ ...form, name: name.value, description: description.value, materials: list(materials.value),
    defects: defects.value.split("\n").filter((line) => line.trim()).map((line) => {
      const [first, ...rest] = line.split(":");
      return { name: first.trim(), description: rest.join(":").trim() };
    }),
    mm_per_px: scale.value === "" ? null : Number(scale.value), mm_uncertainty: scale.value === "" ? 0 : Number(sure.value) });
  return { parts, read, form };
}

function shelf(app, product, place, live, count) {
  const off = async (file) => {
    const said = product.model ? await faulted(w("set_aside", { name: file }), product.causes) : ["", ""];
    if (said === null) return;
    const [cause, why] = said;
    await ask("sort_good", { product: product.key, keep: [], drop: [file], cause, why });
    await app.refresh("setup");
  };
  const odd = async () => {
    const view = new Odd(app, place, () => app.draw());
    Object.assign(live, { keeps: true, close: () => view.close(), key: (event) => view.key(event) });
    await view.open();
  };
  const rung = [...product.wanted].sort((a, b) => a.needed - b.needed).find((one) => one.missing);
  const photos = product.good.map((one) => h("li", {}, h("img", { src: one.thumbnail, alt: one.file, loading: "lazy" }),
    app.may("set_up") && h("button", { type: "button", class: "sw-off", "aria-label": w("set_aside", { name: one.file }), onclick: () => off(one.file) }, "×")));
  return h("section", { class: "sw-panel" }, h("h2", {}, w("good"), h("span", { class: "sw-count" }, product.good.length)),
    dropzone("drop_good", w("drop_good_hint"), async (list) => {
      app.tookFiles(await ask("add_good", { product: product.key, files: await app.files(list) }));
      await app.refresh("setup");
    }),
    photos.length > 0 && h("ul", { class: "sw-shelf" }, photos),
    photos.length > 0 && rung && h("p", { class: "sw-hint" }, w("next_rung", { count: Math.round(100 * rung.rate), missing: rung.missing })),
    product.model && h("div", { class: "sw-row" }, button("look_at_odd", odd), count > 0 && h("span", { class: "sw-hint" }, w("odd_ones", { count }))));
}

function learning(app, product) {
  const count = product.good.length;
  const wanted = [...product.wanted].sort((a, b) => a.needed - b.needed);
  const ladder = wanted.map(({ rate, needed, missing }) => h("li", { class: missing ? "" : "done" },
    h("span", {}, w("of_hundred", { count: Math.round(100 * rate) })), h("span", { class: "sw-hint" }, missing ? w("more_photos", { missing, needed }) : w("enough", { needed }))));
  const busy = product.job && ["running", "paused"].includes(product.job.state);
  return h("section", { class: "sw-panel" }, h("h2", {}, w("learning")), h("p", {}, w(product.model ? "learned_now" : "not_learned")),
    h("details", { class: "sw-more" }, h("summary", {}, w("how_many")), h("p", { class: "sw-hint" }, w("how_many_hint")), h("ul", { class: "sw-ladder" }, ladder)),
    h("div", { class: "sw-row" },
      button(product.model ? "learn_again" : "learn", async () => {
        await ask("learn", { product: product.key });
        await app.refresh("setup");
      }, { class: product.model ? "" : "main", disabled: !count || busy || !app.may("set_up") }),
      product.model && button("to_inspect", () => app.go("inspect"), { class: "main" }),
      product.before.length > 0 && button("model_before", () => adopt(app, product, product.before[0]), { class: "quiet", disabled: busy || !app.may("set_up") })));
}

// A model that was learned and does not speak yet: what it changes, before it is adopted.
async function waiting(app, place, product) {
  const model = product.waiting[0];
  const { rows = [], lot = "" } = await ask("compared", { product: product.key, model });
  const changed = rows.filter((row) => row.before !== row.after);
  const count = (when) => ["pass", "review", "fail"].map((verdict) => h("td", {}, rows.filter((row) => row[when] === verdict).length));
  place.prepend(h("section", { class: "sw-panel sw-waiting" }, h("h2", {}, w("model_waiting")), h("p", {}, rows.length ? w("model_compared", { count: rows.length, lot }) : w("model_uncompared")),
    rows.length > 0 && h("table", { class: "sw-table" }, h("thead", {}, h("tr", {}, h("td"), ["pass", "review", "fail"].map((v) => h("th", { scope: "col" }, w(`verdict_${v}`))))),
      h("tbody", {}, h("tr", {}, h("th", { scope: "row" }, w("before")), count("before")), h("tr", {}, h("th", { scope: "row" }, w("after")), count("after")))),
    changed.length > 0 && h("ul", { class: "sw-changes" }, changed.map((row) => h("li", {}, row.name, " ", badge(row.before, w(`verdict_${row.before}`)), " → ", badge(row.after, w(`verdict_${row.after}`))))),
    h("div", { class: "sw-row end" }, button("adopt_model", () => adopt(app, product, model), { class: "main", disabled: !app.may("set_up") }))));
}

async function adopt(app, product, model) {
  const why = await questioned(w("adopt_title"), "reason", { hint: w("adopt_hint"), go: "adopt" });
  if (why === null) return;
  await ask("adopt_model", { product: product.key, model, why });
  toast(w("adopted"));
  await app.refresh("setup");
}
