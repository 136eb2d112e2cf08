// The page beside the conversation: what is chosen, which view is open, and the polling of a job that runs.

import { ask, begin, button, fill, h, questioned, toast, w } from "./dom.js";
import { documentsView } from "./documents.js";
import { inspectView } from "./inspect.js";
import { lineView } from "./line.js";
import { setupView } from "./setup.js";

const VIEWS = { setup: setupView, inspect: inspectView, line: lineView, documents: documentsView };
const POLL_MS = 700;

export function start({ element, server, upload, props }) {
  const app = new App(element, upload, props);
  begin(props.words, (asked) => server.act(asked), () => app.me, () => app.introduce());
  app.open();
  return app;
}

class App {
  constructor(element, upload, props) {
    Object.assign(this, { element, props, language: props.language, accounts: props.accounts });
    this.upload = upload;
    const address = new URLSearchParams(location.search);
    this.at = { product: address.get("product") ?? "", lot: address.get("lot") ?? "", file: address.get("file") ?? "" };
    this.view = VIEWS[address.get("view")] ? address.get("view") : "";
    this.me = props.person || localStorage.getItem("seewhy-name") || "";
    this.turn = 0; // counts what was asked to be shown: an answer that comes late shows nothing
    this.pending = null; // a draft of a card, and photos that came with it
    this.data = null;
    window.addEventListener("seewhy:show", (event) => this.show(event.detail));
    window.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("pointerdown", (event) => event.target.closest(".sw-only-narrow") || this.talk(false));
  }

  async open() {
    this.header = h("header", { class: "sw-bar" });
    this.tabs = h("div", { class: "sw-tabs", role: "tablist", "aria-label": w("views") });
    this.job = h("div", { class: "sw-job", role: "status", hidden: true });
    this.body = h("main", { class: "sw-view", id: "sw-view", role: "tabpanel", tabindex: "-1" });
    fill(this.element, h("div", { class: "sw-app" }, this.header, h("div", { class: "sw-under" }, this.tabs, this.job), this.body,
      h("div", { id: "sw-toasts" })));
    await this.refresh();
    setInterval(() => this.poll(), POLL_MS);
  }

  // Read the workspace again and draw what is open.
  async refresh(view = this.view) {
    const turn = ++this.turn;
    const data = await ask("state", { product: this.at.product });
    if (turn !== this.turn) return; // somebody went on meanwhile
    this.data = data;
    const { products, product } = this.data;
    if (!product && products.length && !this.at.fresh) {
      this.at.product = products[0].key;
      return this.refresh(view);
    }
    if (!product) this.at = { product: "", lot: "", file: "", fresh: this.at.fresh };
    if (product && !product.lots.includes(this.at.lot)) this.at.lot = product.lots[0] ?? "";
    this.view = view || (product?.model ? "inspect" : "setup");
    if (!product) this.view = "setup";
    this.drawBar();
    this.drawJob(product?.job);
    await this.draw();
    this.tell();
  }

  async choose(product, view = "") {
    this.at = { product, lot: "", file: "", fresh: product === "" };
    this.pending = null;
    await this.refresh(view);
  }

  async go(view, at = {}) {
    this.turn += 1;
    this.view = view;
    Object.assign(this.at, at);
    const { product } = this.data;
    if (this.at.product !== (product?.key ?? "")) return this.refresh(view); // it was chosen and not read yet
    if (product && !product.lots.includes(this.at.lot)) this.at.lot = product.lots[0] ?? "";
    this.drawBar();
    await this.draw();
    this.tell();
  }

  async draw() {
    this.live?.close?.();
    this.live = null;
    const turn = this.turn;
    const place = h("div", { class: `sw-in ${this.view}` });
    fill(this.body, place);
    const live = await VIEWS[this.view](this, place);
    if (turn === this.turn) this.live = live;
    else live?.close?.();
  }

  drawBar() {
    const { products, product } = this.data;
    const names = h("select", { "aria-label": w("product"), onchange: (e) => this.choose(e.target.value) },
      products.map((one) => h("option", { value: one.key, selected: one.key === product?.key }, one.name)),
      h("option", { value: "", selected: !product }, w("new_product")));
    fill(this.header, h("span", { class: "sw-mark" }, "see", h("b", {}, "why")), h("div", { class: "sw-select" }, names),
      h("span", { class: "sw-space" }), this.talkButton(), this.person(), this.languages(), this.darkness());
    const open = product ? ["setup", "inspect", "line", "documents"] : ["setup"];
    fill(this.tabs, open.map((view) => h("button", { type: "button", role: "tab", class: "sw-tab", id: `sw-tab-${view}`,
      "aria-selected": String(view === this.view), "aria-controls": "sw-view", disabled: view !== "setup" && !product?.model,
      onclick: () => this.go(view) }, w(`tab_${view}`))));
    this.body.setAttribute("aria-labelledby", `sw-tab-${this.view}`);
  }

  // On a narrow page the conversation lies over the rest, and goes when somebody turns to that.
  talk(open) {
    document.body.classList.toggle("sw-talking", open);
  }

  talkButton() {
    return button("talk", () => this.talk(!document.body.classList.contains("sw-talking")), { class: "quiet sw-only-narrow" });
  }

  person() {
    if (this.accounts) {
      const role = w(`role_${this.data.person.role}`);
      return h("form", { method: "post", action: "/logout", class: "sw-person" }, h("span", {}, `${this.data.person.name} · ${role}`),
        h("button", { class: "sw-button quiet", type: "submit" }, w("log_out")));
    }
    const input = h("input", { type: "text", value: this.me, placeholder: w("your_name"), "aria-label": w("your_name"), maxlength: 100,
      class: "sw-name", onchange: () => this.called(input.value) });
    return input;
  }

  called(name) {
    this.me = name.trim();
    localStorage.setItem("seewhy-name", this.me);
    this.tell();
  }

  async introduce() {
    const name = this.accounts ? null : await questioned(w("name_wanted"), "your_name", { hint: w("name_why") });
    if (!name?.trim()) return false;
    this.called(name);
    this.drawBar();
    return true;
  }

  languages() {
    return h("nav", { class: "sw-languages", "aria-label": w("language") }, [["en", "EN"], ["ko", "한국어"]].map(([code, name]) =>
      h("a", { href: `/language/${code}${this.address()}`, lang: code, "aria-current": code === this.language ? "true" : null }, name)));
  }

  darkness() {
    const dark = () => document.body.classList.contains("dark");
    return h("button", { type: "button", class: "sw-button quiet icon", "aria-label": w("dark"), "aria-pressed": String(dark()), onclick: (e) => {
      document.body.classList.toggle("dark");
      localStorage.setItem("seewhy-dark", dark() ? "1" : "0");
      e.target.setAttribute("aria-pressed", String(dark()));
    } }, "◐");
  }

  // Gradio names its own parts in English alone, and what scrolls must be reached by the keyboard.
  named() {
    document.querySelectorAll("#sw-messages [role=log]").forEach((one) => { one.tabIndex = 0; one.setAttribute("aria-label", w("talk")); });
    for (const [found, key] of [["textarea, [role=textbox]", "say"], ["[aria-label*=upload], .upload-button", "attach"], ["[aria-label='Multimedia input field']", "say"]]) {
      document.querySelectorAll(`#sw-say :is(${found})`).forEach((one) => one.setAttribute("aria-label", w(key)));
    }
  }

  // What the conversation must know, and what the address says, so that a reload shows the same.
  tell() {
    const { product, lot, file } = this.at;
    window.seewhyAt = { product, lot, file, me: this.me };
    window.dispatchEvent(new CustomEvent("seewhy:at", { detail: window.seewhyAt }));
    this.named();
    history.replaceState(null, "", this.address() || location.pathname);
  }

  address() {
    const said = Object.entries({ ...this.at, fresh: "", view: this.view }).filter(([, value]) => value);
    return said.length ? `?${new URLSearchParams(said)}` : "";
  }

  // What an answer of the conversation asks to be shown.
  async show(said) {
    if (!said || !said.tab) return;
    if (said.draft) this.pending = { form: said.draft, files: said.files ?? this.pending?.files ?? [] };
    else if (said.files) this.pending = { form: null, files: said.files };
    const at = Object.fromEntries(["lot", "file"].filter((name) => said[name]).map((name) => [name, said[name]]));
    Object.assign(this.at, at);
    this.asked = said;
    if (said.draft || said.tab !== "inspect") this.talk(false); // what is said of a photo is read in the conversation
    await this.refresh(said.tab);
    this.asked = null;
  }

  async files(list) {
    const sent = [];
    for (const file of list) {
      try {
        const { path } = await this.upload(file);
        sent.push({ path, name: file.name });
      } catch {
        toast(w("upload_failed", { name: file.name }), "problem");
      }
    }
    return sent;
  }

  tookFiles({ kept, there, refused }) {
    const told = [kept.length > 0 && w("kept", { count: kept.length }), there.length > 0 && w("there", { count: there.length })].filter(Boolean);
    if (told.length) toast(told.join(" "));
    refused.forEach((why) => toast(why, "problem"));
  }

  async poll() {
    this.named();
    const key = this.data?.product?.key;
    if (!key || document.hidden || this.polling) return;
    this.polling = true;
    try {
      const job = await ask("job", { product: key });
      if (key !== this.data?.product?.key) return; // another product was chosen meanwhile
      const before = this.data.product?.job;
      if (JSON.stringify(job) === JSON.stringify(before)) return;
      if (this.data.product) this.data.product.job = job;
      this.drawJob(job);
      const over = job && !["running", "paused"].includes(job.state);
      // One that began and ended between two looks has ended too.
      if (over && (before?.id !== job.id || before.state !== job.state)) await this.ended(job);
      else this.live?.job?.(job);
    } finally {
      this.polling = false;
    }
  }

  // A job ended: the view that is open takes in what is new, and is not drawn anew under somebody's hands.
  async ended(job) {
    if (job.state === "failed") toast(job.problem, "problem");
    if (job.kind === "learn" && job.state === "done") toast(w("learned"));
    if (this.view !== "inspect" && !this.live?.keeps) return this.refresh(); // a drawing in the making is kept
    this.data = await ask("state", { product: this.at.product });
    this.drawBar();
    await this.live?.job?.(job);
  }

  drawJob(job) {
    const runs = job && ["running", "paused"].includes(job.state);
    this.job.hidden = !runs;
    if (!runs) return;
    const share = job.total ? Math.min(1, job.done / job.total) : 0;
    const left = job.left_s === null ? "" : w(job.left_s > 90 ? "minutes_left" : "seconds_left", { left: job.left_s > 90 ? Math.round(job.left_s / 60) : job.left_s });
    const change = (name) => async () => this.drawJob(await ask(name, { product: this.at.product }));
    fill(this.job, h("span", {}, w(`job_${job.kind}`)), h("progress", { max: 1, value: share, "aria-label": w(`job_${job.kind}`) }),
      h("span", { class: "sw-hint" }, job.total ? `${job.done} / ${job.total}` : "", left && ` · ${left}`),
      button(job.state === "paused" ? "resume" : "pause", change("pause"), { class: "quiet" }), button("stop", change("stop"), { class: "quiet" }));
  }

  may(what) {
    return this.data.person.may.includes(what);
  }

  key(event) {
    if (event.key === "Escape" && document.body.classList.contains("sw-talking")) return this.talk(false);
    if (event.target.closest("input, textarea, select, dialog, [contenteditable]") || event.ctrlKey || event.metaKey || event.altKey) return;
    this.live?.key?.(event);
  }
}
