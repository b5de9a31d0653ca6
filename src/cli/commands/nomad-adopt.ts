import { writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import type { AdoptionView, AdoptRequest } from "../../api/types.ts";
import { addToConfig, toYaml } from "../../config/index.ts";
import { errno, SteppeError } from "../../shared/errors.ts";
import { type CommonOptions, gatherList, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { jobDiffText } from "../job-diff-text.ts";
import { usageError } from "../usage-error.ts";

interface Options extends CommonOptions {
  name?: string;
  domain?: string[];
  write?: string;
  apply?: boolean;
}

/** With `--json`, the AdoptionView. */
export function define(command: Command, context: Context): void {
  command
    .argument("<job>", "its id on Nomad")
    .option("--name <app>", "what the app is called; as the job, if absent")
    .option("--domain <host>", "a domain of the app, if no tag of the job says so; several times for more", gatherList)
    .option("--write <file>", "add the app to this steppe.yaml; its first deployment may take the job over")
    .option("--apply", "add the app to the server, paused; its first deployment may take the job over");
  withServer(command).action(async (job: string, { name, domain, write, apply, ...options }: Options) => {
    if (write !== undefined && apply === true)
      throw usageError("steppe nomad adopt", "`--write` and `--apply` are two ways of the same", "Give one of them.");
    const client = await context.client(options);
    const take = apply === true ? "add" : write === undefined ? undefined : "mark";
    const what = {
      job,
      ...(name === undefined ? {} : { app: name }),
      ...(domain === undefined ? {} : { domains: domain }),
    };
    const found = await client.cluster.adopt(write === undefined && take !== undefined ? { ...what, take } : what);
    // The file is written before the server takes note of it: what cannot be written is not taken over.
    if (write !== undefined) await writeApp(found, write, context);
    const adoption = write === undefined ? found : await client.cluster.adopt({ ...what, take: "mark" });
    if (options.json === true) return await context.printJson(adoption);
    if (take === undefined) await context.print(await shown(adoption, context));
    await context.note(describe(adoption, { file: write, again: commandOf(what) }, context));
  });
}

/** The definition. Its jobspec is long: a terminal is only told where it goes. */
async function shown({ app, definition }: AdoptionView, { io, style }: Context): Promise<string> {
  if (definition.job === null || !io.stdout.isTTY) return (await toYaml(definition)).trimEnd();
  const spec = specFile(app);
  const lines = definition.job.trimEnd().split("\n").length;
  const yaml = (await toYaml({ ...definition, job: spec })).trimEnd();
  return `${yaml}\n${style.dim(`# ${spec} has the ${lines} lines of its jobspec: --write makes it, and a pipe shows it.`)}`;
}

/** The command once more, with what was said of the app. */
function commandOf({ job, app, domains = [] }: AdoptRequest): string {
  const named = app === undefined ? [] : ["--name", app];
  return ["steppe nomad adopt", job, ...named, ...domains.flatMap((domain) => ["--domain", domain])].join(" ");
}

function describe(
  adoption: AdoptionView,
  { file, again }: { file: string | undefined; again: string },
  { style }: Context,
): string {
  const { app, changes, notes, taken } = adoption;
  const image = deployable(adoption);
  const besides = "besides the image's reference and the meta by which Steppe knows it";
  const changed =
    changes === null
      ? `Its first deployment changes nothing in the job, ${besides}.`
      : `Its first deployment changes in the job, ${besides}:\n\n${jobDiffText(changes, style)}`;
  const next = {
    none: `Nothing was changed. To go on, one of:\n  ${again} --write steppe.yaml\n    adds it to that file\n  ${again} --apply\n    adds it to the server, paused`,
    mark: `${app} is in ${file ?? "the file"}: look at it, then \`steppe apply -f ${file ?? "FILE"}\`. Its first deployment takes the job over: that of the newest tag in its repository, at once, unless \`approve: true\` has it wait for you.`,
    add: `${app} is added, and paused. Next:\n  steppe plan ${app} --image ${image}\n  steppe deploy ${app} --image ${image}\n  steppe resume ${app}`,
  }[taken ?? "none"];
  const told = notes.length === 0 ? [] : [["To know of it:", ...notes.map((note) => `  - ${note}`)].join("\n")];
  const text = [...told, changed, next].join("\n\n");
  return taken === null ? `\n${text}` : text; // behind the definition
}

/** The image as it can be deployed: where its tag is put in by Nomad, or does not say which one it is, a word for one. */
function deployable({ image, definition }: AdoptionView): string {
  const named = image.replace(/^(docker|https?):\/\//, "");
  const isExact = /@sha256:[0-9a-f]{64}$/.test(named) || /:(?!latest$)[^/:@]+$/.test(named);
  return isExact && !named.includes("${") ? named : `${definition.image?.repository ?? named}:TAG`;
}

/** Adds the app to a `steppe.yaml`; a jobspec of its own goes into a file beside it. */
async function writeApp({ app, definition }: AdoptionView, file: string, { io }: Context): Promise<void> {
  const path = resolve(io.cwd, file);
  const spec = specFile(app);
  const named = definition.job === null ? definition : { ...definition, job: spec };
  const text = await addToConfig(await readIfThere(path), named, file);
  if (definition.job !== null) await writeNew(join(dirname(path), spec), definition.job);
  await writeFile(path, text);
}

/** What the file of an app's jobspec is called. */
function specFile(app: string): string {
  return `${app}.nomad.json`;
}

async function readIfThere(path: string): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errno(error) === "ENOENT") return "";
    throw error;
  }
}

async function writeNew(path: string, content: string): Promise<void> {
  try {
    await writeFile(path, content, { flag: "wx" });
  } catch (error) {
    if (errno(error) !== "EEXIST") throw error;
    const parts = { operation: "write", subject: path, cause: "there is such a file", hint: "Move it away first." };
    throw new SteppeError("USAGE", parts, { cause: error });
  }
}
