// 5. Distributions: where the mass and the tail are. A dot a replication, stacked where they crowd.
import { h, s, px, figure, picture, hover } from "./dom.js";
import { color, sans } from "./theme.js";
import * as f from "./format.js";
import { quantile, groups, partsByGroup, timeAxis } from "./timeline.js";

function rowsOf(variants) {
  const rows = [];
  const add = (variant, name, shade, values, censored, part) => {
    if (values.length + censored > 0) rows.push({ variant, name, shade, values: [...values].sort((a, b) => a - b), censored, part });
  };
  for (const measure of ["rto", "rpo", "replacement_lag", "scaling_lag"]) {
    for (const variant of variants) {
      const m = variant.verdict.measures[measure];
      if (!m || (measure === "rpo" && !(m.acknowledged_writes > 0 && variant.topology.faults.length > 0))) continue;
      add(variant, f.nameOf(measure), "main", m.values.filter((v) => v !== null), m.censored, false);
      if (measure !== "rto") continue;
      const runs = variant.runs.filter((r) => r.parts.length > 0);
      groups.forEach(([name, words], i) => {
        const lengths = runs.map((r) => partsByGroup(r)[i]);
        if (lengths.some((x) => x > 0)) add(variant, words, name, lengths, 0, true);
      });
    }
  }
  return rows;
}

function drawRows(rows, many, width) {
  const narrow = width < 560;
  const [left, right] = narrow ? [8, 20] : [many ? 206 : 178, 24];
  const high = Math.max(...rows.map((r) => r.values.at(-1) ?? 0), 1e-3);
  const x = (t) => px(left + (t / high) * (width - left - right));
  const binWidth = 6.8;
  for (const row of rows) {
    const bins = new Map();
    row.places = row.values.map((value) => {
      const bin = Math.round((x(value) - left) / binWidth);
      bins.set(bin, (bins.get(bin) ?? 0) + 1);
      return [left + bin * binWidth, bins.get(bin) - 1];
    });
    row.stack = Math.max(1, ...bins.values());
    // All alike: one dot says it.
    row.alike = row.values.length > 1 && row.values[0] === row.values.at(-1);
    if (row.alike) [row.places, row.stack] = [row.places.slice(0, 1), 1];
    row.step = Math.min(6.4, 64 / row.stack);
    row.height = 26 + row.stack * row.step + (narrow ? 20 : 0);
  }
  const height = rows.reduce((sum, row) => sum + row.height, 0) + 34;
  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": "Distributions over the replications" });
  timeAxis(svg, x, high, width - left - right, 4, height - 28);
  let top = 0;
  for (const row of rows) {
    const base = top + row.height - 12;
    const label = `${many ? `${row.variant.label}  ` : ""}${row.name}`;
    const n = row.values.length;
    svg.append(
      s("text", { x: narrow ? left : left - 16, y: narrow ? top + 18 : base - 1, "text-anchor": narrow ? "start" : "end", "font-family": sans, "font-size": row.part ? 12 : 13, "font-weight": row.part ? 400 : 650, fill: color(row.part ? "soft" : "ink") }, label),
      s("line", { x1: left, x2: width - right, y1: base + 4, y2: base + 4, stroke: color("line") }),
    );
    for (const [cx, stack] of row.places)
      svg.append(s("circle", { cx: px(cx), cy: px(base - stack * row.step), r: px(Math.min(3.2, row.step / 2 + 0.6)), fill: color(row.shade), "fill-opacity": 0.82 }));
    if (row.alike) svg.append(s("text", { x: px(row.places[0][0] + 10), y: base + 1, "font-family": sans, "font-size": 11.5, fill: color("soft") }, `${f.duration(row.values[0])} in all ${n}`));
    if (n > 0) {
      const [middle, tail] = [quantile(row.values, 0.5), quantile(row.values, 0.95)];
      for (const value of n > 1 && tail !== middle ? [middle, tail] : [middle]) svg.append(s("path", { d: `M${x(value)} ${base + 5}l-4 6h8z`, fill: color("ink") }));
      const area = s("rect", { x: left, y: px(base - row.stack * row.step - 4), width: width - left - right, height: px(row.stack * row.step + 18), fill: "transparent", tabindex: 0 });
      svg.append(
        hover(area, () => [
          label,
          `median ${f.duration(middle)}, mean ${f.duration(row.values.reduce((a, b) => a + b, 0) / n)}`,
          `95 of 100 within ${f.duration(tail)}, worst ${f.duration(row.values.at(-1))}`,
          `${f.plural(n, "replication")}${row.censored ? `, and ${row.censored} that had not ended` : ""}`,
        ]),
      );
    }
    if (row.censored > 0)
      svg.append(s("text", { x: width - right, y: base - 6, "text-anchor": "end", "font-family": sans, "font-size": 11.5, "font-weight": 650, fill: color("fails") }, `${row.censored} not ended ▸`));
    top += row.height;
  }
  return svg;
}

export function section(variants) {
  const rows = rowsOf(variants);
  if (rows.length === 0) return h("p", {}, "Nothing to distribute: no replication has a recovery or a lag.");
  return [
    h("p", { class: "prose" }, variants.map((variant) => massAndTail(variant, variants.length > 1))),
    figure({
      name: "distributions",
      label: "the distributions",
      caption: "A dot a replication; the marks below the lines: the median and the 95th percentile.",
      draw: picture((width) => drawRows(rows, variants.length > 1, width)),
      rows: () => [["variant", "what", "value_seconds"], ...rows.flatMap((row) => row.values.map((v) => [row.variant.label, row.name, v]))],
    }),
  ];
}

// In words: how the bulk lies, and what the tail is made of.
function massAndTail(variant, many) {
  const values = (variant.verdict.measures.rto?.values ?? []).filter((v) => v !== null).sort((a, b) => a - b);
  if (values.length < 5 || values.at(-1) === 0) return null;
  const [low, middle, high, tail] = [0.1, 0.5, 0.9, 0.95].map((q) => quantile(values, q));
  const runs = variant.runs.filter((r) => typeof r.measures.rto === "number" && r.parts.length > 0);
  const mean = (sample, i) => sample.reduce((sum, r) => sum + partsByGroup(r)[i], 0) / Math.max(sample.length, 1);
  const slow = runs.filter((r) => r.measures.rto >= high);
  const fast = runs.filter((r) => r.measures.rto <= middle);
  const [cause, growth] = groups.map(([name], i) => [name, mean(slow, i) - mean(fast, i)]).sort((a, b) => b[1] - a[1])[0];
  const words = { detect: "detection", decide: "the decision", act: "the action", clients: "the clients’ way back" };
  const why = growth > 0.2 * (high - middle) ? ` What makes the slow tenth slow is above all ${words[cause]}: ${f.duration(growth)} more than in the faster half.` : "";
  return `${many ? `${variant.label}: ` : ""}Eight of ten recoveries take ${f.duration(low)} to ${f.duration(high)}, half of them at most ${f.duration(middle)}; one in twenty takes ${f.duration(tail)} or more.${why} `;
}
