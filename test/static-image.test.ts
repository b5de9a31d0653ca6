import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { writeImage } from "../scripts/site-server/oci-image.ts";
import { runCommand } from "../src/shared/run-command.ts";
import { startDocker } from "./support/docker-daemon.ts";
import { type Answer, httpGet } from "./support/http-get.ts";
import { nativeBinary } from "./support/native-server.ts";
import { peer } from "./support/peers.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

const BASE = "steppe/static:latest";
/** As little as is promised: nothing may be written, no rights, 6 MB. */
const CONFINED = ["--read-only", "--user", "65534", "--cap-drop", "ALL", "--memory", "6m"];

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

test(
  "under Docker: FROM steppe/static, COPY, and the site is served, confined",
  { timeout: 120_000 },
  async (context) => {
    const skopeo = peer(context, "skopeo");
    const binary = readFileSync(await nativeBinary(context));
    await using docker = await startDocker(context);
    await using folder = temporaryFolder("static-image");
    writeImage(folder.file("oci"), [{ architecture: "amd64", content: binary }], "1.2.3");
    const copy = ["--insecure-policy", "copy", "--dest-daemon-host", docker.host, `oci:${folder.file("oci")}:1.2.3`];
    const copied = await runCommand({ file: skopeo, args: [...copy, `docker-daemon:${BASE}`], env: {} });
    expect(copied.code, copied.stderr).toBe(0);

    mkdirSync(folder.file("context/site/docs"), { recursive: true });
    writeFileSync(folder.file("context/Dockerfile"), "FROM steppe/static\nCOPY site/ ./\n");
    writeFileSync(folder.file("context/site/index.html"), "hello\n");
    writeFileSync(folder.file("context/site/docs/index.html"), "docs\n");
    writeFileSync(folder.file("context/site/_headers"), "/*\n  X-Site: mine\n");
    await docker.docker("build", "--quiet", "--tag", "site", folder.file("context"));

    const port = await freePort();
    const place = ["--network", "host", "--env", `NOMAD_PORT_http=${port}`];
    const id = await docker.docker("run", "--detach", ...CONFINED, ...place, "site");
    const get = (path: string): Promise<Answer> => httpGet(`http://127.0.0.1:${port}`, { host: "site.test", path });
    await expect.poll(async () => (await get("/health")).status, { timeout: 10_000 }).toBe(204);
    expect(await get("/docs/")).toMatchObject({ status: 200, text: "docs\n", headers: { "x-site": "mine" } });
    expect((await get("/nothing")).status).toBe(404);

    await docker.docker("stop", id);
    expect(await docker.docker("inspect", "--format", "{{.State.ExitCode}} {{.State.OOMKilled}}", id)).toBe("0 false");
    expect(await docker.docker("logs", id)).toMatch(
      /^127\.0\.0\.1 - - \[.*\] "GET \/docs\/ HTTP\/1\.1" 200 5 "-" "-"$/m,
    );
  },
);
