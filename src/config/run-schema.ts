import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { defaults, limits } from "./defaults.ts";
import { formatDuration } from "./duration.ts";
import { duration, environment, milliseconds, textField } from "./text-field.ts";

const usual = defaults.run;

/** The operators that Nomad 1.1 knows, by their shortest names. */
const operators = [
  "=",
  "!=",
  ">",
  ">=",
  "<",
  "<=",
  "regexp",
  "version",
  "semver",
  "is_set",
  "is_not_set",
  "set_contains",
  "set_contains_all",
  "set_contains_any",
  "distinct_hosts",
  "distinct_property",
] as const;

function within([least, most]: readonly [number, number]) {
  return z
    .int()
    .min(least, { error: `is less than ${least}` })
    .max(most, { error: `is more than ${most}` });
}

const line = textField((text) => {
  if (text === "") return { problem: "is empty" };
  if (text.length > limits.textLength) return { problem: "is longer than 4,096 characters" };
  return /[\u0000-\u001f\u007f]/.test(text) ? { problem: "has a control character in it" } : { value: text };
});
const argument = textField((text) => {
  if (text.length > limits.commandLength) return { problem: "is longer than 64 KiB" };
  return text.includes("\0") ? { problem: "has a NUL character in it" } : { value: text };
});

const metricsPath = textField(
  (text) => (/^\/[\x21-\x7e]*$/.test(text) ? { value: text } : { problem: "is no path, such as `/metrics`" }),
  { pattern: "^/" },
);
const driver = z.literal(["docker", "exec", "java"]);
const args = z.array(argument).max(limits.args, { error: `has more than ${limits.args} arguments` });
const port = within([1, 65_535]);
const operator = z.literal(operators);
const spreadList = z.array(line).max(limits.spreads, { error: `has more than ${limits.spreads} attributes` });
const promote = z.literal(["auto", "manual"]);
const tooManyConstraints = { error: `has more than ${limits.constraints} constraints` };

const constraint = z
  .strictObject({
    attribute: line.optional().meta({ description: "What of a node is looked at.", examples: ["${attr.cpu.arch}"] }),
    operator: operator.prefault("=").meta({ description: "How it is compared." }),
    value: line.optional().meta({ description: "What with." }),
  })
  .superRefine(refineConstraint);

/** Nomad refuses what lacks something. */
function refineConstraint(
  {
    attribute,
    operator: compared,
    value,
  }: { attribute?: string | null | undefined; operator: string; value?: string | null | undefined },
  context: z.core.$RefinementCtx,
): void {
  const wantsAttribute = compared !== "distinct_hosts";
  const wantsValue = wantsAttribute && !["is_set", "is_not_set", "distinct_property"].includes(compared);
  const lacks = [
    wantsAttribute && (attribute ?? "") === "" && "attribute",
    wantsValue && (value ?? "") === "" && "value",
  ];
  for (const key of lacks) {
    if (key !== false) context.addIssue({ code: "custom", message: `has no \`${key}\`, which \`${compared}\` wants` });
  }
}

/** What Nomad would refuse, or what could never be healthy. */
function refineRun(run: RunBounds, context: z.core.$RefinementCtx): void {
  if (run.driver !== "docker" && (run.command ?? null) === null) {
    context.addIssue({ code: "custom", message: `has no \`command\`, which the driver \`${run.driver}\` wants` });
  }
  if (run.driver !== "docker" && (run.port ?? null) !== null) {
    const message =
      "is there, but only in a container of its own, with `docker`, may a program have a port of its own choice";
    context.addIssue({ code: "custom", path: ["port"], message });
  }
  const { memory, memoryMax = null, healthyDeadline, healthyDeadlineMs = healthyDeadline ?? 0 } = run;
  if (memoryMax !== null && memoryMax < memory) {
    context.addIssue({ code: "custom", path: ["memoryMax"], message: `is less than \`memory\`, ${memory}` });
  }
  if (healthyDeadlineMs <= (run.minHealthyMs ?? run.minHealthyTime ?? 0)) {
    const [deadline, time] =
      healthyDeadline === undefined ? ["healthyDeadlineMs", "minHealthyMs"] : ["healthyDeadline", "minHealthyTime"];
    context.addIssue({ code: "custom", path: [deadline], message: `is no longer than \`${time}\`` });
  }
}

/** What of `run` hangs together, in the file's words or in those of a definition. */
interface RunBounds {
  driver: string;
  command?: string | null | undefined;
  port?: number | null | undefined;
  memory: number;
  memoryMax?: number | null | undefined;
  minHealthyTime?: number;
  minHealthyMs?: number;
  healthyDeadline?: number;
  healthyDeadlineMs?: number;
}

/** What is kept as JSON must be JSON: YAML has `.nan`. */
function refineFragment(fragment: unknown, context: z.core.$RefinementCtx): void {
  const message = jsonProblem(fragment);
  if (message !== undefined) context.addIssue({ code: "custom", message });
}

function jsonProblem(value: unknown): string | undefined {
  let text: string;
  try {
    text = JSON.stringify(value);
  } catch {
    return "is nested too deeply, or holds itself"; // a bigint is none of YAML's, nor JSON's
  }
  if (text.length > limits.fragmentLength) return "is longer than 64 KiB, as JSON";
  return isDeepStrictEqual(JSON.parse(text), value) ? undefined : "holds something that JSON cannot say";
}

/** `run` of `steppe.yaml`. */
export const runSchema = z
  .strictObject({
    driver: driver.prefault(usual.driver).meta({ description: "What Nomad runs the instances with." }),
    command: line.optional().meta({ description: "The program; if it is not said, the image's own." }),
    args: args.prefault([]).meta({ description: "Its arguments." }),
    port: port.optional().meta({ description: "The port that it listens on; if it is not said, NOMAD_PORT_http." }),
    count: within(limits.count).prefault(usual.count).meta({ description: "How many instances there are." }),
    cpu: within(limits.cpu).prefault(usual.cpu).meta({ description: "MHz that each instance is sure of." }),
    memory: within(limits.memory).prefault(usual.memory).meta({ description: "MB of memory of each instance." }),
    memoryMax: within(limits.memory)
      .optional()
      .meta({ description: "MB that it may use where the node has memory to spare." }),
    metrics: metricsPath.optional().meta({ description: "The path of its metrics, for Prometheus." }),
    env: environment.prefault({}).meta({ description: "Variables of its environment." }),
    constraints: z
      .array(constraint)
      .max(limits.constraints, tooManyConstraints)
      .prefault([])
      .meta({ description: "Which nodes instances may be on." }),
    spread: z
      .union([line.transform((text) => [text]), spreadList])
      .prefault([])
      .meta({
        description: "Attributes of nodes, over whose values instances are spread.",
        examples: ["${node.datacenter}"],
      }),
    promote: promote.prefault(usual.promote).meta({ description: "Whether a healthy release goes live by itself." }),
    minHealthyTime: duration(limits.minHealthyMs)
      .prefault(formatDuration(usual.minHealthyMs))
      .meta({ description: "How long its checks must pass before an instance counts as healthy." }),
    healthyDeadline: duration(limits.healthyDeadlineMs)
      .prefault(formatDuration(usual.healthyDeadlineMs))
      .meta({ description: "How long an instance may take to become healthy." }),
    shutdownDelay: duration(limits.shutdownDelayMs)
      .prefault(formatDuration(usual.shutdownDelayMs))
      .meta({ description: "How long an instance goes on after visitors are no longer sent to it." }),
  })
  .superRefine(refineRun);

/** The same of a definition. */
export const definitionRun = z
  .strictObject({
    driver,
    command: line.nullable(),
    args,
    port: port.nullable(),
    count: within(limits.count),
    cpu: within(limits.cpu),
    memory: within(limits.memory),
    memoryMax: within(limits.memory).nullable(),
    metrics: metricsPath.nullable(),
    env: environment,
    constraints: z
      .array(
        z.strictObject({ attribute: line.nullable(), operator, value: line.nullable() }).superRefine(refineConstraint),
      )
      .max(limits.constraints, tooManyConstraints),
    spread: spreadList,
    promote,
    minHealthyMs: milliseconds(limits.minHealthyMs),
    healthyDeadlineMs: milliseconds(limits.healthyDeadlineMs),
    shutdownDelayMs: milliseconds(limits.shutdownDelayMs),
  })
  .superRefine(refineRun);

/** Nomad passes over a key that it does not know, so one in the style of jobspecs would do nothing. */
const fragmentPart = z.record(
  z.string().regex(/^[A-Z][A-Za-z0-9]*$/, { error: "is no name of Nomad's JSON: `KillTimeout`, not `kill_timeout`" }),
  z.unknown(),
);

/** `nomad` of `steppe.yaml`. */
export const nomadSchema = z
  .strictObject({
    job: fragmentPart.prefault({}).meta({ description: "Of the job." }),
    group: fragmentPart.prefault({}).meta({ description: "Of its group." }),
    task: fragmentPart.prefault({}).meta({ description: "Of the task of its group." }),
    service: fragmentPart.prefault({}).meta({ description: "Of the service in Consul." }),
  })
  .superRefine(refineFragment);

/** The same of a definition. */
export const definitionNomad = z
  .strictObject({ job: fragmentPart, group: fragmentPart, task: fragmentPart, service: fragmentPart })
  .superRefine(refineFragment);
