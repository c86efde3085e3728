// 4. Over time: bands over the replications, drawn by ECharts, and the marks of what was noticed and
// done.
import * as echarts from "echarts/core";
import { CustomChart, LineChart } from "echarts/charts";
import { GridComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { SVGRenderer } from "echarts/renderers";
import { h, s, px, figure, picture, hover } from "./dom.js";
import { color, redraw, sans } from "./theme.js";
import * as f from "./format.js";
import { at, lengthOf, panelsOf } from "./panels.js";
import { tickStep, tickText } from "./timeline.js";

echarts.use([CustomChart, LineChart, GridComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent, SVGRenderer]);

const shades = ["main", "second", "third", "fourth", "soft", "faint"];
const chartHeight = 190;
const marginsOf = (width) => (width < 520 ? [50, 20] : [62, 24]);

function tooltipOf(panel) {
  return (items) => {
    const i = (Array.isArray(items) ? items : [items])[0]?.dataIndex;
    if (i === undefined) return "";
    const rows = panel.series.map((one, k) =>
      h(
        "tr",
        {},
        h("td", {}, h("i", { style: `background:${color(shades[k % shades.length])}` }), one.label || "median"),
        h("td", {}, f.inUnit(at(one.p50, i), panel.unit)),
        h("td", { class: "spread" }, `${f.inUnit(at(one.p10, i), panel.unit)} – ${f.inUnit(at(one.p90, i), panel.unit)}`),
      ),
    );
    const worst = panel.series[0].worst;
    if (worst !== undefined && worst !== null)
      rows.push(h("tr", {}, h("td", {}, h("i", { style: `background:${color("worst")}` }), "worst replication"), h("td", {}, f.inUnit(at(worst, i), panel.unit)), h("td")));
    return h("div", {}, h("b", {}, f.clock(i * panel.interval)), h("table", {}, rows));
  };
}

// The band as one shape: from left to right along its upper edge, and back along the lower. Gaps
// split it.
function bandSeries(one, xs, shade, floor) {
  return {
    type: "custom",
    silent: true,
    data: [[0, 0]],
    renderItem: (params, api) => {
      const children = [];
      let upper = [];
      let lower = [];
      const flush = () => {
        if (upper.length > 1) children.push({ type: "polygon", shape: { points: [...upper, ...lower.reverse()] }, style: { fill: shade, opacity: 0.17 } });
        upper = [];
        lower = [];
      };
      xs.forEach((x, i) => {
        const [low, high] = [at(one.p10, i), at(one.p90, i)];
        if (low === null || high === null) return flush();
        upper.push(api.coord([x, Math.max(high, floor)]));
        lower.push(api.coord([x, Math.max(low, floor)]));
      });
      flush();
      return { type: "group", children };
    },
    clip: true,
    animation: false,
  };
}

function seriesOf(panel, xs) {
  const line = (data, shade, width, opacity = 1) => ({
    type: "line",
    data: xs.map((x, i) => [x, at(data, i)]),
    lineStyle: { color: shade, width, opacity },
    itemStyle: { color: shade },
    symbol: "none",
    silent: true,
    animation: false,
    emphasis: { disabled: true },
  });
  const floor = panel.log ? 1e-6 : 0;
  // Of many lines only the largest has a band: others would be one grey.
  const bands = panel.series.slice(0, panel.series.length > 2 ? 1 : 2).map((one, k) => bandSeries(one, xs, color(shades[k]), floor));
  const worst = panel.series.filter((one) => one.worst !== undefined && one.worst !== null).map((one) => line(one.worst, color("worst"), 1.1, 0.85));
  const medians = panel.series.map((one, k) => ({ ...line(one.p50, color(shades[k % shades.length]), 1.9), name: one.label || "median" }));
  return [...bands, ...worst, ...medians];
}

// All of the run, or what lies around its faults; a button changes it.
let zoomed = false;
function rangeOf(variant) {
  const horizon = variant.verdict.horizon;
  const first = variant.topology.faults[0];
  if (!zoomed || !first) return [0, horizon];
  const ends = variant.runs.map((r) => r.milestones.recovered ?? 0).sort((a, b) => a - b);
  const until = Math.max(first.at, ends[Math.floor(0.9 * (ends.length - 1))] ?? 0);
  const span = Math.max((until - first.at) * 1.6, variant.time.interval * 24);
  return [Math.max(0, first.at - span * 0.15), Math.min(horizon, first.at + span)];
}
const canZoom = (variant) => {
  zoomed = true;
  const [low, high] = rangeOf(variant);
  zoomed = false;
  return high - low < 0.7 * variant.verdict.horizon;
};
// Round dates within the range.
function ticksWithin([low, high], room) {
  const step = tickStep(high - low, room);
  const all = [];
  for (let t = Math.ceil(low / step) * step; t <= high * 1.0001; t += step) all.push(t);
  return all;
}

function option(panel, variant, width) {
  const horizon = variant.verdict.horizon;
  const [low, high] = rangeOf(variant);
  const n = Math.max(2, ...panel.series.map(lengthOf));
  const xs = Array.from({ length: n }, (_, i) => (i + 0.5) * panel.interval);
  const series = seriesOf(panel, xs);
  const faults = variant.topology.faults;
  const carrier = series.at(-1);
  carrier.markArea = {
    silent: true,
    itemStyle: { color: color("fault"), opacity: 0.07 },
    data: faults.map((x) => [{ xAxis: x.at }, { xAxis: x.lasting === null ? horizon : Math.min(horizon, x.at + x.lasting) }]),
  };
  carrier.markLine = {
    silent: true,
    symbol: "none",
    animation: false,
    label: { show: false },
    data: [
      ...faults.map((x) => ({ xAxis: x.at, lineStyle: { color: color("fault"), type: "solid", width: 1.1 } })),
      ...(panel.limit ? [{ yAxis: panel.limit[0], lineStyle: { color: color("ink"), type: [3, 2], width: 1.1 } }] : []),
    ],
  };
  const text = { fontFamily: sans, fontSize: 11, color: color("faint") };
  const yText = (v) =>
    panel.unit === "share" ? `${Math.round(v * 100)} %` : panel.unit === "Seconds" ? (v >= 100 ? f.clock(v) : f.duration(v)) : panel.unit === "1/s" ? `${f.number(v)}/s` : f.number(v);
  const [left, right] = marginsOf(width);
  return {
    animation: false,
    textStyle: { fontFamily: sans },
    grid: { left, right, top: 10, bottom: 26, outerBoundsMode: "none" },
    tooltip: {
      trigger: "axis",
      confine: true,
      backgroundColor: color("ground"),
      borderColor: color("line"),
      textStyle: { color: color("ink"), fontSize: 12 },
      axisPointer: { lineStyle: { color: color("faint"), type: "solid" } },
      formatter: tooltipOf(panel),
    },
    xAxis: {
      type: "value",
      min: low,
      max: high,
      axisLabel: { ...text, formatter: tickText, hideOverlap: true, customValues: ticksWithin([low, high], (width - left - right) / 80) },
      splitLine: { show: false },
      axisLine: { onZero: false, lineStyle: { color: color("line") } },
      axisTick: { lineStyle: { color: color("line") }, customValues: ticksWithin([low, high], (width - left - right) / 80) },
    },
    yAxis: {
      type: panel.log ? "log" : "value",
      min: panel.least,
      max: panel.most,
      splitNumber: 3,
      interval: panel.unit === "share" ? 0.25 : undefined,
      axisLabel: { ...text, formatter: yText, hideOverlap: true },
      splitLine: { lineStyle: { color: color("hair") } },
      minorTick: { show: false },
      axisLine: { show: false },
      axisTick: { show: false },
    },
    series,
  };
}

function key(panel) {
  const entry = (shade, words, kind = "") => h("span", {}, h("i", { class: `swatch ${kind}`, "data-shade": shade }), words);
  const worst = panel.series.some((one) => one.worst !== undefined && one.worst !== null);
  return h(
    "span",
    { class: "key" },
    panel.series.map((one, k) => one.label && entry(shades[k % shades.length], one.label)),
    worst && entry("worst", "worst replication"),
    panel.limit && entry("ink", panel.limit[1], "dashed"),
  );
}

// Arrow keys walk along a chart and show its values, as the pointer does.
function walkable(ground, instance, n) {
  let place = -1;
  ground.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (!step) return;
    event.preventDefault();
    place = Math.min(Math.max(place + step, 0), n - 1);
    instance.dispatchAction({ type: "showTip", seriesIndex: instance.getOption().series.length - 1, dataIndex: place });
  });
  ground.addEventListener("blur", () => instance.dispatchAction({ type: "hideTip" }));
}

function chart(panel, variant) {
  let instance = null;
  const n = Math.max(2, ...panel.series.map(lengthOf));
  const element = figure({
    name: `${panel.key}-${variant.label}`,
    label: panel.title,
    caption: [h("b", {}, panel.title), " ", key(panel)],
    draw: (stage, width) => {
      if (!instance) {
        const ground = h("div", { class: "chart", tabindex: 0, role: "img", "aria-label": `${panel.title}; arrow keys walk along it` });
        stage.replaceChildren(ground);
        instance = echarts.init(ground, null, { renderer: "svg", width, height: chartHeight });
        instance.group = `time-${variant.label}`; // all panels of a variant point at one instant
        echarts.connect(instance.group);
        walkable(ground, instance, n);
      }
      instance.resize({ width, height: chartHeight });
      instance.setOption(option(panel, variant, width), true);
      for (const swatch of element.querySelectorAll("[data-shade]")) swatch.style.color = color(swatch.dataset.shade);
    },
    rows: () => [
      ["time_seconds", ...panel.series.flatMap((one) => ["p10", "p50", "p90"].map((q) => `${one.label || panel.key} ${q}`))],
      ...Array.from({ length: n }, (_, i) => [i * panel.interval, ...panel.series.flatMap((one) => ["p10", "p50", "p90"].map((q) => at(one[q], i)))]),
    ],
  });
  return element;
}

// What was noticed and done: colour, shape, whether it is filled.
const signs = {
  fault: ["fault", "M-4 -4 4 4M4 -4-4 4", false, "fault"],
  repair: ["third", "M-4 0-1 4 5 -4", false, "fault ends"],
  detection: ["detect", "M0 -5 5 4-5 4z", true, "detection or alarm"],
  action_started: ["act", "M-4 -4 4 -4 4 4-4 4z", false, "action starts"],
  action_finished: ["act", "M-4 -4 4 -4 4 4-4 4z", true, "action ends"],
  caches_expired: ["clients", "M0 -5 5 0 0 5-5 0z", false, "caches of DNS expire"],
  clients_moved: ["clients", "M0 -5 5 0 0 5-5 0z", true, "clients move"],
  none: ["faint", "M-2.5 0A2.5 2.5 0 1 1 2.5 0 2.5 2.5 0 1 1 -2.5 0z", true, "other"],
};
const signOf = (milestone) => signs[milestone] ?? signs.none;
const drawSign = (milestone, attributes) => {
  const [shade, d, filled] = signOf(milestone);
  return s("path", { d, fill: filled ? color(shade) : "none", stroke: color(shade), "stroke-width": milestone === "fault" || milestone === "repair" ? 2.2 : 1.4, "stroke-linejoin": "round", ...attributes });
};

function marksOf(variant, which) {
  const told = variant.stories[which];
  if (!told || told.events.length === 0) return null;
  const components = [...new Set(told.events.map((e) => e[2]))].slice(0, 12);
  const keys = h("span", { class: "key" });
  const draw = (stage, width) => {
    const present = Object.keys(signs).filter((m) => told.events.some((e) => (e[1] in signs ? e[1] : "none") === m));
    keys.replaceChildren(...present.map((m) => h("span", {}, s("svg", { width: 13, height: 13, viewBox: "-7 -7 14 14", "aria-hidden": "true" }, drawSign(m)), signs[m][3])));
    picture((wide) => {
      const [left, right] = marginsOf(wide);
      const rowHeight = 27;
      const height = components.length * rowHeight + 26;
      const [low, high] = rangeOf(variant);
      const x = (t) => px(left + ((t - low) / (high - low)) * (wide - left - right));
      const svg = s("svg", { viewBox: `0 0 ${wide} ${height}`, width: wide, height, role: "img", "aria-label": `What was noticed and done in the ${which} replication` });
      for (const fault of variant.topology.faults) {
        const end = fault.lasting === null ? high : Math.min(high, fault.at + fault.lasting);
        if (fault.at < high) svg.append(s("rect", { x: x(fault.at), y: 0, width: px(x(end) - x(fault.at)), height: components.length * rowHeight, fill: color("fault"), "fill-opacity": 0.07 }));
      }
      for (const t of ticksWithin([low, high], (wide - left - right) / 80))
        svg.append(s("text", { x: x(t), y: height - 6, "text-anchor": "middle", "font-family": sans, "font-size": 11, fill: color("faint") }, tickText(t)));
      components.forEach((component, row) => {
        const y = row * rowHeight + 17;
        svg.append(
          s("line", { x1: left, x2: wide - right, y1: y, y2: y, stroke: color("hair") }),
          s("text", { x: 0, y: y - 7, "font-family": sans, "font-size": 10.5, fill: color("soft") }, component),
        );
        for (const [time, milestone, , text] of told.events.filter((e) => e[2] === component && e[0] >= low && e[0] <= high))
          svg.append(hover(drawSign(milestone, { transform: `translate(${x(time)} ${y})`, "pointer-events": "all" }), () => [`${f.date(time)}  ${component}`, text]));
      });
      return svg;
    })(stage, width);
  };
  return figure({
    name: `marks-${which}-${variant.label}`,
    label: `marks of the ${which} replication`,
    caption: [h("b", {}, `Noticed and done in the ${which} replication`), " ", keys],
    draw,
    rows: () => [["time_seconds", "milestone", "component", "text"], ...told.events],
  });
}

function zoomButton() {
  const words = () => (zoomed ? "Show the whole run" : "Show the time around the fault");
  const button = h("button", { type: "button", class: "zoom", onclick: () => {
    zoomed = !zoomed;
    button.textContent = words();
    redraw();
  } }, words());
  return button;
}

export function section(variants) {
  const zoom = variants.some((v) => v.time.series.length > 0 && canZoom(v)) && zoomButton();
  return [zoom, variants.map((variant) => {
    const charts = panelsOf(variant).map((panel) => chart(panel, variant));
    return h(
      "div",
      { class: "variant" },
      variants.length > 1 && h("h3", {}, variant.name),
      charts.length === 0 && h("p", {}, "No series were recorded (recording: {level: summary})."),
      charts.slice(0, 1),
      marksOf(variant, "median"),
      charts.slice(1),
      variant.time.left_out > 0 && h("p", { class: "note" }, `${variant.time.left_out} more series are in the file, too many for a page: windtunnel show ${variant.file} /series`),
    );
  })];
}
