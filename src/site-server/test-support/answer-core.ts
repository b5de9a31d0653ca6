import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildCore } from "../../../scripts/build-core.ts";
import * as layout from "../core/layout.ts";

/** What the module `answer` exports: see core/layout.ts. */
export interface AnswerExports {
  readonly memory: WebAssembly.Memory;
  input(): number;
  request(): number;
  answer(): number;
  date(): number;
  setTime(seconds: number): void;
  parse(at: number, end: number): number;
  begin(method: number): void;
  target(at: number, length: number): void;
  field(known: number, at: number, length: number): void;
  respond(site: number, flags: number): void;
  respondKept(site: number, flags: number): number;
  respondStatus(status: number, flags: number): void;
  siteRoom(bytes: number): number;
  siteFree(site: number): void;
  siteCheck(site: number, bytes: number): number;
  sourceName(site: number, source: number): number;
  setTag(file: number, tag: number): void;
}

/** The ANSWER record, read. */
export interface AnswerRecord {
  status: number;
  flags: number;
  form: number;
  /** What is sent first: the head, and a built-in page. Bytes as latin1. */
  head: string;
  source: number;
  offset: number;
  bytes: number;
  formRecord: number;
  file: number;
  path: string;
  pageBytes: number;
}

/** The REQUEST record, read. Texts are latin1. */
export interface RequestRecord {
  target: string;
  method: number;
  methodName: string;
  minor: number;
  flags: number;
  repeated: number;
  contentLength: number;
  /** By number FIELD_*; what is not there is left out. */
  known: Record<number, string>;
  fields: [string, string][];
}

/** The module `answer`, compiled if need be, for tests: no host of anything, it only reads and writes records. */
export class AnswerCore {
  readonly exports: AnswerExports;

  private constructor(exports: AnswerExports) {
    this.exports = exports;
  }

  static async create(): Promise<AnswerCore> {
    await buildCore();
    const wasm = readFileSync(fileURLToPath(new URL("../../../dist/core/answer.wasm", import.meta.url)));
    const core = new AnswerCore(new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports as AnswerExports);
    core.exports.setTime(Date.UTC(2026, 10, 24, 12) / 1000);
    return core;
  }

  /** The memory as it is now: it is another object after it grew. */
  get memory(): Buffer {
    return Buffer.from(this.exports.memory.buffer);
  }

  /** Parses bytes, or latin1 text, that were put where input goes; returns what `parse` does. */
  parse(head: string | Uint8Array): number {
    const at = this.exports.input();
    const bytes = typeof head === "string" ? Buffer.from(head, "latin1") : head;
    this.memory.set(bytes, at);
    return this.exports.parse(at, at + bytes.length);
  }

  /** Copies a site index into the module. */
  load(index: Uint8Array): number {
    const site = this.exports.siteRoom(index.length);
    if (site === 0) throw new Error(`no room for ${index.length} bytes`);
    this.memory.set(index, site);
    if (this.exports.siteCheck(site, index.length) !== 1) throw new Error("the site index is not sound");
    return site;
  }

  readRequest(): RequestRecord {
    const { memory } = this;
    const record = memory.subarray(this.exports.request());
    const text = (at: number, length: number): string => memory.toString("latin1", at, at + length);
    const pair = (position: number): string => text(record.readUInt32LE(position), record.readUInt32LE(position + 4));
    const known: Record<number, string> = {};
    for (let field = 0; field < layout.FIELD_KNOWN_COUNT; field++) {
      const position = layout.REQUEST_AT_KNOWN + field * 8;
      if (record.readUInt32LE(position) !== 0) known[field] = pair(position);
    }
    const fields: [string, string][] = [];
    for (let i = 0; i < record.readUInt8(layout.REQUEST_AT_FIELD_COUNT); i++) {
      const position = layout.REQUEST_AT_FIELDS + i * layout.REQUEST_FIELD_SIZE;
      fields.push([pair(position), pair(position + 8)]);
    }
    return {
      target: pair(layout.REQUEST_AT_TARGET),
      method: record.readUInt8(layout.REQUEST_AT_METHOD),
      methodName: pair(layout.REQUEST_AT_METHOD_NAME),
      minor: record.readUInt8(layout.REQUEST_AT_MINOR),
      flags: record.readUInt8(layout.REQUEST_AT_FLAGS),
      repeated: record.readUInt32LE(layout.REQUEST_AT_REPEATED),
      contentLength: record.readDoubleLE(layout.REQUEST_AT_CONTENT_LENGTH),
      known,
      fields,
    };
  }

  readAnswer(): AnswerRecord {
    const { memory } = this;
    const record = memory.subarray(this.exports.answer());
    const text = (position: number): string => {
      const at = record.readUInt32LE(position);
      return memory.toString("latin1", at, at + record.readUInt32LE(position + 4));
    };
    return {
      status: record.readUInt16LE(layout.ANSWER_AT_STATUS),
      flags: record.readUInt8(layout.ANSWER_AT_FLAGS),
      form: record.readUInt8(layout.ANSWER_AT_FORM),
      head: text(layout.ANSWER_AT_HEAD),
      source: record.readUInt32LE(layout.ANSWER_AT_SOURCE),
      offset: record.readDoubleLE(layout.ANSWER_AT_OFFSET),
      bytes: record.readDoubleLE(layout.ANSWER_AT_BYTES),
      formRecord: record.readUInt32LE(layout.ANSWER_AT_FORM_RECORD),
      file: record.readUInt32LE(layout.ANSWER_AT_FILE),
      path: text(layout.ANSWER_AT_PATH),
      pageBytes: record.readUInt32LE(layout.ANSWER_AT_PAGE_BYTES),
    };
  }
}
