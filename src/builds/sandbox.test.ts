import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, type TestContext } from "vitest";
import { peer } from "../../test/support/peers.ts";
import { runCommand } from "../shared/run-command.ts";
import { bounded } from "./build-limits.ts";
import { buildUser } from "./build-user.ts";
import { findSandbox, type Sandbox } from "./sandbox.ts";

const isRoot = process.getuid?.() === 0;

async function sandboxFor(context: TestContext, name: Sandbox["name"]): Promise<Sandbox> {
  if (name === "bwrap") peer(context, "bwrap");
  return findSandbox(buildUser(), name).catch((error: Error) => context.skip(error.message));
}

/** Runs a command in a sandbox, after `before`, as root in a mount namespace of its own. */
async function runIn(
  sandbox: Sandbox,
  command: string,
  { hide = [], before = "" }: { hide?: string[]; before?: string } = {},
) {
  const root = mkdtempSync(join(tmpdir(), "steppe-sandbox-test-"));
  try {
    const [checkout = "", home = "", temporary = "", scratch = ""] = ["c", "h", "t", "s"].map((name) =>
      join(root, name),
    );
    for (const folder of [checkout, home, temporary, scratch]) mkdirSync(folder);
    const made = sandbox.command({ command, checkout, home, temporary, scratch, hide, user: buildUser(), env: {} });
    const args = ["--mount", "--", "/bin/sh", "-c", `${before}\nexec "$@"`, "sh", made.file, ...made.args];
    const { stdout, stderr } = await runCommand(before === "" ? made : { ...made, file: "unshare", args });
    return stdout.toString() + stderr;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

describe.each(["bwrap", "unshare"] as const)("the sandbox by %s", (name) => {
  it("bounds processes and file sizes, and is what the kernel takes first when memory runs out", async (context) => {
    const sandbox = await sandboxFor(context, name);
    const said = await runIn(
      sandbox,
      "cat /proc/self/oom_score_adj; grep -E 'processes|file size|core' /proc/self/limits; truncate -s 9G big || echo refused",
    );
    expect(said).toMatch(/^1000\n/);
    expect(said).toMatch(/Max processes +4096 +4096 /);
    expect(said).toMatch(/Max core file size +0 +0 /);
    expect(said).toMatch(/Max file size +8589934592 +8589934592 /);
    expect(said).toContain("refused");
  });

  it("hides a folder that lies in a system folder, whichever way it is called", async (context) => {
    const sandbox = await sandboxFor(context, name);
    if (!isRoot || !existsSync("/opt")) context.skip("wants root, to write in /opt");
    const secret = mkdtempSync("/opt/steppe-test-");
    const link = `${mkdtempSync(join(tmpdir(), "steppe-link-"))}/data`;
    try {
      writeFileSync(join(secret, "token"), "the-secret", { mode: 0o644 });
      symlinkSync(secret, link);
      expect(await runIn(sandbox, `cat ${secret}/token`, { hide: [link] })).not.toContain("the-secret");
    } finally {
      rmSync(secret, { recursive: true });
      rmSync(link);
    }
  });

  it("makes what is mounted within system folders read-only, too", async (context) => {
    const sandbox = await sandboxFor(context, name);
    if (!isRoot || !existsSync("/usr/local/src")) context.skip("wants root, to mount something");
    const before = `mount -t tmpfs -o mode=1777,noexec steppe /usr/local/src && mkdir "/usr/local/src/a b" &&
      mount -t tmpfs -o mode=1777,nosuid,nodev steppe "/usr/local/src/a b"`;
    const command = `touch /usr/local/src/x; touch "/usr/local/src/a b/x"; ls -R /usr/local/src`;
    const said = await runIn(sandbox, command, { before });
    expect(said).toContain("/usr/local/src/a b:");
    expect(said.match(/Read-only file system/g)).toHaveLength(2);
  });
});

describe("bounds", () => {
  it("are never above what this process itself may have", () => {
    const limits = `Limit                     Soft Limit           Hard Limit           Units
Max file size             unlimited            unlimited            bytes
Max processes             100                  1000                 processes
`;
    expect(bounded(["true"], limits)).toContain("--nproc=1000");
    expect(bounded(["true"], limits)).toContain("--fsize=8589934592");
  });
});
