// 2. The topology: the flow of requests along one axis, availability zones across it; what each
// fault hit. dagre decides the order along the flow.
import dagre from "@dagrejs/dagre";
import { h, s, px, figure, hover, textWidth } from "./dom.js";
import { color, sans } from "./theme.js";
import * as f from "./format.js";

const drawn_max = 36;
const words = (model) => model.replaceAll("_", " ");

// Many components of one model become one box.
function condensed(topology) {
  if (topology.components.length <= drawn_max) return topology;
  const modelOf = new Map(topology.components.map((c) => [c.name, c.model]));
  const boxes = new Map();
  for (const c of topology.components) {
    const box = boxes.get(c.model) ?? { ...c, name: words(c.model), count: 0 };
    ++box.count;
    boxes.set(c.model, box);
  }
  for (const box of boxes.values()) box.model = f.plural(box.count, "component");
  const named = (name) => words(modelOf.get(name) ?? name);
  const references = topology.references.map((r) => ({ ...r, port: "", from: named(r.from), to: named(r.to) }));
  return { ...topology, components: [...boxes.values()], references };
}

// Components with the one they live on (port "fleet") in one box, in the order of the flow.
function boxesOf(topology) {
  const homes = new Map(topology.references.filter((r) => r.port === "fleet").map((r) => [r.from, r.to]));
  const home = (name) => homes.get(name) ?? name;
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 20, ranksep: 60 });
  graph.setDefaultEdgeLabel(() => ({}));
  const boxes = new Map();
  for (const c of topology.components) {
    const key = home(c.name);
    const box = boxes.get(key) ?? { key, members: [], zones: [], store: false };
    box.members.push(c);
    box.zones = [...new Set([...box.zones, ...c.zones.split(" ").filter(Boolean)])];
    box.store ||= c.store;
    boxes.set(key, box);
  }
  for (const key of boxes.keys()) graph.setNode(key, { width: 120, height: 60 });
  const edges = new Map();
  for (const r of topology.references) {
    const from = home(r.from);
    const to = home(r.to);
    if (from === to || !boxes.has(from) || !boxes.has(to)) continue;
    graph.setEdge(from, to);
    edges.set(`${from}\n${to}`, { from: boxes.get(from), to: boxes.get(to) });
  }
  dagre.layout(graph);
  const order = [...boxes.values()];
  for (const box of order) {
    const node = graph.node(box.key);
    [box.rank, box.across] = [node.x, node.y];
    // The lodger is what requests reach; its home stands below it.
    box.members.sort((a, b) => (a.name === box.key) - (b.name === box.key));
  }
  order.sort((a, b) => a.rank - b.rank || a.across - b.across);
  order.forEach((box, i) => (box.place = i));
  return { boxes: order, edges: [...edges.values()] };
}

const regionOf = (zone) => zone.replace(/[a-z]$/, "");

// Where everything stands: "along" the flow and "across" it, which `turned` swaps for narrow pages.
function layout(topology, width) {
  const { boxes, edges } = boxesOf(topology);
  const zones = topology.zones.split(" ").filter(Boolean);
  const regions = [...new Set(zones.map(regionOf))];
  const turned = width < 620;
  const label = turned ? 34 : 58; // room for the zones' names before the first box that lives in one
  const room = width - 40 - label;
  const box = turned ? 58 : Math.min(150, Math.max(96, room / boxes.length - 34));
  const gap = turned ? 30 : Math.min(64, Math.max(26, (room - boxes.length * box) / boxes.length));
  const laneSize = turned ? (width - 24) / Math.max(zones.length, 1) : 64;
  const lanes = new Map();
  const spans = new Map();
  let across = turned ? 12 : 58;
  regions.forEach((region, i) => {
    if (!turned && i > 0) across += 76;
    const start = across;
    for (const zone of zones.filter((z) => regionOf(z) === region)) {
      lanes.set(zone, across);
      across += laneSize;
    }
    spans.set(region, [start, across]);
  });
  if (zones.length === 0) across = turned ? width - 12 : 58 + 2 * laneSize;
  let at = turned ? 8 : 16;
  let led = false;
  for (const b of boxes) {
    const own = b.zones.filter((z) => lanes.has(z)).map((z) => lanes.get(z));
    const middle = (58 + across) / 2;
    b.placed = own.length > 0;
    if (b.placed && !led) at += label;
    led ||= b.placed;
    b.at = at;
    at += box + gap;
    b.start = b.placed ? Math.min(...own) + 8 : turned ? 12 : Math.max(middle - 48, 20);
    b.end = b.placed ? Math.max(...own) + laneSize - 8 : turned ? width - 12 : Math.max(middle - 48, 20) + 96;
  }
  const flow = (boxes.at(-1)?.at ?? 0) + box + 22;
  const size = turned ? [width, flow + 8] : [Math.max(width, flow), across + 20];
  return { boxes, edges, zones, regions, turned, box, gap, label, laneSize, lanes, spans, size };
}

function drawTopology(topology, width) {
  const L = layout(topology, width);
  const { turned } = L;
  const [W, H] = L.size;
  const hits = (name) => topology.faults.filter((fault) => fault.target === name);
  const said = (faults) => faults.map((x) => `${f.clock(x.at)}  ${x.text}`);
  const P = (a, c) => (turned ? [px(c), px(a)] : [px(a), px(c)]);
  const rect = (a, c, da, dc, attributes) => {
    const [x, y] = P(a, c);
    const [w, t] = turned ? [dc, da] : [da, dc];
    return s("rect", { x, y, width: px(w), height: px(t), ...attributes });
  };
  const text = (x, y, content, attributes) =>
    s("text", { x: px(x), y: px(y), "font-family": sans, "font-size": 12, fill: color("ink"), ...attributes }, content);
  const fitted = (x, y, content, room, style) => {
    const font = `${style["font-weight"] ?? 400} ${style["font-size"]}px ${sans}`;
    let shown = content;
    while (shown.length > 3 && textWidth(shown, font) > room) shown = shown.replace(/…$/, "").slice(0, -1).trimEnd() + "…";
    const element = text(x, y, shown, style);
    if (shown !== content) element.append(s("title", {}, content));
    return element;
  };
  const svg = s("svg", { viewBox: `0 0 ${W} ${H}`, width: W, height: H, role: "img", "aria-label": "The topology: who calls whom, and in which zones it lives" });
  const ids = `t${Math.round(W)}-${topology.id}`;
  svg.append(
    s(
      "defs",
      {},
      s("pattern", { id: `hatch-${ids}`, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, s("line", { x1: 0, x2: 0, y1: 0, y2: 6, stroke: color("fault"), "stroke-width": 1.6, "stroke-opacity": 0.4 })),
      s("marker", { id: `arrow-${ids}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" }, s("path", { d: "M0 0.6 8 4 0 7.4z", fill: color("soft") })),
    ),
  );
  const placed = L.boxes.filter((b) => b.placed);
  if (placed.length > 0) {
    const first = placed[0].at - (turned ? 10 : L.label);
    const last = placed.at(-1).at + L.box + 14;
    for (const region of L.regions) {
      const [start, end] = L.spans.get(region);
      const ofRegion = hits(region);
      const frame = { rx: 10, fill: "none", stroke: color(ofRegion.length ? "fault" : "line") };
      svg.append(turned ? rect(first - 36, start - 6, last - first + 42, end - start + 12, frame) : rect(first, start - 40, last - first + 6, end - start + 48, frame));
      const at = turned ? [start + 4, first - 20] : [first + 12, start - 25];
      svg.append(text(...at, region, { "font-size": 11.5, "font-weight": 600, fill: color(ofRegion.length ? "fault" : "soft") }));
      for (const zone of L.zones.filter((z) => regionOf(z) === region)) {
        const struck = [...hits(zone), ...ofRegion];
        const place = [first + 8, L.lanes.get(zone) + 3, last - first - 12, L.laneSize - 6];
        svg.append(rect(...place, { rx: 7, fill: color("panel") }));
        if (struck.length) {
          const lane = rect(...place, { rx: 7, fill: `url(#hatch-${ids})`, stroke: color("fault"), "stroke-width": 1.2, tabindex: 0, class: "struck" });
          svg.append(hover(lane, () => said(struck)));
        }
        const corner = turned ? [L.lanes.get(zone) + 9, first + 1] : [first + 16, L.lanes.get(zone) + 19];
        svg.append(text(...corner, turned ? zone.slice(-2) : zone.slice(zone.lastIndexOf("-") + 1), { "font-size": 11.5, "font-weight": struck.length ? 700 : 400, fill: color(struck.length ? "fault" : "faint") }));
      }
    }
  }
  // Edges: from border to border; over what stands between in an arc.
  for (const { from, to } of L.edges) {
    const forward = to.place > from.place;
    const way = forward ? 1 : -1;
    const a1 = forward ? from.at + L.box : from.at;
    const a2 = forward ? to.at : to.at + L.box;
    const between = L.boxes.filter((b) => b.place > Math.min(from.place, to.place) && b.place < Math.max(from.place, to.place));
    let c1 = (from.start + from.end) / 2;
    let c2 = (to.start + to.end) / 2;
    // A straight line where both are tall enough for it.
    const [lowest, highest] = [Math.max(from.start, to.start) + 12, Math.min(from.end, to.end) - 12];
    if (between.length === 0 && lowest < highest) c1 = c2 = Math.min(Math.max(c1, lowest), highest);
    const start = P(a1 + 2 * way, c1).join(" ");
    const end = P(a2 - 3 * way, c2).join(" ");
    let d = `M${start}C${P((a1 + a2) / 2, c1).join(" ")} ${P((a1 + a2) / 2, c2).join(" ")} ${end}`;
    if (between.length > 0) {
      const rim = Math.min(from.start, to.start, ...between.map((b) => b.start)) - 9;
      d = `M${start}C${P(a1 + 14 * way, c1).join(" ")} ${P(a1 + 2 * way, rim).join(" ")} ${P(a1 + 16 * way, rim).join(" ")}L${P(a2 - 16 * way, rim).join(" ")}C${P(a2 - 2 * way, rim).join(" ")} ${P(a2 - 14 * way, c2).join(" ")} ${end}`;
    }
    svg.append(s("path", { d, fill: "none", stroke: color("soft"), "stroke-width": 1.3, "marker-end": `url(#arrow-${ids})` }));
  }
  // Boxes: a column through the zones they live in, or a card beside the regions.
  for (const b of L.boxes) {
    const struck = b.members.flatMap((m) => hits(m.name));
    const tint = color(struck.length ? "fault" : b.store ? "third" : "soft");
    const shape = rect(b.at, b.start, L.box, b.end - b.start, { rx: 7, fill: color("ground"), "fill-opacity": 0.93, stroke: tint, "stroke-width": struck.length ? 2 : 1.2, tabindex: 0 });
    svg.append(hover(shape, () => [...b.members.flatMap((m) => [`${m.name}: ${words(m.model)}`, m.sentence]), ...said(struck)]));
    for (const zone of b.zones.filter((z) => L.lanes.has(z) && [...hits(z), ...hits(regionOf(z))].length))
      svg.append(rect(b.at, Math.max(b.start, L.lanes.get(zone) + 3), L.box, Math.min(b.end, L.lanes.get(zone) + L.laneSize - 3) - Math.max(b.start, L.lanes.get(zone) + 3), { rx: 6, fill: `url(#hatch-${ids})`, opacity: turned ? 0.45 : 0.8, "pointer-events": "none" }));
    const big = { "font-weight": 650, "font-size": 12.5 };
    const small = { "font-size": 10.5, fill: color("soft") };
    if (turned) {
      const others = b.members.slice(1).map((m) => m.name);
      const below = [words(b.members[0].model), ...others].join(" · ");
      svg.append(fitted(b.start + 10, b.at + 25, b.members[0].name, b.end - b.start - 20, big), fitted(b.start + 10, b.at + 43, below, b.end - b.start - 20, small));
      continue;
    }
    const lines = b.members.flatMap((m) => [[m.name, big], [words(m.model), small]]);
    const top = (b.start + b.end) / 2 - (lines.length * 15 + (b.members.length - 1) * 7) / 2 + 12;
    lines.forEach(([content, style], i) => svg.append(fitted(b.at + L.box / 2, top + i * 15 + Math.floor(i / 2) * 7, content, L.box - 14, { ...style, "text-anchor": "middle" })));
  }
  return svg;
}

export function section(variants) {
  return variants.map((variant) => {
    const topology = { ...variant.topology, id: variant.label };
    if (topology.components.length === 0) return h("p", {}, "The file does not hold its topology.");
    const faults = topology.faults.map((fault) => h("li", {}, h("b", {}, f.clock(fault.at)), ` ${fault.text}`));
    const shown = condensed(topology);
    return h(
      "div",
      { class: "variant" },
      variants.length > 1 && h("h3", {}, variant.name),
      figure({
        name: `topology-${variant.label}`,
        caption: faults.length ? h("ul", { class: "plain" }, faults) : "No fault.",
        draw: (stage, width) => stage.replaceChildren(h("div", { class: "table-scroll" }, drawTopology(shown, width))),
        rows: () => [
          ["component", "model", "zones", "refers to"],
          ...topology.components.map((c) => [c.name, c.model, c.zones, topology.references.filter((r) => r.from === c.name).map((r) => r.to).join(" ")]),
        ],
        label: "the topology",
      }),
      shown !== topology && h("p", { class: "note" }, `${f.plural(topology.components.length, "component")} are too many for one picture: those of one model are drawn as one box.`),
    );
  });
}
