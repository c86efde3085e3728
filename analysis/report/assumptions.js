// 7. What the answer rests on, and how to get it again.
import { h } from "./dom.js";
import * as f from "./format.js";

const most = 1500;
const groups = ["No source but judgement", "AWS’s defaults and measured values", "Given in the experiment"];
const groupOf = (a) => (a.at_default ? (a.unsourced ? 0 : 1) : 2);

function rowsTable(rows, label) {
  const head = ["value of", "", "what it is", "source"].map((x) => h("th", { scope: "col" }, x));
  const body = groups.flatMap((title, i) => {
    const own = rows.filter((a) => groupOf(a) === i);
    if (own.length === 0) return [];
    return [
      h("tr", { class: "group" }, h("th", { colspan: 4, scope: "rowgroup" }, title, h("span", { class: "aside" }, ` ${own.length}`))),
      ...own.map((a) => h("tr", {}, h("th", { scope: "row" }, a.path), h("td", {}, h("code", {}, a.value)), h("td", {}, a.sentence), h("td", { class: "source" }, a.source.replace(/^UNSOURCED[:,]? ?/, "")))),
    ];
  });
  return h("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": label }, h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, body)));
}

// What rests on judgement is there to be seen, the rest to be unfolded.
function table(variant) {
  const all = variant.verdict.assumptions;
  const shown = all.slice(0, most);
  const unsourced = shown.filter((a) => groupOf(a) === 0);
  const others = shown.filter((a) => groupOf(a) !== 0);
  return h(
    "div",
    { class: "assumptions" },
    unsourced.length > 0 && rowsTable(unsourced, "Assumptions without a source"),
    others.length > 0 && h("details", {}, h("summary", {}, h("b", {}, f.plural(others.length, "other value")), h("span", { class: "aside" }, ", defaults with a source and what the experiment gives")), rowsTable(others, "Other assumptions")),
    all.length > shown.length && h("p", { class: "note" }, `${all.length - shown.length} more in the file.`),
  );
}

const quoted = (word) => (/^[\w./=:+,@%-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

function commandOf({ header, verdict }) {
  const words = ["windtunnel", "run", header.input_file, "--seed", String(verdict.seed), "--replications", String(header.replications_asked)];
  for (const set of header.overrides) words.push("--set", set);
  for (const [name, value] of header.options) words.push(name, value);
  return words.map(quoted).join(" ");
}

function again(variant) {
  const { header, verdict } = variant;
  const all = verdict.fingerprints;
  const missing = verdict.replications < header.replications_asked ? ` of ${header.replications_asked} asked for` : "";
  const facts = [
    ["seed", `${verdict.seed}, ${f.plural(verdict.replications, "replication")}${missing}`],
    ["version", `${verdict.program_version}, schema ${header.schema_version}`],
    ["run", `${header.created} on ${header.machine}`],
    ["cost", `${f.duration(verdict.cpu_seconds)} of processor time, ${f.number(verdict.memory_bytes_max / 1e6)} MB at most`],
    ["results", variant.file],
  ];
  return h(
    "div",
    { class: "again" },
    h("pre", { tabindex: 0 }, h("code", {}, `${commandOf(variant)}\nwindtunnel replay ${quoted(variant.file)} --worst rto`)),
    h("dl", {}, facts.map(([word, text]) => [h("dt", {}, word), h("dd", {}, text)])),
    h(
      "details",
      {},
      h("summary", {}, "Fingerprints: where they are equal the same things happened"),
      h("p", { class: "fingerprints" }, all.slice(0, 200).map((x, i) => h("code", {}, `${i + 1} ${x} `)), all.length > 200 && `and ${all.length - 200} more`),
    ),
    header.inputs.map((input) => h("details", {}, h("summary", {}, "The input, ", h("code", {}, input.name)), h("pre", { tabindex: 0 }, h("code", {}, input.text.slice(0, 60000), input.text.length > 60000 ? "\n…" : "")))),
  );
}

export function section(variants) {
  return variants.map((variant) =>
    h("div", { class: "variant" }, variants.length > 1 && h("h3", {}, variant.name), table(variant), h("h3", { class: "reproduce" }, "How to reproduce it"), again(variant)),
  );
}
