import { ShapeError } from "./shape-error.ts";

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads an object that came as JSON from elsewhere, a field at a time: each is what its reader says, or a ShapeError names it. Go writes an empty list or map
 * as null; that is read as empty.
 */
export class Fields {
  /** Where the object stands in the whole. */
  readonly path: string;
  readonly #object: JsonObject;

  private constructor(object: JsonObject, path: string) {
    this.#object = object;
    this.path = path;
  }

  /** Throws ShapeError if it is no object. */
  static of(value: unknown, path = ""): Fields {
    return new Fields(objectAt(value, path), path);
  }

  /** A list of objects; of null an empty one. */
  static list(value: unknown, path = ""): Fields[] {
    return listAt(value, path).map((item, at) => Fields.of(item, `${path}[${at}]`));
  }

  /** A list of texts; of null an empty one. */
  static texts(value: unknown, path = ""): string[] {
    return listAt(value, path).map((item, at) => textAt(item, `${path}[${at}]`));
  }

  /** A map of objects. */
  static mapOf(value: unknown, path = ""): Array<[key: string, value: Fields]> {
    const within = (key: string): string => (path === "" ? key : `${path}.${key}`);
    return Object.entries(objectAt(value, path)).map(([key, item]) => [key, Fields.of(item, within(key))]);
  }

  /** Of all fields. */
  names(): string[] {
    return Object.keys(this.#object);
  }

  /** Whether it is there, and not null. */
  has(name: string): boolean {
    return (this.raw(name) ?? null) !== null;
  }

  raw(name: string): unknown {
    return Object.hasOwn(this.#object, name) ? this.#object[name] : undefined;
  }

  text(name: string): string {
    return textAt(this.raw(name), this.at(name));
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  texts(name: string): string[] {
    return Fields.texts(this.raw(name), this.at(name));
  }

  /** A whole number, however it came, that a number holds exactly. */
  count(name: string): number {
    const value = this.raw(name);
    const number = typeof value === "bigint" ? Number(value) : value;
    if (typeof number !== "number" || !Number.isSafeInteger(number)) {
      throw new ShapeError(this.at(name), "a whole number of at most 53 bits", value);
    }
    return number;
  }

  optionalCount(name: string): number | undefined {
    return this.has(name) ? this.count(name) : undefined;
  }

  /** Any number. */
  amount(name: string): number {
    const value = this.raw(name);
    if (typeof value !== "number" && typeof value !== "bigint") throw new ShapeError(this.at(name), "a number", value);
    return Number(value);
  }

  /** A whole number that is not negative, with all its digits. */
  index(name: string): bigint {
    const value = this.raw(name);
    if (typeof value === "bigint" && value >= 0n) return value;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
    throw new ShapeError(this.at(name), "a whole number from 0", value);
  }

  optionalIndex(name: string): bigint | undefined {
    return this.has(name) ? this.index(name) : undefined;
  }

  /** False if it is not there. */
  flag(name: string): boolean {
    const value = this.raw(name) ?? false;
    if (typeof value !== "boolean") throw new ShapeError(this.at(name), "true or false", value);
    return value;
  }

  object(name: string): Fields {
    return Fields.of(this.raw(name), this.at(name));
  }

  optionalObject(name: string): Fields | undefined {
    return this.has(name) ? this.object(name) : undefined;
  }

  objects(name: string): Fields[] {
    return Fields.list(this.raw(name), this.at(name));
  }

  /** A map of objects. */
  entries(name: string): Array<[key: string, value: Fields]> {
    return Fields.mapOf(this.raw(name) ?? {}, this.at(name));
  }

  /** A map of texts. */
  record(name: string): Record<string, string> {
    const path = this.at(name);
    const texts = Object.entries(objectAt(this.raw(name) ?? {}, path));
    return Object.fromEntries(texts.map(([key, value]) => [key, textAt(value, `${path}.${key}`)]));
  }

  /** Where a field stands in the whole, for errors. */
  at(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }
}

function objectAt(value: unknown, path: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ShapeError(path, "an object", value);
  }
  return value as JsonObject;
}

function listAt(value: unknown, path: string): unknown[] {
  if (value === null || (value === undefined && path !== "")) return [];
  if (!Array.isArray(value)) throw new ShapeError(path, "a list", value);
  return value;
}

function textAt(value: unknown, path: string): string {
  if (typeof value !== "string") throw new ShapeError(path, "a text", value);
  return value;
}
