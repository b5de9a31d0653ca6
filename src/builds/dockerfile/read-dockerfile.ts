/** An instruction of a Dockerfile, with the lines that it stands on. */
export interface Instruction {
  /** `FROM`, in capitals. */
  name: string;
  /** What follows, lines joined. */
  rest: string;
  /** The index of the line after its last. */
  end: number;
}

/**
 * The instructions of a Dockerfile: comments left out, continued lines joined, here-documents as part of what they belong to.
 * It knows as much of the format as is wanted here; the tool that builds is who says whether a Dockerfile is right.
 * https://docs.docker.com/reference/dockerfile/#format
 */
export function readInstructions(text: string): Instruction[] {
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""));
  const escape = escapeOf(lines);
  const found: Instruction[] = [];
  let open: string | undefined;
  let documents: string[] = [];
  for (const [index, line] of lines.entries()) {
    const last = found.at(-1);
    const [document] = documents;
    if (document !== undefined) {
      if (line.replace(/^\t+/, "") === document) documents.shift();
      if (last !== undefined) last.end = index + 1;
      continue;
    }
    if (/^\s*(?:#|$)/.test(line)) continue; // such lines may stand between continued ones
    const continues = line.trimEnd().endsWith(escape);
    const part = continues ? line.trimEnd().slice(0, -1) : line;
    open = open === undefined ? part : open + part;
    if (continues) continue;
    const [, name = "", rest = ""] = /^\s*(\S+)\s*([^]*)$/.exec(open) ?? [];
    found.push({ name: name.toUpperCase(), rest: rest.trim(), end: index + 1 });
    documents = /^(?:RUN|COPY|ADD)$/i.test(name) ? hereDocuments(rest) : [];
    open = undefined;
  }
  return found;
}

/** The names that a Dockerfile declares as arguments. */
export function declaredArguments(instructions: readonly Instruction[]): Set<string> {
  const names = instructions.filter(({ name }) => name === "ARG").flatMap(({ rest }) => rest.split(/\s+/));
  return new Set(names.map((word) => word.split("=", 1)[0] ?? ""));
}

/** Whether it says what Docker's classic builder does not know. */
export function needsBuildKit(instructions: readonly Instruction[]): boolean {
  return instructions.some(({ name, rest }) => {
    if (name === "RUN") return /^--(?:mount|network|security)=/.test(rest) || hereDocuments(rest).length > 0;
    if (name === "COPY" || name === "ADD")
      return /(?:^|\s)--(?:link|chmod|exclude|parents)\b/.test(rest) || hereDocuments(rest).length > 0;
    return false;
  });
}

/**
 * The same Dockerfile with labels on all of its stages, so that each image and container that the classic builder makes for it on the way
 * can be told from others: the label that is asked for with `--label` is only on the last.
 *
 * @param labels names and values that need no quotes
 */
export function labelStages(text: string, labels: Readonly<Record<string, string>>): string {
  const words = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const lines = text.split("\n");
  const stages = readInstructions(text).filter(({ name }) => name === "FROM");
  for (const { end } of stages.reverse()) lines.splice(end, 0, `LABEL ${words.join(" ")}`);
  return lines.join("\n");
}

/** The parser directive `escape`, which stands before all else. */
function escapeOf(lines: readonly string[]): string {
  for (const line of lines) {
    const [, name, value] = /^\s*#\s*([A-Za-z]+)\s*=\s*(\S+)\s*$/.exec(line) ?? [];
    if (name === undefined) break;
    if (name.toLowerCase() === "escape" && (value === "`" || value === "\\")) return value;
  }
  return "\\";
}

function hereDocuments(rest: string): string[] {
  return [...rest.matchAll(/(?:^|\s)<<-?(["']?)([A-Za-z_][A-Za-z0-9_.]*)\1/g)].map(([, , word = ""]) => word);
}
