import { SteppeError, toSteppeError } from "../../../shared/errors.ts";

/** What of the set-up is looked at. */
export type DoctorArea = "Nomad" | "Consul" | "Fabio" | "services" | "registries";

export interface DoctorCheck {
  area: DoctorArea;
  /** `warn` is what may do harm, or could not be looked at. */
  status: "ok" | "warn" | "fail";
  /** What was found, one line. */
  text: string;
  /** What to do; null if nothing is to be done. */
  hint: string | null;
}

export interface DoctorReport {
  checks: DoctorCheck[];
}

/** Gathers what is found of one area. */
export class Findings {
  readonly checks: DoctorCheck[] = [];
  readonly #area: DoctorArea;

  constructor(area: DoctorArea) {
    this.#area = area;
  }

  ok(text: string): void {
    this.#add("ok", text, null);
  }

  warn(text: string, hint: string): void {
    this.#add("warn", text, hint);
  }

  fail(text: string, hint: string): void {
    this.#add("fail", text, hint);
  }

  /** What `ask` resolves with; undefined if it fails, which is then found. Only the reason of the signal is thrown. */
  async ask<Value>(what: string, signal: AbortSignal, ask: () => Promise<Value>): Promise<Value | undefined> {
    try {
      return await ask();
    } catch (thrown) {
      signal.throwIfAborted();
      const error = toSteppeError(thrown, "ask for", what);
      this.fail(`${what}: ${error.reason}`, error.hint);
      return undefined;
    }
  }

  /**
   * The same for something that is asked for with a permission: where it lacks, `what` says what that is for and `hint` how to get it.
   *
   * @param options.isNeeded by deployments, and not only to look at things. Default true
   */
  async permitted<Value>(
    what: string,
    { hint, signal, isNeeded = true }: { hint: string; signal: AbortSignal; isNeeded?: boolean },
    ask: () => Promise<Value>,
  ): Promise<Value | undefined> {
    return await this.ask(`whether it is permitted to ${what}`, signal, async () => {
      try {
        return await ask();
      } catch (error) {
        if (!isDenied(error)) throw error;
        this.#add(isNeeded ? "fail" : "warn", `the token may not ${what}`, hint);
        return undefined;
      }
    });
  }

  #add(status: DoctorCheck["status"], text: string, hint: string | null): void {
    this.checks.push({ area: this.#area, status, text, hint });
  }
}

/** Whether what failed was refused for want of a permission. */
export function isDenied(error: unknown): boolean {
  return error instanceof SteppeError && error.code.endsWith("_DENIED");
}
