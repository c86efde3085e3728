// Bundles the page's program and style and writes them as a C++ file:
//   node build.mjs OUTPUT.cpp
import { build } from "esbuild";
import { readFileSync, writeFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const output = process.argv[2];

const bundle = await build({
  entryPoints: [join(here, "main.js")],
  bundle: true,
  minify: true,
  write: false,
  format: "iife",
  charset: "ascii",
  legalComments: "none",
  target: ["chrome100", "firefox100", "safari15"],
});
const style = await build({
  stdin: { contents: readFileSync(join(here, "style.css"), "utf8"), loader: "css" },
  minify: true,
  write: false,
});

// Raw strings of a length that every compiler takes.
function pieces(text) {
  if (/<\/(script|style)/i.test(text)) throw new Error("the bundle would end its own element");
  const all = [];
  for (let i = 0; i < text.length; i += 12000) all.push(text.slice(i, i + 12000));
  return all.map((piece) => `    R"wt#(${piece})wt#",`).join("\n");
}

const embedded = (name, text) => `std::string ${name}() {
  static constexpr const char* pieces[] = {
${pieces(text)}
  };
  std::string text;
  for (const char* piece : pieces) text += piece;
  return text;
}
`;

const cpp = `// Made by analysis/report/build.mjs; don't edit.
#include "analysis/report_bundle.hpp"

namespace windtunnel::analysis {

${embedded("report_script", bundle.outputFiles[0].text)}
${embedded("report_style", style.outputFiles[0].text)}
}  // namespace windtunnel::analysis
`;
writeFileSync(output + ".new", cpp);
renameSync(output + ".new", output);
