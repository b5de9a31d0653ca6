import { mkdirSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { ImageDetails, ImagePushed, ImageView } from "../src/api/types.ts";
import { writeBase } from "../src/images/writer/base-fixture.ts";
import { STATIC_BASE } from "../src/images/index.ts";
import { startDockerRegistry } from "./support/docker-registry.ts";
import { startSteppe } from "./support/steppe.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

test(
  "an image that was built is pulled, inspected, pushed elsewhere and collected",
  { timeout: 120_000 },
  async (context) => {
    using folder = temporaryFolder("image-commands");
    await using registry = await startDockerRegistry(context);
    await using steppe = await startSteppe();
    writeBase(folder.file("base"), ["amd64", "arm64"], { Labels: { [STATIC_BASE.label]: "/www" } });
    mkdirSync(folder.file("site"));
    writeFileSync(folder.file("site/index.html"), "hello");
    const reference = `${registry.host}/team/site:v1`;
    const base = ["--base", `oci:${folder.file("base")}`, "--tag", reference, "--push"];
    const built = (await steppe.json("build", folder.file("site"), ...base)) as { image: string };

    const remote = (await steppe.json("image", "inspect", reference)) as ImageDetails;
    expect(remote).toMatchObject({ digest: built.image, kept: null, platforms: ["linux/amd64", "linux/arm64"] });
    expect(remote.served).toEqual({ by: "site", why: "its site is /www" });

    const pulled = (await steppe.json("image", "pull", reference)) as ImageView;
    expect(pulled).toMatchObject({ kind: "site", files: 1, bytes: 5, uses: [] });
    expect(((await steppe.json("image", "ls")) as ImageView[]).map(({ digest }) => digest)).toEqual([pulled.digest]);
    expect(await steppe.json("image", "inspect", pulled.digest)).toMatchObject({
      kept: "site",
      served: { by: "site" },
    });

    const copy = `${registry.host}/team/copy:v1`;
    const pushed = (await steppe.json("image", "push", pulled.digest.slice(7, 19), copy)) as ImagePushed;
    expect(pushed).toMatchObject({ digest: pulled.digest, blobs: { there: 0, uploaded: 3 } });
    expect(await steppe.json("image", "inspect", copy)).toMatchObject({ digest: pulled.digest, kept: "site" });

    await steppe.json("image", "gc");
    expect(await steppe.json("image", "ls")).toEqual([]);
    const missing = await steppe.cli("image", "push", pulled.digest, copy);
    expect([missing.code, missing.stderr]).toEqual([3, expect.stringContaining("this image is not kept here")]);
    const nothing = await steppe.cli("image", "pull", `${registry.host}/team/none:v1`);
    expect([nothing.code, nothing.stderr]).toEqual([3, expect.stringContaining("team/none")]);
  },
);

test(
  "an image that is a program is refused and kept, and clearing up goes on beside it",
  { timeout: 120_000 },
  async (context) => {
    using folder = temporaryFolder("image-program");
    await using registry = await startDockerRegistry(context);
    await using steppe = await startSteppe();
    const host = `${registry.host}/team`;
    mkdirSync(folder.file("site"));
    writeFileSync(folder.file("site/index.html"), "hello");
    writeBase(folder.file("program"), ["amd64", "arm64"]);
    writeBase(folder.file("static"), ["amd64", "arm64"], { Labels: { [STATIC_BASE.label]: "/www" } });
    const push = (base: string, reference: string): Promise<unknown> =>
      steppe.json("build", folder.file("site"), "--base", `oci:${folder.file(base)}`, "--tag", reference, "--push");
    await push("static", `${host}/site:v1`);
    await push("program", `${host}/program:v1`);
    await steppe.json("app", "add", "blog", "--domain", "blog.localhost");
    await steppe.json("deploy", "blog", "--image", `${host}/site:v1`);

    const refused = await steppe.cli("deploy", "blog", "--image", `${host}/program:v1`);
    expect([refused.code, refused.stderr]).toEqual([6, expect.stringContaining("wants the driver `docker`")]);
    await steppe.json("image", "pull", `${host}/site:v1`);
    await steppe.json("gc");
    const kept = (await steppe.json("image", "ls")) as ImageView[];
    expect(kept.map(({ kind }) => kind).sort()).toEqual(["program", "site"]);
    const back = await steppe.cli("rollback", "blog", "2");
    expect([back.code, back.stderr]).toEqual([6, expect.stringContaining("wants the driver `docker`")]);
    expect(await steppe.json("status", "blog")).toMatchObject({ app: { liveRelease: 1 } });
  },
);
