// Keeps a page as fresh as the server's stream, and makes it say so when it is not. Starts itself; never reloads.
//
// A section's HTML is worked into the element with its id, node by node: focus, scroll, open <details> and what is
// half typed stay. `open` of <details> is the reader's; the inside of [data-own] is a script's.
//   <time data-at="EPOCH">            an age, ticking from the server's clock (data-as="clock": 00:47)
//   <time data-age="KEY">             the same, its time comes with each ping: ages {KEY: EPOCH or null}
//   <any data-live="KEY">             a text that comes with each ping: live {KEY: TEXT}
//   <body data-stream="still|live|late|cut" data-beat="a|b">   see base.css
// On document: "stream:ping" (detail: the ping), "stream:section" (detail: its id), each after it was applied.

const LATE_S = 5;
const CUT_S = 10;
const REOPEN_S = 15; // a connection that stands but says nothing
const HIDDEN_S = 60; // a browser has six connections to one host: a tab nobody sees gives its own back
const WAITS_S = [1, 2, 5, 10]; // EventSource gives up for good when it is refused
const NEVER = "–";
const SLIP_S = 2; // a moment may seem to lie so far ahead: two clocks, and what was rounded

const body = document.body;
const lang = document.documentElement.lang;
const units = body.dataset.units.split(" ");

let source = null;
let lastId = "";
let refused = 0;
let again = 0; // timer of the next try
const began = mark();
let opened = began;
let heard = null; // the last ping: its `at`, and when it came by our own clocks
let ages = {};
let live = {};

// --- Time ------------------------------------------------------------------------------------------------------------

function mark() {
  return { steady: performance.now(), wall: Date.now() };
}

// The steady clock may stand still while the machine sleeps, and the wall clock may be set: the longer one is right
// or errs towards "old".
function since(moment) {
  return Math.max(performance.now() - moment.steady, Date.now() - moment.wall, 0) / 1000;
}

export function serverNow() {
  return heard === null ? null : heard.at + since(heard);
}

function words(seconds) {
  if (seconds < -SLIP_S) return NEVER;
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} ${units[0]}`;
  if (whole < 3600) return `${Math.floor(whole / 60)} ${units[1]}`;
  if (whole < 48 * 3600) return `${Math.floor(whole / 3600)} ${units[2]}`;
  return `${Math.floor(whole / 86400)} ${units[3]}`;
}

function clock(seconds) {
  if (seconds < -SLIP_S) return NEVER;
  const whole = Math.max(0, Math.floor(seconds));
  if (whole >= 48 * 3600) return words(whole);
  const two = (number) => String(number).padStart(2, "0");
  const short = `${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
  return whole < 3600 ? short : `${Math.floor(whole / 3600)}:${short}`;
}

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function fill(root) {
  for (const element of root.querySelectorAll("[data-live]")) say(element, live[element.dataset.live] ?? "");
  for (const element of root.querySelectorAll("[data-age]")) {
    const at = ages[element.dataset.age];
    if (at === undefined || at === null) delete element.dataset.at;
    else element.dataset.at = at;
    if (element.dataset.at === undefined) say(element, NEVER);
  }
  tick(root);
}

function tick(root) {
  const now = serverNow();
  if (now === null) return; // the server's own words stand until its clock is known
  for (const element of root.querySelectorAll("time[data-at]")) {
    const age = now - Number(element.dataset.at);
    say(element, element.dataset.as === "clock" ? clock(age) : words(age));
  }
}

// --- The state of the stream -------------------------------------------------------------------------------------------

function state() {
  const silent = since(heard ?? began);
  if (silent >= CUT_S) return "cut";
  if (heard === null) return "still";
  return silent >= LATE_S ? "late" : "live";
}

function look() {
  body.dataset.stream = state();
  const silent = heard === null ? "" : words(since(heard));
  for (const element of document.querySelectorAll(".sign-age, .cut-age")) say(element, silent);
  tick(document);
  if (source !== null && since(opened) >= REOPEN_S && (heard === null || since(heard) >= REOPEN_S)) open();
}

function onPing(event) {
  const ping = JSON.parse(event.data);
  heard = { at: ping.at, ...mark() };
  refused = 0;
  ages = ping.ages ?? {};
  live = ping.live ?? {};
  fill(document);
  look();
  body.dataset.beat = body.dataset.beat === "a" ? "b" : "a";
  document.dispatchEvent(new CustomEvent("stream:ping", { detail: ping }));
}

function onSection(event) {
  try {
    const section = JSON.parse(event.data);
    apply(section);
    lastId = event.lastEventId;
    document.dispatchEvent(new CustomEvent("stream:section", { detail: section.id }));
  } catch (error) {
    // What cannot be shown must not look fresh: no more pings, the page is cut, and then everything is asked for anew.
    close();
    lastId = "";
    later(REOPEN_S);
    throw error;
  }
}

function open() {
  close();
  opened = mark();
  source = new EventSource(`/api/v1/stream?lang=${lang}&after=${encodeURIComponent(lastId)}`);
  source.addEventListener("section", onSection);
  source.addEventListener("ping", onPing);
  source.addEventListener("error", () => {
    if (source !== null && source.readyState === EventSource.CLOSED) {
      close();
      later(WAITS_S[Math.min(refused, WAITS_S.length - 1)] * (0.75 + Math.random() / 2));
      refused += 1;
    }
  });
}

function close() {
  clearTimeout(again);
  if (source !== null) source.close();
  source = null;
}

function later(seconds) {
  again = setTimeout(open, seconds * 1000);
}

// --- Working new HTML into the page ------------------------------------------------------------------------------------

function apply({ id, html }) {
  const old = document.getElementById(id);
  if (old === null) return; // this page does not show it
  const template = document.createElement("template");
  template.innerHTML = html || `<${old.localName} id="${id}"></${old.localName}>`;
  const fresh = template.content.firstElementChild;
  if (fresh === null || fresh.id !== id || template.content.childElementCount !== 1) {
    throw new Error(`section ${id} is no single element with that id`);
  }
  const focused = document.activeElement;
  const typed = old.contains(focused) && typeof focused.selectionStart === "number";
  const selection = typed ? [focused.selectionStart, focused.selectionEnd, focused.selectionDirection] : null;
  morph(old, fresh);
  if (focused !== document.activeElement && focused.isConnected) {
    focused.focus({ preventScroll: true }); // it was moved
    if (selection !== null) focused.setSelectionRange(...selection);
  }
  fill(old);
}

function morph(old, fresh) {
  const kept = (name) => name === "open" || (name === "data-at" && fresh.hasAttribute("data-age"));
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !kept(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !kept(name)) old.setAttribute(name, value);
  }
  if (!old.matches("[data-own], [data-live], [data-age], time[data-at]")) morphInside(old, fresh);
}

function morphInside(old, fresh) {
  const keyed = new Map();
  for (const node of old.childNodes) if (key(node)) keyed.set(key(node), node);
  let place = old.firstChild; // everything before it is as it should be
  for (const wanted of [...fresh.childNodes]) {
    const found = key(wanted) ? keyed.get(key(wanted)) : next(place, wanted);
    keyed.delete(key(wanted));
    if (found === undefined || found.nodeName !== wanted.nodeName) {
      old.insertBefore(wanted, place);
      continue;
    }
    if (found === place) place = place.nextSibling;
    else old.insertBefore(found, place);
    if (found.nodeType === Node.ELEMENT_NODE) morph(found, wanted);
    else if (found.nodeValue !== wanted.nodeValue) found.nodeValue = wanted.nodeValue;
  }
  while (place !== null) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
}

function key(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key || "" : "";
}

function next(place, wanted) {
  for (let node = place; node !== null; node = node.nextSibling) {
    if (node.nodeName === wanted.nodeName && !key(node)) return node;
  }
  return undefined;
}

// --- Begin -------------------------------------------------------------------------------------------------------------

let hidden = 0;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hidden);
  if (document.hidden) hidden = setTimeout(close, HIDDEN_S * 1000);
  else {
    look();
    if (source === null) open();
  }
});
addEventListener("pageshow", (event) => {
  if (event.persisted) open(); // back from the browser's memory, its connection was not
});
body.dataset.beat = "a";
open();
setInterval(look, 500);
