// Which panels of section 4 a variant has. They are found by the metrics' names, whatever component
// reports them.
import * as f from "./format.js";

export const at = (line, i) => (Array.isArray(line) ? (line[i] ?? null) : line);
export const lengthOf = (one) => Math.max(0, ...[one.p10, one.p50, one.p90].map((line) => (Array.isArray(line) ? line.length : 0)));
const peak = (one) => (Array.isArray(one.p90) ? Math.max(...one.p90.map((v) => v ?? 0)) : (one.p90 ?? 0));

const health = /^(HealthyHostCount|UnHealthyHostCount|Group(InService|Pending|Desired)\w*|(Running|Desired)TaskCount|HealthCheckStatus)$/;
const refusals = /Throttl|Refused|Reject|Overload|5XX|ELB_50|^Errors$|Denied|Timeouts|ReadOnlyErrors/;
const backlogs = /Queue(Length|Depth)|Backlog|NumberOfMessages\w*Visible|Blocked|InSystem/;
const ages = /AgeOf|IteratorAge|QueueTime|WaitingTime/;
const lags = /ReplicaLag|ReplicationL/;

export function panelsOf(variant) {
  const all = variant.time.series;
  const of = (component, metric, statistic) => all.find((one) => one.component === component && one.metric === metric && one.statistic === statistic);
  const found = (pattern, statistics, most, label) =>
    all
      .filter((one) => one.component !== "" && pattern.test(one.metric) && statistics.includes(one.statistic) && peak(one) > 0)
      .sort((a, b) => peak(b) - peak(a))
      .slice(0, most)
      .map((one) => ({ ...one, label: label(one) }));
  const both = (one) => `${one.component} ${one.metric}`;
  const level = variant.header.service_level;
  const panels = [];
  const add = (key, title, unit, series, extra = {}) => {
    const some = series.filter(Boolean);
    if (some.length > 0) panels.push({ key, title, unit, series: some, ...extra });
  };
  add("success", "Requests that succeed", "share", [variant.windows && { ...variant.windows, label: "" }], {
    limit: [level.success, `promised ${f.share(level.success)}`],
    least: 0,
    most: 1,
  });
  add(
    "latency",
    "How long users wait, retries included",
    "Seconds",
    ["p50", "p99"].map((q) => {
      const one = of("", "RequestLatency", q);
      return one && peak(one) > 0 && { ...one, worst: undefined, label: q === "p50" ? "median request" : "99th percentile" };
    }),
    { log: true, limit: level.p99 ? [level.p99, `promised ${f.duration(level.p99)}`] : null },
  );
  const hit = of("", "UsersHit", "Average");
  add("users", "Users who are hit: their last request failed, or they cannot connect", "share", [hit && peak(hit) > 0 && { ...hit, label: "" }], { least: 0, most: 1 });
  const clients = all.filter((one) => one.metric === "Requests" && one.statistic === "Sum").map((one) => one.component);
  add(
    "load",
    "Offered load",
    "1/s",
    clients.slice(0, 3).flatMap((client) =>
      ["Attempts", "Requests"].map((metric) => {
        const one = of(client, metric, "Sum");
        const words = metric === "Requests" ? "requests" : "attempts, retries included";
        return one && peak(one) > 0 && { ...one, label: clients.length > 1 ? `${client}: ${words}` : words };
      }),
    ),
    { least: 0 },
  );
  const capacity = [["InServiceWorkers", "in service"], ["BusyWorkers", "held by requests"], ["BusyServers", "busy"]];
  const workers = new Set(all.filter((one) => /^(InServiceWorkers|BusyWorkers|BusyServers)$/.test(one.metric)).map((one) => one.component));
  for (const component of [...workers].slice(0, 3))
    add(
      `capacity-${component}`,
      `Load against capacity in service: workers of ${component}`,
      "Count",
      capacity.map(([metric, label]) => {
        const one = of(component, metric, "Average");
        return one && peak(one) > 0 && { ...one, label };
      }),
      { least: 0 },
    );
  add("health", "Health, and the size of groups", "Count", found(health, ["Average"], 4, both), { least: 0 });
  add("throttles", "Throttled, refused, failed", "1/s", found(refusals, ["Sum"], 4, both), { least: 0 });
  add("backlog", "Backlog", "Count", found(backlogs, ["Average"], 4, both), { least: 0 });
  add("age", "Age of the backlog", "Seconds", found(ages, ["p99", "Average"], 4, both), { least: 0 });
  add("lag", "Replication lag", "Seconds", found(lags, ["p50", "p99", "Average"], 4, (one) => `${one.component} ${one.statistic}`), { least: 0 });
  for (const panel of panels) panel.interval = panel.series[0].interval ?? variant.time.interval;
  return panels;
}
