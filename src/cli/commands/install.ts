import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { parseHostName } from "../../config/index.ts";
import { SteppeError } from "../../shared/errors.ts";
import { withJson } from "../common-options.ts";
import type { Context } from "../context.ts";
import { SYSTEM_DATA_FOLDER } from "../find-server.ts";
import { installService } from "../install/install-service.ts";
import { hostOfUnit } from "../install/unit-file.ts";

interface Options {
  host?: string;
  root: string;
  dryRun?: boolean;
  json?: boolean;
}

/** With `--json`, `{"steps", "unit", "started"}`. */
export function define(command: Command, context: Context): void {
  command
    .option("--host <name>", "a host name for the API, git and webhooks, by HTTPS; an earlier install's is kept")
    .option("--root <dir>", "install below this folder, for an image", "/")
    .option("--dry-run", "show what would be done, with the unit, and do nothing")
    .addHelpText("after", "\nDoing it again upgrades. Ports 80 and 443, data in /var/lib/steppe, user steppe.");
  withJson(command).action(async (options: Options) => {
    const json = options.json === true;
    const dryRun = options.dryRun === true;
    const root = resolve(context.io.cwd, options.root);
    const steps: string[] = [];
    const { unit, started } = await installService(context.io, {
      host: options.host === undefined ? undefined : readHost(options.host),
      root,
      isRunning: root === "/" && existsSync("/run/systemd/system"), // sd_booted(3)
      dryRun,
      async say(line) {
        steps.push(line);
        if (!json) await context.print(line);
      },
    });
    if (json) return await context.printJson({ steps, unit, started });
    if (dryRun) await context.print(`\n${unit.trimEnd()}`);
    else await context.print(`\n${next(hostOfUnit(unit))}`);
  });
}

function readHost(text: string): string {
  const parsed = parseHostName(text);
  if ("value" in parsed) return parsed.value;
  throw new SteppeError("DOMAIN_INVALID", {
    operation: "install",
    subject: `--host ${text}`,
    cause: parsed.problem,
    hint: "Give a host name of this machine, such as steppe.example.com.",
  });
}

function next(host: string | null): string {
  const remote =
    host === null
      ? "For the API and git from elsewhere, run it again with --host NAME."
      : `From elsewhere: steppe login https://${host} < token   (the token: ${SYSTEM_DATA_FOLDER}/token)`;
  return `Next:
  sudo steppe status
  sudo steppe app add blog --domain blog.example.com
${remote}
Upgrade: run the new version's \`steppe install\`. Logs: journalctl -u steppe`;
}
