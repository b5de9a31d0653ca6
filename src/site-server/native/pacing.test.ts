import { readFileSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { collect, nativeBinary, startNative } from "../../../test/support/native-server.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";

const LARGE = 20_000_000;
/** More than what may wait where it is little, less than what the kernel takes otherwise. */
const BETWEEN = 256 * 1024;
const READERS = 6;

/** Whether the machine's congestion control sends at a pace. */
const isPaced = readFileSync("/proc/sys/net/ipv4/tcp_congestion_control", "latin1").startsWith("bbr");

/** Bytes that the kernel holds of what the server sent on its connection to this client. */
function queued({ localPort = 0 }: Socket, port: number): number {
  const address = (number: number): string => `0100007F:${number.toString(16).toUpperCase().padStart(4, "0")}`;
  const found = readFileSync("/proc/net/tcp", "latin1").split(`${address(port)} ${address(localPort)} 01 `)[1];
  return Number.parseInt(found?.split(":")[0] ?? "", 16);
}

test(
  `what waits for a client is ${isPaced ? "little where" : "as much as the kernel takes unless"} it is paced, and all of it comes`,
  { timeout: 120_000 },
  async (context) => {
    const binary = await nativeBinary(context);
    await using folder = temporaryFolder("pacing");
    const large = Buffer.alloc(LARGE, "0123456789abcdef-");
    writeFileSync(folder.file("large.bin"), large);
    await using server = await startNative(binary, folder.path);
    const request = "GET /large.bin HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
    const idle = server.connect();
    idle.pause().write(request);
    // The others have their turns meanwhile.
    const answers = await Promise.all(Array.from({ length: READERS }, () => server.exchange(request)));
    for (const answer of answers) expect(answer.subarray(-LARGE).equals(large)).toBe(true);
    const queue = queued(idle, server.port);
    if (isPaced) expect(queue).toBeLessThan(BETWEEN);
    else expect(queue).toBeGreaterThan(BETWEEN);
    expect((await collect(idle)).subarray(-LARGE).equals(large)).toBe(true);
  },
);
