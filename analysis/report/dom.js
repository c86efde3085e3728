// Elements and pictures. Everything that comes from a results file goes through textContent or an
// attribute: never through markup.
import * as theme from "./theme.js";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

export const h = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);
export const s = (tag, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

// Rounded, so that pictures stay small.
export const px = (x) => Math.round(x * 10) / 10;

let measuring = null;
export function textWidth(text, font) {
  measuring ??= document.createElement("canvas").getContext("2d");
  measuring.font = font;
  return measuring.measureText(text).width;
}

function save(name, blob) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const quoted = (cell) => {
  const text = cell === null || cell === undefined ? "" : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

export function csvText(rows) {
  return rows.map((row) => row.map(quoted).join(",")).join("\n") + "\n";
}

// The picture as it stands on the page, twice as large, on the page's ground.
async function pngOf(svg) {
  const box = svg.getBoundingClientRect();
  const copy = svg.cloneNode(true);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", box.width);
  copy.setAttribute("height", box.height);
  const text = new XMLSerializer().serializeToString(copy);
  const image = new Image();
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
  await image.decode();
  const canvas = h("canvas", { width: Math.ceil(box.width * 2), height: Math.ceil(box.height * 2) });
  const context = canvas.getContext("2d");
  context.fillStyle = theme.color("ground");
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

let figures = 0;

// A figure with its caption and its ways out. `draw(stage, width)` puts the picture there; it is
// called again when the width or the theme changes. `rows()` gives the table behind it.
export function figure({ name, caption, draw, rows, label }) {
  const stage = h("div", { class: "stage" });
  const wayOut = (word, what) =>
    h("button", { type: "button", "aria-label": `${word} of ${label ?? name}`, onclick: what }, word);
  const element = h(
    "figure",
    { id: `figure-${++figures}` },
    caption && h("figcaption", {}, caption),
    stage,
    h(
      "div",
      { class: "ways-out" },
      wayOut("CSV", () => save(`${name}.csv`, new Blob([csvText(rows())], { type: "text/csv" }))),
      wayOut("PNG", async () => save(`${name}.png`, await pngOf(stage.querySelector("svg")))),
    ),
  );
  let last = 0;
  const redraw = () => {
    last = stage.clientWidth;
    if (last > 0) draw(stage, last);
  };
  theme.onChange(redraw);
  new ResizeObserver(() => {
    if (Math.abs(stage.clientWidth - last) >= 1) redraw();
  }).observe(stage);
  return element;
}

// For pictures of our own: one SVG of that width.
export const picture = (make) => (stage, width) => stage.replaceChildren(make(width));

// One tip for all pictures of our own; ECharts has its own, which looks the same.
const tip = h("div", { class: "tip", role: "status", hidden: true });
export function hover(element, lines) {
  const show = (x, y) => {
    if (!tip.isConnected) document.body.append(tip);
    tip.replaceChildren(...lines().map((line) => h("div", {}, line)));
    tip.hidden = false;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.min(Math.max(8, x + 14), Math.max(room, 8)) + window.scrollX}px`;
    tip.style.top = `${y + 16 + window.scrollY}px`;
  };
  const hide = () => (tip.hidden = true);
  element.addEventListener("pointermove", (event) => show(event.clientX, event.clientY));
  element.addEventListener("pointerleave", hide);
  element.addEventListener("focus", () => {
    const box = element.getBoundingClientRect();
    show(box.left, box.bottom);
  });
  element.addEventListener("blur", hide);
  return element;
}
