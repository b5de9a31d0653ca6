import { basicAuthorization } from "../credentials.ts";
import { SteppeError } from "../errors.ts";

/** Variables of the environment, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a variable says; undefined if it is not set, or empty, as Consul and Nomad take it. */
export function textOf(environment: Environment, name: string): string | undefined {
  const text = environment[name]?.trim();
  return text === "" ? undefined : text;
}

const TRUE = new Set(["1", "t", "T", "true", "True", "TRUE"]);
const FALSE = new Set(["0", "f", "F", "false", "False", "FALSE"]);

/** A variable that is true or false, written as Go reads it; undefined if it is not set. Throws ENVIRONMENT_INVALID. */
export function flagOf(environment: Environment, name: string): boolean | undefined {
  const text = textOf(environment, name);
  if (text === undefined) return undefined;
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  throw environmentError(name, `${JSON.stringify(text)} is neither true nor false`, "Set it to true or false.");
}

/** The field `Authorization` for `user:password` in a variable; undefined if it is not set. */
export function basicAuthOf(environment: Environment, name: string): string | undefined {
  const text = textOf(environment, name);
  if (text === undefined) return undefined;
  const [username = "", ...password] = text.split(":");
  return basicAuthorization({ username, password: password.join(":") });
}

/** A secret that goes into a field of the head; undefined if it is not set. Throws ENVIRONMENT_INVALID, which does not show it. */
export function tokenOf(environment: Environment, name: string): string | undefined {
  const token = textOf(environment, name);
  if (token !== undefined && !isToken(token)) {
    throw environmentError(name, "it holds more than letters, digits and signs", "Give the token alone, on one line.");
  }
  return token;
}

/** Whether a text can be sent as a token. */
export function isToken(text: string): boolean {
  return /^[\u0021-\u007e]+$/.test(text);
}

export function environmentError(name: string, cause: string, hint?: string, thrown?: unknown): SteppeError {
  return new SteppeError("ENVIRONMENT_INVALID", { operation: "read", subject: name, cause, hint }, { cause: thrown });
}
