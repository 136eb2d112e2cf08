// A camera of this machine or of the server: what it sees, and a key that takes a photo into the lot.

import { ask, button, fill, h, w } from "./dom.js";

const LOOK_MS = 300; // between two pictures of a camera at the server

export class Camera {
  // `take` is given files; `done` is called when it is closed.
  constructor(app, take, done) {
    Object.assign(this, { app, take, done });
    this.picture = h("div", { class: "sw-seen" });
    this.choice = h("div", { class: "sw-row" });
    this.shoot = button("shoot", () => this.shot(), { class: "main", disabled: true });
    this.element = h("section", { class: "sw-panel sw-camera", "aria-label": w("camera") }, this.choice, this.picture,
      h("div", { class: "sw-row end" }, button("camera_off", () => this.leave(), { class: "quiet" }), this.shoot));
  }

  async open() {
    const own = navigator.mediaDevices ? [["", w("camera_here")]] : [];
    const sources = [...this.app.data.cameras.map((name) => [name, name]), ...own];
    fill(this.choice, h("h2", {}, w("camera")), h("span", { class: "sw-space" }), sources.length > 1 && h("div", { class: "sw-select" }, h("select", { "aria-label": w("camera"), onchange: (event) => this.to(event.target.value) },
      sources.map(([value, name]) => h("option", { value }, name)))));
    if (sources.length) await this.to(sources[0][0]);
    else fill(this.picture, h("p", { class: "sw-empty" }, w("camera_unsafe")));
  }

  async to(name) {
    this.release();
    this.name = name;
    this.shoot.disabled = true;
    await (name ? this.far(name) : this.near());
  }

  // A camera of the server, picture by picture.
  far(name) {
    const seen = h("img", { alt: w("camera_alt", { name }) });
    const none = h("p", { class: "sw-hint", role: "status" }, w("camera_waiting"));
    fill(this.picture, seen, none);
    const next = () => { seen.src = `/cameras/${encodeURIComponent(name)}.jpg?at=${Date.now()}`; };
    seen.addEventListener("load", () => { none.hidden = true; this.shoot.disabled = false; this.timer = setTimeout(next, LOOK_MS); });
    seen.addEventListener("error", () => { none.hidden = false; this.shoot.disabled = true; this.timer = setTimeout(next, 4 * LOOK_MS); });
    next();
  }

  // A camera of this machine.
  async near() {
    this.video = h("video", { autoplay: true, playsinline: true, "aria-label": w("camera_alt", { name: w("camera_here") }) });
    this.video.muted = true;
    fill(this.picture, this.video);
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 4096 }, height: { ideal: 2160 } } });
      if (this.name !== "" || this.closed) return stream.getTracks().forEach((track) => track.stop());
      this.stream = stream;
      this.video.srcObject = stream;
      await this.video.play();
      this.shoot.disabled = false;
    } catch {
      fill(this.picture, h("p", { class: "sw-empty" }, w("camera_refused")));
    }
  }

  async shot() {
    if (this.shoot.disabled) return;
    this.shoot.disabled = true;
    try {
      if (this.name) await this.take(null, await ask("snapshot", { product: this.app.at.product, camera: this.name }));
      else await this.take([await this.still()], null);
    } finally {
      this.shoot.disabled = false;
    }
  }

  // What the camera sees, without loss.
  still() {
    const canvas = h("canvas", {});
    Object.assign(canvas, { width: this.video.videoWidth, height: this.video.videoHeight });
    canvas.getContext("2d").drawImage(this.video, 0, 0);
    const at = new Date().toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
    return new Promise((resolve) => { canvas.toBlob((blob) => resolve(new File([blob], `camera-${at}.png`, { type: "image/png" })), "image/png"); });
  }

  release() {
    clearTimeout(this.timer);
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
  }

  leave() {
    this.close();
    this.done();
  }

  close() {
    this.closed = true;
    this.release();
  }
}
