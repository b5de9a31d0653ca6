import { isDeepStrictEqual } from "node:util";
import { SteppeError } from "../shared/errors.ts";
import type { AppDefinition } from "./app-definition.ts";
import { defaults } from "./defaults.ts";
import { definitionSchema, partKeys } from "./definition-schema.ts";
import {
  BESIDE_COMPATIBLE,
  BESIDE_JOB,
  COMPATIBLE_ALONE,
  DOCKERFILE_BESIDE_BUILD,
  JOB_ALONE,
  formatPath,
  type Path,
  type Problem,
  RUN_BESIDE_JOB,
  toProblems,
} from "./problems.ts";

/**
 * Checks an app definition that came as JSON from somewhere: everything must be there, nothing else may be, and every value
 * comes back in its normal form. Throws DOMAIN_INVALID if the first mistake is in a domain, else CONFIG_INVALID; all mistakes are
 * in its detail.
 */
export function parseDefinition(json: unknown): AppDefinition {
  const parsed = definitionSchema.safeParse(json);
  const problems = parsed.success ? crossProblems(parsed.data) : toProblems(parsed.error.issues, json, keysAt);
  if (parsed.success && problems.length === 0) return parsed.data;
  throw definitionError(problems, json);
}

function crossProblems(definition: AppDefinition): Problem[] {
  const problems = domainsTwice(definition.domains);
  if (definition.build !== null && definition.dockerfile?.auto === false) {
    problems.push({ path: ["dockerfile"], atKey: true, message: DOCKERFILE_BESIDE_BUILD, other: ["build"] });
  }
  problems.push(...ownJobProblems(definition));
  return problems;
}

function ownJobProblems({ run, nomad, job, compatible, image }: AppDefinition): Problem[] {
  if (job === null && compatible === null) return [];
  const [own, message, alone] =
    compatible === null ? ["job", BESIDE_JOB, JOB_ALONE] : ["compatible", BESIDE_COMPATIBLE, COMPATIBLE_ALONE];
  // Who lets canaries take over is none of a jobspec's.
  const usual = { ...structuredClone(defaults.run), ...(compatible === null ? { promote: run.promote } : {}) };
  const others = {
    run: !isDeepStrictEqual(run, usual),
    nomad: Object.values(nomad).some((part) => Object.keys(part as object).length > 0),
    job: job !== null && compatible !== null,
  };
  const problems = Object.entries(others).flatMap(([key, isThere]): Problem[] => {
    const said = key === "run" && own === "job" ? RUN_BESIDE_JOB : message;
    return isThere ? [{ path: [key], atKey: true, message: said, other: [own] }] : [];
  });
  if (image === null) problems.push({ path: [own], atKey: true, message: alone });
  return problems;
}

function domainsTwice(domains: readonly string[]): Problem[] {
  return domains.flatMap((domain, index) => {
    const first = domains.indexOf(domain);
    if (first === index) return [];
    return [
      { path: ["domains", index], atKey: false, message: `\`${domain}\` is there twice`, other: ["domains", first] },
    ];
  });
}

function keysAt(path: Path): readonly string[] {
  if (path.length === 0) return Object.keys(definitionSchema.shape);
  if (path[1] === "constraints") return ["attribute", "operator", "value"];
  return path[1] === "secrets" ? ["file", "env"] : (partKeys[String(path[0])] ?? []);
}

function definitionError(problems: readonly Problem[], json: unknown): SteppeError {
  const told = problems.map(
    ({ path, message }) => `${path.length === 0 ? "the definition" : formatPath(path)} ${message}`,
  );
  const name = typeof json === "object" && json !== null && "name" in json ? json.name : undefined;
  const first = problems[0];
  const inDomain = first?.path[0] === "domains" && first.path.length === 2;
  return new SteppeError(inDomain ? "DOMAIN_INVALID" : "CONFIG_INVALID", {
    operation: "check",
    subject: typeof name === "string" && name !== "" ? `app ${name.slice(0, 80)}` : "app definition",
    cause: told.length > 1 ? `${told[0]} (and ${told.length - 1} more)` : (told[0] ?? "is invalid"),
    ...(told.length > 1 ? { detail: told.join("\n") } : {}),
    ...(inDomain ? {} : { hint: "Correct the app's definition." }),
  });
}
