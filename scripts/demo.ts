import { cpSync } from "node:fs";
import { join } from "node:path";
import { argv, stderr, stdout } from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runDemo, type DemoReport } from "./demo/run-demo.ts";
import { GitRepository } from "../test/support/git-repository.ts";
import { temporaryFolder } from "../test/support/temporary-folder.ts";

const help = `Runs the whole story in a temporary data folder on free ports: start, push a tag, look at it, push the next,
push a broken one, roll back, stop.

  --once   stop at the end; otherwise it stays up to be looked at, until Ctrl-C
  --json   one JSON object with the milliseconds of each step instead of a story
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: argv.slice(2),
    options: { once: { type: "boolean" }, json: { type: "boolean" }, help: { type: "boolean" } },
  });
  if (values.help === true) {
    stdout.write(help);
    return 0;
  }
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => interrupted.abort(new Error(`stopped by ${signal}`)));
  }
  using folder = temporaryFolder("demo");
  cpSync(fileURLToPath(new URL("../examples/hello", import.meta.url)), folder.file("site"), { recursive: true });
  const report = await runDemo({
    site: await GitRepository.init(folder.file("site")),
    data: join(folder.path, "data"),
    stay: values.once !== true,
    signal: interrupted.signal,
    say: (line) => {
      if (values.json !== true) stdout.write(`${line}\n`);
    },
  });
  print(report, values.json === true);
  return report.ok ? 0 : 1;
}

function print(report: DemoReport, json: boolean): void {
  if (json) stdout.write(`${JSON.stringify(report)}\n`);
  else if (!report.ok) stderr.write(`\nThe demo failed at “${report.error.step}”: ${report.error.message}\n`);
  else stdout.write(`\nAll as it should be, in ${(report.totalMs / 1000).toFixed(1)} s.\n`);
}

process.exitCode = await main();
