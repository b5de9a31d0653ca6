import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AppView } from "../../src/api/types.ts";
import { type RunningSteppe, startSteppe } from "../../test/support/steppe.ts";
import type { GitRepository } from "../../test/support/git-repository.ts";

const APP = "demo";
const HOST = "demo.localhost";

export interface DemoOptions {
  /** A repository with the files of a site and no commit. */
  site: GitRepository;
  data: string;
  /** Whether it stays up at the end until the signal comes. */
  stay: boolean;
  signal: AbortSignal;
  /** Is told each step. */
  say: (line: string) => void;
}

/** Milliseconds of each step, by its name. */
type Steps = Record<string, number>;

export type DemoReport =
  | { ok: true; steps: Steps; totalMs: number; failureExplained: string }
  | { ok: false; steps: Steps; totalMs: number; error: { step: string; message: string } };

/**
 * The story of a site from its first tag to a rollback, told on the real program by its command line. Whatever happens,
 * it has stopped at the end, and what went wrong is in the report.
 */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const begin = performance.now();
  const story = new Story(options);
  try {
    const failureExplained = await tell(story, options);
    return { ok: true, steps: story.steps, totalMs: Math.round(performance.now() - begin), failureExplained };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const totalMs = Math.round(performance.now() - begin);
    return { ok: false, steps: story.steps, totalMs, error: { step: story.current, message } };
  }
}

/** Runs steps one after the other and measures them. */
class Story {
  readonly steps: Steps = {};
  current = "start";
  readonly #options: DemoOptions;

  constructor(options: DemoOptions) {
    this.#options = options;
  }

  async step<Result>(name: string, sentence: string, work: () => Promise<Result>): Promise<Result> {
    this.#options.signal.throwIfAborted();
    return await this.measure(name, sentence, work);
  }

  /** As `step`, but also done after an interruption. */
  async measure<Result>(name: string, sentence: string, work: () => Promise<Result>): Promise<Result> {
    this.current = name;
    const begin = performance.now();
    const result = await work();
    const ms = performance.now() - begin;
    this.steps[name] = Math.round(ms * 10) / 10;
    this.#options.say(`${`${Math.round(ms)} ms`.padStart(9)}  ${sentence}`);
    return result;
  }
}

async function tell(story: Story, { site, data, stay, signal, say }: DemoOptions): Promise<string> {
  const steppe = await story.step("start", "Steppe runs, on free ports", () => startSteppe({ data }));
  try {
    const look = new Visitor(steppe);
    await story.step("add", `the app ${APP} is declared: ${HOST}`, () => addApp(steppe, site));
    await story.step("push", "tag v1 is pushed", () => pushTag(site, "v1", ["It is live", "This is v1"]));
    await story.step("http", "the page is there", () => look.sees("http", "This is v1"));
    await story.step("https", "and by HTTPS, with the local CA", () => look.sees("https", "This is v1"));
    await story.step("secondPush", "tag v2 is pushed", () => pushTag(site, "v2", ["This is v1", "This is v2"]));
    await story.step("secondPage", "the new page is there", () => look.sees("https", "This is v2"));
    await story.step("brokenPush", "tag v3 is pushed: it has no index.html", () => pushBroken(site));
    await story.step("oldPage", "the page of v2 is still there", () => look.sees("https", "This is v2"));
    const cause = await story.step("explanation", "and the failure is explained:", () => explanation(steppe));
    say(`${" ".repeat(11)}${cause}`);
    await story.step("rollback", "back to release 1", () => steppe.json("rollback", APP, "1"));
    await story.step("firstPage", "the page of v1 is there again", () => look.sees("https", "This is v1"));
    if (stay) await stayUp(steppe, signal, say);
    return cause;
  } finally {
    // Not a step of its own if the story ended early: the report names the step that failed.
    const failed = story.steps["firstPage"] === undefined;
    if (failed) await steppe.stop();
    else await story.measure("stop", "Steppe has stopped", () => stopped(steppe));
  }
}

async function addApp(steppe: RunningSteppe, site: GitRepository): Promise<void> {
  await steppe.json("app", "add", APP, "--domain", HOST);
  const { code, stdout, stderr } = await steppe.cli("app", "show", APP, "--push-url");
  if (code !== 0) throw new Error(`steppe app show --push-url exited with ${code}: ${stderr}`);
  await site.git("remote", "add", "steppe", stdout.toString().trim());
}

async function pushTag(site: GitRepository, tag: string, [from, to]: [string, string]): Promise<void> {
  const page = join(site.folder, "index.html");
  writeFileSync(page, readFileSync(page, "utf8").replace(from, to));
  await site.tag(tag);
  await site.git("push", "steppe", tag);
}

async function pushBroken(site: GitRepository): Promise<void> {
  rmSync(join(site.folder, "index.html"));
  await site.tag("v3");
  // Whether git itself calls it a success is not the point: the tag arrived, its deployment failed.
  const { stderr } = await site.tryGit("push", "steppe", "v3");
  if (!stderr.includes("remote:")) throw new Error(`the push said nothing of the deployment: ${stderr}`);
}

async function explanation(steppe: RunningSteppe): Promise<string> {
  const { lastDeployment } = (await steppe.json("app", "show", APP)) as AppView;
  const error = lastDeployment?.error;
  if (lastDeployment?.state !== "failed" || error === null || error === undefined) {
    throw new Error(`the deployment of v3 should have failed, and is ${lastDeployment?.state ?? "missing"}`);
  }
  return `${error.operation} ${error.subject}: ${error.cause}`;
}

async function stopped(steppe: RunningSteppe): Promise<void> {
  const code = await steppe.stop();
  if (code !== 0) throw new Error(`steppe up ended with ${code}`);
}

async function stayUp(steppe: RunningSteppe, signal: AbortSignal, say: (line: string) => void): Promise<void> {
  const port = new URL(steppe.addresses.http).port;
  say(`\nhttp://${HOST}:${port} stays up; Ctrl-C ends it.`);
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

/** Somebody who looks at the site through the ingress. */
class Visitor {
  readonly #steppe: RunningSteppe;

  constructor(steppe: RunningSteppe) {
    this.#steppe = steppe;
  }

  async sees(scheme: "http" | "https", text: string): Promise<void> {
    const request = { host: HOST, path: "/" };
    const answer = scheme === "http" ? await this.#steppe.get(request) : await this.#steppe.getSecurely(request);
    if (answer.status === 200 && answer.text.includes(text)) return;
    throw new Error(`${scheme}://${HOST}/ answered ${answer.status} without “${text}”: ${answer.text.slice(0, 200)}`);
  }
}
