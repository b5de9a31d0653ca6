import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { SteppeError } from "./errors.ts";
import { listenError, portOwner } from "./port-owner.ts";

const servers: Array<ReturnType<typeof createServer>> = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

async function listening(host: string): Promise<number> {
  const server = createServer();
  servers.push(server);
  server.listen(0, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

describe("portOwner", () => {
  test("names the process that listens on IPv4", async () => {
    expect(portOwner(await listening("127.0.0.1"))?.pid).toBe(process.pid);
  });

  test("names the process that listens on IPv6", async (context) => {
    let port: number;
    try {
      port = await listening("::1");
    } catch {
      return context.skip("this machine has no IPv6 loopback");
    }
    expect(portOwner(port)).toMatchObject({ pid: process.pid, name: expect.stringMatching(/.+/) });
  });

  test("knows no owner of a free port, or where there is no /proc", async () => {
    const port = await listening("127.0.0.1");
    servers.pop()?.close();
    expect(portOwner(port)).toBeUndefined();
    expect(portOwner(80, "/nonexistent")).toBeUndefined();
  });
});

describe("listenError", () => {
  test("names the port, the process and the flag", async () => {
    const port = await listening("127.0.0.1");
    const second = createServer().listen(port, "127.0.0.1");
    const [thrown] = await once(second, "error").catch((error: unknown) => [error]);
    const error = listenError(thrown, "127.0.0.1", port, "--http HOST:PORT");
    expect(error).toBeInstanceOf(SteppeError);
    expect(error).toMatchObject({ code: "PORT_TAKEN", subject: `127.0.0.1:${port}` });
    expect((error as SteppeError).reason).toContain(`(process ${process.pid})`);
    expect((error as SteppeError).hint).toContain("--http HOST:PORT");
  });

  test.each([
    ["EACCES", "PORT_FORBIDDEN"],
    ["EADDRNOTAVAIL", "USAGE"],
  ])("%s is %s", (code, expected) => {
    const thrown = Object.assign(new Error(code), { code });
    expect(listenError(thrown, "127.0.0.1", 80, "--api HOST:PORT")).toMatchObject({ code: expected });
  });

  test("leaves the rest as it was thrown", () => {
    const thrown = new Error("other");
    expect(listenError(thrown, "127.0.0.1", 80, "--api HOST:PORT")).toBe(thrown);
  });
});
