import { SteppeError } from "../../shared/errors.ts";
import type { ToolKind } from "./build-plan.ts";
import { explainDaemon } from "./docker-client.ts";

/** A line that says why. Docker's classic builder prints what a connection failed for as Go's network library words it. */
const WHY =
  /error|failed|invalid|unknown|not found|denied|no such host|dial tcp|refused|timed? ?out|unauthorized|x509|too ?many ?requests/i;

/** Watches what a tool prints, for the step that fails and what is said of it. */
export class BuildWatch {
  readonly #steps = new Map<string, string>();
  #step: string | undefined;
  #failed: string | undefined;
  readonly #ids = new Set<string>();

  line(line: string): void {
    const [, sequential] = /^(?:\[\d+\/\d+\] )?Step \d+(?:\/\d+)? ?: (.*)$/i.exec(line) ?? [];
    if (sequential !== undefined) this.#step = sequential;
    // Of BuildKit: `#8 [build 4/4] RUN …`, later `#8 ERROR: …`.
    const [, vertex = "", begun, error] =
      /^#(\d+) (?:\[(?!internal\b)[^\]]*\d+\/\d+\] (.*)|(ERROR: .*))$/.exec(line) ?? [];
    if (begun !== undefined) this.#steps.set(vertex, begun);
    if (error !== undefined) this.#failed ??= this.#steps.get(vertex);
    // Of the classic builder: ` ---> 6cd82232146b`; of buildah: `--> 6cd82232146`, `--> Using cache HEX`.
    const [, id] = /^ ?--?-> (?:Using cache )?([0-9a-f]{11,64})$/.exec(line) ?? [];
    if (id !== undefined) this.#ids.add(id);
  }

  /** The instruction that was carried out last, or that failed. */
  get step(): string | undefined {
    return this.#failed ?? this.#step;
  }

  /** The beginnings of ids of images that the build made or used. */
  get ids(): ReadonlySet<string> {
    return this.#ids;
  }
}

/** What is known of a build that failed. */
export interface FailedBuild {
  app: string;
  /** `blog@v2` */
  label: string;
  kind: ToolKind;
  /** Exit code of the tool. */
  code: number;
  step: string | undefined;
  /** The last lines of its log. */
  detail: string;
  /** What was asked for, and what the machine is: `linux/arm64`. */
  platform: string | null;
  machine: string;
}

/** The error for a build that failed: what the daemon's state or the disk is to blame for is told as such, all else with the step that failed. */
export function explainFailure(build: FailedBuild): SteppeError {
  const { app, label, kind, code, step, detail, platform, machine } = build;
  const [, exit] = /(?:exit code: |non-zero code: |exit status )(\d+)/.exec(detail) ?? [];
  const explained = explainDaemon(detail);
  // What a step that ended by itself says of a daemon is of another: some steps use Docker.
  const trouble = explained?.code === "DISK_FULL" || exit === undefined ? explained : undefined;
  if (trouble?.code === "DISK_FULL" || (trouble !== undefined && kind !== "buildah")) {
    const { code: errorCode, hint, reason } = trouble;
    const cause = kind === "buildah" ? "no space left on the disk" : reason;
    return new SteppeError(errorCode, {
      operation: "build",
      subject: label,
      cause,
      hint: kind === "buildah" ? undefined : hint,
      detail,
    });
  }
  const wholeLog = `\`steppe logs ${app} --build\` shows the whole log.`;
  const failure = (cause: string, hint = wholeLog): SteppeError =>
    new SteppeError("BUILD_FAILED", { operation: "build", subject: label, cause, hint, detail });
  const where =
    step === undefined ? "the Dockerfile" : `the step \`${step.length > 200 ? `${step.slice(0, 200)}…` : step}\``;
  if (/exec format error|exec user process caused/i.test(detail)) {
    const hint = "Install an emulator (`apt-get install qemu-user-static binfmt-support`), or build for this machine.";
    return failure(
      `${where} runs a program of ${platform ?? "another platform"}, which this machine (${machine}) cannot`,
      hint,
    );
  }
  // Mostly misspelled; of a here-document, which only BuildKit knows, its second line.
  const [unknown] = /(?:line \d+: )?unknown instruction: .*/i.exec(detail) ?? [];
  if (unknown !== undefined) {
    const newer =
      kind === "classic" ? " If it is right, it may want BuildKit: install Docker's buildx, or buildah." : "";
    return failure(`the Dockerfile cannot be read: ${unknown.slice(0, 200)}`, `Correct that line.${newer} ${wholeLog}`);
  }
  if (/requires BuildKit|Unknown flag: (?:mount|link|chmod)/i.test(detail) && kind === "classic") {
    return failure(
      `${where} is not known to Docker's classic builder`,
      `It may want BuildKit: install Docker's buildx, or buildah. ${wholeLog}`,
    );
  }
  if (exit === "137") {
    const hint = `\`dmesg\` tells of memory, \`journalctl --unit docker\` of Docker. ${wholeLog}`;
    return failure(`${where} was killed (137): the machine had no memory left, or Docker was stopped`, hint);
  }
  if (exit !== undefined) return failure(`${where} exited with ${exit}`);
  const said = detail.split("\n").findLast((line) => WHY.test(line));
  const why = said === undefined ? `the tool exited with ${code}` : said.replace(/^ERROR: /, "").slice(0, 300);
  return failure(`${where} failed: ${why}`);
}
