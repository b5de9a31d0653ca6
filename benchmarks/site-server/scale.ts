import { stderr } from "node:process";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { type Memory, memoryOf } from "../lib/processes.ts";
import { type BenchmarkOptions, median, type Report, round } from "../lib/report.ts";
import { benchmarkContent, withManyFiles, writeContent } from "./content.ts";
import { startFor } from "./measure.ts";
import type { ServerKind } from "./servers.ts";

const FILES = 10_000;
const CONNECTIONS = 1_000;

interface Scaled {
  firstAnswer: number;
  idle: Memory;
  connected: Memory;
}

/** Many files, and many visitors who asked once and stay: how soon a server answers, and what it holds. */
export async function measureScale(
  kinds: readonly ServerKind[],
  cores: { serverCore: number },
  { rounds }: BenchmarkOptions,
): Promise<Report> {
  using root = temporaryFolder("bench-files");
  writeContent(root.path, withManyFiles(benchmarkContent(), FILES));
  const found = new Map<ServerKind, Scaled[]>(kinds.filter(({ forks }) => forks !== true).map((kind) => [kind, []]));
  for (let index = 1; index <= rounds; index++) {
    for (const [kind, all] of found) {
      stderr.write(`round ${index} of ${rounds}: ${kind.name} with ${FILES} files\n`);
      all.push(await measureOne(kind, root.path, cores.serverCore));
    }
  }
  const rows = [...found].map(([{ name }, all]) => {
    const of = (read: (one: Scaled) => number): number => median(all.map(read));
    const megabytes = (read: (one: Scaled) => number): number => round(of(read) / 1e6, 3);
    return {
      server: name,
      "first answer ms": round(of(({ firstAnswer }) => firstAnswer)),
      "RSS MB": megabytes(({ idle }) => idle.rss),
      "Pss MB": megabytes(({ idle }) => idle.pss),
      "RSS MB connected": megabytes(({ connected }) => connected.rss),
      "Pss MB connected": megabytes(({ connected }) => connected.pss),
      "bytes a connection": round(
        of(({ idle, connected }) => (connected.private - idle.private) / CONNECTIONS),
        0,
      ),
    };
  });
  return {
    title: `With ${FILES} files; then with ${CONNECTIONS} connections besides that asked once and are idle; memory of all its processes. Medians.`,
    columns: Object.keys(rows[0] ?? { server: "" }),
    rows,
    targets: [],
  };
}

async function measureOne(kind: ServerKind, root: string, core: number): Promise<Scaled> {
  using temporary = temporaryFolder("bench");
  await using server = await startFor(kind, "bare", { root, temporary: temporary.path, core });
  const idle = memoryOf(server.pids());
  const visitors: Socket[] = [];
  try {
    for (let index = 0; index < CONNECTIONS; index++) visitors.push(await visit(new URL(server.url)));
    return { firstAnswer: server.firstAnswer, idle, connected: memoryOf(server.pids()) };
  } finally {
    for (const visitor of visitors) visitor.destroy();
  }
}

/** Asks once on a connection that stays. */
async function visit({ hostname, port, host }: URL): Promise<Socket> {
  const socket = connect(Number(port), hostname);
  socket.write(`GET /1k.html HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  if (!answer.toString("latin1").startsWith("HTTP/1.1 200 "))
    throw new Error(`an idle visitor was answered ${answer.toString()}`);
  socket.resume();
  return socket;
}
