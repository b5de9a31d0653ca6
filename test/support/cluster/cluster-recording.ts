import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import type { Service, Versions } from "./cluster.ts";

/** Who was asked: a service's API, Fabio by a visitor, or an instance by whoever checks it. */
export type Asked = Service | "visitor" | "instance";

/** Stands in what is recorded for this machine, as far as instances on it are concerned. */
export const INSTANCES_ADDRESS = "127.77.0.1";

/** What was answered; status 0 is that nobody did. `text` is a number in `texts`. */
export interface RecordedAnswer {
  status: number;
  type: string;
  text: number;
}

/** What a question would have been answered from a time on. */
export interface StateChange extends RecordedAnswer {
  at: number;
  asked: Asked;
  /** The target without its index. */
  key: string;
  /** Of Nomad or Consul. */
  index?: string;
}

/** A line of Nomad's event stream. */
export interface EventLine {
  at: number;
  key: string;
  index: string;
  text: number;
}

/** A request whose answer is no state: a change, or a question that cannot be waited on. */
export interface Exchange extends RecordedAnswer {
  from: number;
  to: number;
  asked: Asked;
  method: string;
  /** Of visitors and instances with the host or the address. */
  target: string;
  body: number;
}

/** What a test did to a service. */
export interface Act {
  from: number;
  to: number;
  what: string;
}

/** While a service answered nobody. */
export interface Outage {
  from: number;
  to: number;
  service: Service;
}

/** A story on a real cluster: all that whoever was there was told, and when. Times are in milliseconds since its beginning. */
export interface ClusterRecording {
  versions: Versions;
  /** Since 1970. */
  startedAt: number;
  registry: string;
  /** Digests by `APP NUMBER` and what is in it. */
  images: Record<string, string>;
  states: StateChange[];
  lines: EventLine[];
  exchanges: Exchange[];
  acts: Act[];
  outages: Outage[];
  texts: string[];
}

const folder = fileURLToPath(new URL("../../recordings/cluster/", import.meta.url));

/** @param name of the story: `engine-contract` */
export function recordingFile(name: string): string {
  return `${folder}${name}.json.br`;
}

export function readClusterRecording(name: string): ClusterRecording {
  return JSON.parse(brotliDecompressSync(readFileSync(recordingFile(name))).toString()) as ClusterRecording;
}

export function writeClusterRecording(name: string, recording: ClusterRecording): void {
  const file = recordingFile(name);
  mkdirSync(dirname(file), { recursive: true });
  const text = JSON.stringify(recording);
  const params = { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_QUALITY]: 9 };
  writeFileSync(file, brotliCompressSync(text, { params }));
}
