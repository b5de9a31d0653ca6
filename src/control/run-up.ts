import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { definitionFromOptions, parseConfig, readJobFiles, type UpOptions } from "../config/index.ts";
import { pushUrl } from "../api/index.ts";
import type { AppDeployer } from "../deployer/index.ts";
import { errno, SteppeError } from "../shared/errors.ts";
import { releaseMemorySoon } from "../shared/release-memory.ts";
import { version } from "../shared/version.ts";
import type { Announcer } from "./announcer.ts";
import { EXAMPLE_APP, EXAMPLE_DOMAIN, pushExample } from "./example.ts";
import { type Platform, startPlatform, type Surroundings } from "./start-platform.ts";

/** `steppe up`: starts everything, applies what the options name, and says so. */
export async function runUp(options: UpOptions, surroundings: Surroundings): Promise<Platform> {
  const { announcer, clock } = surroundings;
  const begin = clock.monotonic();
  const platform = await startPlatform(options, surroundings);
  try {
    platform.deployer.subscribe((event) => announcer.deployment(event));
    announcer.ready(platform.addresses, version, clock.monotonic() - begin);
    if (options.config !== null) await applyConfig(options.config, platform.deployer);
    if (options.example) await deployExample(platform, announcer);
    releaseMemorySoon(() => true); // what only the start needed
    return platform;
  } catch (error) {
    await platform.giveUp();
    throw error;
  }
}

/** Throws CONFIG_INVALID. */
async function applyConfig(file: string, deployer: AppDeployer): Promise<void> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    const cause = errno(error) === "ENOENT" ? "there is no such file" : String(error);
    throw new SteppeError("CONFIG_INVALID", { operation: "read", subject: file, cause }, { cause: error });
  });
  const { apps } = await readJobFiles(await parseConfig(text, file), dirname(file));
  await deployer.apply(apps, { dryRun: false, prune: false, requestId: "start" });
}

/** The first time it is pushed like any user's site; from then on it is one of the apps. */
async function deployExample({ deployer, addresses }: Platform, announcer: Announcer): Promise<void> {
  const isThere = deployer.apps().some(({ definition }) => definition.name === EXAMPLE_APP);
  const { pushToken } = isThere
    ? deployer.app(EXAMPLE_APP)
    : await deployer.addApp(await definitionFromOptions(EXAMPLE_APP, { domain: [EXAMPLE_DOMAIN] }));
  if (deployer.deployments(EXAMPLE_APP, 1).length === 0) await pushExample(pushUrl(EXAMPLE_APP, pushToken, addresses));
  const at = [addresses.http, addresses.https].flatMap((address) => (address === null ? [] : [new URL(address)]));
  const urls = at.map(({ protocol, port }) => `${protocol}//${EXAMPLE_DOMAIN}:${port}`);
  announcer.hint(`the example is live: ${urls.join("  ")}`);
  announcer.hint("browsers trust its certificate after `npx steppe ca install`; your own site: docs/your-own-site.md");
}
