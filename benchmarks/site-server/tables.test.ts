import { expect, test } from "vitest";
import { cases } from "./cases.ts";
import type { Measured, Variant } from "./measure.ts";
import { serverKinds } from "./servers.ts";
import { caseTable, type Outcome } from "./tables.ts";

const memory = { rss: 1e6, pss: 1e6, private: 1e6 };

/** A measurement of the 1 KB page. */
function outcome(server: string, rate: number, cpu: number | null, variant: Variant = "bare", busy = 0.5): Outcome {
  const kind = serverKinds.find(({ name }) => name === server);
  const [wanted] = cases;
  if (kind === undefined || wanted === undefined) throw new Error(`there is no ${server}`);
  const load = { requests: rate * 5, duration: 5, bytes: 1, p50: 1, p99: 2, failures: 0, statuses: 0, busy };
  const measured: Measured = {
    load,
    cpu,
    others: 0,
    firstAnswer: 1,
    idle: memory,
    loaded: memory,
    encoding: "identity",
  };
  return { kind, wanted, variant, measured };
}

test("medians over rounds, and ratios to the better of nginx and lighttpd in each", () => {
  const rounds = [100, 300, 200].flatMap((rate) => [
    outcome("native", rate, 4),
    outcome("nginx", 160, 8),
    outcome("lighttpd", 150, 5),
    outcome("busybox", 10, null),
  ]);
  const { rows, targets } = caseTable(rounds, []);
  expect(rows.map((row) => [row["server"], row["req/s"], row["ratio"], row["CPU µs"], row["CPU ratio"]])).toEqual([
    ["native", 200, 1.25, 4, 0.8],
    ["nginx", 160, 1, 8, 1.6],
    ["lighttpd", 150, 0.94, 5, 1],
    ["busybox", 10, 0.06, null, null],
  ]);
  expect(targets.map(({ name, target, got }) => [name, target, got])).toEqual([
    ["native, 1 KB bare, CPU to the better peer's", 0.8, 0.8],
    ["native, 1 KB bare, the better peer's throughput to ours", 1, 0.8],
  ]);
});

test("where the load generator is the limit, within 5 % is enough", () => {
  const { targets } = caseTable([outcome("native", 100, 4, "bare", 0.99), outcome("nginx", 101, 8)], []);
  expect(targets.map(({ target, got }) => [target, got])).toContainEqual([1.05, 1.01]);
});

test("Node's processor time is held against nginx's, plain and with TLS", () => {
  const all = (["bare", "tls"] as const).flatMap((v) => [outcome("node", 100, 9, v), outcome("nginx", 100, 10, v)]);
  const { targets } = caseTable(all, []);
  expect(targets.map(({ got }) => got)).toEqual([0.9, 0.9]);
});

test("without peers there is nothing to compare with; what was left out is said once", () => {
  const { measured: _, ...without } = outcome("busybox", 1, null);
  const wrong = { ...without, remark: "busybox, 1 KB: wrong" };
  const { rows, remarks, targets } = caseTable([outcome("native", 100, 4), wrong, wrong], ["nginx: needs it"]);
  expect(rows[0]).toMatchObject({ ratio: null, "CPU ratio": null });
  expect(remarks).toEqual(["nginx: needs it", "busybox, 1 KB: wrong"]);
  expect(targets).toEqual([]);
});
