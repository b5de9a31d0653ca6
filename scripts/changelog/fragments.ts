const kinds = ["Added", "Changed", "Fixed", "Removed", "Security"] as const;

export interface Fragment {
  kind: (typeof kinds)[number];
  text: string;
}

/** Reads a fragment: a line `KIND: text` for each thing. Throws with the file's name and what is wrong. */
export function parseFragment(content: string, file: string): Fragment[] {
  const lines = content.split("\n").filter((line) => line.trim() !== "");
  if (lines.length === 0) throw new Error(`${file} is empty`);
  return lines.map((line) => {
    const kind = kinds.find((candidate) => line.startsWith(`${candidate}: `));
    if (kind === undefined) throw new Error(`${file}: a line begins with ${kinds.join(", ")} and a colon: ${line}`);
    return { kind, text: line.slice(kind.length + 2).trim() };
  });
}

/** The section of a version, in Markdown. */
export function formatVersion(version: string, date: string, fragments: readonly Fragment[]): string {
  const parts = kinds.flatMap((kind) => {
    const texts = fragments.filter((fragment) => fragment.kind === kind).map(({ text }) => `- ${text}`);
    return texts.length === 0 ? [] : [`### ${kind}\n\n${texts.join("\n")}\n`];
  });
  return [`## ${version} (${date})\n`, ...parts].join("\n");
}
