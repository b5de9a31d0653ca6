import { readdirSync, readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { argv, stdout } from "node:process";
import {
  CoreHost,
  FileBodies,
  FileSender,
  HttpListener,
  inPack,
  type SiteHandle,
} from "../../src/site-server/index.ts";
import { memoryOf } from "../lib/processes.ts";
import { median } from "../lib/report.ts";

/**
 * A process that holds many sites: loads every index of `FOLDER/sites` (`NAME.site` answers for the host NAME), says on standard output what that
 * took, as one line of JSON, and serves them until it is ended.
 */
export interface Found {
  port: number;
  sites: number;
  loadMs: number;
  /** Bytes of the process that nobody shares, for each site. */
  memoryASite: number;
  /** Bytes of an index. */
  indexBytes: number;
  /** To take up a new index in place of the one that serves, from memory. */
  switchMs: number;
  /** The longest of all. */
  longestSwitchMs: number;
}

const SWITCHES = 2_000;
const limits = {
  headMs: 20_000,
  keepAliveMs: 600_000,
  stalledMs: 20_000,
  lingerMs: 5_000,
  handshakeMs: 5_000,
  leastRate: 240,
  rateGraceMs: 10_000,
  checkMs: 1_000,
  connections: 4_096,
};

const folder = argv[2] ?? "";
const core = new CoreHost();
const sites = new Map<string, SiteHandle>();

function privateMemory(): number {
  globalThis.gc?.(); // what is garbage by now is not what a site takes
  return memoryOf([process.pid]).private;
}

function loadAll(): { loadMs: number; bytes: number } {
  let bytes = 0;
  const begin = performance.now();
  for (const file of readdirSync(join(folder, "sites"))) {
    const index = readFileSync(join(folder, "sites", file));
    sites.set(file.slice(0, -".site".length), core.load(index, file));
    bytes += index.length;
  }
  return { loadMs: performance.now() - begin, bytes };
}

/** Each time another site gets its index anew. */
function switchMany(): number[] {
  const names = [...sites.keys()];
  return Array.from({ length: SWITCHES }, (_, index) => {
    const name = names[(index * 7919) % names.length] ?? "";
    const fresh = readFileSync(join(folder, "sites", `${name}.site`));
    const begin = performance.now();
    const old = sites.get(name);
    sites.set(name, core.load(fresh, name));
    if (old !== undefined) core.unload(old);
    return performance.now() - begin;
  });
}

async function serve(): Promise<number> {
  const files = new FileSender(core, new FileBodies({ folder: join(folder, "packs") }), inPack);
  const listener = new HttpListener({
    core,
    limits,
    handler: {
      onRequest(connection) {
        const { host } = core.request;
        const site = sites.get(host.slice(0, host.indexOf(":")));
        if (site === undefined) throw new Error(`there is no site ${host}`);
        core.respond(site, connection.respondFlags);
        void files.send(connection, site);
      },
      onRefused() {},
      onFault(error) {
        throw error;
      },
    },
    onAcceptError(error) {
      throw error;
    },
  });
  await listener.listen({ host: "127.0.0.1", port: 0 });
  return (listener.server.address() as AddressInfo).port;
}

const before = privateMemory();
const { loadMs, bytes } = loadAll();
const memoryASite = (privateMemory() - before) / sites.size;
const switches = switchMany();
const found: Found = {
  port: await serve(),
  sites: sites.size,
  loadMs,
  memoryASite,
  indexBytes: bytes / sites.size,
  switchMs: median(switches),
  longestSwitchMs: Math.max(...switches),
};
stdout.write(`${JSON.stringify(found)}\n`);
