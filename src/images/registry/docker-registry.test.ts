import { createPrivateKey, randomBytes, sign, X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { describe, expect, test, type TestContext } from "vitest";
import { startDockerRegistry } from "../../../test/support/docker-registry.ts";
import { peer } from "../../../test/support/peers.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { LocalCa } from "../../certificates/index.ts";
import { systemClock } from "../../shared/clock.ts";
import { silentLogger } from "../../shared/log.ts";
import { runCommand } from "../../shared/run-command.ts";
import { type ContentFixture, contentFixture } from "../content-fixture.ts";
import { exportImage } from "../export-image.ts";
import { dockerCredentials } from "./docker-credentials.ts";
import { collect, fakeServer } from "./fakes.ts";
import { parseReference } from "./reference.ts";
import { RegistryClient } from "./registry-client.ts";

const user = { name: "steppe", password: "a long: pässword" };

async function storedImage(content: ContentFixture, files: Record<string, string | Buffer>): Promise<string> {
  return (await content.images.createImage(await content.add(files))).digest;
}

async function skopeo(context: TestContext, ...args: string[]): Promise<string> {
  const file = peer(context, "skopeo");
  const { code, stdout, stderr } = await runCommand({
    file,
    args,
    env: { PATH: process.env["PATH"] ?? "", HOME: "/nowhere" },
  });
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.toString();
}

/** https://distribution.github.io/distribution/spec/auth/jwt/ */
function signToken(pem: string, scopes: readonly string[]): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(systemClock.now() / 1000);
  const access = scopes.map((scope) => {
    const [type, name, actions] = scope.split(":");
    return { type, name, actions: actions?.split(",") };
  });
  const head = part({ typ: "JWT", alg: "ES256", x5c: [new X509Certificate(pem).raw.toString("base64")] });
  const claims = { iss: "test", sub: "u", aud: "svc", exp: now + 60, nbf: now - 10, iat: now, jti: "1", access };
  const text = `${head}.${part(claims)}`;
  const signature = sign("sha256", Buffer.from(text), { key: createPrivateKey(pem), dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}

describe("Debian's docker-registry", () => {
  test("takes our push, in pieces and whole; skopeo inspects and copies it; we read it back", async (context) => {
    await using registry = await startDockerRegistry(context);
    using content = contentFixture();
    const digest = await storedImage(content, { "index.html": "<h1>", "large.bin": randomBytes(5_000_000) });
    const image = await content.images.open(digest);
    using client = new RegistryClient({ clock: systemClock });
    await client.ping(registry.host);
    const whole = parseReference(`${registry.host}/team/site:v1`);
    const pieces = parseReference(`${registry.host}/team/pieces:v1`);
    const mounted = parseReference(`${registry.host}/team/mounted:v1`);
    expect((await client.push(whole, image)).blobs.uploaded).toBe(image.layers.length + 1);
    expect((await client.push(pieces, image, { chunkBytes: 1_000_000 })).blobs.uploaded).toBe(image.layers.length + 1);
    expect((await client.push(mounted, image, { mountFrom: ["team/site"] })).blobs.mounted).toBe(
      image.layers.length + 1,
    );
    expect((await client.push({ ...whole, tag: "v2" }, image)).blobs.there).toBe(image.layers.length + 1);

    await using folder = temporaryFolder("registry");
    for (const name of ["site", "pieces", "mounted"]) {
      const source = `docker://${registry.host}/team/${name}:v1`;
      expect(JSON.parse(await skopeo(context, "inspect", "--tls-verify=false", source))).toMatchObject({
        Digest: digest,
      });
      const target = `oci:${folder.file(name)}:v1`;
      await skopeo(
        context,
        "--insecure-policy",
        "copy",
        "--preserve-digests",
        "--src-tls-verify=false",
        source,
        target,
      );
    }

    expect(await collect(client.tags(whole))).toEqual(["v1", "v2"]);
    expect((await client.resolve(whole)).digest).toBe(digest);
    const { parsed } = await client.image(whole);
    for (const layer of [...parsed.layers, parsed.config]) {
      let size = 0;
      for await (const chunk of client.blob(pieces, layer)) size += chunk.length;
      expect(size).toBe(layer.size);
    }
    await expect(client.resolve({ ...whole, tag: "none" })).rejects.toMatchObject({ code: "IMAGE_NOT_FOUND" });
    await expect(client.manifest({ ...whole, tag: "none" })).rejects.toThrow("MANIFEST_UNKNOWN");
    await expect(collect(client.tags(parseReference(`${registry.host}/none`)))).rejects.toThrow("NAME_UNKNOWN");
  });

  test("gives us what skopeo brought: an image of Docker's own media types", async (context) => {
    await using registry = await startDockerRegistry(context);
    await using folder = temporaryFolder("registry");
    using content = contentFixture();
    const digest = await storedImage(content, { "index.html": "<h1>", "a.bin": randomBytes(2_000_000) });
    const archive = await exportImage(content.images, digest, { name: "v1" });
    await writeFile(folder.file("image.tar"), archive.content());
    const target = `docker://${registry.host}/brought:v1`;
    const copy = ["--insecure-policy", "copy", "--dest-tls-verify=false", "--format", "v2s2"];
    await skopeo(context, ...copy, `oci-archive:${folder.file("image.tar")}:v1`, target);
    using client = new RegistryClient({ clock: systemClock });
    const { parsed } = await client.image(parseReference(`${registry.host}/brought:v1`));
    expect(parsed.mediaType).toBe("application/vnd.docker.distribution.manifest.v2+json");
    expect(parsed.layers.length).toBeGreaterThan(0);
    for (const blob of [...parsed.layers, parsed.config]) {
      const chunks = await collect(client.blob(parseReference(`${registry.host}/brought`), blob));
      expect(Buffer.concat(chunks)).toHaveLength(blob.size);
    }
  });

  test("with a token server takes tokens for what was asked for, and no others", async (context) => {
    await using folder = temporaryFolder("tokens");
    const ca = LocalCa.open(folder.path, systemClock, silentLogger);
    const pem = await ca.issue(["token.example"]);
    await using tokens = await fakeServer((seen, response) => {
      const { searchParams } = new URL(seen.target, "http://tokens");
      const scopes = searchParams.getAll("scope").filter((scope) => !scope.includes(":team/secret:"));
      if (seen.headers.authorization === undefined) response.writeHead(401).end();
      else response.end(JSON.stringify({ token: signToken(pem, scopes), expires_in: 60 }));
    });
    const token = { realm: `http://${tokens.host}/token`, service: "svc", issuer: "test", root: ca.certificate };
    await using registry = await startDockerRegistry(context, { token });
    using content = contentFixture();
    const image = await content.images.open(await storedImage(content, { "index.html": "<h1>" }));
    const credentials = async () => ({ username: user.name, password: user.password });
    using client = new RegistryClient({ clock: systemClock, credentials });
    const reference = parseReference(`${registry.host}/team/site:v1`);
    await client.ping(registry.host);
    await client.push(reference, image);
    const copy = parseReference(`${registry.host}/team/copy:v1`);
    expect((await client.push(copy, image, { mountFrom: ["team/site"] })).blobs.mounted).toBe(image.layers.length + 1);
    const other = parseReference(`${registry.host}/team/other:v1`);
    expect((await client.push(other, image, { mountFrom: ["team/secret"] })).blobs.uploaded).toBe(
      image.layers.length + 1,
    );
    expect((await client.resolve(copy)).digest).toBe(image.digest);
    const secret = parseReference(`${registry.host}/team/secret:v1`);
    await expect(client.push(secret, image)).rejects.toMatchObject({ code: "REGISTRY_DENIED" });
    await expect(client.manifest(secret)).rejects.toThrow("UNAUTHORIZED");
    using stranger = new RegistryClient({ clock: systemClock });
    await expect(stranger.resolve(reference)).rejects.toThrow("no credentials were given");
  });

  test("with htpasswd lets in who has the password, and nobody else", async (context) => {
    await using registry = await startDockerRegistry(context, { user });
    await using folder = temporaryFolder("registry");
    using content = contentFixture();
    const image = await content.images.open(await storedImage(content, { "index.html": "<h1>" }));
    const auth = Buffer.from(`${user.name}:${user.password}`).toString("base64");
    await writeFile(folder.file("config.json"), JSON.stringify({ auths: { [registry.host]: { auth } } }));
    const credentials = dockerCredentials({ env: { DOCKER_CONFIG: folder.path }, clock: systemClock });
    const reference = parseReference(`${registry.host}/team/site:v1`);
    using client = new RegistryClient({ clock: systemClock, credentials });
    await client.push(reference, image);
    expect((await client.resolve(reference)).digest).toBe(image.digest);

    using stranger = new RegistryClient({ clock: systemClock });
    await expect(stranger.resolve(reference)).rejects.toThrow("wants a user and a password; none were given");
    using wrong = new RegistryClient({
      clock: systemClock,
      credentials: async () => ({ username: user.name, password: "no" }),
    });
    await expect(wrong.push(reference, image)).rejects.toMatchObject({
      code: "REGISTRY_DENIED",
      reason: expect.stringContaining(`${registry.host} answered 401 Unauthorized`),
    });
  });
});
