import { chmodSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../../../test/support/temporary-folder.ts";
import type { CredentialSource } from "./credentials.ts";
import { dockerCredentials } from "./docker-credentials.ts";
import { ImpatientClock, whileTimePasses } from "./fakes.ts";

let folder: TemporaryFolder;
let clock: ImpatientClock;
let find: CredentialSource;

beforeEach(() => {
  folder = temporaryFolder("credentials");
  clock = new ImpatientClock();
  find = dockerCredentials({ env: { DOCKER_CONFIG: folder.path, PATH: `${folder.path}:/usr/bin:/bin` }, clock });
});

afterEach(() => folder[Symbol.dispose]());

function config(content: object | string): void {
  writeFileSync(folder.file("config.json"), typeof content === "string" ? content : JSON.stringify(content));
}

function helper(name: string, script: string): void {
  const file = folder.file(`docker-credential-${name}`);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("in the file", () => {
  test("are found by host, and Docker Hub's by its old address", async () => {
    config({
      auths: {
        "https://index.docker.io/v1/": { auth: base64("hub:pass:word") },
        "localhost:5000": { auth: base64("local:ü") },
        "https://old.example.com/v2/": { username: "u", password: "p" },
        "token.example.com": { auth: base64("u:p"), identitytoken: "refresh" },
        "empty.example.com": {},
      },
    });
    expect(await find("docker.io")).toEqual({ username: "hub", password: "pass:word" });
    expect(await find("localhost:5000")).toEqual({ username: "local", password: "ü" });
    expect(await find("old.example.com")).toEqual({ username: "u", password: "p" });
    expect(await find("token.example.com")).toEqual({ identityToken: "refresh" });
    expect(await find("empty.example.com")).toBeUndefined();
    expect(await find("localhost")).toBeUndefined();
  });

  test("are none where there is no file, and none in it", async () => {
    expect(await find("docker.io")).toBeUndefined();
    config({});
    expect(await find("docker.io")).toBeUndefined();
    config({ auths: [], credHelpers: "x", credsStore: 7 });
    expect(await find("docker.io")).toBeUndefined();
  });

  test.for(["{", "[]", '{"auths":{"a.example":{"auth":"%%%"}}}'])("%s is refused, and names the file", async (text) => {
    config(text);
    const subject = expect.stringContaining(folder.file("config.json"));
    await expect(find("a.example")).rejects.toMatchObject({ code: "REGISTRY_DENIED", subject });
  });
});

describe("a helper", () => {
  test("is asked by the registry's name; one for it alone goes before the one for all", async () => {
    config({ credsStore: "all", credHelpers: { "one.example": "one" } });
    helper("all", `read url; echo "{\\"ServerURL\\":\\"$url\\",\\"Username\\":\\"all\\",\\"Secret\\":\\"$url $1\\"}"`);
    helper("one", `echo '{"Username":"<token>","Secret":"identity"}'`);
    expect(await find("docker.io")).toEqual({ username: "all", password: "https://index.docker.io/v1/ get" });
    expect(await find("other.example")).toEqual({ username: "all", password: "other.example get" });
    expect(await find("one.example")).toEqual({ identityToken: "identity" });
  });

  test("that knows none leaves it to the file", async () => {
    config({ credsStore: "none", auths: { "a.example": { auth: base64("a:b") } } });
    helper("none", "echo 'credentials not found in native keychain'; exit 1");
    expect(await find("a.example")).toEqual({ username: "a", password: "b" });
    expect(await find("b.example")).toBeUndefined();
  });

  test.for([
    ["exit 3", "it ended with 3"],
    ["echo nonsense", "its answer is no JSON"],
    ["echo '{}'", "its answer is no JSON"],
  ] as const)("that does %j is an error that names it", async ([script, cause]) => {
    config({ credsStore: "bad" });
    helper("bad", script);
    await expect(find("a.example")).rejects.toMatchObject({
      code: "REGISTRY_DENIED",
      subject: "docker-credential-bad",
      reason: expect.stringContaining(cause),
    });
  });

  test("that is missing, or leads elsewhere, is an error", async () => {
    config({ credsStore: "missing" });
    await expect(find("a.example")).rejects.toMatchObject({ reason: "this program is not on the PATH" });
    config({ credsStore: "../../bin/sh" });
    await expect(find("a.example")).rejects.toMatchObject({ reason: "this is no name of a credential helper" });
  });

  test("that may not be run, or prints without end, is an error that names it", async () => {
    config({ credsStore: "bad" });
    helper("bad", "exec cat /dev/zero");
    const subject = "docker-credential-bad";
    await expect(find("a.example")).rejects.toMatchObject({ code: "REGISTRY_DENIED", subject });
    chmodSync(folder.file(subject), 0o644);
    await expect(find("a.example")).rejects.toMatchObject({ code: "REGISTRY_DENIED", subject });
  });

  test("that does not answer is ended", async () => {
    config({ credsStore: "slow" });
    helper("slow", "sleep 600");
    const found = whileTimePasses(clock, 20_000, find("a.example"));
    await expect(found).rejects.toMatchObject({ reason: "it did not answer within 20 s" });
  });

  test("is ended with the signal", async () => {
    config({ credsStore: "slow" });
    helper("slow", "sleep 600");
    const stop = new AbortController();
    const found = find("a.example", stop.signal);
    stop.abort(new Error("enough"));
    await expect(found).rejects.toThrow("enough");
  });
});
