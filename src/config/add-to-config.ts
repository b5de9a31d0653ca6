import { isMap, isScalar, parseDocument, stringify, type YAMLMap } from "yaml";
import { SteppeError } from "../shared/errors.ts";
import type { AppDefinition } from "./app-definition.ts";
import { parseConfig } from "./parse-config.ts";
import { toFields, toYaml } from "./to-yaml.ts";

/** So far `toYaml` indents an app. */
const ENTRY_INDENT = 2;

/**
 * Adds an app to the text of a `steppe.yaml`, of which all else stays as it is, with its comments. Throws CONFIG_INVALID, or APP_EXISTS if it has an app of that name.
 *
 * @param text empty: there is none yet
 * @param filename what to call it in errors
 */
export function addToConfig(text: string, definition: AppDefinition, filename: string): string {
  const { name } = definition;
  if (text.trim() === "") return toYaml(definition);
  const { apps } = parseConfig(text, filename);
  if (apps.some((app) => app.name === name)) {
    const parts = { operation: "add", subject: `app ${name}`, cause: `${filename} has an app of that name` };
    throw new SteppeError("APP_EXISTS", { ...parts, hint: "Give the app another name with `--name`." });
  }
  const document = parseDocument(text, { merge: true });
  const node = document.get("apps");
  if (isMap(node) && node.flow !== true && node.items.length > 0) return withEntry(text, node, definition);
  // A map in one line is written anew.
  if (isMap(node)) node.flow = false;
  document.setIn(["apps", name], document.createNode(toFields(definition)));
  return stringify(document, { lineWidth: 0 });
}

/** The entry is put behind the last one, as text: whatever wrote the document anew would move comments. */
function withEntry(text: string, apps: YAMLMap, definition: AppDefinition): string {
  const first = isScalar(apps.items[0]?.key) ? (apps.items[0].key.range?.[0] ?? 0) : 0;
  const indent = " ".repeat(first - (text.lastIndexOf("\n", first - 1) + 1));
  const end = apps.range?.[2] ?? text.length;
  const [before, after] = [text.slice(0, end), text.slice(end)];
  const entry = toYaml(definition).split("\n").slice(1, -1);
  const lines = entry.map((line) => (line === "" ? "" : `${indent}${line.slice(ENTRY_INDENT)}`));
  return `${before}${before.endsWith("\n") ? "" : "\n"}${lines.join("\n")}\n${after}`;
}
