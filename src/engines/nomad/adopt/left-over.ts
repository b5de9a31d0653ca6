import { isDeepStrictEqual } from "node:util";

type Part = Readonly<Record<string, unknown>>;

export interface LeftOverOptions {
  /** What Nomad fills in where nothing is said. */
  usual?: Part | undefined;
  /** Fields that are told in another way, or are none of a user's. */
  except?: ReadonlySet<string> | undefined;
}

/** Maps whose names are a user's or a driver's own: what is empty there is said all the same. */
const OWN_NAMES = new Set(["Config", "Env", "Meta", "CanaryMeta", "Header"]);

/**
 * What a part of a job says and another does not: a fragment that makes the one of the other when it is put over it, as far as a fragment can. Lists are added to, so what the other
 * has besides stays. What is empty, or as Nomad has it anyway, is left out.
 */
export function leftOver(
  part: Part,
  base: Part,
  { usual = {}, except = new Set() }: LeftOverOptions = {},
): Record<string, unknown> {
  const left: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(part)) {
    if (except.has(key) || isUsual(value, usual[key])) continue;
    const rest = restOf(key, value, base[key]);
    if (rest === undefined || isUsual(rest, undefined)) continue;
    // Where Nomad would fill something in, a 0 says that it shall not.
    const said = key in usual ? withoutNulls(rest) : OWN_NAMES.has(key) ? rest : withoutUnsaid(rest);
    if (!isEmpty(said)) left[key] = said;
  }
  return left;
}

function isUsual(value: unknown, usual: unknown): boolean {
  return usual === undefined ? isEmpty(value) : isDeepStrictEqual(withoutEmpty(value), withoutEmpty(usual));
}

function restOf(name: string, value: unknown, base: unknown): unknown {
  if (Array.isArray(value) && Array.isArray(base)) {
    return value.filter((item) => !base.some((other) => isSame(other, item)));
  }
  if (!isMap(value) || !isMap(base)) return isSame(value, base) ? undefined : value;
  if (!OWN_NAMES.has(name)) return leftOver(value, base);
  const kept = Object.entries(value).flatMap(([key, inner]): Array<[string, unknown]> => {
    const rest = restOf("", inner, base[key]);
    return rest === undefined || (Array.isArray(rest) && rest.length === 0) ? [] : [[key, rest]];
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** Durations are numbers in what Nomad gives, and bigints in what we make. */
function isSame(one: unknown, other: unknown): boolean {
  if (isWhole(one) && isWhole(other)) return BigInt(one) === BigInt(other);
  return isDeepStrictEqual(one, other);
}

function isWhole(value: unknown): value is number | bigint {
  return typeof value === "bigint" || Number.isSafeInteger(value);
}

/** For comparison: without what Go writes for fields that nobody gave: `""`, `0`, `false`, `null`, and lists and maps of nothing. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (!isMap(value)) return value;
  const kept = Object.entries(value).filter(([, inner]) => !isEmpty(inner));
  return Object.fromEntries(kept.map(([key, inner]) => [key, OWN_NAMES.has(key) ? inner : withoutEmpty(inner)]));
}

/** Fields that are 0 or false where nobody said anything: there Nomad's own default is the same. */
const ZERO_IS_UNSAID = new Set([
  "Cores",
  "DiskMB",
  "EnableTagOverride",
  "Envvars",
  "ErrMissingKey",
  "Expose",
  "FailuresBeforeCritical",
  "FailuresBeforeWarning",
  "GRPCUseTLS",
  "IOPS",
  "MBits",
  "MemoryMaxMB",
  "RenderTemplates",
  "SuccessBeforePassing",
  "TLSSkipVerify",
  "To",
  "Value",
  "VaultGrace",
]);

/** Without what was surely left out. A 0 or false that stands for itself is kept: `vault { env = false }`, as in much of what Nomad fills in with something else. */
function withoutUnsaid(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUnsaid);
  if (!isMap(value)) return value;
  const kept = Object.entries(value).filter(
    ([key, inner]) => !isEmpty(inner) || (isZero(inner) && !ZERO_IS_UNSAID.has(key)),
  );
  return Object.fromEntries(kept.map(([key, inner]) => [key, OWN_NAMES.has(key) ? inner : withoutUnsaid(inner)]));
}

function withoutNulls(value: unknown): unknown {
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null));
}

function isZero(value: unknown): boolean {
  return value === 0 || value === 0n || value === false;
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === "" || isZero(value)) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isMap(value) && Object.keys(value).length === 0;
}

function isMap(value: unknown): value is Part {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
