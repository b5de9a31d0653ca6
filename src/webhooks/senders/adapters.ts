import type { Sender } from "../types.ts";
import type { SenderAdapter } from "./adapter.ts";
import { distribution } from "./distribution.ts";
import { dockerHub } from "./docker-hub.ts";
import { gitea } from "./gitea.ts";
import { github } from "./github.ts";
import { gitlab } from "./gitlab.ts";
import { harbor } from "./harbor.ts";
import { quay } from "./quay.ts";

/** The adapter of each sender. */
export const adapters: Readonly<Record<Sender, SenderAdapter>> = {
  "docker-hub": dockerHub,
  github,
  distribution,
  gitlab,
  harbor,
  quay,
  gitea,
};
