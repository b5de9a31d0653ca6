import type { Command } from "commander";
import type { AppView } from "../../api/types.ts";
import { toYaml } from "../../config/index.ts";
import { SteppeError } from "../../shared/errors.ts";
import { deploymentSummary, pauseOf, unreadTags } from "../app-table.ts";
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
    if (options.pushUrl === true) return await context.print(pushUrlOf(app));
    const yaml = (await toYaml(app.definition)).trimEnd();
    if (options.yaml === true) return await context.print(yaml);
    await context.print(`${describe(app, context)}\n\n${yaml}`);
  });
}

/** Throws PUSH_REFUSED. */
function pushUrlOf({ definition: { name }, pushUrl }: AppView): string {
  if (pushUrl !== null) return pushUrl;
  throw new SteppeError("PUSH_REFUSED", {
    operation: "show the push address of",
    subject: name,
    cause: "its repository lives elsewhere, and is not pushed to Steppe",
    hint: `Push your tag there; \`steppe deploy ${name} --tag TAG\` fetches and deploys it at once.`,
  });
}

function describe(app: AppView, context: Context): string {
  const last = app.lastDeployment;
  const { image } = app.definition;
  const first = image === null ? "push a tag" : `push an image to ${image.repository}, or a tag of git`;
  const nothing = app.pushUrl === null ? "nothing yet" : `nothing yet; ${first}`;
  const live = app.liveRelease === null ? nothing : `release ${app.liveRelease}`;
  return formatTable([
    ["app", context.style.bold(app.definition.name)],
    ["live", live],
    ...app.urls.map((url, index) => [index === 0 ? "site" : "", url]),
    app.pushUrl === null ? ["repository", app.definition.repository ?? ""] : ["push to", app.pushUrl],
    ...unreadTags(app, context).map((text) => ["tags", text]),
    ...pauseOf(app, context).map((text) => ["deploys", text]),
    ["last deployment", last === null ? "none yet" : deploymentSummary(last, context, context.io.clock.now())],
  ]);
}
