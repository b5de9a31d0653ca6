import { readFileSync, writeFileSync } from "node:fs";
import { jsonSchemaText } from "../src/config/json-schema.ts";

/** Writes `schema/steppe.schema.json` from the schema in `src/config/`; with `--check` only compares them. */
const file = new URL("../schema/steppe.schema.json", import.meta.url);
const text = jsonSchemaText();
if (!process.argv.includes("--check")) {
  writeFileSync(file, text);
} else if (readFileSync(file, "utf8") !== text) {
  process.stderr.write("schema/steppe.schema.json is not what src/config/schema.ts says: run node scripts/schema.ts\n");
  process.exitCode = 1;
}
