import type { Command } from "commander";
import type { AppView } from "../../api/types.ts";
import { toYaml } from "../../config/index.ts";
import { deploymentSummary } from "../app-table.ts";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { formatTable } from "../table.ts";

interface Options extends CommonOptions {
  pushUrl?: boolean;
  yaml?: boolean;
}

/** With `--json`, the AppView. */
export function define(command: Command, context: Context): void {
  command
    .argument("<app>")
    .option("--push-url", "print only the address to push to; it has the app's own token in it")
    .option("--yaml", "print only its entry of steppe.yaml");
  withServer(command).action(async (name: string, options: Options) => {
    const app = await (await context.client(options)).app(name);
    if (options.json === true) return await context.printJson(app);
    if (options.pushUrl === true) return await context.print(app.pushUrl);
    const yaml = (await toYaml(app.definition)).trimEnd();
    if (options.yaml === true) return await context.print(yaml);
    await context.print(`${describe(app, context)}\n\n${yaml}`);
  });
}

function describe(app: AppView, context: Context): string {
  const last = app.lastDeployment;
  const live = app.liveRelease === null ? "nothing yet; push a tag" : `release ${app.liveRelease}`;
  return formatTable([
    ["app", context.style.bold(app.definition.name)],
    ["live", live],
    ...app.urls.map((url, index) => [index === 0 ? "site" : "", url]),
    app.definition.repository === null ? ["push to", app.pushUrl] : ["repository", app.definition.repository],
    ["last deployment", last === null ? "none yet" : deploymentSummary(last, context, context.io.clock.now())],
  ]);
}
