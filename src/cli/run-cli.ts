import { Command, CommanderError } from "commander";
import { errorCodes, SteppeError, toSteppeError } from "../shared/errors.ts";
import { nearest } from "../shared/nearest.ts";
import { version } from "../shared/version.ts";
import { type CommandEntry, commands, groups } from "./command-table.ts";
import { Context } from "./context.ts";
import { generalHelp } from "./general-help.ts";
import type { Io } from "./io.ts";
import { printError } from "./print-error.ts";
import { usageError } from "./usage-error.ts";

const INTERRUPTED = 130;

/**
 * Runs one command to its end and resolves with the exit code. Whatever goes wrong is said on standard error; see
 * `errorCodes` for the codes.
 *
 * @param args the arguments, without the program
 */
export async function runCli(args: readonly string[], io: Io): Promise<number> {
  const context = new Context(io);
  try {
    await dispatch(args, context);
    return context.exitCode;
  } catch (thrown) {
    if (io.signal.aborted) return INTERRUPTED;
    const error = toSteppeError(thrown, "run", `steppe ${args[0] ?? ""}`.trimEnd());
    await printError(io, await withNearestApp(error, io, args), args.includes("--json"));
    return errorCodes[error.code].exit;
  }
}

async function dispatch(args: readonly string[], context: Context): Promise<void> {
  const { io } = context;
  const [first, second] = args;
  if (first === undefined || first === "--help" || first === "-h") return await io.stdout.write(generalHelp());
  if (first === "--version" || first === "-V") return await io.stdout.write(`${version}\n`);
  if (first === "help") {
    const rest = args.slice(1).filter((word) => !word.startsWith("-"));
    return await dispatch([...rest, "--help"], context);
  }
  if (groups.has(first) && (second === undefined || second.startsWith("-"))) {
    return await io.stdout.write(generalHelp(first));
  }
  const { entry, rest } = findCommand(args);
  await runCommand(entry, rest, context);
}

function findCommand(args: readonly string[]): { entry: CommandEntry; rest: readonly string[] } {
  const [first = "", second = ""] = args;
  const words = groups.has(first) ? 2 : 1;
  const name = words === 2 ? `${first} ${second}` : first;
  const entry = commands.find((candidate) => candidate.name === name);
  if (entry !== undefined) return { entry, rest: args.slice(words) };
  const pairs = commands.map((candidate) => candidate.name).filter((candidate) => candidate.includes(" "));
  const names = [...commands.map((candidate) => candidate.name), ...groups, "help"];
  // `ap list`: perhaps both words are meant.
  const meant = first.startsWith("-") ? undefined : (nearest(`${first} ${second}`, pairs) ?? nearest(name, names));
  throw usageError(
    `steppe ${name}`,
    first.startsWith("-") ? "the command comes first" : "there is no such command",
    meant === undefined ? "`steppe help` lists the commands." : `Did you mean \`steppe ${meant}\`?`,
  );
}

async function runCommand(entry: CommandEntry, args: readonly string[], context: Context): Promise<void> {
  const { io } = context;
  let help = "";
  const command = new Command(`steppe ${entry.name}`)
    .description(`${entry.summary[0]?.toUpperCase() ?? ""}${entry.summary.slice(1)}.`)
    .helpOption("-h, --help", "show this")
    .configureOutput({
      writeOut: (text) => (help += text),
      writeErr: () => {}, // told by printError
      getOutHelpWidth: () => Math.min(100, io.stdout.columns),
      getOutHasColors: () => false,
    })
    .exitOverride()
    .allowExcessArguments(false);
  const { define } = await entry.load();
  define(command, context);
  command.addHelpText("after", `\nExamples:\n${entry.examples.map((example) => `  ${example}`).join("\n")}`);
  try {
    await command.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw misunderstood(error, entry);
    await io.stdout.write(help);
  }
}

/** Commander's "error: unknown option '--tga'\n(Did you mean --tag?)" as ours. */
function misunderstood(error: CommanderError, { name }: CommandEntry): SteppeError {
  const [first = "", ...more] = error.message.split("\n");
  const suggestion = /Did you mean (?:one of )?(.*)\?\)/.exec(more.join(" "))?.[1];
  const help = `See \`steppe ${name} --help\`.`;
  return usageError(
    `steppe ${name}`,
    first.replace(/^error: /, "").replace(/\.$/, ""),
    suggestion === undefined ? help : `Did you mean \`${suggestion}\`? ${help}`,
  );
}

/** Of an app that is not there, names the one that was perhaps meant. */
async function withNearestApp(error: SteppeError, io: Io, args: readonly string[]): Promise<SteppeError> {
  if (error.code !== "APP_NOT_FOUND") return error;
  try {
    const position = args.indexOf("--data");
    const client = await new Context(io).client(position < 0 ? {} : { data: args[position + 1] ?? "" });
    const names = (await client.apps()).map(({ definition }) => definition.name);
    const typed = args.findLast((word) => error.subject.split(/\s/).includes(word));
    const meant = typed === undefined ? undefined : nearest(typed, names);
    if (meant === undefined) return error;
    return SteppeError.fromJSON({ ...error.toJSON(), hint: `Did you mean \`${meant}\`? ${error.hint}` });
  } catch {
    return error; // the first error is the one that matters
  }
}
