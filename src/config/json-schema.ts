import * as z from "zod";
import { appSchema, fileSchema } from "./schema.ts";

/** The JSON Schema of `steppe.yaml` for editors, as text: what `schema/steppe.schema.json` holds. */
export function jsonSchemaText(): string {
  const schema = z.toJSONSchema(fileSchema, {
    io: "input",
    target: "draft-7",
    reused: "inline",
    override({ zodSchema, jsonSchema }) {
      // `read-apps.ts` checks that there is one of the two.
      if (zodSchema === appSchema) jsonSchema.oneOf = [{ required: ["domain"] }, { required: ["domains"] }];
    },
  });
  const complete = {
    ...schema,
    title: "steppe.yaml",
    description: "The apps that Steppe deploys and serves.",
    patternProperties: { "^x-": { description: "Free, as a place for YAML anchors." } },
  };
  return `${JSON.stringify(complete, withoutSafeBounds, 2)}\n`;
}

/** Zod bounds whole numbers by what JavaScript can hold; an editor need not show that. */
function withoutSafeBounds(this: unknown, key: string, value: unknown): unknown {
  const isBound = key === "minimum" || key === "maximum";
  return isBound && Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER ? undefined : value;
}
