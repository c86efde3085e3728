// 1. The verdict: each objective in words, with its interval against its limit.
import { h, s, px, figure, picture, hover } from "./dom.js";
import { color, sans } from "./theme.js";
import * as f from "./format.js";

const marks = { holds: "●", fails: "✕", undecided: "◐" };
const statisticWords = {
  mean: "on average",
  p50: "in the median drill",
  p95: "in 95 of 100 drills",
  p99: "in 99 of 100 drills",
  p5: "in 95 of 100 drills",
  worst: "in the worst drill",
};
const statisticOf = (o) => statisticWords[o.statistic] ?? o.statistic;

function promiseOf(o) {
  const limit = f.valueText(o.name, o.limit);
  const what = {
    rto: `Users are served again within ${limit}`,
    rpo: `At most ${limit} of acknowledged data is lost`,
    availability: `At least ${limit} of requests succeed`,
    replacement_lag: `Lost capacity is replaced within ${limit}`,
    scaling_lag: `Capacity follows demand within ${limit}`,
    throttled_share: `No component refuses more than ${limit} for its quotas`,
    throttled_spell: `No component throttles for longer than ${limit}`,
  }[o.name];
  return `${what ?? `${f.nameOf(o.name)} within ${limit}`}, ${statisticOf(o)}`;
}

// What was measured of it, in a sentence without a verdict.
function findingOf(o, measure) {
  if (!measure || measure.n === 0) return "Nothing was measured.";
  if (measure.censored > 0 && o.value === null)
    return `In ${measure.censored} of ${measure.n} replications the end did not come before the run was over.`;
  const value = o.value;
  const text = f.valueText(o.name, value);
  const words =
    {
      rto: value === 0 ? "Users were never out of service." : `It took ${text}`,
      rpo: value === 0 ? "No acknowledged write was lost." : `The oldest lost write was ${text} old`,
      availability: `${text} succeeded`,
      throttled_share: value === 0 ? "Nothing was throttled." : `${text} were refused`,
      throttled_spell: value === 0 ? "Nothing was throttled." : `The longest spell took ${text}`,
    }[o.name] ?? `It took ${text}`;
  if (words.endsWith(".")) return words;
  const known = o.ci95 && o.ci95[0] !== null && o.ci95[1] !== null && o.ci95[0] !== o.ci95[1];
  const interval = known
    ? `; 95\u00a0% interval ${f.valueText(o.name, o.ci95[0])} to ${f.valueText(o.name, o.ci95[1])}`
    : "";
  return `${words} ${statisticOf(o)}${interval}.`;
}

// How many replications would probably decide it: the interval shrinks with their root.
function doubtOf(o, measure) {
  if (o.verdict !== "undecided" || !measure || measure.n === 0) return null;
  if (measure.n === 1) return "One replication has no interval: run more.";
  if (o.share_within !== null)
    return `${f.share(o.share_within)} of the replications are within the limit; more of them would decide.`;
  const [low, high] = o.ci95 ?? [null, null];
  if (low === null || high === null || o.value === o.limit) return null;
  const needed = Math.ceil(measure.n * ((high - low) / 2 / Math.abs(o.value - o.limit)) ** 2);
  if (!isFinite(needed) || needed <= measure.n) return "More replications would decide.";
  return needed > 20000
    ? "The value lies so close to the limit that replications will hardly decide."
    : `The interval reaches over the limit; about ${f.count(Math.ceil(needed / 10) * 10)} replications would decide.`;
}

const and = (words) =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

export function headline(variant) {
  const objectives = variant.verdict.objectives;
  if (objectives.length === 0) return "Nothing was promised, so nothing is judged.";
  const short = { rto: "recovery time", rpo: "data loss", availability: "availability" };
  const parts = [
    ["fails", "misses its objective", "miss their objectives"],
    ["undecided", "is undecided", "are undecided"],
    ["holds", "keeps its objective", "keep their objectives"],
  ].flatMap(([verdict, one, many]) => {
    const words = objectives.filter((o) => o.verdict === verdict).map((o) => short[o.name] ?? f.nameOf(o.name).toLowerCase());
    if (words.length === objectives.length && verdict === "holds")
      return [{ 1: "the objective holds", 2: "both objectives hold" }[words.length] ?? `all ${words.length} objectives hold`];
    return words.length ? [`${and(words)} ${words.length === 1 ? one : many}`] : [];
  });
  const text = parts.join("; ");
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}

// Two or three sentences that a manager reads and stops.
export function lead(variant) {
  const { measures, replications, requests } = variant.verdict;
  const sentences = [];
  const { rto, rpo, availability, scaling_lag, users_hit, user_time_hit } = measures;
  if (rto?.n > 0 && rto.censored === 0) {
    sentences.push(
      rto.worst === 0
        ? "Users were not hurt in any replication."
        : replications === 1
          ? `Users were out of service for ${f.duration(rto.worst)} in the one replication.`
          : `Users were out of service for ${f.duration(rto.mean)} on average, ${f.duration(rto.worst)} in the worst of ${replications} replications.`,
    );
  } else if (rto?.censored > 0) {
    sentences.push(`In ${rto.censored} of ${rto.n} replications users were not served again before the end of the run.`);
  } else if (scaling_lag?.n > 0 && scaling_lag.mean !== null) {
    sentences.push(`Capacity lagged behind demand for ${f.duration(scaling_lag.mean)} on average.`);
  }
  if (users_hit?.mean > 0) sentences.push(`At worst ${f.share(users_hit.mean)} of the users were hit at once, a user for ${f.duration(user_time_hit.mean)} on average.`);
  if (rpo?.acknowledged_writes > 0 && rto?.n > 0)
    sentences.push(
      rpo.lost_writes === 0
        ? `Of ${f.count(rpo.acknowledged_writes)} acknowledged writes none was lost.`
        : `${f.count(rpo.lost_writes)} of ${f.count(rpo.acknowledged_writes)} acknowledged writes were lost.`,
    );
  if (availability?.n > 0 && availability.mean !== null)
    sentences.push(`${f.share(availability.mean)} of ${f.shortCount(requests)} requests succeeded.`);
  return sentences.join(" ");
}

const verdictWord = (verdict) =>
  h("span", { class: `verdict ${verdict}` }, h("span", { "aria-hidden": "true", class: "mark" }, marks[verdict]), ` ${verdict}`);

// All replications, the value and its interval, against the limit.
function strip(objective, variants) {
  const name = objective.name;
  const rows = variants.map((v) => ({
    label: v.label,
    objective: v.verdict.objectives.find((o) => o.name === name && o.statistic === objective.statistic),
    values: (v.verdict.measures[name]?.values ?? []).filter((x) => x !== null),
  }));
  const draw = picture((width) => {
    const left = variants.length > 1 ? 30 : 8;
    const right = 14;
    const rowHeight = 34;
    const height = rows.length * rowHeight + 36;
    const all = rows.flatMap((r) => [...r.values, ...(r.objective?.ci95 ?? []).filter((x) => x !== null)]);
    all.push(objective.limit);
    let low = f.isShare(name) ? Math.min(...all) : 0;
    let high = Math.max(...all);
    if (high <= low) high = low + (low === 0 ? 1 : Math.abs(low) * 0.1);
    const margin = (high - low) * 0.05;
    if (f.isShare(name)) low = Math.max(0, low - margin);
    high = f.isShare(name) ? Math.min(1, high + margin) : high + margin;
    const x = (value) => px(left + ((value - low) / (high - low)) * (width - left - right));
    const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${f.nameOf(name)} of all replications against the limit` });
    const limit = x(objective.limit);
    const bottom = rows.length * rowHeight + 6;
    svg.append(
      s("line", { x1: left, x2: width - right, y1: bottom, y2: bottom, stroke: color("line") }),
      s("line", { x1: limit, x2: limit, y1: 2, y2: bottom + 5, stroke: color("ink"), "stroke-width": 1.4, "stroke-dasharray": "3 2" }),
    );
    const label = (at, text, anchor, weight, fill) =>
      s("text", { x: at, y: bottom + 19, "text-anchor": anchor, "font-family": sans, "font-size": 11.5, "font-weight": weight, fill }, text);
    const onLeft = limit < width / 2;
    svg.append(label(onLeft ? Math.max(limit - 8, 2) : Math.min(limit + 8, width - 2), `limit ${f.valueText(name, objective.limit)}`, onLeft ? "start" : "end", 600, color("ink")));
    svg.append(onLeft ? label(width - right, f.valueText(name, high), "end", 400, color("faint")) : label(left, f.valueText(name, low), "start", 400, color("faint")));
    rows.forEach((row, i) => {
      const y = i * rowHeight + 20;
      if (variants.length > 1)
        svg.append(s("text", { x: 4, y: y + 4, "font-family": sans, "font-size": 12, "font-weight": 600, fill: color("soft") }, row.label));
      for (const value of row.values)
        svg.append(s("circle", { cx: x(value), cy: y, r: 3.4, fill: color("faint"), "fill-opacity": 0.38 }));
      const o = row.objective;
      const tint = color(o?.verdict ?? "undecided");
      const known = o?.ci95 && o.ci95[0] !== null && o.ci95[1] !== null;
      if (known)
        svg.append(s("line", { x1: x(o.ci95[0]), x2: x(o.ci95[1]), y1: y, y2: y, stroke: tint, "stroke-width": 4, "stroke-linecap": "round" }));
      if (o && o.value !== null) {
        const dot = s("circle", { cx: x(o.value), cy: y, r: 6, fill: tint, stroke: color("ground"), "stroke-width": 1.5, tabindex: 0 });
        svg.append(
          hover(dot, () => [
            `${f.nameOf(name)}, ${o.statistic}: ${f.valueText(name, o.value)}`,
            known ? `95\u00a0% interval ${f.valueText(name, o.ci95[0])} to ${f.valueText(name, o.ci95[1])}` : "no interval",
            `limit ${f.valueText(name, o.limit)}: ${o.verdict}`,
            `${f.plural(row.values.length, "replication")}, each a pale dot`,
          ]),
        );
      }
    });
    return svg;
  });
  const rowsOfTable = () => [
    ["variant", "replication", `${name}${f.isShare(name) ? "" : "_seconds"}`],
    ...variants.flatMap((v) => (v.verdict.measures[name]?.values ?? []).map((value, i) => [v.label, i + 1, value])),
  ];
  return figure({ name: `objective-${name}-${objective.statistic}`, draw, rows: rowsOfTable, label: f.nameOf(name) });
}

function againstFirst(variant, name) {
  const change = variant.changes?.find((c) => c.name === name);
  if (!change) return null;
  const words = { better: "better than A", worse: "worse than A", undecided: "not clearly different from A", "the same": "the same as A" };
  const { difference } = change;
  const sign = difference > 0 ? "+" : "";
  const amount = f.isShare(name) ? `${(difference * 100).toFixed(2)} points` : f.duration(difference);
  return `${words[change.change]}${difference ? ` (${sign}${amount})` : ""}`;
}

export function section(variants) {
  const objectives = [];
  const same = (a) => (b) => a.name === b.name && a.statistic === b.statistic;
  for (const o of variants.flatMap((v) => v.verdict.objectives)) if (!objectives.some(same(o))) objectives.push(o);
  const said = (objective) =>
    variants.map((variant, i) => {
      const o = variant.verdict.objectives.find(same(objective));
      const who = variants.length > 1 && h("b", { class: "variant-label" }, variant.label);
      if (!o) return h("p", {}, who, "not promised");
      const measure = variant.verdict.measures[o.name];
      const doubt = doubtOf(o, measure);
      const change = againstFirst(variant, o.name);
      return h(
        "p",
        {},
        who,
        verdictWord(o.verdict),
        " ",
        h("span", { "data-variant": i, "data-objective": `${o.name}.${o.statistic}`, "data-value": o.value ?? "" }, findingOf(o, measure)),
        doubt && h("span", { class: "doubt" }, ` ${doubt}`),
        change && h("span", { class: "doubt" }, ` ${change[0].toUpperCase()}${change.slice(1)}.`),
      );
    });
  const blocks = objectives.map((objective) =>
    h("article", { class: "objective" }, h("div", { class: "said" }, h("h3", {}, promiseOf(objective)), said(objective)), strip(objective, variants)),
  );
  return [blocks.length ? blocks : h("p", {}, "The experiment promises nothing; what was measured:"), measuresTable(variants), variants.map((v) => throttlingTable(v, variants.length > 1))];
}

// Refused / offered by component, caller and reason, where anything was refused.
function throttlingTable(variant, many) {
  const all = variant.verdict.throttling ?? [];
  const refusing = new Set(all.filter((row) => row.refused > 0).map((row) => `${row.component}/${row.metric}`));
  const rows = all.filter((row) => refusing.has(`${row.component}/${row.metric}`)).slice(0, 200);
  if (rows.length === 0) return null;
  const row = (r) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, r.caller ? "" : r.component),
      h("td", {}, r.caller ? (r.reason ? "" : r.caller) : r.offers),
      h("td", {}, r.reason || "all"),
      [f.count(r.offered), f.count(r.refused), f.share(r.share), f.duration(r.longest_spell)].map((text) => h("td", {}, text)),
    );
  const head = ["", "caller", "reason", "offered", "refused", "share", "longest spell"];
  return h(
    "div",
    { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "Throttling" },
    h(
      "table",
      { class: "numbers", "data-throttling": variant.label },
      h("caption", {}, `Throttling, all replications${many ? `: ${variant.name}` : ""}`),
      h("thead", {}, h("tr", {}, head.map((x) => h("th", { scope: "col" }, x)))),
      h("tbody", {}, rows.map(row)),
    ),
  );
}

function measuresTable(variants) {
  const names = new Set(variants.flatMap((v) => Object.keys(v.verdict.measures)));
  const order = ["rto", "rpo", "availability"];
  const place = (name) => (order.includes(name) ? order.indexOf(name) : order.length);
  // A topology that stores nothing loses nothing worth a line.
  const told = (v, name) => v.verdict.measures[name]?.n > 0 && (name !== "rpo" || v.verdict.measures.rpo.acknowledged_writes > 0 || v.verdict.objectives.some((o) => o.name === "rpo"));
  const rows = [...names].filter((name) => variants.some((v) => told(v, name))).sort((a, b) => place(a) - place(b));
  if (rows.length === 0) return null;
  const cell = (variant, i, name, statistic) => {
    const m = variant.verdict.measures[name];
    const value = m?.[statistic];
    const none = m?.n > 0 ? (m.censored > 0 ? "not ended" : "–") : "–";
    return h(
      "td",
      { "data-variant": i, "data-measure": `${name}.${statistic}`, "data-value": value ?? "" },
      value === null || value === undefined ? none : f.valueText(name, value),
    );
  };
  const interval = (m, name) => (m?.ci95 && m.ci95[0] !== m.ci95[1] ? `${f.valueText(name, m.ci95[0])} – ${f.valueText(name, m.ci95[1])}` : "–");
  const many = variants.length > 1;
  const head = ["", many ? "" : null, "mean", "95 % interval", "median", "95 of 100", "worst"];
  return h(
    "div",
    { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "All measures" },
    h(
      "table",
      { class: "numbers" },
      h("caption", {}, "All measures"),
      h("thead", {}, h("tr", {}, head.filter((x) => x !== null).map((x) => h("th", { scope: "col" }, x)))),
      h(
        "tbody",
        {},
        rows.flatMap((name) =>
          variants.map((variant, i) => {
            const m = variant.verdict.measures[name];
            return h(
              "tr",
              {},
              i === 0 && h("th", { scope: "row", rowspan: variants.length }, f.nameOf(name)),
              many && h("td", {}, variant.label),
              cell(variant, i, name, "mean"),
              h("td", {}, interval(m, name)),
              cell(variant, i, name, "p50"),
              cell(variant, i, name, f.moreIsBetter(name) ? "p5" : "p95"),
              cell(variant, i, name, "worst"),
            );
          }),
        ),
      ),
    ),
  );
}
