// 6. Per component: its metrics, its settings, what its model leaves out.
import { h, s, px } from "./dom.js";
import { color, onChange } from "./theme.js";
import * as f from "./format.js";

// A small line of the medians over time, beside a metric's numbers.
function spark(one) {
  if (!one || !Array.isArray(one.p50)) return null;
  const values = one.p50.map((v) => v ?? 0);
  const [high, low] = [Math.max(...values), Math.min(...values, 0)];
  const [width, height] = [120, 20];
  const step = Math.max(1, Math.floor(values.length / 120));
  const points = [];
  for (let i = 0; i < values.length; i += step)
    points.push(`${px((i / (values.length - 1)) * width)} ${px(height - 2 - ((values[i] - low) / (high - low || 1)) * (height - 4))}`);
  const line = s("path", { d: `M${points.join("L")}`, fill: "none", stroke: color("main"), "stroke-width": 1.2 });
  onChange(() => line.setAttribute("stroke", color("main")));
  return s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, class: "spark", role: "img", "aria-label": "over time" }, line);
}

const seriesOfStatistic = { sum: "Sum", mean: "Average", p99: "p99" };

function metrics(variant, name, index) {
  const all = Object.entries(variant.verdict.components[name] ?? {});
  if (all.length === 0) return h("p", { class: "note" }, "It reports no metrics.");
  const series = variant.time.series.filter((one) => one.component === name);
  // A metric with one statistic is a number in the JSON form: a counter's sum, or a ratio's mean.
  const statisticsOf = (metric, value) => {
    if (value !== null && typeof value === "object") return Object.entries(value);
    return [[series.some((one) => one.metric === metric && one.statistic === "Average") ? "mean" : "sum", value]];
  };
  const row = ([metric, value]) => {
    const statistics = statisticsOf(metric, value);
    const own = series.filter((one) => one.metric === metric);
    const isTime = own.some((one) => one.unit === "Seconds");
    const unit = isTime ? "Seconds" : own.find((one) => one.statistic === "Average")?.unit;
    const shown = statistics.filter(([k]) => k !== "count" || statistics.length === 1);
    return h(
      "tr",
      {},
      h("th", { scope: "row", title: own[0]?.sentence }, metric),
      h(
        "td",
        {},
        shown.map(([k, v]) =>
          h("span", { class: "statistic" }, h("span", { class: "word" }, k), " ", h("span", { "data-variant": index, "data-component": `${name}/${metric}/${k}`, "data-value": v ?? "" }, f.inUnit(v, k === "sum" ? "" : unit))),
        ),
      ),
      h("td", { class: "sparks" }, spark(own.find((one) => shown.some(([k]) => seriesOfStatistic[k] === one.statistic)))),
    );
  };
  const isZero = ([, value]) => (value !== null && typeof value === "object" ? Object.values(value).every((x) => !x) : !value);
  const silent = all.filter(isZero).map(([metric]) => metric);
  return [
    h("div", { class: "table-scroll" }, h("table", { class: "metrics" }, h("caption", {}, `Metrics, mean over ${f.plural(variant.verdict.replications, "replication")}`), h("tbody", {}, all.filter((x) => !isZero(x)).map(row)))),
    silent.length > 0 && h("p", { class: "note" }, `Always 0: ${silent.join(", ")}.`),
  ];
}

function settings(variant, name) {
  const rows = variant.verdict.assumptions.filter((a) => a.path.startsWith(`${name}.`));
  if (rows.length === 0) return null;
  const row = (a) =>
    h(
      "tr",
      { class: a.at_default ? "default" : "given" },
      h("th", { scope: "row" }, a.path.slice(name.length + 1)),
      h("td", {}, h("code", {}, a.value)),
      h("td", {}, a.sentence, a.at_default && h("span", { class: "aside" }, a.unsourced ? " (default, unsourced)" : " (default)")),
    );
  return h("div", { class: "table-scroll" }, h("table", { class: "settings" }, h("caption", {}, "Settings"), h("tbody", {}, rows.map(row))));
}

export function section(variants) {
  const names = [...new Set(variants.flatMap((v) => v.topology.components.map((c) => c.name)))];
  const shown = names.slice(0, 120);
  return [
    shown.map((name) => {
      const holders = variants.map((v, i) => [v, i]).filter(([v]) => v.topology.components.some((c) => c.name === name));
      const info = holders[0][0].topology.components.find((c) => c.name === name);
      return h(
        "details",
        { class: "component" },
        h("summary", {}, h("b", {}, name), h("span", { class: "aside" }, ` ${info.model.replaceAll("_", " ")}`)),
        h("p", {}, info.sentence, info.zones && h("span", { class: "aside" }, ` In ${info.zones.replaceAll(" ", ", ")}.`)),
        holders.map(([variant, i]) => [variants.length > 1 && h("h4", {}, variant.name), metrics(variant, name, i), settings(variant, name)]),
        h("p", { class: "left-out" }, h("b", {}, "The model leaves out: "), info.left_out || "nothing that its description names."),
      );
    }),
    names.length > shown.length && h("p", { class: "note" }, `${names.length - shown.length} more components are in the file: windtunnel show ${variants[0].file} /components`),
  ];
}
