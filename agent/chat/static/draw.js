// Zones, the product's outline and the scale, drawn on a good photo. Nothing is saved here: the card shows what changes.

import { ask, button, field, fill, h, w } from "./dom.js";
import { Stage } from "./stage.js";

const MODES = { zone: ["draw_zone", "draw_zone_hint", "box"], outline: ["draw_outline", "draw_outline_hint", "points"], scale: ["draw_scale", "draw_scale_hint", "points"] };
const EDGES = ["zone_left", "zone_top", "zone_right", "zone_bottom"];
const percent = (share) => Number((100 * share).toFixed(1));

export class Drawing {
  // `done` takes what was drawn as fields of the card's form, or null where it was given up.
  constructor(app, place, form, done) {
    Object.assign(this, { app, place, done, mode: "zone", ends: [], closed: form.outline.length > 0, said: { length: "", sure: "0" } });
    Object.assign(this, structuredClone({ parts: form.parts, outline: form.outline, scale: { mm_per_px: form.mm_per_px, mm_uncertainty: form.mm_uncertainty } }));
  }

  async open(file = "") {
    this.seen = await ask("reference", { product: this.app.at.product, file });
    this.stage?.close();
    this.stage = new Stage(this.seen, { choose: () => {}, drawn: (box) => this.zone(box), clicked: (point) => this.point(point) });
    this.own = h("g", { class: "sw-own" });
    this.stage.lines.append(this.own);
    this.panel = h("aside", { class: "sw-facts" });
    fill(this.place, h("div", { class: "sw-row sw-photobar" }, button("back_to_card", () => this.leave(null), { class: "quiet" }), h("h2", {}, w("draw_on")), h("span", { class: "sw-space" }), this.photos()),
      h("div", { class: "sw-bench" }, h("div", { class: "sw-left" }, this.stage.element), this.panel));
    this.to(this.mode);
  }

  close() {
    this.stage?.close();
  }

  leave(drawn) {
    this.close();
    this.done(drawn);
  }

  photos() {
    return h("div", { class: "sw-select" }, h("select", { "aria-label": w("photo"), onchange: (event) => { this.ends = []; this.open(event.target.value); } },
      this.seen.files.map((name) => h("option", { value: name, selected: name === this.seen.name }, name))));
  }

  to(mode) {
    this.mode = mode;
    this.stage.draw(MODES[mode][2]);
    this.draw();
  }

  draw() {
    this.overlay();
    const named = this.parts.every((part) => part.name.trim());
    fill(this.panel, h("div", { class: "sw-chips", role: "group", "aria-label": w("draw_on") }, Object.entries(MODES).map(([mode, [key]]) =>
      h("button", { type: "button", class: "sw-chip", "aria-pressed": String(mode === this.mode), onclick: () => this.to(mode) }, w(key)))),
      h("p", { class: "sw-note", role: "status" }, w(MODES[this.mode][1])),
      { zone: () => this.zones(), outline: () => this.corners(), scale: () => this.length() }[this.mode](),
      h("div", { class: "sw-row end sw-decide" }, button("take_over", () => this.leave({ parts: this.parts, outline: this.closed ? this.outline : [], ...this.scale }), { class: "main", disabled: !named }),
        !named && h("p", { class: "sw-hint" }, w("name_zones"))));
  }

  // What was drawn so far, in the photo's own pixels.
  overlay() {
    const [width, height] = this.seen.size;
    const points = (shares) => shares.map(([x, y]) => `${x * width},${y * height}`).join(" ");
    const size = width / 38;
    fill(this.own,
      this.parts.map(({ name, box: [x0, y0, x1, y1] }) => [h("rect", { class: "zone", x: x0 * width, y: y0 * height, width: (x1 - x0) * width, height: (y1 - y0) * height }),
        h("text", { x: x0 * width + size * 0.3, y: y0 * height + size * 1.1, "font-size": size }, name)]),
      this.outline.length > 0 && h(this.closed ? "polygon" : "polyline", { class: "outline", points: points(this.outline) }),
      !this.closed && this.outline.map(([x, y]) => this.cross(x * width, y * height)),
      this.ends.length === 2 && h("line", { class: "length", x1: this.ends[0][0], y1: this.ends[0][1], x2: this.ends[1][0], y2: this.ends[1][1] }),
      this.ends.map(([x, y]) => this.cross(x, y)));
  }

  cross(x, y) {
    const arm = this.seen.size[0] / 80;
    return h("path", { class: "cross", d: `M ${x - arm} ${y} h ${2 * arm} M ${x} ${y - arm} v ${2 * arm}` });
  }

  // ---- zones

  zone([x0, y0, x1, y1]) {
    const [width, height] = this.seen.size;
    this.parts.push({ name: "", box: [x0 / width, y0 / height, x1 / width, y1 / height] });
    this.stage.draw("box");
    this.draw();
    [...this.panel.querySelectorAll(".sw-zone input[type=text]")].pop().focus();
  }

  zones() {
    const edge = (part, at) => h("label", { class: "sw-edge" }, w(EDGES[at]), h("input", { type: "number", min: 0, max: 100, step: 0.1, value: percent(part.box[at]),
      onchange: (event) => { part.box[at] = Math.min(100, Math.max(0, Number(event.target.value))) / 100; this.overlay(); } }));
    return [h("ul", { class: "sw-zones" }, this.parts.map((part, number) => h("li", { class: "sw-zone" },
      h("div", { class: "sw-row" }, h("input", { type: "text", value: part.name, maxlength: 120, placeholder: w("zone_name"), "aria-label": w("zone_name"),
        onchange: (event) => { part.name = event.target.value.trim(); this.draw(); } }),
      h("button", { type: "button", class: "sw-button quiet icon", "aria-label": w("remove_zone", { name: part.name }), onclick: () => { this.parts.splice(number, 1); this.draw(); } }, "×")),
      h("div", { class: "sw-edges" }, EDGES.map((_, at) => edge(part, at)))))),
    button("add_zone", () => { const [width, height] = this.seen.size; this.zone([0.25 * width, 0.25 * height, 0.75 * width, 0.75 * height]); }, { class: "quiet" })];
  }

  // ---- outline and scale

  point([x, y]) {
    const [width, height] = this.seen.size;
    if (this.mode === "scale") {
      this.ends = this.ends.length === 2 ? [[x, y]] : [...this.ends, [x, y]];
      this.coarse = Math.max(1, this.stage.coarse, this.ends.length === 2 ? this.coarse : 1); // of the less exact of both
    }
    else if (this.closed) Object.assign(this, { closed: false, outline: [[x / width, y / height]] });
    else this.outline.push([x / width, y / height]);
    this.draw();
    if (this.ends.length === 2 && this.mode === "scale") this.panel.querySelector("input").focus();
  }

  corners() {
    const around = [[0, 0], [1, 0], [1, 1], [0, 1]];
    return [h("p", {}, this.closed ? w("outline_closed", { count: this.outline.length }) : w("outline_open", { count: this.outline.length })),
      h("div", { class: "sw-row" }, button("close_outline", () => this.shut(), { disabled: this.closed || this.outline.length < 3 }),
        button("corner_back", () => this.back(), { class: "quiet", disabled: this.closed || !this.outline.length }),
        button("no_outline", () => { Object.assign(this, { outline: [], closed: false }); this.draw(); }, { class: "quiet", disabled: !this.outline.length }),
        button("whole_photo", () => { Object.assign(this, { outline: around, closed: true }); this.draw(); }, { class: "quiet" }))];
  }

  shut() {
    if (this.outline.length < 3 || this.closed) return;
    this.closed = true;
    this.draw();
  }

  back() {
    if (!this.closed) this.outline.pop();
    this.draw();
  }

  length() {
    const length = h("input", { type: "number", min: 0, step: "any", value: this.said.length, required: true });
    const sure = h("input", { type: "number", min: 0, step: "any", value: this.said.sure, required: true });
    return h("form", { class: "sw-stack", onsubmit: async (event) => {
      event.preventDefault();
      this.said = { length: length.value, sure: sure.value };
      const [first, second] = this.ends;
      this.scale = await ask("scale_by_clicks", { product: this.app.at.product, first, second, length_mm: Number(length.value), sure_mm: Number(sure.value), click_px: this.coarse });
      this.draw();
    } }, h("p", {}, w("ends", { count: this.ends.length })),
    h("div", { class: "sw-two" }, field("length", length), field("length_sure", sure, w("length_sure_hint"))),
    h("div", { class: "sw-row" }, h("button", { type: "submit", class: "sw-button", disabled: this.ends.length < 2 }, w("work_out"))),
    this.scale.mm_per_px && h("p", { class: "sw-big" }, w("scale_is", { scale: this.scale.mm_per_px, uncertainty: this.scale.mm_uncertainty })));
  }

  key(event) {
    if (this.mode !== "outline") return;
    const keys = { Enter: () => this.shut(), Backspace: () => this.back() };
    if (keys[event.key] && !event.target.closest("button")) { event.preventDefault(); keys[event.key](); }
  }
}
