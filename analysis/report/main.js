// The page. Its data stands in <script id="data">; nothing of it is ever used as markup.
import { h } from "./dom.js";
import * as theme from "./theme.js";
import * as f from "./format.js";
import * as verdict from "./verdict.js";
import * as topology from "./topology.js";
import * as timeline from "./timeline.js";
import * as overtime from "./overtime.js";
import * as distributions from "./distributions.js";
import * as components from "./components.js";
import * as assumptions from "./assumptions.js";

const data = JSON.parse(document.getElementById("data").textContent);

function named(variants) {
  variants.forEach((variant, i) => {
    variant.label = variants.length > 26 ? String(i + 1) : String.fromCharCode(65 + i);
    const sets = variant.header.overrides.join(", ");
    variant.name = `${variant.label}  ${variant.verdict.experiment}${sets ? ` with ${sets}` : ""}`;
  });
  return variants;
}

const sections = [
  ["verdict", "Verdict", verdict.section],
  ["topology", "Topology and faults", topology.section],
  ["timeline", "The drill’s timeline", timeline.section],
  ["over-time", "Over time", overtime.section, "Line: the median of the replications. Band: eight of ten of them. Shaded: while a fault lasts."],
  ["distributions", "Distributions", distributions.section],
  ["components", "Components", components.section, "What each component reported, how it was set, and what its model knows nothing of."],
  ["assumptions", "Assumptions", assumptions.section, "Every value that the answer rests on; those first that have no source but judgement."],
];

function answer(variant, many) {
  const { verdict: v, header } = variant;
  const missing =
    v.replications === 0
      ? "The file holds no replication."
      : v.replications < header.replications_asked
        ? `Only ${v.replications} of ${header.replications_asked} replications are in the file.`
        : null;
  return h(
    "div",
    { class: "answer" },
    many && h("p", { class: "variant-name" }, variant.name),
    h("p", { class: "headline" }, verdict.headline(variant)),
    h("p", { class: "lead" }, verdict.lead(variant)),
    variant.lost.length > 0 && h("p", { class: "warning" }, `The file is damaged; lost: ${variant.lost.join(", ")}.`),
    missing && h("p", { class: "warning" }, missing),
  );
}

function header(variants) {
  const first = variants[0].verdict;
  const questions = [...new Set(variants.map((v) => v.verdict.question).filter(Boolean))];
  const requests = variants.reduce((sum, v) => sum + v.verdict.requests, 0);
  return h(
    "header",
    {},
    h("p", { class: "eyebrow" }, `Wind tunnel report · ${[...new Set(variants.map((v) => v.verdict.experiment))].join(", ")}`),
    h("h1", {}, questions[0] ?? first.experiment),
    questions.slice(1).map((question) => h("p", { class: "lead" }, question)),
    variants.map((variant) => answer(variant, variants.length > 1)),
    h("p", { class: "facts" }, `${variants.map((v) => v.verdict.replications).join(" and ")} ${first.replications === 1 && variants.length === 1 ? "replication" : "replications"} of ${f.duration(first.horizon)}, ${f.shortCount(requests)} requests, seed ${first.seed}, version ${first.program_version}`),
  );
}

function section([id, title, make, intro], i, variants) {
  let content;
  try {
    content = make(variants);
  } catch (error) {
    // One picture that fails must not take the others with it.
    console.error(id, error);
    content = h("p", { class: "warning" }, `This section could not be drawn: ${error.message}`);
  }
  return h(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    h("h2", { id: `${id}-title` }, h("span", { class: "number" }, i + 1), title),
    intro && h("p", { class: "prose soft" }, intro),
    content,
  );
}

function page(variants) {
  const links = sections.map(([id, title], i) => h("a", { href: `#${id}` }, h("span", {}, `${i + 1} `), title));
  document.documentElement.classList.toggle("several", variants.length > 1);
  document.body.append(
    h("a", { class: "skip", href: "#verdict" }, "To the verdict"),
    h("button", { type: "button", class: "theme", onclick: theme.toggle }, "light / dark"),
    h("main", {}, header(variants), h("nav", { "aria-label": "Sections" }, links), sections.map((one, i) => section(one, i, variants))),
    h("footer", {}, `Made by windtunnel ${data.program_version}; one file, no network.`),
  );
}

document.getElementById("plain")?.remove();
page(named(data.variants));
