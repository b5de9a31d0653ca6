/**
 * What each room may import of others, as the files that are their doors. Besides, every room may import `shared/`,
 * and of `config/` the types. What is listed under `types` may be imported for its types only.
 *
 * ARCHITECTURE.md explains why it is so.
 */
export interface RoomRule {
  imports: readonly string[];
  types?: readonly string[];
}

const index = (...rooms: string[]): string[] => rooms.map((room) => `${room}/index.ts`);

export const rooms: Readonly<Record<string, RoomRule>> = {
  shared: { imports: [] },
  store: { imports: [] },
  config: { imports: [] },
  "site-server": { imports: [] },
  ingress: { imports: index("site-server", "ingress/snapshot") },
  "ingress/snapshot": { imports: index("site-server") },
  images: { imports: index("store") },
  builds: { imports: index("images", "store") },
  sources: { imports: index("config", "store"), types: index("builds") },
  engines: { imports: [] },
  consul: { imports: [] },
  "nomad-api": { imports: [] },
  "engines/local": { imports: ["engines/engine.ts", ...index("images", "ingress/snapshot", "store")] },
  "engines/nomad": { imports: ["engines/engine.ts", ...index("consul", "nomad-api", "store")] },
  certificates: { imports: index("ingress/snapshot", "store") },
  deployer: { imports: ["engines/engine.ts", ...index("sources", "builds", "images", "config", "store")] },
  webhooks: { imports: index("deployer", "images", "store") },
  api: {
    imports: index("deployer", "sources", "images", "certificates", "webhooks", "config", "store"),
    types: [...index("builds", "nomad-api"), "engines/nomad/doctor/index.ts"],
  },
  // parts of main.ts, the composition root
  control: {
    imports: [
      "engines/engine.ts",
      ...index("api", "builds", "certificates", "config", "deployer", "engines/local", "images", "ingress", "sources"),
      ...index("consul", "engines/nomad", "images/writer", "ingress/snapshot", "nomad-api", "store", "webhooks"),
    ],
    types: ["api/types.ts"],
  },
  // `steppe build` and `steppe serve` need no server: the command line does what they do, in its own process
  cli: {
    imports: [
      "api/client.ts",
      "api/types.ts",
      "engines/nomad/doctor/index.ts",
      ...index("builds", "config", "images/writer", "site-server"),
    ],
  },
};

/** Rooms within rooms: the longest prefix of a path that is a room is the file's room. */
export function roomOf(path: string): string | undefined {
  const names = path.split("/").slice(0, -1);
  for (let length = names.length; length > 0; length--) {
    const room = names.slice(0, length).join("/");
    if (room in rooms) return room;
  }
  return undefined;
}
