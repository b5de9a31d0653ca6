import type { Fields } from "../shared/json/fields.ts";
import { ShapeError } from "../shared/json/shape-error.ts";

/** A piece of a log. */
export interface LogFrame {
  data: Buffer;
  /** `alloc/logs/web.stdout.0`: Nomad begins a new file when one is full. */
  file: string;
  /** Where in the file the piece ends, bytes. */
  offset: number;
  /** What became of the file, if anything did: `file deleted`, `file truncated`. */
  fileEvent: string | undefined;
}

/** Undefined of a frame that only says that the connection lives. Throws ShapeError. */
export function readLogFrame(fields: Fields): LogFrame | undefined {
  const file = fields.optionalText("File") ?? "";
  const fileEvent = fields.optionalText("FileEvent") ?? "";
  const data = fields.optionalText("Data") ?? "";
  if (file === "" && fileEvent === "" && data === "") return undefined;
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(data)) throw new ShapeError(fields.at("Data"), "a text in base64", data);
  return {
    data: Buffer.from(data, "base64"),
    file,
    offset: fields.optionalCount("Offset") ?? 0,
    fileEvent: fileEvent === "" ? undefined : fileEvent,
  };
}
