// The report's page in headless Chromium: no errors, the file's numbers, nothing overlaps, on wide
// and narrow screens, light and dark.
//   node page_test.mjs WINDTUNNEL SOURCE MODULES CHROMIUM [FOLDER FOR SCREENSHOTS]
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [windtunnel, source, modules, chromium, shots] = process.argv.slice(2);
const { chromium: browserType } = createRequire(join(modules, "x.js"))("playwright-core");
const folder = mkdtempSync(join(tmpdir(), "windtunnel_page_"));
const library = (name) => join(source, "experiments/library", name);

// Exit codes 0, 1 and 3 are verdicts.
function run(...words) {
  try {
    return execFileSync(windtunnel, words, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    if (![1, 3].includes(error.status)) throw error;
    return error.stdout;
  }
}

const drill = ["run", library("az_loss_web.yaml"), "--replications", "6", "--horizon", "20min"];
run(...drill, "--out", "a.h5");
run(...drill, "--set", "components.web-asg.size=9", "--out", "b.h5");
// A question that would take over a careless page.
const hostile = `</script><script>window.taken = 1</script><img src=x onerror="window.taken = 1"> ä€𝄞`;
writeFileSync(
  join(folder, "hostile.yaml"),
  readFileSync(library("closed_loop_capacity.yaml"), "utf8")
    .replace(/^question:.*$/m, () => `question: ${JSON.stringify(hostile)}`)
    .replace("../../topologies", join(source, "topologies")),
);
run("run", "hostile.yaml", "--replications", "2", "--out", "hostile.h5");

const pages = {
  one: { files: ["a.h5"] },
  two: { files: ["a.h5", "b.h5"] },
  hostile: { files: ["hostile.h5"] },
};
for (const [name, page] of Object.entries(pages)) {
  run("report", ...page.files, "-o", `${name}.html`);
  page.path = join(folder, `${name}.html`);
  page.verdicts = page.files.map((file) => JSON.parse(run("show", file, "--format", "json")));
  assert.ok(statSync(page.path).size < 3e6, `${name}: ${statSync(page.path).size} bytes`);
}

// What no run of a few seconds gives: pages whose data were changed.
function changed(name, change) {
  const text = readFileSync(pages.one.path, "utf8");
  const begin = text.indexOf('id="data">') + 'id="data">'.length;
  const end = text.indexOf("</script>", begin);
  const data = JSON.parse(text.slice(begin, end));
  change(data.variants[0]);
  const path = join(folder, `${name}.html`);
  writeFileSync(path, text.slice(0, begin) + JSON.stringify(data).replaceAll("<", "\\u003c") + text.slice(end));
  pages[name] = { path };
}
changed("a thousand components", ({ topology }) => {
  for (let i = 0; i < 1000; ++i) {
    topology.components.push({ ...topology.components[i % 6], name: `another-${i}` });
    topology.references.push({ from: topology.components[i].name, to: `another-${i}`, port: "callable" });
  }
});
changed("nothing", (variant) => {
  Object.assign(variant, { runs: [], stories: {}, windows: null, time: { interval: 10, series: [], left_out: 0 } });
  Object.assign(variant.verdict, { replications: 0, fingerprints: [], components: {}, objectives: [] });
  for (const m of Object.values(variant.verdict.measures)) Object.assign(m, { n: 0, mean: null, ci95: null, p50: null, values: [] });
});
changed("names", ({ topology, lost }) => {
  topology.components[1].name = hostile;
  topology.faults.push({ at: 100, lasting: null, target: hostile, text: hostile });
  lost.push(hostile);
});

// ---- what is asked of a page

// Every number that the page shows with its name is the file's.
function checkNumbers(shown, verdicts) {
  for (const { variant, objective, measure, component, value } of shown) {
    const verdict = verdicts[variant];
    let expected;
    if (objective) {
      const [name, statistic] = objective.split(".");
      expected = verdict.objectives.find((o) => o.name === name && o.statistic === statistic).value;
    } else if (measure) {
      const [name, statistic] = measure.split(".");
      expected = verdict.measures[name][statistic];
    } else {
      const [name, metric, statistic] = component.split("/");
      const of = verdict.components[name][metric];
      expected = typeof of === "object" ? of[statistic] : of;
    }
    assert.equal(value, expected === null || expected === undefined ? "" : String(expected), `${objective ?? measure ?? component}`);
  }
  return shown.length;
}

// Runs in the page: what lies over what, and what stands out to the right.
function overlaps() {
  const found = [];
  const name = (e) => `${e.tagName} "${(e.textContent ?? "").trim().slice(0, 30)}"`;
  const pairs = (elements, where) => {
    const boxes = elements.map((e) => [e, e.getBoundingClientRect()]).filter(([, b]) => b.width > 0 && b.height > 0);
    for (let i = 0; i < boxes.length; ++i)
      for (let k = i + 1; k < boxes.length; ++k) {
        const [[e, a], [g, b]] = [boxes[i], boxes[k]];
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > 1.5 && high > 2.5) found.push(`${where}: ${name(e)} and ${name(g)}`);
      }
  };
  for (const svg of document.querySelectorAll("figure svg")) pairs([...svg.querySelectorAll("text")], svg.getAttribute("aria-label") ?? svg.closest("figure").textContent.slice(0, 40));
  for (const section of document.querySelectorAll("section, header, .variant, .stories, figure, .objective, article")) pairs([...section.children].filter((e) => getComputedStyle(e).position !== "absolute"), section.id || section.className || section.tagName);
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) found.push(`the page is ${document.documentElement.scrollWidth} wide on ${width}`);
  for (const text of document.querySelectorAll("figure svg text")) {
    const box = text.getBoundingClientRect();
    const around = text.closest("svg").getBoundingClientRect();
    if (box.width > 0 && (box.right > around.right + 2 || box.left < around.left - 2)) found.push(`cut: ${name(text)}`);
  }
  return found;
}

// The page's policy forbids what waitForFunction() does.
async function until(page, condition) {
  for (let i = 0; i < 400; ++i) {
    if (await page.evaluate(condition)) return;
    await page.waitForTimeout(25);
  }
  assert.fail(`never came true: ${condition}`);
}

async function download(page, button) {
  const [file] = await Promise.all([page.waitForEvent("download"), button.dispatchEvent("click")]);
  return readFileSync(await file.path());
}

const browser = await browserType.launch({ executablePath: chromium, args: ["--no-sandbox"] });
try {
  for (const [name, { path, verdicts }] of Object.entries(pages)) {
    for (const [width, theme] of [[1280, "light"], [390, "dark"], ...(name === "one" ? [[1280, "dark"], [390, "light"]] : [])]) {
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme, offline: true, acceptDownloads: true });
      const page = await context.newPage();
      const complaints = [];
      page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("request", (request) => /^https?:/.test(request.url()) && complaints.push(`asks for ${request.url()}`));
      await page.goto(pathToFileURL(path).href);
      await until(page, () => [...document.querySelectorAll("figure .stage")].every((x) => x.querySelector("svg")));
      const where = `${name} at ${width} px, ${theme}`;
      if (shots) await page.screenshot({ path: join(shots, `${name}-${width}-${theme}.png`), fullPage: true });
      assert.deepEqual(await page.evaluate(overlaps), [], where);
      for (const summary of await page.locator("details > summary").all()) await summary.evaluate((x) => (x.parentElement.open = true));
      assert.deepEqual(await page.evaluate(overlaps), [], `${where}, unfolded`);
      assert.equal(await page.evaluate(() => window.taken), undefined, where);
      assert.deepEqual(complaints, [], where);
      if (!verdicts) {
        await context.close();
        continue;
      }
      const shown = await page.$$eval("[data-value]", (all) => all.map((e) => ({ ...e.dataset, variant: Number(e.dataset.variant) })));
      assert.ok(checkNumbers(shown, verdicts) > 5, where);
      if (name === "one" && width === 1280 && theme === "light") await useIt(page);
      assert.deepEqual(complaints, [], where);
      await context.close();
    }
  }
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}

// Pointer and keyboard show values; figures come as CSV and PNG.
async function useIt(page) {
  const chart = page.locator(".chart").first();
  await chart.scrollIntoViewIfNeeded();
  await chart.hover();
  await until(page, () => document.querySelector(".chart table")?.getBoundingClientRect().width > 0);
  await page.mouse.move(2, 2);
  await chart.focus();
  for (let i = 0; i < 3; ++i) await page.keyboard.press("ArrowRight");
  await until(page, () => document.querySelector(".chart b")?.textContent === "0:20");
  await page.locator(".objective circle[tabindex]").first().focus();
  assert.match(await page.locator(".tip").textContent(), /95\u00a0% interval/);
  const figures = page.locator("figure");
  assert.ok((await figures.count()) > 8);
  for (const figure of [0, 3, 4, 6].map((i) => figures.nth(i))) {  // Chromium takes ten downloads in a row
    const csv = (await download(page, figure.getByText("CSV", { exact: true }))).toString();
    assert.ok(csv.split("\n").length > 2, csv);
  }
  for (const figure of [figures.nth(1), figures.nth(6)]) {
    const png = await download(page, figure.getByText("PNG", { exact: true }));
    assert.equal(png.subarray(1, 4).toString(), "PNG");
    assert.ok(png.length > 3000);
  }
}
