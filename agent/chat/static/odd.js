// Good photos, the oddest first: looked at one by one, kept or dropped by a key. Nothing is moved before the end, with a reason.

import { ask, button, faulted, fill, h, toast, w } from "./dom.js";
import { Stage } from "./stage.js";

export class Odd {
  constructor(app, place, done) {
    Object.assign(this, { app, place, done, said: new Map() }); // what was said of a file: "keep" or "drop"
  }

  async open() {
    this.photos = await ask("oddest", { product: this.app.at.product });
    this.photos.filter((one) => one.kept).forEach((one) => this.said.set(one.file, "keep"));
    this.at = 0;
    this.draw();
  }

  close() {
    this.stage?.close();
  }

  leave() {
    this.close();
    this.done();
  }

  draw() {
    this.close();
    const one = this.photos[this.at];
    const bar = h("div", { class: "sw-row sw-photobar" }, button("back_to_setup", () => this.leave(), { class: "quiet" }), h("h2", {}, one ? one.name : w("good")), h("span", { class: "sw-space" }),
      h("span", { class: "sw-hint" }, `${this.at + 1} / ${this.photos.length}`));
    if (!one) return fill(this.place, bar, h("p", { class: "sw-empty" }, w("odd_none")));
    this.stage = new Stage(one, { choose: () => {} });
    if (one.heat) this.stage.toggle("heat");
    this.film = h("nav", { class: "sw-film", "aria-label": w("good") });
    this.panel = h("aside", { class: "sw-facts" });
    fill(this.place, bar, h("div", { class: "sw-bench" }, h("div", { class: "sw-left" }, this.stage.element, this.film), this.panel));
    this.tell();
  }

  tell() {
    const one = this.photos[this.at];
    const dropped = this.photos.filter((photo) => this.said.get(photo.file) === "drop");
    const said = this.said.get(one.file);
    fill(this.film, this.photos.slice(Math.max(0, this.at - 6), this.at + 12).map((photo) => h("button", { type: "button", class: `sw-frame ${{ keep: "pass", drop: "fail" }[this.said.get(photo.file)] ?? ""}`,
      "aria-label": photo.name, "aria-current": photo === one ? "true" : null, onclick: () => this.to(this.photos.indexOf(photo)) }, h("img", { src: photo.thumbnail, alt: "", loading: "lazy" }))));
    fill(this.panel, h("p", { class: "sw-lead" }, w("odd_lead")),
      one.flags.map((flag) => h("p", { class: "sw-note" }, flag)), one.score && h("p", {}, w("odd_score", { score: one.score })),
      h("div", { class: "sw-row", role: "group", "aria-label": one.name },
        button("odd_keep", () => this.say("keep"), { "aria-pressed": String(said === "keep") }), button("odd_drop", () => this.say("drop"), { "aria-pressed": String(said === "drop") }),
        said && h("span", { class: "sw-hint", role: "status" }, w(said === "keep" ? "odd_kept" : "odd_dropped"))),
      h("div", { class: "sw-row end sw-decide" }, h("button", { type: "button", class: "sw-button main", disabled: !this.app.may("set_up") || !this.said.size, onclick: () => this.finish(dropped) },
        dropped.length ? w("odd_done", { count: dropped.length }) : w("odd_done_none"))));
  }

  say(what) {
    this.said.set(this.photos[this.at].file, what);
    if (this.at + 1 < this.photos.length) this.to(this.at + 1);
    else this.tell();
  }

  to(at) {
    this.at = Math.min(this.photos.length - 1, Math.max(0, at));
    this.draw();
  }

  async finish(dropped) {
    const said = dropped.length ? await faulted(w("odd_done", { count: dropped.length }), this.app.data.product.causes) : ["", ""];
    if (said === null) return;
    const [cause, why] = said;
    const keep = [...this.said].filter(([, what]) => what === "keep").map(([file]) => file);
    await ask("sort_good", { product: this.app.at.product, keep, drop: dropped.map((one) => one.file), cause, why });
    if (dropped.length) toast(w("odd_sorted"));
    this.close();
    await this.app.refresh("setup");
  }

  key(event) {
    const keys = { k: () => this.say("keep"), d: () => this.say("drop"), ArrowRight: () => this.to(this.at + 1), ArrowLeft: () => this.to(this.at - 1), Escape: () => this.leave(), h: () => this.stage.toggle("heat") };
    if (this.photos.length && keys[event.key]) { event.preventDefault(); keys[event.key](); }
  }
}
