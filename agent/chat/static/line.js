// The lines in counts: a histogram of good scores, two lines that are dragged, and every photo of the lot judged anew as they move.

import { ask, button, fill, h, questioned, toast, w } from "./dom.js";

const BINS = 40, WIDTH = 1000, HEIGHT = 270, FOOT = 36, BARS = HEIGHT - FOOT - 90;
const count = (value) => String(Math.round(10 * value) / 10);

export async function lineView(app, place) {
  const data = await ask("line", { product: app.at.product, lot: app.at.lot });
  if (!data.steps.length) return fill(place, h("p", { class: "sw-empty" }, w("no_good_scores")));
  const view = new Lines(app, place, data);
  view.draw();
  return view;
}

export class Lines {
  constructor(app, place, data) {
    Object.assign(this, { app, place, data });
    this.fail = Math.min(data.fail, data.steps.length);
    this.ask = Math.min(Math.max(data.ask, this.fail), data.steps.length);
    this.before = { fail: this.fail, ask: this.ask, moved: { fail: false, ask: false } };
    this.moved = this.before.moved; // a line that nobody moved lies where it stands now, which is no count where good photos are few
    // Good scores get most of the width; what lies far beyond them is drawn closer together, after a break.
    const all = [...data.good, ...data.photos.map((photo) => photo.score)];
    const spread = Math.max(...data.good) - Math.min(...data.good) || 1;
    this.low = Math.min(...all) - 0.12 * spread;
    this.top = Math.max(...all, data.now.fail ?? 0) + 0.12 * spread;
    this.bend = Math.min(this.top, Math.max(...data.good) + 0.3 * spread);
    this.share = this.bend < this.top ? 0.66 : 1;
    this.firm = data.supported && data.now.ask !== null;
  }

  x(score) {
    if (score <= this.bend) return WIDTH * this.share * (score - this.low) / (this.bend - this.low);
    return WIDTH * (this.share + (1 - this.share) * (score - this.bend) / (this.top - this.bend));
  }

  scoreAt(x) {
    const share = x / WIDTH;
    return share <= this.share ? this.low + share / this.share * (this.bend - this.low) : this.bend + (share - this.share) / (1 - this.share) * (this.top - this.bend);
  }

  score(rank) {
    return this.data.steps[rank - 1].score;
  }

  // Where a line lies: above the one a part can fail, above the other a person is asked.
  at(which) {
    if (this.moved[which]) return this.score(this[which]);
    return this.data.now[which] ?? (which === "fail" ? this.top : this.low);
  }

  draw() {
    this.told = h("div", { class: "sw-counts", "aria-live": "polite" });
    this.groups = h("div", { class: "sw-three" });
    this.adopt = button("adopt_line", () => this.save(), { class: "main" });
    this.reset = button("reset", () => { Object.assign(this, this.before); this.judge(); }, { class: "quiet" });
    fill(this.place, h("section", { class: "sw-panel" }, h("h2", {}, w("line_title")), h("p", { class: "sw-lead" }, w("line_lead")), this.chart(), this.told,
      !this.data.supported && h("p", { class: "sw-note" }, this.wanted()),
      h("div", { class: "sw-row end" }, this.reset, this.adopt)), this.data.photos.length > 0 && h("section", { class: "sw-panel" }, h("h2", {}, w("rejudged", { lot: this.app.at.lot })), h("p", { class: "sw-hint" }, w("rejudged_hint")), this.groups));
    this.judge();
  }

  wanted() {
    const missing = this.data.wanted.filter((one) => one.missing);
    return missing.map((one) => w("line_wants", { count: count(100 * one.rate), missing: one.missing })).join(" ");
  }

  chart() {
    const counts = Array(BINS).fill(0);
    const bin = (score) => Math.min(BINS - 1, Math.max(0, Math.floor(BINS * this.x(score) / WIDTH)));
    this.data.good.forEach((score) => { counts[bin(score)] += 1; });
    const most = Math.max(...counts);
    const step = WIDTH / BINS;
    this.zones = h("g", {});
    this.handles = { fail: this.handle("fail"), ask: this.handle("ask") };
    const dots = this.data.photos.map((photo, i) => h("circle", { class: `sw-spot ${photo.stands}`, cx: this.x(photo.score), cy: 40 + (i % 4) * 10, r: 4.5 }));
    this.dots = dots;
    this.svg = h("svg", { class: "sw-histogram", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "group", "aria-label": w("line_title") }, this.zones,
      counts.map((high, i) => h("rect", { class: "bar", x: i * step + 1, width: step - 2, y: HEIGHT - FOOT - BARS * high / most, height: BARS * high / most, rx: 2 })),
      h("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT - FOOT, y2: HEIGHT - FOOT }),
      this.share < 1 && h("path", { class: "axis", d: `M ${WIDTH * this.share - 5} ${HEIGHT - FOOT + 6} l 6 -12 M ${WIDTH * this.share + 1} ${HEIGHT - FOOT + 6} l 6 -12` }), dots, Object.values(this.handles));
    return h("div", {}, this.svg, h("div", { class: "sw-row sw-legend" }, h("span", { class: "key bar" }, w("good_scores", { count: this.data.good.length })), this.data.photos.length > 0 && h("span", { class: "key spot" }, w("lot_scores", { count: this.data.photos.length }))));
  }

  // A line that is dragged, or moved by the arrow keys.
  handle(which) {
    const made = h("g", { class: `sw-handle ${which}`, role: "slider", tabindex: "0", "aria-label": w(`line_${which}`), "aria-valuemin": 1, "aria-valuemax": this.data.steps.length },
      h("line", { x1: 0, x2: 0, y1: 0, y2: HEIGHT - FOOT }),
      which === "fail" ? h("rect", { x: -9, y: -4, width: 18, height: 30, rx: 6 }) : h("rect", { x: -9, y: HEIGHT - FOOT - 15, width: 18, height: 30, rx: 6 }),
      which === "fail" ? h("text", { x: 15, y: 16, "text-anchor": "start" }, w("line_fail_short")) : h("text", { x: 0, y: HEIGHT, "text-anchor": "middle" }, w("line_ask_short")));
    made.addEventListener("pointerdown", (start) => {
      start.preventDefault();
      made.focus();
      const move = (event) => {
        const box = this.svg.getBoundingClientRect();
        this.to(which, this.scoreAt(WIDTH * (event.clientX - box.left) / box.width));
      };
      window.addEventListener("pointermove", move);
      window.addEventListener("pointerup", () => window.removeEventListener("pointermove", move), { once: true });
    });
    made.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: 1, ArrowDown: 1, ArrowRight: -1, ArrowUp: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      this.set(which, this[which] + by);
    });
    return made;
  }

  to(which, score) {
    let nearest = 1;
    this.data.steps.forEach((step) => { if (Math.abs(step.score - score) < Math.abs(this.score(nearest) - score)) nearest = step.rank; });
    this.set(which, nearest);
  }

  set(which, rank) {
    this[which] = Math.min(this.data.steps.length, Math.max(1, rank));
    if (which === "fail") this.ask = Math.max(this.ask, this.fail);
    else this.fail = Math.min(this.fail, this.ask);
    this.moved = { fail: this.moved.fail || which === "fail" || this.fail !== this.before.fail, ask: true };
    this.judge();
  }

  // Everything that follows from where the lines stand; called at every move.
  judge() {
    const [fail, ask] = [this.at("fail"), this.at("ask")];
    for (const which of ["fail", "ask"]) {
      this.handles[which].setAttribute("transform", `translate(${this.x(this.at(which))} 0)`);
      this.handles[which].setAttribute("aria-valuenow", this[which]);
      this.handles[which].setAttribute("aria-valuetext", w("of_good", { count: count(this.data.steps[this[which] - 1].mean) }));
    }
    fill(this.zones, h("rect", { class: "asked", x: this.x(ask), width: Math.max(0, this.x(fail) - this.x(ask)), y: 0, height: HEIGHT - FOOT }),
      h("rect", { class: "stopped", x: this.x(fail), width: Math.max(0, WIDTH - this.x(fail)), y: 0, height: HEIGHT - FOOT }));
    fill(this.told, h("p", { class: "sw-big" }, this.counts()));
    const groups = { pass: [], review: [], fail: [] };
    this.data.photos.forEach((photo, i) => {
      const word = photo.score > fail ? "fail" : photo.score > ask ? "review" : "pass";
      groups[word].push(photo);
      this.dots[i].setAttribute("class", `sw-spot ${word}`);
    });
    const known = this.data.photos.filter((photo) => photo.known && photo.stands === "fail");
    if (known.length) this.told.append(h("p", {}, w("known_defects", { count: known.length, passing: known.filter((photo) => photo.score <= ask).length })));
    fill(this.groups, Object.entries(groups).map(([word, photos]) => h("div", { class: `sw-group ${word}` }, h("h3", {}, w(`by_score_${word}`), h("span", { class: "sw-count" }, photos.length)),
      h("div", { class: "sw-minis" }, photos.slice(0, 24).map((photo) => h("img", { src: photo.thumbnail, alt: photo.file, title: photo.file, loading: "lazy" })), photos.length > 24 && h("span", { class: "sw-hint" }, `+${photos.length - 24}`)))));
    const same = !this.moved.ask || (this.firm && this.fail === this.before.fail && this.ask === this.before.ask);
    this.adopt.disabled = same || !this.app.may("set_up");
    this.reset.disabled = same;
  }

  // What the lines mean for good parts, in counts where they are counts.
  counts() {
    const stopped = this.data.steps[this.fail - 1], asked = this.data.steps[this.ask - 1];
    if (this.moved.fail || this.data.supported) return w("counts", { stopped: count(stopped.mean), low: stopped.low, high: stopped.high, asked: count(Math.max(0, asked.mean - stopped.mean)) });
    if (this.moved.ask || this.data.now.ask !== null) return w("counts_far", { asked: count(asked.mean), low: asked.low, high: asked.high });
    return w("counts_none", { photos: this.data.good.length });
  }

  async save() {
    const { rates } = this.data;
    const alpha = this.moved.fail ? this.data.steps[this.fail - 1].rate : rates.alpha;
    const both = this.moved.ask ? this.data.steps[this.ask - 1].rate : rates.alpha + rates.review;
    const why = await questioned(w("adopt_line_title"), "reason", { hint: w("adopt_hint"), go: "adopt" });
    if (why === null) return;
    await ask("adopt_line", { product: this.app.at.product, alpha, review: Math.max(0, Number((both - alpha).toFixed(6))), why });
    toast(w("adopted"));
    await this.app.refresh("line");
  }
}
