import { argv, cwd, env, exit, stderr, stdout, umask } from "node:process";
import { parseUpOptions } from "./config/index.ts";
import { jsonAnnouncer, plainAnnouncer } from "./control/announcer.ts";
import { closeInherited } from "./control/close-inherited.ts";
import { createLogger } from "./control/logger.ts";
import { restore } from "./control/restore.ts";
import { runUp } from "./control/run-up.ts";
import { stopLeftIngress } from "./control/stop-left-ingress.ts";
import { systemClock } from "./shared/clock.ts";
import { errorCodes, toSteppeError } from "./shared/errors.ts";

/** Tells the launcher to start control again at once; the ingress goes on meanwhile. */
const RESTART = 75;

/**
 * The control process: what `steppe up` runs. SIGTERM and SIGINT stop everything, the ingress too. SIGHUP ends control alone, for the
 * launcher to start it again, perhaps as another version. Returns the exit code.
 */
async function main(): Promise<number> {
  closeInherited();
  umask(0o077); // what control writes is its own, whatever makes the file
  const announcer = argv.includes("--json")
    ? jsonAnnouncer(stdout, () => systemClock.now())
    : plainAnnouncer(stdout, stderr, env);
  // A reader that is gone, or a full disk under a log, must not end the platform: there is nobody to tell.
  for (const stream of [stdout, stderr]) stream.on("error", () => {});
  const asked = endAsked();
  try {
    const options = parseUpOptions(argv.slice(2), env, cwd());
    if (options.restore !== null) return await restore({ ...options, restore: options.restore }, stdout, systemClock);
    const log = createLogger(stderr, options.logLevel ?? (stderr.isTTY ? "warn" : "info"));
    if (options.stop) {
      await stopLeftIngress(options, { log, clock: systemClock });
      return 0;
    }
    const platform = await runUp(options, {
      announcer,
      log,
      clock: systemClock,
      isService: env["STEPPE_SERVICE"] === "1",
    });
    if ((await asked) === "SIGHUP") {
      await platform.leave();
      return RESTART;
    }
    announcer.stopping();
    await platform.stop();
    return 0;
  } catch (error) {
    const known = toSteppeError(error, "start", "Steppe");
    announcer.failed(known);
    return errorCodes[known.code].exit;
  }
}

/** Resolves with the first signal that asks for an end. */
function endAsked(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, resolve);
  });
}

exit(await main());
