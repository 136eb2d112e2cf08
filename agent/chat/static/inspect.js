// A lot: photos dropped, the gallery page by page, and one photo with its facts.

import { ask, badge, button, dropzone, fill, h, toast, w } from "./dom.js";
import { Camera } from "./camera.js";
import { factsPanel } from "./facts.js";
import { Stage } from "./stage.js";

const VERDICTS = ["fail", "review", "refused", "pass"];

export async function inspectView(app, place) {
  const view = new Inspect(app, place);
  await view.open();
  return view;
}

class Inspect {
  constructor(app, place) {
    Object.assign(this, { app, place, page: 0, only: "", worst: false, queue: [] }); // queue: photos that are gone through one after the other
  }

  async open() {
    await this.load();
    if (this.app.at.file && this.lot.names.includes(this.app.at.file)) await this.photo(this.app.at.file);
    else this.gallery();
  }

  async load() {
    const { product, lot } = this.app.at;
    this.lot = lot ? await ask("gallery", { product, lot, page: this.page, only: this.only, worst: this.worst }) : { items: [], names: [], total: 0, photos: 0, counts: {}, page: 0, pages: 1, open: 0 };
    this.page = this.lot.page;
  }

  // A job went on: what is new joins the gallery; an open photo stays as it is.
  async job(job) {
    if (job?.kind !== "inspect" || job.about !== this.app.at.lot) return;
    await this.load();
    if (!this.stage) this.gallery();
    else this.strip();
  }

  close() {
    this.stage?.close();
    this.camera?.close();
  }

  // A camera in place of the place to drop; each photo goes into the lot.
  async look() {
    const take = async (files, taken) => {
      if (files) taken = await ask("add_photos", { product: this.app.at.product, files: await this.app.files(files) });
      this.app.tookFiles(taken);
      this.app.at.lot = taken.lot;
      this.app.data = await ask("state", { product: this.app.at.product });
      this.app.drawJob(this.app.data.product.job);
      await this.load();
      this.gallery();
    };
    this.camera = new Camera(this.app, take, () => { this.camera = null; this.gallery(); });
    this.gallery();
    await this.camera.open();
  }

  // ---- the gallery

  gallery() {
    this.stage?.close();
    this.stage = null;
    this.queue = [];
    if (this.app.at.file) { this.app.at.file = ""; this.app.tell(); }
    const product = this.app.data.product;
    const busy = product.job && ["running", "paused"].includes(product.job.state);
    const left = this.lot.photos - this.lot.total;
    fill(this.place,
      this.app.may("inspect") && this.camera?.element,
      this.app.may("inspect") && !this.camera && h("div", { class: "sw-entry" }, dropzone(this.lot.total ? "drop_more" : "drop_photos", w("drop_photos_hint"), (list) => this.drop(list)),
        h("div", { class: "sw-row" }, button("camera", () => this.look()), h("span", { class: "sw-hint" }, w("incoming", { folder: product.incoming })))),
      product.lots.length > 0 && h("div", { class: "sw-row sw-lotbar" }, this.lots(product), this.filters(), h("span", { class: "sw-space" }), this.telling(), this.order()),
      this.lot.total > 0 && product.few && h("p", { class: "sw-note sw-row" }, h("span", { class: "sw-told" }, w("few_good", product.few)), button("add_good", () => this.app.go("setup"))),
      left > 0 && !busy && h("p", { class: "sw-note" }, w("photos_left", { left }), " ", button("go_on", async () => {
        await ask("go_on", { product: product.key, lot: this.app.at.lot });
        await this.app.refresh("inspect");
      })),
      this.lot.items.length ? h("ul", { class: "sw-gallery", "aria-label": w("gallery") }, this.lot.items.map((item) => this.tile(item)))
        : h("p", { class: "sw-empty" }, w(this.lot.total ? "none_such" : "empty_lot")),
      this.lot.pages > 1 && this.pager());
  }

  lots(product) {
    const names = product.lots.includes(product.lot) ? product.lots : [product.lot, ...product.lots];
    return h("div", { class: "sw-select" }, h("select", { "aria-label": w("lot"), onchange: async (event) => {
      Object.assign(this.app.at, { lot: event.target.value, file: "" });
      Object.assign(this, { page: 0, only: "" });
      await this.load();
      this.gallery();
      this.app.tell();
    } }, names.map((name) => h("option", { value: name, selected: name === this.app.at.lot }, w("lot_name", { lot: name })))));
  }

  filters() {
    const chip = (verdict, text, count) => h("button", { type: "button", class: `sw-chip ${verdict}`, "aria-pressed": String(this.only === verdict),
      onclick: () => this.again({ only: verdict, page: 0 }) }, text, h("b", {}, count));
    return h("div", { class: "sw-chips", role: "group", "aria-label": w("filter") }, chip("", w("all"), this.lot.total),
      VERDICTS.filter((verdict) => this.lot.counts[verdict]).map((verdict) => chip(verdict, w(`verdict_${verdict}`), this.lot.counts[verdict])));
  }

  order() {
    const choice = (worst, key) => h("option", { value: String(worst), selected: worst === this.worst }, w(key));
    return h("div", { class: "sw-select" }, h("select", { "aria-label": w("order"), onchange: (event) => this.again({ worst: event.target.value === "true", page: 0 }) },
      choice(false, "as_inspected"), choice(true, "worst_first")));
  }

  // The photos that a person's word would tell most about, one after the other.
  telling() {
    const left = this.lot.open;
    return left > 0 && this.app.may("judge") && h("button", { type: "button", class: "sw-button", onclick: async () => {
      this.queue = await ask("telling", { product: this.app.at.product, lot: this.app.at.lot });
      if (this.queue.length) await this.photo(this.queue[0]);
      else toast(w("telling_none"));
    } }, w("telling", { count: Math.min(8, left) }));
  }

  pager() {
    const to = (page, key, off) => button(key, () => this.again({ page }), { class: "quiet", disabled: off });
    return h("nav", { class: "sw-row sw-pager", "aria-label": w("pages") }, to(this.page - 1, "previous", this.page === 0),
      h("span", { class: "sw-hint" }, `${this.page + 1} / ${this.lot.pages}`), to(this.page + 1, "next", this.page + 1 >= this.lot.pages));
  }

  async again(changed) {
    Object.assign(this, changed);
    await this.load();
    this.gallery();
  }

  tile(item) {
    return h("li", {}, h("button", { type: "button", class: `sw-tile ${item.stands}`, onclick: () => this.photo(item.file) },
      h("span", { class: "sw-thumb" }, item.machine === "refused" ? h("span", { class: "sw-hint" }, w("no_picture")) : h("img", { src: item.thumbnail, alt: "", loading: "lazy" })),
      h("span", { class: "sw-tile-line" }, badge(item.stands, item.word), item.people && h("span", { class: "sw-person-mark", title: w("by_people") }, "✓")),
      h("span", { class: "sw-tile-name" }, item.name), h("span", { class: "sw-hint" }, item.types.join(", ") || item.severity)));
  }

  async drop(list) {
    const files = await this.app.files(list);
    if (!files.length) return;
    const taken = await ask("add_photos", { product: this.app.at.product, files });
    this.app.tookFiles(taken);
    this.app.at.lot = taken.lot;
    await this.app.refresh("inspect");
  }

  // ---- one photo

  async photo(file, finding = null) {
    this.camera?.close();
    this.camera = null;
    this.app.at.file = file;
    this.app.tell();
    this.seen = await ask("photo", { product: this.app.at.product, lot: this.app.at.lot, file });
    this.stage?.close();
    const asked = this.app.asked ?? {};
    this.chosen = finding ?? asked.finding ?? this.seen.findings[0]?.number ?? null;
    this.stage = new Stage(this.seen, { choose: (number) => this.choose(number), drawn: (box) => this.drawn?.(box), layer: asked.layer });
    this.panel = h("aside", { class: "sw-facts", "aria-label": w("facts") });
    this.film = h("nav", { class: "sw-film", "aria-label": w("gallery") });
    fill(this.place, h("div", { class: "sw-photo" },
      h("div", { class: "sw-row sw-photobar" }, button("back", () => this.back(), { class: "quiet" }), h("h2", {}, this.seen.name), h("span", { class: "sw-space" }),
        h("button", { type: "button", class: "sw-button quiet icon", "aria-label": w("previous"), onclick: () => this.step(-1) }, "←"),
        h("button", { type: "button", class: "sw-button quiet icon", "aria-label": w("next"), onclick: () => this.step(1) }, "→")),
      this.queue.length > 0 && h("p", { class: "sw-note sw-row", role: "status" }, w("telling_at", { at: this.queue.indexOf(file) + 1, count: this.queue.length }), h("span", { class: "sw-space" }), button("telling_end", () => this.back(), { class: "quiet" })),
      h("div", { class: "sw-bench" }, h("div", { class: "sw-left" }, this.stage.element, this.film), this.panel)));
    this.facts();
    this.strip();
    this.stage.choose(this.chosen);
  }

  facts() {
    fill(this.panel, factsPanel(this.app, this));
  }

  strip() {
    const at = this.lot.items.findIndex((item) => item.file === this.app.at.file);
    const near = this.lot.items.slice(Math.max(0, at - 7), at + 12);
    fill(this.film, near.map((item) => h("button", { type: "button", class: `sw-frame ${item.stands}`, "aria-label": `${item.name}: ${item.word}`,
      "aria-current": item.file === this.app.at.file ? "true" : null, onclick: () => this.photo(item.file) },
      item.machine === "refused" ? "–" : h("img", { src: item.thumbnail, alt: "", loading: "lazy" }))));
  }

  choose(number) {
    this.chosen = number;
    this.stage.choose(number);
    this.facts();
    this.panel.querySelector('[aria-expanded="true"]')?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  // After somebody entered something: the photo and its place in the gallery, as they read now.
  async entered(act = "") {
    if (this.app.live !== this) return this.app.draw();
    await this.load();
    const next = this.queue[this.queue.indexOf(this.app.at.file) + 1];
    if (act === "judge" && next) await this.photo(next);
    else await this.photo(this.app.at.file, this.chosen);
  }

  // The lot as it was, at once; and as it is, where it changed meanwhile.
  async back() {
    const known = JSON.stringify(this.lot);
    this.gallery();
    this.place.querySelector(".sw-tile")?.focus();
    await this.load();
    if (this.stage || JSON.stringify(this.lot) === known) return;
    this.gallery();
    this.place.querySelector(".sw-tile")?.focus();
  }

  step(by) {
    const names = this.queue.length ? this.queue : this.lot.names;
    const next = names[(names.indexOf(this.app.at.file) + by + names.length) % names.length];
    if (next) this.photo(next);
  }

  key(event) {
    if (this.camera && event.key === " " && !event.target.closest("button")) { event.preventDefault(); return this.camera.shot(); }
    if (!this.stage) return;
    const keys = { ArrowRight: () => this.step(1), ArrowLeft: () => this.step(-1), Escape: () => this.back(), h: () => this.stage.toggle("heat"), g: () => this.stage.toggle("good"), c: () => this.stage.toggle("contours"),
      "+": () => this.stage.zoom(1.25), "-": () => this.stage.zoom(0.8), 0: () => this.stage.fit() };
    const number = Number(event.key);
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); } else if (number && this.seen.findings.some((f) => f.number === number)) this.choose(number);
  }
}
