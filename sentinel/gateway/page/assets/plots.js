// Puts a drawing that can be zoomed in the place of each small one, and keeps it up to date. uPlot is a plain script
// that makes one global; without it, or when the record cannot be read, the small drawing stays.

import { serverNow } from "./stream.js";

const EVERY_S = 60;
const HEIGHT = 130;
const ROWS = 600;

const labels = document.querySelector("main").dataset;
const dark = matchMedia("(prefers-color-scheme: dark)");
const plots = new Map(); // figure -> uPlot
let hours = 24;
let zoomed = null; // [from, to] in seconds, the same for all

function colour(name) {
  return getComputedStyle(document.body).getPropertyValue(`--${name}`).trim();
}

const DAY = { day: "2-digit", month: "2-digit" };
const HOUR = { hour: "2-digit", minute: "2-digit" };

// In the branch's own time. `step`: of an axis, in seconds.
function stamp(seconds, step = 0) {
  const parts = step === 0 ? { ...DAY, ...HOUR } : step < 86400 ? HOUR : DAY;
  return new Date(seconds * 1000).toLocaleString("en-GB", { timeZone: labels.zone, ...parts });
}

function limits(figure) {
  return [figure.dataset.low, figure.dataset.high].filter((text) => text !== "").map(Number);
}

// A gap of the record is a gap in the drawing.
function columns(plot) {
  const at = [], low = [], high = [];
  plot.at.forEach((second, i) => {
    if (i > 0 && second - plot.at[i - 1] > 2 * plot.step_s) {
      at.push(plot.at[i - 1] + plot.step_s);
      low.push(null);
      high.push(null);
    }
    at.push(second + plot.step_s / 2);
    low.push(plot.low[i]);
    high.push(plot.high[i]);
  });
  return [at, low, high];
}

function options(figure) {
  const font = "12px Noto Sans, Noto Sans Devanagari, sans-serif";
  const axis = { stroke: colour("soft"), grid: { stroke: colour("rule"), width: 1 }, ticks: { show: false }, font };
  const line = { stroke: colour("do"), width: 1.3, points: { size: 3, fill: colour("do") } };
  return {
    width: figure.querySelector(".canvas").clientWidth,
    height: HEIGHT,
    tzDate: (second) => uPlot.tzDate(new Date(second * 1000), labels.zone),
    scales: {
      y: {
        range: (_, low, high) => {
          const all = [...limits(figure), ...(low === null ? [] : [low, high])];
          const edge = (Math.max(...all) - Math.min(...all)) * 0.08 || 1;
          return [Math.min(...all) - edge, Math.max(...all) + edge];
        },
      },
    },
    // What is dragged over is asked for anew, in finer steps; a double click goes back.
    cursor: { y: false, sync: { key: "branch" }, drag: { x: true, y: false, setScale: false }, bind: { dblclick: () => back } },
    series: [
      {},
      line,
      line,
    ],
    bands: [{ series: [2, 1], fill: `${colour("do")}40` }],
    axes: [
      { ...axis, values: (_, seconds, __, ___, step) => seconds.map((second) => stamp(second, step)), space: 60, size: 26 },
      { ...axis, size: 48 },
    ],
    legend: { show: false },
    hooks: {
      setCursor: [(plot) => say(figure, plot)],
      setSelect: [
        (plot) => {
          if (plot.select.width < 4) return;
          zoomed = [plot.select.left, plot.select.left + plot.select.width].map((x) => Math.round(plot.posToVal(x, "x")));
          plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
          load();
        },
      ],
      draw: [(plot) => limits(figure).forEach((limit) => drawLimit(plot, limit))],
    },
  };
}

// What is under the cursor, below the drawing.
function say(figure, plot) {
  const [at, low, high] = plot.cursor.idx === null ? [] : plot.data.map((column) => column[plot.cursor.idx]);
  const some = low !== null && low !== undefined;
  const value = (number) => String(+number.toFixed(2));
  figure.querySelector(".readout").textContent = some
    ? `${stamp(at)} · ${labels.lowest} ${value(low)} · ${labels.highest} ${value(high)} ${figure.dataset.unit}`
    : "";
}

function drawLimit(plot, limit) {
  const { ctx, bbox } = plot;
  const y = Math.round(plot.valToPos(limit, "y", true));
  ctx.save();
  ctx.strokeStyle = colour("fault-edge");
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

function back() {
  zoomed = null;
  load();
  return null;
}

async function show(figure, from, to) {
  const query = new URLSearchParams({ point: figure.dataset.point, from, to, most: ROWS });
  const answer = await fetch(`/api/v1/plot?${query}`, { signal: AbortSignal.timeout(10_000) });
  if (!answer.ok) return; // what was drawn stays; its age is in the axis
  const rows = columns(await answer.json());
  if (rows[0].length === 0 && !plots.has(figure)) return;
  let plot = plots.get(figure);
  if (plot === undefined) {
    const canvas = figure.querySelector(".canvas");
    canvas.replaceChildren();
    plot = new uPlot(options(figure), rows, canvas);
    plots.set(figure, plot);
  }
  plot.setData(rows, false);
  plot.setScale("x", { min: Number(from), max: Number(to) });
}

let asked = 0;
async function load() {
  const mine = ++asked;
  for (const [figure, plot] of plots) {
    if (figure.isConnected) continue; // the branch has another program now
    plot.destroy();
    plots.delete(figure);
  }
  const now = Math.floor((serverNow() ?? Date.now() / 1000));
  const [from, to] = zoomed ?? [now - hours * 3600, now];
  for (const figure of document.querySelectorAll(".plot")) {
    if (mine !== asked) return; // another span was chosen meanwhile
    try {
      await show(figure, from, to);
    } catch (error) {
      if (!(error instanceof TypeError || error.name === "TimeoutError")) throw error; // the daemon is away: the stream says so
    }
  }
}

document.querySelector("#plots").addEventListener("click", (event) => {
  const button = event.target.closest("[data-hours]");
  if (button === null) return;
  hours = Number(button.dataset.hours);
  zoomed = null;
  for (const each of document.querySelectorAll("[data-hours]")) each.setAttribute("aria-pressed", String(each === button));
  load();
});

function anew() {
  for (const [figure, plot] of plots) {
    plot.destroy();
    plots.delete(figure);
  }
  load();
}

const script = document.createElement("script");
script.src = new URL("./uPlot.iife.min.js", import.meta.url);
script.addEventListener("load", () => {
  load();
  document.addEventListener("stream:section", (event) => event.detail === "plots" && load());
  setInterval(() => document.hidden || zoomed !== null || load(), EVERY_S * 1000);
  dark.addEventListener("change", anew);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    for (const [figure, plot] of plots) plot.setSize({ width: figure.querySelector(".canvas").clientWidth, height: HEIGHT });
  });
});
document.head.append(script);
