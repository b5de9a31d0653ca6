export type { AppDefinition, BuildDefinition, CheckDefinition } from "./app-definition.ts";
