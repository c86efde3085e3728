// 3. The drill's timeline: when each step was reached, what each recovery was spent on, and the
// story of the median and the worst replication.
import { h, s, px, figure, picture, hover, textWidth } from "./dom.js";
import { color, sans } from "./theme.js";
import * as f from "./format.js";

const milestones = [
  ["first_failed_request", "first failed request"],
  ["first_detection", "first detector fires"],
  ["last_detection", "last detector fires"],
  ["action_started", "action starts"],
  ["action_finished", "action finished"],
  ["caches_expired", "caches of DNS have expired"],
  ["clients_moved", "clients have moved"],
  ["recovered", "users are served again"],
];
const wordsOf = (key) => milestones.find(([name]) => name === key)?.[1] ?? key.replaceAll("_", " ");

// The eight parts in four groups, as operators speak of them.
export const groups = [
  ["detect", "detect", ["first_failed_request", "first_detection", "last_detection"]],
  ["decide", "decide", ["action_started"]],
  ["act", "act", ["action_finished"]],
  ["clients", "clients’ way back", ["caches_expired", "clients_moved", "recovered"]],
];
export function partsByGroup(run) {
  const length = Object.fromEntries(run.parts);
  return groups.map(([, , parts]) => parts.reduce((sum, part) => sum + (length[part] ?? 0), 0));
}

// Hyndman and Fan's type 1, as analysis/statistics.cpp has it.
export const quantile = (sorted, q) => sorted[Math.max(Math.ceil(q * sorted.length - 1e-9), 1) - 1];

const steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800, 2592000, 31536000];
export const tickStep = (high, room) => steps.find((step) => high / step <= Math.max(2, room)) ?? high;
export function ticks(high, room) {
  const step = tickStep(high, room);
  return Array.from({ length: Math.floor((high / step) * 1.0001) + 1 }, (_, i) => i * step);
}
export const tickText = (t) => (t === 0 ? "0" : t < 60 ? f.duration(t) : t < 172800 ? f.clock(t) : f.duration(t));

export function timeAxis(svg, x, high, room, top, bottom) {
  for (const t of ticks(high, room / 80)) {
    svg.append(
      s("line", { x1: x(t), x2: x(t), y1: top, y2: bottom, stroke: color("hair") }),
      s("text", { x: x(t), y: bottom + 16, "text-anchor": x(t) < 10 ? "start" : "middle", "font-family": sans, "font-size": 11, fill: color("faint") }, tickText(t)),
    );
  }
}

const label = (x, y, text, attributes) => s("text", { x: px(x), y: px(y), "font-family": sans, "font-size": 12, fill: color("ink"), ...attributes }, text);

// Variants side by side have one scale.
const latest = (variants) =>
  Math.max(0, ...variants.flatMap((v) => v.runs.flatMap((r) => Object.values(r.milestones).map((t) => t - (r.milestones.fault ?? t)))));
const longest = (variants) => Math.max(0, ...variants.flatMap((v) => v.runs.map((r) => (typeof r.measures.rto === "number" ? r.measures.rto : 0))));

function reached(variant, high) {
  const runs = variant.runs.filter((r) => r.milestones.fault !== undefined);
  const rows = milestones
    .map(([key, words]) => ({
      key,
      words,
      sample: runs.filter((r) => r.milestones[key] !== undefined).map((r) => r.milestones[key] - r.milestones.fault).sort((a, b) => a - b),
    }))
    .filter((row) => row.sample.length > 0);
  if (rows.length === 0 || rows.every((row) => row.sample.at(-1) === 0)) return null;
  const draw = picture((width) => {
    const narrow = width < 520;
    const [left, right, rowHeight, top] = narrow ? [8, 112, 44, 16] : [168, 140, 32, 18];
    const height = top + rows.length * rowHeight + 30;
    const say = (t) => (t < 60 ? f.duration(t) : f.clock(t));
    const x = (t) => px(left + (t / high) * (width - left - right));
    const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": "When each step of the recovery was reached, from the fault on" });
    timeAxis(svg, x, high, width - left - right, top, top + rows.length * rowHeight);
    const columns = [width - 64, width - 4];
    const head = { "text-anchor": "end", "font-size": 11, fill: color("faint") };
    svg.append(label(columns[0], 12, "median", head), label(columns[1], 12, "worst", head));
    rows.forEach((row, i) => {
      const y = top + i * rowHeight + (narrow ? 30 : 17);
      const [low, middle, upper, worst] = [quantile(row.sample, 0.1), quantile(row.sample, 0.5), quantile(row.sample, 0.9), row.sample.at(-1)];
      const area = s("rect", { x: left, y: y - 14, width: width - left, height: 28, fill: "transparent", tabindex: 0 });
      svg.append(
        narrow ? label(left, y - 12, row.words, { "font-size": 12.5 }) : label(left - 14, y + 4, row.words, { "font-size": 12.5, "text-anchor": "end" }),
        s("line", { x1: x(row.sample[0]), x2: x(worst), y1: y, y2: y, stroke: color("faint") }),
        s("line", { x1: x(low), x2: x(upper), y1: y, y2: y, stroke: color("main"), "stroke-opacity": 0.38, "stroke-width": 9, "stroke-linecap": "round" }),
        s("circle", { cx: x(middle), cy: y, r: 5, fill: color("main"), stroke: color("ground"), "stroke-width": 1.4 }),
        label(columns[0], y + 4, say(middle), { "text-anchor": "end", "font-weight": 600 }),
        label(columns[1], y + 4, say(worst), { "text-anchor": "end", fill: color("soft") }),
        hover(area, () => [
          row.words,
          `median ${f.duration(middle)} after the fault`,
          `eight of ten: ${f.duration(low)} to ${f.duration(upper)}`,
          `worst ${f.duration(worst)}`,
          `reached in ${row.sample.length} of ${f.plural(runs.length, "replication")}`,
        ]),
      );
    });
    return svg;
  });
  return figure({
    name: `milestones-${variant.label}`,
    label: "the milestones",
    caption: "From the fault until each step was reached. Dot: the median; bar: eight of ten replications; line: from the earliest to the worst.",
    draw,
    rows: () => [["replication", ...milestones.map(([key]) => `${key}_seconds`)], ...runs.map((r) => [r.replication, ...milestones.map(([key]) => r.milestones[key])])],
  });
}

// A row a replication, from the shortest to the longest; of many, as many as a picture holds.
function spent(variant, high) {
  const runs = variant.runs.filter((r) => r.parts.length > 0 && typeof r.measures.rto === "number");
  const censored = variant.runs.filter((r) => r.measures.rto === "censored").length;
  if (!runs.some((r) => r.measures.rto > 0)) return null;
  const sorted = [...runs].sort((a, b) => a.measures.rto - b.measures.rto);
  const rows_max = 40;
  const shown = sorted.length <= rows_max ? sorted : Array.from({ length: rows_max }, (_, i) => sorted[Math.round((i * (sorted.length - 1)) / (rows_max - 1))]);
  const story = { [variant.stories.median?.replication]: "median", [variant.stories.worst?.replication]: "worst" };
  const draw = picture((width) => {
    const [left, right, top] = [62, 54, 30];
    const bar = shown.length > 24 ? 9 : 13;
    const rowHeight = bar + 4;
    const height = top + shown.length * rowHeight + 30;
    const x = (t) => px(left + (t / high) * (width - left - right));
    const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": "What each recovery was spent on" });
    let at = width < 420 ? 8 : left; // the key stands above the bars
    for (const [name, words] of groups) {
      svg.append(s("rect", { x: at, y: 6, width: 10, height: 10, rx: 2, fill: color(name) }), label(at + 15, 15, words));
      at += 15 + textWidth(words, `12px ${sans}`) + 18;
    }
    timeAxis(svg, x, high, width - left - right, top - 4, top + shown.length * rowHeight);
    shown.forEach((run, i) => {
      const y = top + i * rowHeight;
      const word = story[run.replication];
      const row = s("g", { tabindex: 0 });
      row.append(label(left - 8, y + bar - 2, word ?? run.replication, { "text-anchor": "end", "font-size": 11, "font-weight": word ? 700 : 400, fill: color(word ? "ink" : "faint") }));
      let t = 0;
      partsByGroup(run).forEach((length, k) => {
        if (length > 0) row.append(s("rect", { x: x(t), y, width: Math.max(px(x(t + length) - x(t)), 0.5), height: bar, fill: color(groups[k][0]) }));
        t += length;
      });
      if (word || i === shown.length - 1) row.append(label(x(t) + 6, y + bar - 2, f.clock(run.measures.rto), { "font-size": 11, "font-weight": 600 }));
      svg.append(
        hover(row, () => [
          `replication ${run.replication}: ${f.duration(run.measures.rto)}`,
          ...run.parts.filter(([, length]) => length > 0).map(([name, length]) => `${f.duration(length)} until: ${wordsOf(name)}`),
        ]),
      );
    });
    return svg;
  });
  const notes = [
    shown.length < sorted.length ? ` ${shown.length} of ${sorted.length} replications, evenly chosen.` : "",
    censored ? ` Not drawn: ${censored} that had not recovered at the end of the run.` : "",
  ].join("");
  return figure({
    name: `recoveries-${variant.label}`,
    label: "the recoveries",
    caption: `What each recovery was spent on: a bar a replication, from the shortest to the longest.${notes}`,
    draw,
    rows: () => [["replication", ...milestones.map(([key]) => `${key}_seconds`)], ...sorted.map((r) => [r.replication, ...milestones.map(([key]) => Object.fromEntries(r.parts)[key] ?? 0)])],
  });
}

// The component that a sentence is about stands out.
function subject(text, variant) {
  const name = variant.topology.components.map((c) => c.name).find((n) => text.startsWith(`${n} `) || text.startsWith(`${n}: `));
  return name ? [h("b", {}, name), text.slice(name.length)] : text;
}

function story(variant, which) {
  const told = variant.stories[which];
  if (!told || told.lines.length === 0) return null;
  const run = variant.runs.find((r) => r.replication === told.replication);
  const rto = run?.measures.rto;
  const length = typeof rto === "number" ? `, ${f.duration(rto)}` : rto ? ", not recovered" : "";
  const fault = run?.milestones.fault ?? told.lines[0].at;
  return h(
    "article",
    { class: "story" },
    h("h3", {}, variant.verdict.replications === 1 ? "The replication" : `The ${which} replication`, h("span", { class: "aside" }, ` number ${told.replication}${length}`)),
    h(
      "ol",
      {},
      told.lines.map((line) =>
        h(
          "li",
          { class: line.milestone ? "milestone" : null },
          h("span", { class: "when" }, line.at > fault ? `+${f.clock(line.at - fault)}` : f.clock(line.at)),
          h("span", {}, subject(line.text, variant)),
        ),
      ),
    ),
    told.left_out > 0 && h("p", { class: "note" }, `${f.plural(told.left_out, "event")} of less weight left out; all: windtunnel show ${variant.file} events ${told.replication}`),
  );
}

export function section(variants) {
  return variants.map((variant) => {
    const parts = [reached(variant, latest(variants)), spent(variant, longest(variants))];
    const differ = variant.stories.worst?.replication !== variant.stories.median?.replication;
    const stories = [story(variant, "median"), differ && story(variant, "worst")].filter(Boolean);
    const nothing = !parts.some(Boolean) && stories.length === 0;
    return h(
      "div",
      { class: "variant" },
      variants.length > 1 && h("h3", {}, variant.name),
      nothing ? h("p", {}, "There was nothing that users would have had to recover from.") : [parts, h("div", { class: "stories" }, stories)],
    );
  });
}
