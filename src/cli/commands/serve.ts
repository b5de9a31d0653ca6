import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { formatListenAddress, type ListenAddress, parseListenAddress } from "../../config/index.ts";
import { errno, type SteppeError } from "../../shared/errors.ts";
import { listenError } from "../../shared/port-owner.ts";
import type { ServedRequest } from "../../site-server/index.ts";
import { wholeNumber, withJson } from "../common-options.ts";
import type { Context } from "../context.ts";
import { count, formatBytes } from "../human.ts";
import { usageError } from "../usage-error.ts";

interface Options {
  port?: string;
  http?: string;
  https?: string;
  cert?: string;
  key?: string;
  cleanUrls?: boolean;
  fallback?: string;
  notFoundPage?: string;
  hidden?: boolean;
  watch: boolean;
  quiet?: boolean;
  json?: boolean;
}

const PORT = 3000;
/** Lines that may wait for whoever reads them. */
const MOST_LINES = 10_000;

/** Serves until Ctrl-C. With `--json`, an object for each event and request, one a line. */
export function define(command: Command, context: Context): void {
  withJson(
    command
      .argument("[folder]", "the folder", ".")
      .option("-p, --port <port>", `the port on this machine; 0 takes a free one (default ${PORT})`)
      .option("--http <host:port>", "where to listen, in place of --port")
      .option("--https <host:port>", "where to listen by HTTPS, in place of --port; wants --cert and --key")
      .option("--cert <file>", "the certificate and its chain, PEM")
      .option("--key <file>", "its key, PEM")
      .option("--clean-urls", "answer /about with about.html")
      .option("--fallback <path>", "the file for paths that do not exist and name no file")
      .option("--not-found-page <path>", "the page for paths that do not exist (default 404.html)")
      .option("--hidden", "serve files whose names begin with a dot")
      .option("--no-watch", "serve the folder as it is now; do not look at it again when it changes")
      .option("-q, --quiet", "no line for each request"),
  ).action((folder: string, options: Options) => serve(context, folder, options));
}

async function serve(context: Context, folder: string, options: Options): Promise<void> {
  const { io } = context;
  const path = resolve(io.cwd, folder);
  const { address, option } = addressOf(options);
  const tls = tlsOf(context, options);
  const { FolderServer } = await import("../../site-server/index.ts");
  let looks = 0;
  const { cleanUrls, fallback, notFoundPage, hidden } = options;
  const say = sayer(context, options);
  let server;
  try {
    server = await FolderServer.start({
      folder: path,
      address,
      ...(tls && { tls }),
      watch: options.watch,
      ...(cleanUrls && { cleanUrls }),
      ...(fallback !== undefined && { fallback }),
      ...(notFoundPage !== undefined && { notFoundPage }),
      ...(hidden && { serveHidden: true }),
      ...(options.quiet !== true && {
        onRequest: (request: ServedRequest) => say({ event: "request", ...request }, requestLine(request)),
      }),
      onChange(files, problems) {
        for (const problem of problems) say({ event: "note", problem }, `note: ${problem}`);
        if (looks++ > 0) say({ event: "changed", files }, `The folder has changed: ${count(files, "file")}`);
      },
      onTrouble: (what, error) => {
        const cause = error instanceof Error ? error.message : String(error);
        say({ event: "trouble", what, cause }, `warning: ${what}: ${cause}`);
      },
    });
  } catch (error) {
    throw listenError(error, address.host, address.port, option);
  }
  const url = `${tls === undefined ? "http" : "https"}://${formatListenAddress({ host: shownHost(address), port: server.port })}/`;
  say(
    { event: "serving", folder: path, url },
    `Serving ${path} at ${url}${options.watch ? "" : " as it is now"}. Ctrl-C ends it.`,
  );
  await aborted(io.signal);
  await server.close();
}

function addressOf({ port, http, https }: Options): { address: ListenAddress; option: string } {
  const given = Object.entries({ "--port": port, "--http": http, "--https": https }).filter(
    ([, value]) => value !== undefined,
  );
  if (given.length > 1) throw usage(`${given.map(([name]) => name).join(" and ")} exclude each other`);
  const [flag, text] = given[0] ?? ["--port", String(PORT)];
  if (flag === "--port") {
    const number = wholeNumber(text ?? "", "the port", "steppe serve");
    if (number > 65_535) throw usage("the highest port is 65535");
    return { address: { host: "127.0.0.1", port: number }, option: "--port PORT" };
  }
  const parsed = parseListenAddress(text ?? "");
  if ("problem" in parsed) throw usage(`${flag} ${text} ${parsed.problem}`);
  return { address: parsed.value, option: `${flag} HOST:PORT` };
}

function tlsOf(context: Context, { https, key, cert }: Options): { key: Buffer; cert: Buffer } | undefined {
  if (https !== undefined) return { key: pem(context, key, "--key"), cert: pem(context, cert, "--cert") };
  const alone = key === undefined ? cert && "--cert" : "--key";
  if (alone !== undefined) throw usage(`${alone} is given without --https`);
  return undefined;
}

function pem({ io }: Context, file: string | undefined, flag: string): Buffer {
  if (file === undefined) throw usage(`--https wants ${flag}`);
  try {
    return readFileSync(resolve(io.cwd, file));
  } catch (error) {
    throw usage(`${flag} ${file} cannot be read: ${errno(error) ?? String(error)}`);
  }
}

/**
 * Says things one after another, those of a moment together: for programs or for people. A reader that is slow makes nobody wait: what would
 * pile up is left out.
 */
function sayer(context: Context, { json }: Options): (document: object, text: string) => void {
  let lines: string[] = [];
  let isSaying = false;
  const say = async (): Promise<void> => {
    try {
      while (lines.length > 0) {
        const text = lines.join("\n");
        lines = [];
        await (json === true ? context.io.stdout.write(`${text}\n`) : context.print(text));
      }
    } catch (error) {
      if (!context.io.signal.aborted) throw error;
    } finally {
      isSaying = false;
    }
  };
  return (document, text) => {
    if (lines.length >= MOST_LINES) return;
    lines.push(json === true ? JSON.stringify(document) : text);
    if (isSaying) return;
    isSaying = true;
    setImmediate(() => void say());
  };
}

function requestLine({ method, target, status, bytes, ms }: ServedRequest): string {
  return `${status} ${method} ${target} ${formatBytes(bytes)} ${ms.toFixed(1)} ms`;
}

/** Every address of the machine has no name; this one leads to it. */
function shownHost({ host }: ListenAddress): string {
  return host === "::" || host === "0.0.0.0" ? "localhost" : host;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function usage(cause: string): SteppeError {
  return usageError("steppe serve", cause);
}
