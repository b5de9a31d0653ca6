import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:tls";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { FakeClock, systemClock } from "../shared/clock.ts";
import { type Logger, silentLogger } from "../shared/log.ts";
import { time, unsigned } from "./der.ts";
import { LocalCa } from "./local-ca.ts";

const DAY = 24 * 60 * 60 * 1000;

function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe("LocalCa", () => {
  test("is made once, private, and opened again", async () => {
    await using folder = temporaryFolder();
    const ca = LocalCa.open(folder.file("ca"), systemClock, silentLogger);
    expect(statSync(folder.file("ca", "local-ca.pem")).mode & 0o777).toBe(0o600);
    expect(LocalCa.open(folder.file("ca"), systemClock, silentLogger).certificate).toBe(ca.certificate);
    expect(ca.certificate).not.toContain("PRIVATE");
    expect(ca.notAfter - Date.now()).toBeGreaterThan(3649 * DAY);
    const other = LocalCa.open(folder.file("other"), systemClock, silentLogger);
    expect(new X509Certificate(other.certificate).subject).not.toBe(new X509Certificate(ca.certificate).subject);
  });

  test("openssl finds its certificates right, strictly", async (context) => {
    if (!hasOpenssl()) return context.skip("needs Debian's openssl");
    await using folder = temporaryFolder();
    const ca = LocalCa.open(folder.path, systemClock, silentLogger);
    writeFileSync(folder.file("root.pem"), ca.certificate);
    const text = (file: string): string =>
      execFileSync("openssl", ["x509", "-in", file, "-noout", "-text"], { encoding: "utf8" });
    const root = text(folder.file("root.pem"));
    expect(root).toContain("CA:TRUE, pathlen:0");
    expect(root).toContain("Certificate Sign, CRL Sign");

    for (const names of [
      ["blog.example.com"],
      ["*.example.com"],
      [`${"a".repeat(60)}.${"b".repeat(60)}.test`],
      ["localhost", "127.0.0.1", "::1"],
    ]) {
      writeFileSync(folder.file("leaf.pem"), await ca.issue(names));
      const verified = execFileSync(
        "openssl",
        [
          "verify",
          "-x509_strict",
          "-check_ss_sig",
          "-purpose",
          "sslserver",
          "-CAfile",
          folder.file("root.pem"),
          folder.file("leaf.pem"),
        ],
        { encoding: "utf8" },
      );
      expect(verified).toContain("OK");
      const leaf = text(folder.file("leaf.pem"));
      for (const part of [
        "Version: 3",
        "ecdsa-with-SHA256",
        "NIST CURVE: P-256",
        "TLS Web Server Authentication",
        "CA:FALSE",
        "Digital Signature",
      ]) {
        expect(leaf).toContain(part);
      }
      for (const name of names.slice(0, 1)) expect(leaf).toContain(`DNS:${name}`);
      if (names.length === 3) expect(leaf).toContain("IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1");
    }
    return undefined;
  });

  test("a client that trusts the root shakes hands, by name and by address; one that does not is told", async () => {
    await using folder = temporaryFolder();
    const ca = LocalCa.open(folder.path, systemClock, silentLogger);
    const pem = await ca.issue(["blog.localhost", "*.wild.test", "127.0.0.1"]);
    const server = createServer({ key: pem, cert: pem }, (socket) => socket.end("hello"));
    server.on("tlsClientError", () => {}); // the client that does not trust it
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const shake = async (servername: string, trusted: string | undefined): Promise<string> => {
      const socket = connect({
        port,
        host: "127.0.0.1",
        ...(servername === "" ? {} : { servername }),
        ...(trusted === undefined ? {} : { ca: trusted }),
      });
      try {
        await once(socket, "secureConnect");
        return "trusted";
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? "";
      } finally {
        socket.destroy();
      }
    };
    expect(await shake("blog.localhost", ca.certificate)).toBe("trusted");
    expect(await shake("any.wild.test", ca.certificate)).toBe("trusted");
    expect(await shake("", ca.certificate)).toBe("trusted");
    expect(await shake("shop.localhost", ca.certificate)).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    expect(await shake("too.deep.wild.test", ca.certificate)).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    expect(await shake("blog.localhost", undefined)).toMatch(/UNABLE_TO_|SELF_SIGNED/);
    server.close();
  });

  test("each certificate has its own key and serial, 90 days, and never outlives the root", async () => {
    await using folder = temporaryFolder();
    const clock = new FakeClock();
    const ca = LocalCa.open(folder.path, clock, silentLogger);
    const [one, other] = [
      new X509Certificate(await ca.issue(["a.test"])),
      new X509Certificate(await ca.issue(["a.test"])),
    ];
    expect(one.serialNumber).not.toBe(other.serialNumber);
    expect(one.fingerprint256).not.toBe(other.fingerprint256);
    expect(one.validToDate.getTime()).toBe(clock.now() + 90 * DAY);
    expect(ca.owns(one)).toBe(true);
    await clock.advance(ca.notAfter - clock.now() - 40 * DAY);
    expect(new X509Certificate(await ca.issue(["a.test"])).validToDate.getTime()).toBe(ca.notAfter);
  });

  test("a root near its end is replaced, and that is said", async () => {
    await using folder = temporaryFolder();
    const clock = new FakeClock();
    const ca = LocalCa.open(folder.path, clock, silentLogger);
    const leaf = new X509Certificate(await ca.issue(["a.test"]));
    await clock.advance(3640 * DAY);
    const warnings: string[] = [];
    const log: Logger = { ...silentLogger, warn: (_, message) => warnings.push(message) };
    const next = LocalCa.open(folder.path, clock, log);
    expect(next.certificate).not.toBe(ca.certificate);
    expect(next.owns(leaf)).toBe(false);
    expect(warnings[0]).toContain("steppe ca install");
  });

  test.each(["", "nonsense", "cut"])("a file that is damaged (%s) is refused, not replaced", async (content) => {
    await using folder = temporaryFolder();
    LocalCa.open(folder.path, systemClock, silentLogger);
    const file = folder.file("local-ca.pem");
    writeFileSync(file, content === "cut" ? readFileSync(file).subarray(0, 300) : content);
    const before = readFileSync(file, "latin1");
    expect(() => LocalCa.open(folder.path, systemClock, silentLogger)).toThrow(
      expect.objectContaining({ code: "CERTIFICATE_FAILED" }),
    );
    expect(readFileSync(file, "latin1")).toBe(before);
  });
});

describe("DER", () => {
  test("numbers are as short as they can be, and positive", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        const encoded = unsigned(bytes);
        const headLength = (encoded[1] ?? 0) < 0x80 ? 2 : 2 + ((encoded[1] ?? 0) & 0x7f);
        const content = encoded.subarray(headLength);
        expect((content[0] ?? 0) < 0x80).toBe(true);
        if (content.length > 1) expect(content[0] === 0 && (content[1] ?? 0) < 0x80).toBe(false);
        expect(BigInt(`0x${content.toString("hex")}`)).toBe(BigInt(`0x${Buffer.from(bytes).toString("hex")}`));
      }),
    );
  });

  test("times have two digits for the year until 2049, and four from then on", () => {
    expect(time(Date.UTC(2049, 11, 31, 23, 59, 59)).toString("latin1")).toBe("\x17\x0d491231235959Z");
    expect(time(Date.UTC(2050, 0, 1)).toString("latin1")).toBe("\x18\x0f20500101000000Z");
  });
});
