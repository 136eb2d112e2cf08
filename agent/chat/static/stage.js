// A photo with its contours: zoom and pan, the heat map over it, the nearest good photo wiped across it, a box drawn on it.

import { button, fill, h, w } from "./dom.js";

export class Stage {
  constructor(seen, { choose, drawn, clicked, layer }) {
    Object.assign(this, { seen, onchoose: choose, ondrawn: drawn, onclicked: clicked, scale: 1, x: 0, y: 0, drawing: "" });
    const [width, height] = seen.size ?? [4, 3];
    this.photo = h("img", { class: "sw-base", src: seen.photo, alt: w("photo_alt", { name: seen.name, count: seen.findings.length }), draggable: "false" });
    this.heat = seen.heat && h("img", { class: "sw-heat", src: seen.heat, alt: "", draggable: "false" });
    this.good = seen.good && h("div", { class: "sw-good" }, h("img", { src: seen.good, alt: w("good_alt"), draggable: "false" }));
    this.lines = h("svg", { class: "sw-lines", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "group", "aria-label": w("findings") });
    this.sheet = h("div", { class: "sw-sheet", style: `--ratio:${width / height}` }, this.photo, this.heat, this.good, this.lines);
    this.frame = h("div", { class: "sw-frame-big", tabindex: "0", "aria-label": w("photo") }, this.sheet);
    this.element = h("div", { class: "sw-stage" }, this.frame, this.tools());
    this.mark();
    this.hand();
    this.watch = new ResizeObserver(() => this.place());
    this.watch.observe(this.frame);
    if (layer === "good" && this.good) this.toggle("good");
  }

  close() {
    this.watch.disconnect();
  }

  tools() {
    const slider = (key, value, set, on) => {
      const input = h("input", { type: "range", min: 0, max: 100, value, oninput: () => set(input.value / 100) });
      set(value / 100);
      return h("label", { class: "sw-slider", hidden: !on }, h("span", {}, w(key)), input);
    };
    this.opacity = this.heat && slider("heat", 0, (share) => { this.heat.style.opacity = share; }, true);
    this.wipe = this.good && slider("wipe", 0, (share) => { this.good.style.setProperty("--wipe", `${100 * share}%`); this.good.hidden = share === 0; }, true);
    const shown = h("input", { type: "checkbox", checked: true, onchange: () => this.frame.classList.toggle("bare", !shown.checked) });
    this.contours = shown;
    return h("div", { class: "sw-row sw-tools" }, this.seen.findings.length > 0 && h("label", { class: "sw-slider" }, shown, w("contours")), this.opacity, this.wipe, h("span", { class: "sw-space" }),
      h("button", { type: "button", class: "sw-button quiet icon", "aria-label": w("zoom_out"), onclick: () => this.zoom(0.8) }, "−"),
      button("fit", () => this.fit(), { class: "quiet" }),
      h("button", { type: "button", class: "sw-button quiet icon", "aria-label": w("zoom_in"), onclick: () => this.zoom(1.25) }, "+"));
  }

  toggle(layer) {
    if (layer === "contours") return this.contours.click();
    const input = (layer === "heat" ? this.opacity : this.wipe)?.querySelector("input");
    if (!input) return;
    input.value = input.value === "0" ? (layer === "heat" ? 70 : 50) : 0;
    input.dispatchEvent(new Event("input"));
  }

  // Contours and numbers; each can be reached by the keyboard.
  mark() {
    const [width] = this.seen.size ?? [4, 3];
    fill(this.lines, this.seen.findings.map((finding) => {
      const [x0, y0] = finding.outline.flat().reduce((top, point) => (point[1] < top[1] ? point : top), finding.box); // where the contour begins
      const size = width / 34;
      const label = h("g", { class: "sw-number", transform: `translate(${Math.min(width - size * 2, Math.max(0, x0 - size * 0.2))} ${Math.max(size, y0 - size * 0.25)})` },
        h("rect", { x: 0, y: -size, width: size * (0.5 + 0.55 * String(finding.number).length), height: size, rx: size * 0.2 }),
        h("text", { x: size * (0.25 + 0.275 * String(finding.number).length), y: -size * 0.22, "font-size": size * 0.78, "text-anchor": "middle" }, finding.number));
      return h("g", { class: `sw-region${finding.false_alarm || finding.also_unusual ? " fine" : ""}`, role: "button", tabindex: "0", "data-number": finding.number,
        "aria-label": w("finding_named", { number: finding.number, type: finding.type }),
        onclick: () => { if (!this.moved) this.onchoose(finding.number); },
        onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.onchoose(finding.number); } } },
        finding.outline.map((polygon) => [h("polygon", { class: "under", points: polygon.map((p) => p.join(",")).join(" ") }), h("polygon", { points: polygon.map((p) => p.join(",")).join(" ") })]),
        label);
    }));
  }

  choose(number) {
    this.lines.querySelectorAll(".sw-region").forEach((one) => one.classList.toggle("chosen", Number(one.dataset.number) === number));
  }

  // ---- zoom and pan

  hand() {
    this.frame.addEventListener("wheel", (event) => {
      event.preventDefault();
      const box = this.frame.getBoundingClientRect();
      this.zoom(event.deltaY < 0 ? 1.15 : 0.87, event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2);
    }, { passive: false });
    this.frame.addEventListener("pointerdown", (event) => (this.drawing === "box" ? this.box(event) : this.pan(event)));
    this.frame.addEventListener("dblclick", () => this.drawing || this.fit());
  }

  pan(start) {
    this.moved = false;
    const { x, y } = this;
    const move = (event) => {
      if (Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > 4) this.moved = true;
      this.x = x + event.clientX - start.clientX;
      this.y = y + event.clientY - start.clientY;
      if (this.moved) this.place();
    };
    const up = (event) => {
      window.removeEventListener("pointermove", move);
      if (this.drawing === "points" && !this.moved) this.onclicked(this.at(event));
      setTimeout(() => { this.moved = false; });
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", up, { once: true });
  }

  zoom(by, x = 0, y = 0) {
    const scale = Math.min(16, Math.max(1, this.scale * by));
    const real = scale / this.scale;
    Object.assign(this, { scale, x: x - (x - this.x) * real, y: y - (y - this.y) * real });
    if (scale === 1) Object.assign(this, { x: 0, y: 0 });
    this.place();
  }

  fit() {
    Object.assign(this, { scale: 1, x: 0, y: 0 });
    this.place();
  }

  place() {
    this.sheet.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.sheet.style.setProperty("--zoom", this.scale);
  }

  // ---- a box drawn by hand, or points clicked, in the photo's own pixels

  // What the pointer does: "box", "points", or "" for moving the photo alone.
  draw(what) {
    this.drawing = what;
    this.frame.classList.toggle("drawing", what !== "");
    this.drawnBox?.remove();
  }

  at(event) {
    const rect = this.lines.getBoundingClientRect();
    const [width, height] = this.seen.size;
    return [Math.min(width, Math.max(0, (event.clientX - rect.left) / rect.width * width)), Math.min(height, Math.max(0, (event.clientY - rect.top) / rect.height * height))];
  }

  // How many of the photo's pixels one on the screen is.
  get coarse() {
    return this.seen.size[0] / this.lines.getBoundingClientRect().width;
  }

  box(start) {
    start.preventDefault();
    const [sx, sy] = this.at(start);
    this.drawnBox?.remove();
    this.drawnBox = h("rect", { class: "sw-drawn" });
    this.lines.append(this.drawnBox);
    let box = null;
    const move = (event) => {
      const [x, y] = this.at(event);
      box = [Math.floor(Math.min(sx, x)), Math.floor(Math.min(sy, y)), Math.ceil(Math.max(sx, x)), Math.ceil(Math.max(sy, y))];
      for (const [name, value] of Object.entries({ x: box[0], y: box[1], width: box[2] - box[0], height: box[3] - box[1] })) this.drawnBox.setAttribute(name, value);
    };
    const up = () => {
      window.removeEventListener("pointermove", move);
      if (box && box[2] - box[0] > 2 && box[3] - box[1] > 2) this.ondrawn(box);
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", up, { once: true });
  }
}
