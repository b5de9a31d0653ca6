import { writeSync } from "node:fs";
import { errno } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";

/** pino's numbers, so that all logs read alike. */
const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const;

/** Writes a line of JSON for each message, at once: pino would cost each ingress process megabytes. */
export class LineLogger implements Logger {
  readonly #fields: object;
  readonly #fd: number;

  /** @param fd where to, for example 2 */
  constructor(fd: number, fields: object = {}) {
    this.#fd = fd;
    this.#fields = fields;
  }

  debug(fields: object, message: string): void {
    this.#write(LEVELS.debug, fields, message);
  }

  info(fields: object, message: string): void {
    this.#write(LEVELS.info, fields, message);
  }

  warn(fields: object, message: string): void {
    this.#write(LEVELS.warn, fields, message);
  }

  error(fields: object, message: string): void {
    this.#write(LEVELS.error, fields, message);
  }

  child(fields: object): LineLogger {
    return new LineLogger(this.#fd, { ...this.#fields, ...fields });
  }

  #write(level: number, fields: object, msg: string): void {
    const line = JSON.stringify({ level, time: Date.now(), ...this.#fields, ...fields, msg }, plainError);
    try {
      writeSync(this.#fd, `${line}\n`);
    } catch (error) {
      // A full disk or a reader that is gone must not stop visitors from being served.
      if (!["ENOSPC", "EDQUOT", "EPIPE", "EAGAIN", "EIO"].includes(errno(error) ?? "")) throw error;
    }
  }
}

function plainError(_key: string, value: unknown): unknown {
  return value instanceof Error ? { type: value.name, message: value.message, stack: value.stack } : value;
}
