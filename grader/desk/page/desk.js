// The marking desk: all answers to one question are here at once, so that going on takes no time.
// What a marker does is shown at once and sent one after the other; until the server has it, it is
// kept in `drafts`, sent again where sending failed, and the page asks before it closes.
"use strict";

const BASE = location.pathname.replace(/desk\/?$/, "");
const LETTERS = [..."abdehilmoqrtvwxyz"]; // for comments: those that no other key takes
const WAIT = 2000; // milliseconds until what could not be sent is sent again
const PAUSE = 700; // and from the last letter of a comment until it is sent
const LONGEST = 700; // words of an answer that are compared one by one

let question = null; // what the server says of the question
let at = 0; // index of the answer in view
let drafts = {}; // token -> {points, comment, flagged, waits} that the server hasn't yet
let skipped = new Set();
let others = []; // that say the same as the answer in view, and waited when it came into view
let together = true; // marks and comments go to them, too
let queue = Promise.resolve();
let unsent = 0;
let refused = null; // token of the answer that the page complains of
let timer = null;

const $ = (id) => document.getElementById(id);

// -- elements -------------------------------------------------------------------------------------

function make(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// The server has made it harmless; see grader/desk/answers.py.
function html(text, className) {
  const element = make("div", { className });
  element.innerHTML = text;
  for (const code of element.querySelectorAll("code.math, pre.math")) {
    const shown = code.tagName === "PRE" ? `$$${code.textContent}$$` : code.textContent;
    code.replaceWith(make(code.tagName === "PRE" ? "div" : "span", {}, shown));
  }
  typeset(element);
  return element;
}

function typeset(element) {
  if (window.MathJax && MathJax.Hub) MathJax.Hub.Queue(["Typeset", MathJax.Hub, element]);
}

function loadFormulas() {
  window.MathJax = {
    messageStyle: "none",
    showMathMenu: false,
    tex2jax: { inlineMath: [["$", "$"], ["\\(", "\\)"]], processEscapes: true },
    "HTML-CSS": { availableFonts: [], webFont: "STIX-Web", linebreaks: { automatic: true } }, // what Jupyter ships
  };
  const source = `${BASE}static/jupyter_server_mathjax/MathJax.js?config=TeX-AMS-MML_HTMLorMML-full,Safe`;
  document.head.append(make("script", { src: source, async: true }));
}

const number = (value) => String(Math.round(value * 100) / 100);
const points = (value) => `${number(value)} point${value === 1 ? "" : "s"}`;

// -- talking to the server ------------------------------------------------------------------------

async function ask(path, body) {
  const options = { headers: {}, keepalive: body !== undefined };
  if (body !== undefined) {
    options.method = "POST";
    options.body = JSON.stringify(body);
    const cookie = document.cookie.match(/(?:^|; )_xsrf=([^;]*)/);
    options.headers["X-XSRFToken"] = cookie ? decodeURIComponent(cookie[1]) : "";
  }
  const reply = await fetch(`${BASE}desk/api/${path}`, options);
  if (reply.status === 403) throw new Refusal("This desk was started anew: open the address it printed.");
  const found = await reply.json();
  if (reply.status === 409 || reply.status === 400) throw new Refusal(found.error || found.message);
  if (!reply.ok) throw new Error(found.error || found.message || reply.statusText);
  return found;
}

class Refusal extends Error {}

function say(text) { $("status").textContent = text; }

function complain(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

// -- marks ----------------------------------------------------------------------------------------

const current = () => question.answers[at];
const given = (answer) => ({ ...question.given[answer.answer], ...drafts[answer.answer] });
const waits = (answer) => {
  const draft = drafts[answer.answer];
  if (draft) return draft.waits;
  return question.given[answer.answer].waits || answer.answer in question.unsettled;
};

const alike = () => together ? [current(), ...others] : [current()];

function give(change, answers = alike()) {
  for (const answer of answers) {
    const { points, comment, flagged } = given(answer);
    drafts[answer.answer] = { points, comment, flagged, waits: waits(answer) && !("points" in change), ...change };
  }
  const tokens = answers.map((answer) => answer.answer);
  send(tokens, question);
  showMark();
}

function send(tokens, about) {
  unsent += 1;
  say("saving …");
  queue = queue.then(() => sendNow(tokens, about)).catch((error) => complain(error.message)).finally(() => {
    unsent -= 1;
    if (!unsent) say($("trouble").hidden ? "saved" : "");
  });
}

async function sendNow(tokens, about) {
  const found = Object.fromEntries(about.answers.map((answer) => [answer.answer, answer]));
  const sent = tokens.filter((token) => drafts[token]).map((token) => [token, drafts[token]]);
  if (!sent.length) return; // an earlier message took it along
  const marks = sent.map(([token, draft]) => ({
    answer: token,
    digest: found[token].digest,
    seen: about.given[token],
    points: draft.points,
    comment: draft.comment,
    flagged: draft.flagged,
    waits: draft.waits,
  }));
  const why = marks.length > 1 ? "the same answer" : "";
  let away = false;
  while (true) {
    try {
      const reply = await ask("save", { notebook: about.notebook, cell: about.cell, marks, why });
      Object.assign(about.given, reply.given);
      for (const [token, mark] of Object.entries(reply.given)) if (!mark.waits) delete about.unsettled[token];
      for (const [token, draft] of sent) if (drafts[token] === draft) delete drafts[token];
      if (away || sent.some(([token]) => token === refused)) complain("");
      return;
    } catch (error) {
      if (error instanceof Refusal) {
        complain(`Not saved: ${found[sent[0][0]].name}: ${error.message}`);
        refused = sent[0][0];
        for (const [token] of sent) delete drafts[token];
        await reload().catch(() => {}); // what is sent next is held against what is there
        remember(marks[0].comment); // is offered, so that nobody types it twice
        return;
      }
      away = true;
      complain("The desk can't be reached: nothing is lost, and it is sent again. Leave this page open.");
      await new Promise((done) => setTimeout(done, WAIT));
    }
  }
}

function remember(comment) {
  const text = comment.trim();
  if (text && question && !question.comments.includes(text)) {
    question.comments.push(text);
    showBank();
  }
}

async function allSent() {
  do {
    flushComment();
    await queue;
  } while (unsent);
}

async function undo() {
  await allSent();
  try {
    const back = await ask("undo", {});
    complain("");
    if (!question || back.cell !== question.cell || back.notebook !== question.notebook) {
      location.hash = `#/${back.notebook}/${back.cell}`;
      return;
    }
    Object.assign(question.given, back.given);
    const first = question.answers.findIndex((answer) => answer.answer in back.given);
    if (first >= 0) show(first);
    say("taken back");
  } catch (error) {
    complain(error.message);
  }
}

async function reload() {
  const found = await ask(`question?${new URLSearchParams({ notebook: question.notebook, cell: question.cell })}`);
  flushComment(); // it is for the answer in view
  const token = current().answer;
  Object.assign(question, found); // marks under way look here
  const place = question.answers.findIndex((answer) => answer.answer === token);
  if (place >= 0 && inField()) return look(place); // who types goes on typing
  if (place < 0) $("points").value = "";
  show(Math.max(0, place));
}

// -- going from answer to answer ------------------------------------------------------------------

const inField = () => document.activeElement.matches("textarea, input[type=number]");

function leaveFields() {
  if (inField()) document.activeElement.blur();
  flushComment();
}

function show(index) {
  leaveFields();
  look((index + question.answers.length) % question.answers.length);
  showBank();
  $("answer-name").focus({ preventScroll: true });
  window.scrollTo({ top: 0 });
}

function look(index) {
  at = index;
  together = true;
  others = question.answers.filter((one) => one !== current() && one.same === current().same && waits(one));
  showAnswer();
  showMark();
}

function nextWaiting() {
  const count = question.answers.length;
  for (const again of [false, true]) {
    for (let step = 1; step <= count; step++) {
      const place = (at + step) % count;
      const answer = question.answers[place];
      if (waits(answer) && skipped.has(answer.answer) === again) {
        if (again) skipped.delete(answer.answer);
        return show(place);
      }
    }
  }
  flushComment();
  showMark();
  say("All answers to this question are marked.");
}

function skip() {
  skipped.add(current().answer);
  nextWaiting();
}

// -- what is shown --------------------------------------------------------------------------------

function showAnswer() {
  const answer = current();
  const same = question.answers.filter((one) => one.same === answer.same && one !== answer);
  const name = make("h2", { id: "answer-name", tabIndex: -1 }, answer.name);
  const about = make("div", { className: "about" }, name, make("span", { id: "chips" }));
  const place = make("div", { id: "answer" }, about, html(answer.html || "<p><em>empty</em></p>", "words"));
  if (same.length) place.append(sameAs(same));
  const near = Object.entries(answer.near)
    .map(([token, share]) => [question.answers.findIndex((one) => one.answer === token), share])
    .filter(([index]) => index >= 0 && question.answers[index].same !== answer.same)
    .sort((one, other) => other[1] - one[1]);
  if (near.length) place.append(almost(answer, near));
  $("answer").replaceWith(place);
  const checks = answer.checks.map((check) =>
    make("li", {}, make("b", {}, check.name), ` ${number(check.points)} of ${number(check.worth)}`,
      check.mistake ? make("span", {}, `: ${check.mistake}`) : null));
  $("checks").replaceChildren(...(checks.length ? checks : [make("li", {}, "none")]));
}

function sameAs(same) {
  const box = make("input", { type: "checkbox", checked: together, onchange: (event) => { together = event.target.checked; } });
  const names = (list) => list.map((one) => one.name).join(", ");
  const marked = same.filter((one) => !others.includes(one)).map((one) => `${one.name} has ${points(given(one).points ?? 0)}`);
  return make("div", { className: "near" },
    others.length ? make("label", {}, box, ` Mark ${names(others)} as well: the same answer.`) : null,
    marked.length ? make("p", {}, `The same answer: ${marked.join(", ")}.`) : null);
}

function almost(answer, near) {
  const list = near.slice(0, 5).map(([index, share]) => {
    const other = question.answers[index];
    const mark = waits(other) ? "not marked yet" : points(given(other).points ?? 0);
    const held = make("p", { hidden: true });
    const button = make("button", { type: "button", "aria-expanded": "false", onclick: () => {
      if (held.hidden) held.replaceChildren(...difference(other.text, answer.text));
      held.hidden = !held.hidden;
      button.setAttribute("aria-expanded", String(!held.hidden));
    } }, "Compare");
    return make("li", {}, `${other.name}, ${Math.round(100 * share)} % alike: ${mark} `, button, held);
  });
  return make("div", { className: "near" }, make("h3", {}, "Almost the same"), make("ul", {}, ...list));
}

// Words that went and words that came, by the longest common sequence.
function difference(before, after) {
  const [a, b] = [before, after].map((text) => text.split(/(\s+)/).slice(0, LONGEST));
  const best = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      best[i][j] = a[i] === b[j] ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
    }
  }
  const parts = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) { parts.push(a[i]); i++; j++; }
    else if (j < b.length && (i === a.length || best[i][j + 1] >= best[i + 1][j])) parts.push(make("ins", {}, b[j++]));
    else parts.push(make("del", {}, a[i++]));
  }
  return parts;
}

function showMark() {
  const answer = current();
  const mark = given(answer);
  const other = question.levels.every((level) => level.points !== mark.points);
  question.levels.forEach((level, index) => {
    $(`level-${index}`).setAttribute("aria-pressed", String(mark.points === level.points));
  });
  if (document.activeElement !== $("points")) $("points").value = mark.points !== null && other ? mark.points : "";
  if (document.activeElement !== $("comment")) $("comment").value = mark.comment;
  $("flag").setAttribute("aria-pressed", String(mark.flagged));
  const chips = [];
  if (mark.points !== null) {
    chips.push([mark.waits ? `${points(mark.points)}, for another look` : points(mark.points), mark.waits ? "warn" : "good"]);
  }
  if (mark.extra) chips.push([`${points(mark.extra)} of extra credit`, "info"]);
  if (mark.flagged) chips.push(["flagged", "warn"]);
  const second = question.unsettled[answer.answer];
  if (second !== undefined) chips.push([`a second marker gave ${points(second)}: give a mark to settle it`, "bad"]);
  $("chips").replaceChildren(...chips.map(([text, kind]) => make("span", { className: `chip ${kind}` }, text)));
  const done = question.answers.filter((one) => !waits(one)).length;
  const flagged = question.answers.filter((one) => given(one).flagged).length;
  $("done").textContent = `answer ${at + 1} of ${question.answers.length}; ${done} marked, ${flagged} flagged`;
  $("bar").style.width = `${(100 * done) / question.answers.length}%`;
  $("all").replaceChildren(...question.answers.map((one, index) => {
    const { points: value, flagged: flag } = given(one);
    const text = `${one.name}${waits(one) ? "" : `: ${number(value ?? 0)}`}${flag ? " ⚑" : ""}${one.answer in question.unsettled ? " ≠" : ""}`;
    const button = make("button", { type: "button", onclick: () => show(index) }, text);
    if (index === at) button.setAttribute("aria-current", "true");
    return make("li", {}, button);
  }));
}

function showBank() {
  const items = question.comments.map((comment, index) => {
    const key = LETTERS[index];
    return make("li", {}, make("button", { type: "button", onclick: () => addComment(comment) },
      key ? make("kbd", {}, key) : null, make("span", {}, comment)));
  });
  $("bank").replaceChildren(...items);
}

function addComment(text) {
  const box = $("comment");
  const there = box.value.trim();
  if (!there.split("\n").includes(text)) box.value = there ? `${there}\n${text}` : text;
  sendComment();
}

function sendComment() {
  clearTimeout(timer);
  timer = null;
  const comment = $("comment").value;
  if (comment.trim() !== given(current()).comment.trim()) give({ comment });
}

function flushComment() {
  if (timer !== null) sendComment();
}

function setPoints() {
  const value = $("points").valueAsNumber;
  if (Number.isFinite(value)) give({ points: value });
}

function showQuestion() {
  document.title = `${question.title} – marking desk`;
  $("title").textContent = question.title;
  const levels = question.levels.map((level, index) =>
    make("li", {}, make("button", { type: "button", id: `level-${index}`, "aria-pressed": "false", onclick: () => give({ points: level.points }) },
      make("kbd", {}, String(index)), make("b", {}, points(level.points)), make("span", {}, level.words))));
  const press = (id, text, key, action, more = {}) =>
    make("button", { type: "button", id, onclick: action, ...more }, text, " ", make("kbd", {}, key));
  const bar = make("span", { className: "bar", "aria-hidden": "true" }, make("i", { id: "bar" }));
  const marking = make("section", { className: "card", "aria-label": "Mark" },
    make("ul", { className: "levels" }, ...levels),
    make("div", { className: "row" },
      make("label", { htmlFor: "points" }, "Other points ", make("kbd", {}, "p")),
      make("input", { type: "number", id: "points", min: "0", step: "any", onchange: setPoints }),
      press("flag", "Flag", "f", () => give({ flagged: !given(current()).flagged }, [current()]), { "aria-pressed": "false" }),
      press("skip", "Skip", "s", skip),
      press("undo", "Undo", "u", undo)),
    make("label", { htmlFor: "comment" }, "Comment for the students ", make("kbd", {}, "c")),
    make("textarea", { id: "comment", maxLength: 10000, oninput: () => { clearTimeout(timer); timer = setTimeout(sendComment, PAUSE); }, onblur: () => { flushComment(); remember($("comment").value); } }),
    make("ul", { className: "bank", id: "bank", "aria-label": "Comments given before" }),
    make("div", { className: "row" },
      press("previous", "Back", "k", () => show(at - 1)),
      press("next", "Forward", "j", () => show(at + 1)),
      press("on", "Next to mark", "Enter", nextWaiting)));
  const left = make("div", {},
    make("p", { className: "progress" }, make("span", { id: "done" }), bar),
    make("section", { className: "card", "aria-label": "Answer" }, make("div", { id: "answer" })), marking);
  const right = make("aside", { "aria-label": "Question, model answer and checks" },
    make("details", { className: "card", open: true }, make("summary", {}, "Model answer and rubric"), html(question.key, "words")),
    question.text ? make("details", { className: "card", open: true }, make("summary", {}, "Question"), html(question.text, "words")) : null,
    make("details", { className: "card", open: true }, make("summary", {}, "Checks of this exercise"), make("ul", { id: "checks" })),
    make("details", { className: "card" }, make("summary", {}, "All answers"), make("ol", { id: "all", className: "all" })));
  $("main").replaceChildren(make("div", { className: "desk" }, left, right));
}

async function openQuestion(notebook, cell) {
  say("reading the answers …");
  const place = location.hash;
  const found = await ask(`question?${new URLSearchParams({ notebook, cell })}`);
  if (location.hash !== place) return; // somebody has gone on meanwhile
  question = found;
  skipped = new Set();
  say("");
  if (!question.answers.length) {
    $("title").textContent = question.title;
    $("main").replaceChildren(make("p", {}, "Nobody has an answer here that waits for a mark."));
    question = null;
    return;
  }
  showQuestion();
  const first = question.answers.findIndex(waits);
  show(Math.max(0, first));
}

async function openOverview() {
  document.title = "Marking desk";
  $("title").textContent = "Marking desk";
  const found = await ask("overview");
  $("marker").textContent = found.marker;
  say("");
  const rows = found.questions.map((one) => {
    const done = one.answers - one.waiting;
    const link = make("a", { href: `#/${one.notebook}/${one.cell}` }, one.title);
    const bar = make("span", { className: "bar", "aria-hidden": "true" }, make("i"));
    bar.firstChild.style.width = `${one.answers ? (100 * done) / one.answers : 0}%`;
    return make("tr", {},
      make("td", {}, link, make("br"), make("small", {}, `${one.notebook} · ${one.cell}`)),
      make("td", { className: "num" }, one.answers ? `${done} of ${one.answers} marked` : "no answers", bar),
      make("td", { className: "num" }, one.flagged ? `${one.flagged} flagged` : ""),
      make("td", { className: "num" }, one.unsettled ? `${one.unsettled} to settle` : ""));
  });
  const head = make("thead", {}, make("tr", {}, ...["Question", "Marked", "Flagged", "Two marks"].map((text) => make("th", { scope: "col" }, text))));
  $("main").replaceChildren(make("table", { className: "questions" }, head, make("tbody", {}, ...rows)));
}

async function route() {
  if (question) leaveFields();
  await allSent();
  question = null; // drafts are of one question
  $("main").replaceChildren();
  complain("");
  const [, notebook, cell] = decodeURIComponent(location.hash).split("/");
  try {
    if (cell) await openQuestion(notebook, cell);
    else await openOverview();
    if (!$("marker").textContent) $("marker").textContent = (await ask("overview")).marker;
  } catch (error) {
    say("");
    complain(error.message);
  }
}

// -- keys -----------------------------------------------------------------------------------------

const KEYS = {
  Enter: nextWaiting,
  j: () => show(at + 1),
  k: () => show(at - 1),
  c: () => $("comment").focus(),
  p: () => $("points").focus(),
  f: () => $("flag").click(),
  s: skip,
  u: undo,
  g: () => { location.hash = "#"; },
};

function pressed(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || $("keyboard").open) return;
  const typing = event.target.matches("textarea, input[type=number]");
  if (typing && event.key === "Escape") {
    event.target.blur();
    return;
  }
  if (typing) {
    if (event.key === "Enter" && event.target.id === "points" && question) {
      event.preventDefault();
      setPoints();
      event.target.blur();
    }
    return;
  }
  if (!$("keys").checked) return;
  if (event.key === "?") return openHelp();
  if (event.key === "u" && !question) return undo();
  if (!question) return;
  // a button or link in focus keeps its own Enter
  if (event.key === "Enter" && event.target.matches("button, a, summary, input")) return;
  const level = /^\d$/.test(event.key) ? question.levels[Number(event.key)] : undefined;
  const comment = question.comments[LETTERS.indexOf(event.key)];
  if (level) give({ points: level.points });
  else if (event.key in KEYS) KEYS[event.key]();
  else if (comment !== undefined && LETTERS.includes(event.key)) addComment(comment);
  else return;
  event.preventDefault();
}

function openHelp() { $("keyboard").showModal(); }

document.addEventListener("keydown", pressed);
window.addEventListener("hashchange", route);
window.addEventListener("beforeunload", (event) => {
  flushComment();
  if (unsent) event.preventDefault();
});
document.addEventListener("visibilitychange", flushComment);
$("help").addEventListener("click", openHelp);
$("keys").checked = localStorage.getItem("desk-keys") !== "off";
$("keys").addEventListener("change", (event) => localStorage.setItem("desk-keys", event.target.checked ? "on" : "off"));
loadFormulas();
route();
