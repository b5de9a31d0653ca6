import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const module = fileURLToPath(new URL("./close-inherited.ts", import.meta.url));

test("what was left open for us is not there for the programs that we start", () => {
  const script = `
    import { execFileSync } from "node:child_process";
    import { closeInherited } from ${JSON.stringify(module)};
    const list = () => execFileSync("ls", ["-l", "/proc/self/fd"], { encoding: "utf8" });
    const before = list();
    closeInherited();
    console.log(JSON.stringify([before, list()]));`;
  // Node sees to the first descriptors itself, up to a gap.
  const folder = openSync("/etc", "r");
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit", ...Array<"ignore">(60).fill("ignore"), folder],
    encoding: "utf8",
  });
  closeSync(folder);
  const [before, after] = JSON.parse(stdout) as [string, string];
  expect(before).toContain("63 -> /etc");
  expect(after).not.toContain("/etc");
});
