import type { Command } from "commander";
import type { AppView } from "../../api/types.ts";
import { type DefinitionOptions, definitionFromOptions, formatDuration } from "../../config/index.ts";
import { type CommonOptions, gather, gatherList, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";

/** With `--json`, the AppView. */
export function define(command: Command, context: Context): void {
  command
    .argument("<name>", "lower-case letters, digits and hyphens")
    .option("--domain <host>", "its host name; several with commas, or the option again", gatherList)
    .option("--repository <url>", "where its repository lives, if you do not push to Steppe")
    .option("--poll <time>", "how often that repository is looked at (default 5m)")
    .option("--tags <pattern>", "which tags deploy (default *)", gatherList)
    .option("--branches <pattern>", "which branches deploy when they move", gatherList)
    .option("--folder <path>", "the folder of the repository that is the site (default .)")
    .option("--build <command>", "a command that makes the site")
    .option("--output <path>", "the folder that it leaves the site in (default public)")
    .option("--env <name=value>", "a variable of the build; may be given again", gather)
    .option("--cache <path>", "a folder that is kept from build to build; may be given again", gather)
    .option("--build-timeout <time>", "when a build that still runs is stopped (default 10m)")
    .option("--dockerfile <path>", "the Dockerfile that makes its image (default: the root's, if there is one)")
    .option("--no-dockerfile", "look for none")
    .option("--image <repository>", "where its images are in a registry: builds are pushed there, new tags deploy")
    .option("--image-site <path>", "the folder of such an image that is the site, if it is not made on steppe/static")
    .option("--semver <range>", "which versions deploy, such as ^1.2")
    .option("--approve", "what came by itself waits until you approve it")
    .option("--window <window>", "when it may go live, such as `Mon-Fri 09:00-17:00 Europe/London`", gather)
    .option("--check-path <path>", "what is asked for before a release goes live (default /)")
    .option("--check-status <status>", "the status that passes (default 200-399)")
    .option("--check-contains <text>", "a text that the answer must contain")
    .option("--check-timeout <time>", "how long the answer may take (default 10s)")
    .option("--redirect-to-https", "answer plain HTTP with a redirect")
    .option("--not-found-page <path>", "the page for paths that do not exist (default 404.html)")
    .option("--clean-urls", "answer /about with about.html")
    .option("--fallback <path>", "the file for paths that do not exist and name no file")
    .option("--cache-control <value>", "how caches may keep pages (default no-cache)")
    .option("--cache-control-hashed <value>", "how they may keep files whose names carry a hash (default a year)")
    .option("--grace <time>", "how long hash-named files stay after a switch (default 1h)")
    .option("--no-grace", "not at all")
    .option("--keep-releases <number>", "how many releases are kept (default 10)");
  withServer(command).action(async (name: string, options: Options) => {
    const definition = await definitionFromOptions(name, toDefinitionOptions(options));
    const app = await (await context.client(options)).addApp(definition);
    if (options.json === true) return await context.printJson(app);
    await context.print(nextSteps(app));
  });
}

type Options = CommonOptions &
  Omit<DefinitionOptions, "grace" | "dockerfile"> & { grace?: string | boolean; dockerfile?: string | boolean };

function toDefinitionOptions({ json: _, data: __, grace, dockerfile, ...rest }: Options): DefinitionOptions {
  // Commander sets these two to true by itself, since there are `--no-grace` and `--no-dockerfile`.
  return {
    ...rest,
    ...(grace === false ? { grace: "0" } : typeof grace === "string" ? { grace } : {}),
    ...(dockerfile === undefined || dockerfile === true ? {} : { dockerfile }),
  };
}

function nextSteps({ definition: { name, domains, pollMs, image }, pushUrl }: AppView): string {
  const added = `${name} is added: ${domains.join(", ")}`;
  const pushed = image === null ? "" : `\nIts images are in ${image.repository}; a new tag there deploys as well.`;
  if (pushUrl === null) {
    return `${added}${pushed}\nIts tags are looked at every ${formatDuration(pollMs)}; at once: steppe deploy ${name} --tag TAG`;
  }
  if (image !== null) {
    return `${added}\nPush an image to ${image.repository}: a new tag there deploys. Or push a tag of git, of which one is made:\n  git remote add steppe ${pushUrl}\n  git push steppe v1`;
  }
  return `${added}\nPush a tag to it:\n  git remote add steppe ${pushUrl}\n  git push steppe v1`;
}
