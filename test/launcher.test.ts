import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const launcher = fileURLToPath(new URL("../bin/steppe", import.meta.url));
const shells = [["dash"], ["bash", "--posix"], ["busybox", "sh"]].filter(([program = ""]) => {
  return spawnSync(program, program === "busybox" ? ["true"] : ["-c", ":"]).error === undefined;
});
/** Debian's busybox-static has a shell that runs its own programs, whatever is in PATH: with it no `sleep` of ours can tell of pauses. */
const runsItsOwn = ([program = "", ...args]: string[]): boolean =>
  spawnSync(program, [...args, "-c", "PATH=/var/empty; sleep 0"]).status === 0;

/** A package root of its own, with a space in its path, whose control does what `control` says. */
class Package {
  readonly root: string;
  readonly mark = randomUUID();
  readonly #children: ChildProcess[] = [];

  constructor(control: string, prelude = "") {
    this.root = join(mkdtempSync(join(tmpdir(), "steppe-launcher-")), "a package");
    this.write("bin/steppe", readFileSync(launcher, "utf8"));
    chmodSync(join(this.root, "bin/steppe"), 0o755);
    this.write("package.json", '{ "type": "module" }');
    this.write("dist/cli.js", "console.log(JSON.stringify(['cli', ...process.argv.slice(2)]));");
    this.write("dist/control.js", prelude + control);
    const node = `node-linux-${process.arch}`;
    mkdirSync(join(this.root, "node_modules", node, "bin"), { recursive: true });
    symlinkSync(process.execPath, join(this.root, "node_modules", node, "bin/node"));
  }

  write(path: string, content: string): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  env(more: Record<string, string> = {}): Record<string, string> {
    return { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", STEPPE_TEST_MARK: this.mark, ...more };
  }

  start(shell: readonly string[], args: readonly string[] = [], env: Record<string, string> = {}): Running {
    const [program = "sh", ...rest] = shell;
    const child = spawn(program, [...rest, join(this.root, "bin/steppe"), "up", ...args], {
      env: this.env(env),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#children.push(child);
    return new Running(child);
  }

  /** Below another shell, that waits for it. */
  startBelow(shell: readonly string[], env: Record<string, string>): Running {
    const [program = "sh", ...rest] = shell;
    const file = join(this.root, "bin/steppe");
    const child = spawn(program, [...rest, "-c", '"$0" up; exit $?', file], {
      env: this.env(env),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#children.push(child);
    return new Running(child);
  }

  startOnTerminal(): Running {
    const file = join(this.root, "bin/steppe");
    const child = spawn("script", ["-qefc", `exec '${file}' up`, "/dev/null"], {
      env: this.env({ SHELL: "/bin/sh" }),
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#children.push(child);
    return new Running(child);
  }

  /** The processes that were started from here and live still. */
  leftovers(): string[] {
    return readdirSync("/proc").filter((pid) => {
      if (!/^[0-9]+$/.test(pid)) return false;
      try {
        return readFileSync(`/proc/${pid}/environ`, "latin1").includes(this.mark);
      } catch {
        return false; // it has just ended
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    for (const pid of this.leftovers()) process.kill(Number(pid), "SIGKILL");
    rmSync(dirname(this.root), { recursive: true });
  }
}

class Running {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  readonly #lines: AsyncIterator<string>;
  stderr = "";

  constructor(child: ChildProcess) {
    this.child = child;
    this.exit = once(child, "close").then(([code]) => code as number | null);
    if (child.stdout === null) throw new Error("no stdout");
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
  }

  async line(): Promise<string> {
    const { value } = (await this.#lines.next()) as { value: string | undefined };
    return value ?? "the end";
  }
}

/** Prints its pid and the signals that it gets; ends as it is told by them. */
const patient = `
for (const name of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(name, () => {
  console.log(name);
  if (name === "SIGHUP") process.exit(75);
  setTimeout(() => process.exit(0), 20);
});
console.log(process.pid);
setInterval(() => {}, 1000);
`;

/** Says it where it can be read when the terminal is gone. */
const appendToFile = `
import { appendFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
const append = (text) => appendFileSync(fileURLToPath(new URL("../said", import.meta.url)), text + "\\n");
`;

/** Ends with each of these codes in turn, one a run. */
const ending = (...codes: number[]): string => `
import { readFileSync, writeFileSync } from "node:fs";
const file = process.argv[2];
let run = 0;
try { run = Number(readFileSync(file, "utf8")); } catch {}
writeFileSync(file, String(run + 1));
console.log("run " + run);
process.exit(${JSON.stringify(codes)}[run] ?? 0);
`;

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("up under %s", (_, shell) => {
  test("hands its arguments on, with the flags and environment that save memory", async () => {
    await using pack = new Package(
      "console.log(JSON.stringify([process.argv.slice(2), process.execArgv, process.env.MALLOC_ARENA_MAX, process.env.UV_THREADPOOL_SIZE]));",
    );
    const running = pack.start(shell, ["--data", "a b", "--json", "*"]);
    expect(JSON.parse(await running.line())).toEqual([
      ["--data", "a b", "--json", "*"],
      ["--max-semi-space-size=16", "--v8-pool-size=1"],
      "1",
      "2",
    ]);
    expect(await running.exit).toBe(0);
    expect(running.stderr).toBe("");
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s reaches control once, as SIGTERM, and is waited for",
    async (signal) => {
      await using pack = new Package(patient);
      const running = pack.start(shell);
      await running.line();
      running.child.kill(signal);
      running.child.kill(signal);
      expect(await running.line()).toBe("SIGTERM");
      expect(await running.exit).toBe(0);
      expect(await running.line()).toBe("the end");
      expect(pack.leftovers()).toEqual([]);
    },
  );

  test("below npx, whose shell a SIGTERM ends and which tells nobody, it ends with that shell", async () => {
    await using pack = new Package(patient);
    const running = pack.startBelow(shell, { npm_lifecycle_event: "npx" });
    await running.line();
    running.child.kill("SIGTERM");
    expect(await running.line()).toBe("SIGTERM");
    expect(await running.line()).toBe("the end");
    expect(pack.leftovers()).toEqual([]);
  });

  test("kill -9 of control: it is started again at once, and it is said", async () => {
    await using pack = new Package(patient);
    const running = pack.start(shell);
    const first = Number(await running.line());
    process.kill(first, "SIGKILL");
    const second = Number(await running.line());
    expect(second).not.toBe(first);
    running.child.kill("SIGTERM");
    expect(await running.exit).toBe(0);
    expect(running.stderr).toMatch(/^steppe: control was ended by SIGKILL after \d+ s; it is started again at once\n$/);
  });

  test("SIGHUP restarts control without a word", async () => {
    await using pack = new Package(patient);
    const running = pack.start(shell);
    const first = await running.line();
    running.child.kill("SIGHUP");
    expect(await running.line()).toBe("SIGHUP");
    expect(await running.line()).not.toBe(first);
    running.child.kill("SIGTERM");
    expect(await running.exit).toBe(0);
    expect(running.stderr).toBe("");
  });

  test.each([2, 5, 7])("exit code %i at the first start is the end", async (code) => {
    await using pack = new Package(`process.exit(${code})`);
    const running = pack.start(shell);
    expect(await running.exit).toBe(code);
    expect(running.stderr).toBe("");
  });

  test("crashes are followed by longer and longer pauses; the same code 5 later on is no end", async ({ skip }) => {
    if (runsItsOwn(shell)) skip("its shell runs its own sleep");
    await using pack = new Package(ending(1, 5, 1, 70, 1, 1, 1, 1, 0));
    pack.write("fake/sleep", `#!/bin/sh\necho "$1" >> "${pack.root}/slept"\n`);
    chmodSync(join(pack.root, "fake/sleep"), 0o755);
    const running = pack.start(shell, [join(pack.root, "count")], { PATH: `${pack.root}/fake:/usr/bin:/bin` });
    expect(await running.exit).toBe(0);
    expect(readFileSync(join(pack.root, "slept"), "utf8").trim().split("\n")).toEqual("1 2 4 8 16 30 30".split(" "));
    expect(running.stderr).toMatch(/control ended with exit code 5 after \d s; it is started again in 1 s/);
    expect(running.stderr.split("\n")).toHaveLength(9);
  });

  test("a stop while it pauses ends it, and the pause", async ({ skip }) => {
    if (runsItsOwn(shell)) skip("its shell runs its own sleep");
    // On a busy machine a run may take so long that no pause follows it; one of many does not.
    await using pack = new Package(ending(...Array.from({ length: 50 }, () => 1)));
    const fifo = join(pack.root, "pausing");
    execFileSync("mkfifo", [fifo]);
    pack.write("fake/sleep", `#!/bin/sh\necho pausing > "${fifo}"\nexec /bin/sleep 1000\n`);
    chmodSync(join(pack.root, "fake/sleep"), 0o755);
    const running = pack.start(shell, [join(pack.root, "count")], { PATH: `${pack.root}/fake:/usr/bin:/bin` });
    await promisify(execFile)("timeout", ["20", "cat", fifo]);
    running.child.kill("SIGTERM");
    expect(await running.exit).toBe(1);
    await expect.poll(() => pack.leftovers()).toEqual([]);
  });
});

function run(pack: Package, file: string, args: string[], env: Record<string, string> = {}, cwd = "/") {
  const { status, stdout, stderr } = spawnSync(file, args, { env: pack.env(env), encoding: "utf8", cwd });
  return { status, stdout, stderr };
}

const hasScript = spawnSync("script", ["--version"]).error === undefined;

describe.skipIf(!hasScript)("up on a terminal (script: Debian package bsdutils)", () => {
  test("Ctrl-C reaches control once, as SIGTERM", async () => {
    await using pack = new Package(patient);
    const running = pack.startOnTerminal();
    await running.line();
    running.child.stdin?.write("\u0003");
    expect(await running.line()).toMatch(/SIGTERM/);
    expect(await running.exit).toBe(0);
    expect(await running.line()).toBe("the end");
    expect(pack.leftovers()).toEqual([]);
  });

  test("a terminal that goes away stops it", async () => {
    await using pack = new Package(patient.replaceAll("console.log", "append"), appendToFile);
    const running = pack.startOnTerminal();
    await expect.poll(() => existsSync(join(pack.root, "said"))).toBe(true);
    running.child.kill("SIGKILL"); // the terminal
    await running.exit;
    await expect.poll(() => pack.leftovers()).toEqual([]);
    expect(readFileSync(join(pack.root, "said"), "utf8")).toMatch(/^\d+\nSIGTERM\n$/);
  });
});

describe("other commands", () => {
  test("go to the command line, also through links", async () => {
    await using pack = new Package("");
    const link = join(pack.root, "node_modules/.bin/steppe");
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync("../../bin/steppe", link);
    const far = join(pack.root, "far away");
    symlinkSync(link, far);
    for (const file of [join(pack.root, "bin/steppe"), link, far]) {
      expect(run(pack, file, ["deploy", "a b", ""]).stdout).toBe('["cli","deploy","a b",""]\n');
    }
    expect(run(pack, "bin/steppe", ["x"], {}, pack.root).stdout).toBe('["cli","x"]\n');
    expect(run(pack, "sh", ["steppe", "x"], {}, join(pack.root, "bin")).stdout).toBe('["cli","x"]\n');
    expect(run(pack, "bin/steppe", ["up", "--json", "--help"], {}, pack.root).stdout).toBe(
      '["cli","up","--json","--help"]\n',
    );
  });

  test("--run runs a script, with its Node first in PATH", async () => {
    await using pack = new Package("");
    pack.write("x.js", "console.log(JSON.stringify([process.argv.slice(2), process.env.PATH.split(':')[0]]))");
    const { stdout } = run(pack, join(pack.root, "bin/steppe"), ["--run", join(pack.root, "x.js"), "a b"]);
    expect(JSON.parse(stdout)).toEqual([["a b"], join(pack.root, "node_modules", `node-linux-${process.arch}`, "bin")]);
    expect(run(pack, join(pack.root, "bin/steppe"), ["--run"]).status).toBe(5);
  });

  test("the pinned Node may lie beside the package, as npm hoists it", async () => {
    await using pack = new Package("");
    const outer = join(dirname(pack.root), "node_modules");
    cpSync(pack.root, join(outer, "steppe"), { recursive: true, verbatimSymlinks: true });
    cpSync(join(outer, "steppe/node_modules"), outer, { recursive: true, verbatimSymlinks: true });
    rmSync(join(outer, "steppe/node_modules"), { recursive: true });
    expect(run(pack, join(outer, "steppe/bin/steppe"), ["status"]).stdout).toBe('["cli","status"]\n');
  });

  test("without a Node, or with an old one, it says what to install", async () => {
    await using pack = new Package("");
    rmSync(join(pack.root, "node_modules"), { recursive: true });
    const file = join(pack.root, "bin/steppe");
    for (const name of ["uname", "readlink", "head", "find"]) {
      mkdirSync(join(pack.root, "tools"), { recursive: true });
      symlinkSync(execFileSync("which", [name], { encoding: "utf8" }).trim(), join(pack.root, "tools", name));
    }
    const none = run(pack, "/bin/sh", [file, "status"], { PATH: join(pack.root, "tools") });
    expect(none).toMatchObject({ status: 5, stdout: "" });
    expect(none.stderr).toMatch(
      /^error: start steppe: no Node\.js was found\nhint: Run `npm ci` in .*, or install Node\.js 24/,
    );

    pack.write("tools/node", "#!/bin/sh\necho v20.19.2\n");
    chmodSync(join(pack.root, "tools/node"), 0o755);
    const old = run(pack, "/bin/sh", [file, "status"], { PATH: join(pack.root, "tools") });
    expect(old.status).toBe(5);
    expect(old.stderr).toContain("is Node.js v20.19.2\nhint: Run `npm ci`");

    pack.write("tools/node", '#!/bin/sh\n[ "$1" = --version ] && echo v24.1.0 || echo ran "$@"\n');
    expect(run(pack, "/bin/sh", [file, "status"], { PATH: join(pack.root, "tools") }).stdout).toMatch(
      /^ran .*cli\.js status\n$/,
    );
  });

  test("in a clone dist/ is made again if a source is newer, and only then", async () => {
    await using pack = new Package("");
    const file = join(pack.root, "bin/steppe");
    const making = "steppe: making dist/ from the sources\n";
    pack.write("src/cli/main.ts", "console.log('the TypeScript')");
    pack.write("src/a.test.ts", "");
    pack.write(
      "scripts/build.ts",
      'import { writeFileSync } from "node:fs"; console.log("built"); writeFileSync("dist/.stamp", "");',
    );
    expect(run(pack, file, ["x"])).toEqual({ status: 0, stdout: '["cli","x"]\n', stderr: making });
    const age = (path: string, seconds: number): void => utimesSync(join(pack.root, path), seconds, seconds);
    for (const path of ["src", "src/cli", "src/cli/main.ts", "package.json", "scripts/build.ts"]) age(path, 1000);
    age("dist/.stamp", 2000);
    expect(run(pack, file, ["x"]).stderr).toBe("");
    age("src/cli/main.ts", 3000);
    expect(run(pack, file, ["x"]).stderr).toBe(making);
    expect(run(pack, file, ["x"], { STEPPE_DEV: "1" }).stdout).toBe("the TypeScript\n");

    pack.write("scripts/build.ts", "process.exit(1)");
    age("dist/.stamp", 2000);
    expect(run(pack, file, ["x"])).toMatchObject({ status: 5, stdout: "" });
    expect(existsSync(join(pack.root, "dist/cli.js"))).toBe(true);
  });

  test("a package without dist/ says so", async () => {
    await using pack = new Package("");
    rmSync(join(pack.root, "dist/cli.js"));
    const result = run(pack, join(pack.root, "bin/steppe"), ["status"]);
    expect(result.status).toBe(5);
    expect(result.stderr).toMatch(/dist\/cli\.js is missing/);
  });
});
