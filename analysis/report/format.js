// Numbers as people read them; the same rules as analysis/text.cpp.

const trim = (x, digits) => String(Number(x.toPrecision(digits)));

// No line breaks between a number and its unit.
const bound = (text) => text.replaceAll(" ", "\u00a0");

// "340 ms", "2.1 s", "45 s", "2 min 14 s", "3 h 5 min"; of seconds.
export const duration = (seconds) => bound(durationText(seconds));
function durationText(seconds) {
  if (seconds === null || seconds === undefined || !isFinite(seconds)) return "–";
  if (seconds < 0) return "−" + durationText(-seconds);
  if (seconds === 0) return "0 s";
  if (seconds < 0.9995) return `${trim(seconds * 1e3, 3)} ms`;
  if (seconds < 9.95) return `${Math.round(seconds * 10) / 10} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (n, unit, rest, small) => (rest ? `${n} ${unit} ${rest} ${small}` : `${n} ${unit}`);
  if (whole < 3600) return two(Math.floor(whole / 60), "min", whole % 60, "s");
  const minutes = Math.floor((whole + 30) / 60);
  if (minutes < 1440) return two(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.floor((whole + 1800) / 3600);
  return two(Math.floor(hours / 24), "d", hours % 24, "h");
}

// "2:06", "1:02:06"; of seconds.
export function clock(seconds) {
  const whole = Math.round(seconds);
  const two = (n) => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}:${two(whole % 60)}`;
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

// A date of the run with tenths, cut: never before it happens.
export function date(seconds) {
  const tenths = Math.floor(seconds * 10 + 1e-6);
  return `${clock(Math.floor(tenths / 10))}.${tenths % 10}`;
}

export function share(value) {
  if (value === null || value === undefined || !isFinite(value)) return "–";
  const rest = 1 - value;
  let digits = 2;
  while (digits < 6 && rest > 0 && rest * 100 < 0.5 * 10 ** -digits) ++digits;
  return bound(`${(value * 100).toFixed(value === 1 ? 0 : digits)} %`);
}

export function number(value) {
  if (value === null || value === undefined || !isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e4) return Math.round(value).toLocaleString("en");
  if (size >= 100 || Number.isInteger(value)) return String(Math.round(value * 10) / 10);
  return trim(value, 3);
}

export function count(value) {
  return Math.round(value).toLocaleString("en");
}

// "28.8 M", "12.4 k".
export function shortCount(value) {
  if (value < 1000) return String(value);
  if (value < 999.5e3) return `${trim(value / 1e3, 3)} k`;
  if (value < 999.5e6) return `${trim(value / 1e6, 3)} M`;
  return `${trim(value / 1e9, 4)} G`;
}

// By the unit that a metric declares, CloudWatch's words.
export function inUnit(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "Seconds" || unit === "s") return duration(value);
  if (unit === "Percent") return `${number(value)} %`;
  if (unit === "share") return share(value);
  if (unit === "1/s") return `${number(value)}/s`;
  return number(value);
}

export const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

const names = {
  rto: "Recovery time (RTO)",
  rpo: "Data loss (RPO)",
  availability: "Availability",
  users_hit: "Users hit at once",
  user_time_hit: "Time a user is hit",
  replacement_lag: "Replacement lag",
  scaling_lag: "Scaling lag",
  throttled_share: "Throttled share",
  throttled_spell: "Longest throttled spell",
  time_out_of_service: "Time out of service",
};
export const nameOf = (measure) => names[measure] ?? measure.replaceAll("_", " ");
export const moreIsBetter = (measure) => measure === "availability";
const shares = ["availability", "users_hit", "throttled_share"];
export const isShare = (measure) => shares.includes(measure);
export const valueText = (measure, value) => (isShare(measure) ? share(value) : duration(value));
