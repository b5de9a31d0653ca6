import { closeSync, mkdirSync, writeSync } from "node:fs";
import { ControlSocket } from "./control-socket.ts";
import { type IngressConfig, ingressFolders, parseIngressConfig } from "./ingress-config.ts";
import { IngressProcess } from "./ingress-process.ts";
import { LineLogger } from "./line-logger.ts";

/** One that was told to wait ends by itself when nobody comes: whoever started it died in between. */
const LONELY_MS = 30_000;
/** After SIGTERM. */
const TERMINATION = { idleMs: 1_000, mostMs: 10_000 };

/** An ingress process, from its start to its end. It needs nobody: without control it serves what is on disk. */
async function main(): Promise<void> {
  const config = parseIngressConfig(process.argv[2]);
  const log = new LineLogger(2, { process: `ingress-${config.id}`, pid: process.pid });
  const fail = (error: unknown, message: string): never => {
    log.error({ err: error }, message);
    process.exit(1);
  };
  process.on("uncaughtException", (error) => fail(error, "an error that nobody expected; the process ends"));
  process.on("SIGHUP", () => {}); // the terminal that it was started from is none of its business
  try {
    await run(config, log);
  } catch (error) {
    tellParent(config, error instanceof Error ? error.message : String(error));
    fail(error, "the ingress process cannot start");
  }
}

async function run(config: IngressConfig, log: LineLogger): Promise<void> {
  for (const folder of Object.values(ingressFolders(config.dataFolder)))
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  const ingress = new IngressProcess(config, log);
  const control = await ControlSocket.open(ingress, log);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => ingress.drain(TERMINATION));
  void ingress.ended.then(() => {
    control.close();
    log.info({}, "drained");
    process.exit(0);
  });
  if (config.accept === "at once") await ingress.accept();
  else setTimeout(() => endIfLonely(ingress, control), LONELY_MS).unref();
  log.info({ generation: ingress.status().generation, addresses: ingress.status().addresses }, "started");
  tellParent(config, "ready");
}

function endIfLonely(ingress: IngressProcess, control: ControlSocket): void {
  if (ingress.status().state === "waiting" && !control.isConnected) ingress.drain({ idleMs: 0, mostMs: 0 });
}

/** Once. The parent may be gone. */
function tellParent({ readyFd }: IngressConfig, text: string): void {
  if (readyFd === null) return;
  try {
    writeSync(readyFd, `${text}\n`);
    closeSync(readyFd);
  } catch {
    // EPIPE: nobody waits for it any more
  }
}

await main();
