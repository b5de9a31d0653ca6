import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { testPlatform } from "./support/test-platform.ts";

// What is in the server's own environment is no business of a build.
const { steppe, add } = testPlatform("builds", { env: { SECRET_OF_THE_SERVER: "s3cret" } });
const scripted = ["--build", "sh build.sh", "--output", "out"];

/** A build whose page says what it could see. */
function script(): string {
  const secrets = [`${steppe.data}/token`, `${steppe.data}/steppe.db`, `${steppe.data}/ca/local-ca.pem`];
  return [
    "mkdir -p out cache",
    "echo built >> cache/builds",
    "exec > out/index.html 2>&1",
    "echo builds=$(wc -l < cache/builds)",
    "echo zone=$(date +%Z) && echo tag=$STEPPE_TAG && echo greeting=$GREETING",
    'echo user=$(id -u) && echo home=$(ls -A "$HOME" | wc -l)',
    "echo secret=$SECRET_OF_THE_SERVER",
    "cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -a SECRET_OF",
    ...secrets.map((path) => `cat ${path} && echo leaked ${path}`),
    `ls ${steppe.data} && echo leaked the data folder`,
    `echo x > ${steppe.data}/token; kill -9 ${steppe.launcher.pid} && echo killed`,
    "ls -A .git && echo leaked .git; true",
  ].join("\n");
}

test("a build gets its environment and its caches, and sees neither keys nor tokens nor other processes", async () => {
  const environment = ["--env", "TZ=Europe/London", "--env", "GREETING=good day"];
  const app = await add("built", ...scripted, "--cache", "cache", ...environment);
  expect(existsSync(`${steppe.data}/ca`)).toBe(true);
  for (const [index, tag] of ["v1", "v2", "v3"].entries()) {
    const { text } = await app.release(tag, { "build.sh": script(), tag });
    const page = await app.text();
    expect(page, text).toContain(`builds=${index + 1}\n`);
    expect(page).toMatch(/^zone=(GMT|BST)$/m);
    expect(page).toContain(`tag=${tag}\ngreeting=good day\n`);
    expect(page).toContain("\nhome=0\nsecret=\n");
    expect(page).toMatch(process.getuid?.() === 0 ? /^user=[1-9]\d*$/m : /^user=\d+$/m);
    expect(page).not.toMatch(/leaked|killed|s3cret/);
    expect(page).not.toContain(steppe.token);
  }
  expect((await steppe.cli("status")).code, "the platform, and its token, are as they were").toBe(0);
});

test("a failed build keeps the caches of the last good one", async () => {
  const app = await add("cached", ...scripted, "--cache", "cache");
  const build = (rest: string): string =>
    `mkdir -p out cache && echo built >> cache/builds && cp cache/builds out/index.html; ${rest}`;
  await app.release("v1", { "build.sh": build("true") });
  await app.release("v2", { "build.sh": build("exit 1") });
  expect(await app.text()).toBe("built\n");
  await app.release("v3", { "build.sh": build("true") });
  expect(await app.text()).toBe("built\nbuilt\n");
});

test("the log of a build is kept and told by the command line", async () => {
  const app = await add("logged", ...scripted);
  const lines = Array.from({ length: 200 }, (_, index) => `line ${index}`);
  const { lines: said } = await app.release("v1", {
    "build.sh": "seq -f 'line %g' 0 199; mkdir out; echo 1 > out/index.html",
  });
  expect(said.filter((line) => /^ {2}\| line \d+$/.test(line))).toHaveLength(lines.length);
  const whole = await steppe.cli("logs", "logged", "--build");
  expect(whole.stdout.toString().trim().split("\n")).toEqual(["$ sh build.sh", ...lines]);
  const some = await steppe.cli("logs", "logged", "--build", "--lines", "2");
  expect(some.stdout.toString()).toBe("line 198\nline 199\n");
  await app.release("v2", { "build.sh": "echo second; mkdir out; echo 2 > out/index.html" });
  expect((await steppe.cli("logs", "logged", "--build")).stdout.toString()).toBe("$ sh build.sh\nsecond\n");
  const first = (await app.view()).lastDeployment?.id ?? 0;
  const earlier = await steppe.cli("logs", "logged", "--build", "--deployment", String(first - 1));
  expect(earlier.stdout.toString()).toContain("line 0\n");
});
