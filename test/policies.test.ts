import { expect, test } from "vitest";
import type { AppView, Deployment, PlatformStatus } from "../src/api/types.ts";
import { testPlatform } from "./support/test-platform.ts";

const { steppe, add } = testPlatform("policies");

async function statusOf(app: string): Promise<{ app: AppView; deployments: Deployment[] }> {
  return (await steppe.json("status", app)) as { app: AppView; deployments: Deployment[] };
}

/** Kills control, and waits until the launcher has started another. */
async function killControl(): Promise<void> {
  const control = async (): Promise<number> => {
    const { code, stdout } = await steppe.cli("status", "--json");
    if (code !== 0) return 0;
    const { processes } = JSON.parse(stdout.toString()) as PlatformStatus;
    return processes.find(({ kind }) => kind === "control")?.pid ?? 0;
  };
  const before = await control();
  process.kill(before, "SIGKILL");
  await expect.poll(async () => ![0, before].includes(await control()), { timeout: 30_000 }).toBe(true);
}

test("a tag that wants approval: the push ends and says so, a kill -9 forgets nothing, a person lets it go live", async () => {
  const app = await add("approved", "--approve");
  const { code, lines } = await app.release("v1", { "index.html": "one" });
  expect(code).toBe(0);
  expect(lines.at(-2)).toMatch(
    /^v1 .* waits for approval: `steppe approve approved`, or `steppe approve approved --reject`$/,
  );
  expect(lines.at(-1)).toBe("  v1 is received. `steppe status approved` tells of it.");
  expect((await app.get()).status).toBe(404);
  await killControl();
  expect((await statusOf("approved")).deployments[0]).toMatchObject({ state: "queued", hold: { kind: "approval" } });

  const approved = await steppe.cli("approve", "approved");
  expect([approved.code, approved.stdout.toString()]).toEqual([
    0,
    expect.stringContaining("http://approved.localhost:"),
  ]);
  expect(await app.text()).toBe("one");

  await app.release("v2", { "index.html": "two" });
  const rejected = await steppe.cli("approve", "approved", "--reject");
  expect(rejected.stdout.toString()).toMatch(/^deployment \d+ of approved is rejected\n$/);
  expect(await app.text()).toBe("one");
  const again = await steppe.cli("approve", "approved");
  expect([again.code, again.stderr]).toEqual([3, expect.stringContaining("[NOTHING_TO_APPROVE]")]);
  expect((await steppe.cli("deploy", "approved", "--tag", "v2")).code).toBe(0);
  expect(await app.text()).toBe("two");
});

test("a paused app queues what is pushed, over a kill -9, and goes on with the newest when it is resumed", async () => {
  const app = await add("paused");
  await app.release("v1", { "index.html": "one" });
  await steppe.json("pause", "paused", "--reason", "the sale is on");
  const { lines } = await app.release("v2", { "index.html": "two" });
  expect(lines.at(-2)).toMatch(/ waits: paused is paused \(the sale is on\); `steppe resume paused` ends that$/);
  await app.release("v3", { "index.html": "three" });
  await killControl();
  expect(await app.text()).toBe("one");
  expect((await steppe.cli("status")).stdout.toString()).toMatch(/^paused: paused since .*: the sale is on; /m);
  await steppe.json("resume", "paused");
  await expect.poll(() => app.text()).toBe("three");
  expect((await statusOf("paused")).deployments.map(({ state }) => state)).toEqual(["live", "superseded", "live"]);
});

test("outside its windows a tag waits for the next, unless a person asks for it", async () => {
  // The window is a minute long, and half a day away.
  const start = new Date(Date.now() + 12 * 60 * 60_000).toISOString().slice(11, 16);
  const end = new Date(Date.now() + 12 * 60 * 60_000 + 60_000).toISOString().slice(11, 16);
  const app = await add("windowed", "--window", `daily ${start}-${end} UTC`);
  const { lines } = await app.release("v1", { "index.html": "one" });
  expect(lines.at(-2)).toMatch(new RegExp(` waits for the next window, which opens on .* at ${start}, UTC$`));
  expect((await statusOf("windowed")).deployments[0]?.hold).toMatchObject({ kind: "window", zone: "UTC" });
  expect((await steppe.cli("deploy", "windowed", "--tag", "v1")).code).toBe(0);
  expect(await app.text()).toBe("one");
});

test("by semver the highest version is live, whatever came last", async () => {
  const app = await add("versions", "--semver", "^1.0");
  await app.release("v1.10.0", { "index.html": "ten" });
  const { lines } = await app.release("v1.9.0", { "index.html": "nine" });
  expect(lines).toEqual(["v1.9.0 is below v1.10.0, which is live; `steppe deploy versions --tag v1.9.0` deploys it"]);
  expect((await app.release("v2.0.0", { "index.html": "two" })).lines[0]).toMatch(/^v2\.0\.0 is not in the versions/);
  expect(await app.text()).toBe("ten");
});
