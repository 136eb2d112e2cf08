// Elements, words and calls. Text goes into the page as text alone: nothing here writes HTML.

let words = {};
let act = null;
let owner = () => "";
let introduced = async () => false;

// `introduce` asks somebody for their name; whether they gave one comes back.
export function begin(catalogue, server, name, introduce) {
  words = catalogue;
  act = server;
  owner = name;
  introduced = introduce;
}

export function w(key, values = {}) {
  const message = words[key] ?? key;
  return message.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

export function h(tag, attributes = {}, ...children) {
  const svg = ["svg", "path", "polygon", "polyline", "rect", "line", "circle", "text", "g"].includes(tag);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.setAttribute("class", value);
    else if (name === "value" && "value" in made) made.value = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  put(made, ...children);
  return made;
}

export function put(parent, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

export function fill(parent, ...children) {
  parent.replaceChildren();
  put(parent, ...children);
}

// A text whose commands stand between backticks.
export function marked(text) {
  return text.split("`").map((part, at) => (at % 2 ? h("code", {}, part) : part));
}

// Ask the server to do something; a refusal is shown and thrown. Where a name is wanted it is asked for, and nothing that was said is lost.
export async function ask(name, given = {}) {
  const told = await act({ name, given, me: owner() });
  if (told.wants === "name" && await introduced()) return ask(name, given);
  if (told.problem) {
    toast(told.problem, "problem");
    throw new Error(told.problem);
  }
  return told.answer;
}

export function toast(text, kind = "done") {
  const place = document.getElementById("sw-toasts");
  const shown = h("div", { class: `sw-toast ${kind}`, role: kind === "problem" ? "alert" : "status" }, text);
  [...place.children].filter((one) => one.textContent === text).forEach((one) => one.remove());
  place.append(shown);
  setTimeout(() => shown.remove(), kind === "problem" ? 9000 : 4000);
}

export function button(key, onclick, attributes = {}) {
  return h("button", { type: "button", ...attributes, class: `sw-button ${attributes.class ?? ""}`, onclick }, w(key));
}

export function field(key, input, hint = "") {
  const id = `sw-${key}-${Math.random().toString(36).slice(2, 8)}`;
  input.id = id;
  return h("div", { class: "sw-field" }, h("label", { for: id }, w(key)), input, hint && h("p", { class: "sw-hint" }, hint));
}

// A question with one line of text, in the page's own dialog; null where it was closed.
// With choices, [value, label] each: the one that was taken comes back too, as [choice, text].
export function questioned(title, label, { value = "", hint = "", go = "ok", optional = false, choices = null, choice = "" } = {}) {
  return new Promise((resolve) => {
    const select = choices && h("select", { required: true }, h("option", { value: "" }, ""), choices.map(([code, said]) => h("option", { value: code }, said)));
    const input = h("input", { type: "text", value, required: !optional, maxlength: 2000 });
    const form = h("form", { method: "dialog" },
      h("h2", {}, title), select && field(choice, select), field(label, input, hint),
      h("div", { class: "sw-row end" },
        button("cancel", () => dialog.close("no"), { class: "quiet" }),
        h("button", { type: "submit", class: "sw-button main" }, w(go))));
    const dialog = h("dialog", { class: "sw-dialog", "aria-label": title, onclose: () => {
      const said = dialog.returnValue !== "yes" ? null : select ? [select.value, input.value] : input.value;
      dialog.remove();
      resolve(said);
    } }, form);
    form.addEventListener("submit", (event) => { event.preventDefault(); dialog.close("yes"); });
    document.querySelector(".sw-app").append(dialog);
    dialog.showModal();
    (select ?? input).focus();
  });
}

// What is wrong with good photos that are set aside, and why: [cause, reason]; null where nobody said.
export const faulted = (title, causes) => questioned(title, "reason", { hint: w("odd_reason"), go: "ok", choice: "odd_cause", choices: causes });

// A place to drop files on, or to choose them with a click or a key.
export function dropzone(key, hint, take) {
  const input = h("input", { type: "file", multiple: true, accept: "image/*,.tif,.tiff,.bmp", class: "sw-file", "aria-label": w(key),
    onchange: () => { take([...input.files]); input.value = ""; } });
  const zone = h("label", { class: "sw-drop" }, input, h("span", { class: "sw-drop-title" }, w(key)), h("span", { class: "sw-hint" }, hint));
  for (const kind of ["dragenter", "dragover"]) zone.addEventListener(kind, (e) => { e.preventDefault(); zone.classList.add("over"); });
  for (const kind of ["dragleave", "drop"]) zone.addEventListener(kind, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => { event.preventDefault(); take([...event.dataTransfer.files]); });
  return zone;
}

export function number(value) {
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(4)));
}

export function badge(verdict, text) {
  return h("span", { class: `sw-badge ${verdict}` }, text);
}
