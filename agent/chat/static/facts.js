// What is known of the open photo: verdict, score among good parts, findings with sources, and what people say of it.

import { ask, badge, button, field, fill, h, number, questioned, toast, w } from "./dom.js";

export function factsPanel(app, view) {
  const seen = view.seen;
  return [
    verdict(seen),
    !seen.refused && score(seen.score),
    h("ol", { class: "sw-findings" }, seen.findings.map((finding) => findingCard(app, view, finding))),
    people(app, view),
    seen.missing?.length > 0 && h("details", { class: "sw-more" }, h("summary", {}, w("missing")), h("ul", {}, seen.missing.map((text) => h("li", {}, text)))),
    seen.provenance?.length > 0 && h("details", { class: "sw-more" }, h("summary", {}, w("provenance")), h("dl", { class: "sw-dl" }, seen.provenance.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]))),
    decision(app, view), // last, as it stays at the panel's foot
  ];
}

function verdict(seen) {
  const differs = seen.stands !== seen.machine;
  return h("header", { class: `sw-verdict ${seen.stands}` }, h("strong", {}, seen.stands_word), seen.severity && !differs && h("span", {}, seen.severity),
    differs && h("span", { class: "sw-hint" }, w("machine_said", { verdict: seen.machine_word })),
    h("details", { class: "sw-more", open: ["review", "refused"].includes(seen.stands) }, h("summary", {}, w("why")), h("ul", {}, seen.reasons.map((reason) => h("li", {}, reason)))));
}

// Where the score lies: good photos as ticks, the two lines, this photo as a mark.
function score(score) {
  const top = 1.15 * Math.max(score.value, score.fail ?? 0, ...score.good, 1e-9);
  const low = Math.min(score.value, ...score.good, score.fail ?? score.value) * 0.9;
  const x = (value) => 100 * Math.min(1, Math.max(0, (value - low) / (top - low)));
  const bar = h("svg", { class: "sw-score", viewBox: "0 0 100 22", preserveAspectRatio: "none", "aria-hidden": "true" },
    h("rect", { x: 0, y: 8, width: 100, height: 6, rx: 1, class: "rail" }),
    score.fail !== null && h("rect", { x: x(score.fail), y: 8, width: 100 - x(score.fail), height: 6, class: "stopped" }),
    score.asks && h("rect", { x: x(score.passes ?? low), y: 8, width: Math.max(0, x(score.fail ?? top) - x(score.passes ?? low)), height: 6, class: "asked" }),
    score.good.map((value) => h("line", { x1: x(value), x2: x(value), y1: 9, y2: 13, class: "good" })),
    h("line", { x1: x(score.value), x2: x(score.value), y1: 2, y2: 20, class: "own" }));
  return h("div", { class: "sw-scored" }, h("div", { class: "sw-row" }, h("span", {}, w("score", { score: score.word })), h("span", { class: "sw-space" }),
    score.fail !== null && h("span", { class: "sw-hint" }, w("threshold", { line: number(score.fail) }))), bar, score.among && h("p", { class: "sw-hint" }, score.among));
}

function findingCard(app, view, finding) {
  const open = view.chosen === finding.number;
  const head = h("button", { type: "button", class: "sw-finding-head", "aria-expanded": String(open), onclick: () => view.choose(open ? null : finding.number) },
    h("span", { class: "sw-dot" }, finding.number), h("span", { class: "sw-finding-type" }, finding.type), source(finding.type_source, finding.type_status),
    finding.false_alarm ? badge("pass", w("false_alarm")) : badge(finding.verdict, w(`verdict_${finding.verdict}`)));
  if (!open) return h("li", { class: "sw-finding" }, head);
  return h("li", { class: "sw-finding open" }, head, h("div", { class: "sw-finding-body" },
    h("p", {}, finding.sentence), h("p", { class: "sw-hint" }, finding.ruled),
    finding.silence && h("p", { class: "sw-note" }, finding.silence),
    h("ul", { class: "sw-said" }, finding.appearance.map((one) => h("li", {}, one.text, " ", source(one.source, one.status)))),
    finding.claims.length > 0 && h("ul", { class: "sw-said" }, finding.claims.map((one) => h("li", {}, `${one.name}: ${one.value} `, source(one.checked, one.status), " ", one.because))),
    finding.causes.length > 0 && h("div", {}, h("h3", {}, w("causes")), h("ul", { class: "sw-said" }, finding.causes.map((one) =>
      h("li", {}, one.text, " ", source(one.stated_by, "unverified"), one.check && h("p", { class: "sw-hint" }, one.check))))),
    h("details", { class: "sw-more" }, h("summary", {}, w("measured")), h("dl", { class: "sw-dl" }, finding.facts.map((fact) => [h("dt", {}, fact.name), h("dd", {}, fact.value, " ", source(fact.source, fact.status))]))),
    acts(app, view, finding)));
}

function source(text, status) {
  return h("span", { class: `sw-source ${status}` }, text);
}

function acts(app, view, finding) {
  const { product, lot, file } = app.at;
  const place = h("div", { class: "sw-past", "aria-live": "polite" });
  const named = async () => {
    const type = await questioned(w("name_title", { number: finding.number }), "type", { hint: w("name_hint"), go: "name_it" });
    if (type !== null) await entered(view, "name_type", { product, lot, file, finding: finding.number, type });
  };
  const fine = async () => {
    const why = await questioned(w("fine_title", { number: finding.number }), "reason", { hint: w("fine_hint"), go: "fine" });
    if (why !== null) await entered(view, "fine", { product, lot, file, finding: finding.number, why });
  };
  const past = async () => fill(place, pastList(await ask("similar", { product, entry: view.seen.seq, finding: finding.number })));
  const off = !app.may("judge");
  return [h("div", { class: "sw-row" }, button("fine", fine, { disabled: off || finding.false_alarm }), button("name_it", named, { disabled: off }), button("seen_before", past, { class: "quiet" })), place];
}

function pastList(found) {
  if (!found.length) return h("p", { class: "sw-hint" }, w("not_seen"));
  return h("ul", { class: "sw-said" }, found.map((one) => h("li", {}, `${one.photo} · ${one.at.slice(0, 10)} · `, h("b", {}, one.type), ` · ${w("likeness", { share: Math.round(100 * one.likeness) })}`,
    one.confirmed_by && ` · ${one.confirmed_by}`)));
}

async function entered(view, act, given) {
  await ask(act, given);
  toast(w("entered"));
  await view.entered(act);
}

// A person's verdict: agree, overrule or decide; a missed defect; a photo that counts as good from now on.
function decision(app, view) {
  const { seen } = view;
  if (!app.may("judge")) return null;
  const at = { product: app.at.product, lot: app.at.lot, file: app.at.file };
  const agree = async () => entered(view, "judge", { ...at, verdict: seen.machine });
  const other = (verdict) => async () => {
    const why = await questioned(w(`decide_${verdict}`), "reason", { hint: w(seen.machine === "review" ? "decide_hint" : "overrule_hint"), go: `decide_${verdict}` });
    if (why !== null) await entered(view, "judge", { ...at, verdict, why });
  };
  const decided = seen.machine === "pass" || seen.machine === "fail";
  const buttons = decided
    ? [button("agree", agree, { class: "main" }), button(seen.machine === "fail" ? "decide_pass" : "decide_fail", other(seen.machine === "fail" ? "pass" : "fail"))]
    : [button("decide_pass", other("pass")), button("decide_fail", other("fail"))];
  const reviewed = seen.people.some((one) => one.kind === "review");
  return h("section", { class: "sw-decide", "aria-label": w("your_verdict") },
    h("div", { class: "sw-row" }, h("h3", {}, w("your_verdict")), h("span", { class: "sw-space" }), reviewed ? h("span", { class: "sw-hint" }, w("reviewed")) : buttons),
    h("div", { class: "sw-row sw-quiet" }, !seen.refused && [button("missed", () => missed(app, view), { class: "quiet" }), button("comment", () => remark(view, at), { class: "quiet" }),
      app.may("set_up") && seen.stands === "pass" && button("learn_as_good", async () => app.tookFiles(await ask("learn_as_good", at)), { class: "quiet" })],
      app.may("dispose") && seen.stands === "fail" && !seen.people.some((one) => one.kind === "disposition") && button("dispose", () => dispose(view, at), { class: "quiet" }),
      app.may("sign") && button("sign", () => sign(app, view, at), { class: "quiet" })));
}

// What becomes of a part that doesn't conform.
function dispose(view, at) {
  const action = choices(view.seen.action);
  const concession = h("input", { type: "text", maxlength: 200 });
  form(view, "dispose", [field("action", action), field("concession", concession, w("concession_hint"))],
    () => ({ ...at, action: action.value, concession: concession.value }));
}

function sign(app, view, at) {
  const meaning = choices(view.seen.meaning);
  const role = app.accounts ? null : h("input", { type: "text", required: true, maxlength: 200 });
  form(view, "sign", [h("p", { class: "sw-hint" }, w("sign_hint")), field("meaning", meaning), role && field("own_role", role)],
    () => ({ ...at, meaning: meaning.value, role: role?.value ?? "" }));
}

function choices(given) {
  return h("select", {}, given.map(([value, word]) => h("option", { value }, word)));
}

// A form in place of the facts, with a reason; what it enters is an entry of the ledger.
function form(view, act, fields, given) {
  const why = h("input", { type: "text", required: true, maxlength: 2000 });
  fill(view.panel, h("form", { class: "sw-panel", "aria-label": w(act), onsubmit: async (event) => {
    event.preventDefault();
    await entered(view, act, { ...given(), why: why.value });
  } }, h("h3", {}, w(act)), fields, field("reason", why), h("div", { class: "sw-row end" }, button("cancel", () => view.facts(), { class: "quiet" }),
    h("button", { type: "submit", class: "sw-button main" }, w("enter")))));
}

async function remark(view, at) {
  const words = await questioned(w("comment"), "remark", { go: "ok" });
  if (words !== null) await entered(view, "comment", { ...at, words });
}

// Draw a box, then say what it is.
function missed(app, view) {
  view.stage.draw("box");
  const type = h("input", { type: "text", required: true, maxlength: 120 });
  const why = h("input", { type: "text", maxlength: 2000 });
  let box = null;
  const note = h("p", { class: "sw-note", role: "status" }, w("draw"));
  view.drawn = (drawn) => { box = drawn; note.textContent = w("drawn"); type.focus(); };
  const form = h("form", { class: "sw-panel sw-missed", onsubmit: async (event) => {
    event.preventDefault();
    if (!box) return toast(w("draw"), "problem");
    view.stage.draw("");
    await entered(view, "missed", { product: app.at.product, lot: app.at.lot, file: app.at.file, type: type.value, box, why: why.value });
  } }, h("h3", {}, w("missed")), note, field("type", type), field("reason", why),
    h("div", { class: "sw-row end" }, button("cancel", () => { view.stage.draw(""); view.facts(); }, { class: "quiet" }), h("button", { type: "submit", class: "sw-button main" }, w("enter_missed"))));
  fill(view.panel, form);
}

function people(app, view) {
  const { seen } = view;
  if (!seen.people.length) return null;
  const back = async () => {
    const why = await questioned(w("take_back"), "reason", { go: "take_back" });
    if (why !== null) await entered(view, "take_back", { product: app.at.product, lot: app.at.lot, file: app.at.file, why });
  };
  return h("section", { class: "sw-people" }, h("h3", {}, w("people")), h("ol", {}, seen.people.map((one) => h("li", {}, one.text, h("span", { class: "sw-hint" }, ` ${one.at}`)))),
    app.may("judge") && button("take_back", back, { class: "quiet" }));
}
