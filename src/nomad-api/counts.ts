import { Fields } from "../shared/json/fields.ts";

/** How many there are of each. */
export type Counts = Readonly<Record<string, number>>;

/** A map of counts; empty if it is not there. Throws ShapeError. */
export function readCounts(fields: Fields, name: string): Counts {
  return fields.has(name) ? countsAt(fields.raw(name), fields.at(name)) : {};
}

/** A map of maps of counts; empty if it is not there. Throws ShapeError. */
export function readCountsOfEach(fields: Fields, name: string): Record<string, Counts> {
  const maps = fields.entries(name).map(([key]) => [key, readCounts(fields.object(name), key)] as const);
  return Object.fromEntries(maps);
}

function countsAt(value: unknown, path: string): Counts {
  const counts = Fields.of(value, path);
  return Object.fromEntries(Object.keys(value as object).map((key) => [key, counts.count(key)]));
}
