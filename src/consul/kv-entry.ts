import type { Fields } from "../shared/json/fields.ts";
import { ShapeError } from "../shared/json/shape-error.ts";

/** A key with its value. */
export interface KvEntry {
  key: string;
  /** Empty for an empty value, which Consul gives as null. */
  value: Buffer;
  /** 64 bits that mean what the writer likes. */
  flags: bigint;
  /** Who holds the lock. */
  session?: string;
  /** How often the lock was taken. */
  lockIndex: bigint;
  createIndex: bigint;
  /** What a change names that is to be made only if there was none since. */
  modifyIndex: bigint;
}

/** Throws ShapeError. */
export function readKvEntry(fields: Fields): KvEntry {
  const session = fields.optionalText("Session");
  return {
    key: fields.text("Key"),
    value: readValue(fields),
    flags: fields.index("Flags"),
    ...(session === undefined ? {} : { session }),
    lockIndex: fields.index("LockIndex"),
    createIndex: fields.index("CreateIndex"),
    modifyIndex: fields.index("ModifyIndex"),
  };
}

function readValue(fields: Fields): Buffer {
  const text = fields.optionalText("Value") ?? "";
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new ShapeError(fields.at("Value"), "a text in base64", text);
  return Buffer.from(text, "base64");
}
