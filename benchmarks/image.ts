import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stderr } from "node:process";
import { writeImage } from "../scripts/site-server/oci-image.ts";
import { runCommand } from "../src/shared/run-command.ts";
import { startDockerRegistry } from "../test/support/docker-registry.ts";
import { Numbers } from "../test/support/numbers.ts";
import { steppeProgram } from "../test/support/steppe.ts";
import { temporaryFolder } from "../test/support/temporary-folder.ts";
import { type ImageTool, type Surroundings, type ToolEntry, tools } from "./image/image-tools.ts";
import { type BenchmarkOptions, median, type Report, round } from "./lib/report.ts";

const FILES = 1000;
const FILE_BYTES = 10 * 1024;
const CHANGED = FILES / 100;
/** As large as the program of `steppe/static` is. Nothing runs it here. */
const PROGRAM_BYTES = 82 * 1024;
const STEPS = ["first", "1 % changed"] as const;
type Step = (typeof STEPS)[number];

/** Milliseconds, and bytes of the layers that the registry then has of the image. */
type Measured = Record<Step, { ms: number; bytes: number }>;

/**
 * A site of 1,000 files, built and pushed to a registry on this machine. "first": the registry is new, and the tool has nothing in its caches but the
 * base image; the machine's file cache is warm for all. "1 % changed": ten files anywhere in the site, at once after that.
 */
export async function run({ rounds, only }: BenchmarkOptions): Promise<Report[]> {
  // Makes dist/, should it be stale: that is no part of what is measured.
  await runCommand({ file: steppeProgram, args: ["--version"], env: { PATH: process.env["PATH"] ?? "" } });
  const measured = new Map<string, Measured[]>();
  const remarks: string[] = [];
  const wanted = tools.filter(({ name }) => only.size === 0 || only.has(name));
  for (let index = 0; index < rounds; index++) {
    // Each comes first, and last, in some round.
    const order = wanted.map((_, i) => wanted[(i + index) % wanted.length]).filter((tool) => tool !== undefined);
    for (const tool of order) {
      stderr.write(`${tool.name}, round ${index + 1} of ${rounds}\n`);
      const result = await measure(tool);
      if ("missing" in result) {
        if (index === 0) remarks.push(`${tool.name}: ${result.missing}`);
      } else measured.set(tool.name, [...(measured.get(tool.name) ?? []), result]);
    }
  }
  return [report(measured, remarks)];
}

async function measure(entry: ToolEntry): Promise<Measured | { missing: string }> {
  using folder = temporaryFolder("bench-image");
  const where: Surroundings = { base: folder.file("base"), context: folder.file("context") };
  writeImage(where.base, [{ architecture: "amd64", content: noise(PROGRAM_BYTES) }], "1");
  const site = join(where.context, "site");
  const numbers = new Numbers();
  const words = makeWords(numbers);
  for (let i = 0; i < FILES; i++) writePage(site, i, makePage(numbers, words));
  await using registry = await startDockerRegistry({
    skip: (reason?: string | boolean): never => {
      throw new Error(String(reason));
    },
  });
  const started = await entry.start(where);
  if ("missing" in started) return started;
  await using tool = started;
  const first = await timed(tool, registry.host, "v1");
  for (const i of choose(numbers, CHANGED)) writePage(site, i, makePage(numbers, words));
  return { first, "1 % changed": await timed(tool, registry.host, "v2") };
}

/** What was to be pushed is there, or it throws. */
async function timed(tool: ImageTool, host: string, tag: string): Promise<{ ms: number; bytes: number }> {
  const begin = performance.now();
  await tool.buildAndPush(`${host}/bench/site:${tag}`);
  const ms = performance.now() - begin;
  const types = ["oci.image.manifest.v1", "docker.distribution.manifest.v2"];
  const accept = types.map((type) => `application/vnd.${type}+json`).join(", ");
  const answer = await fetch(`http://${host}/v2/bench/site/manifests/${tag}`, { headers: { accept } });
  if (answer.status !== 200) throw new Error(`the registry answers ${answer.status} for ${tag}`);
  const { layers } = (await answer.json()) as { layers: Array<{ size: number; digest: string }> };
  for (const { digest } of layers) {
    const blob = await fetch(`http://${host}/v2/bench/site/blobs/${digest}`, { method: "HEAD" });
    if (blob.status !== 200) throw new Error(`the registry answers ${blob.status} for ${digest}`);
  }
  return { ms, bytes: layers.reduce((sum, { size }) => sum + size, 0) };
}

function report(measured: ReadonlyMap<string, Measured[]>, remarks: string[]): Report {
  const of = (name: string, step: Step): number => median((measured.get(name) ?? []).map((one) => one[step].ms));
  const names = [...measured.keys()];
  const others = names.filter((name) => !name.startsWith("steppe"));
  const share = (step: Step): number => of("steppe build", step) / Math.min(...others.map((name) => of(name, step)));
  const rows = tools.flatMap(({ name, compression }) =>
    measured.has(name)
      ? [
          {
            tool: name,
            compression,
            "first ms": round(of(name, "first"), 0),
            "1 % changed ms": round(of(name, "1 % changed"), 0),
            "layers MB": round(median((measured.get(name) ?? []).map((one) => one.first.bytes)) / 1e6, 2),
          },
        ]
      : [],
  );
  const target = (step: Step, most: number) => ({
    name: `${step}: of the fastest other tool's time`,
    target: most,
    got: round(share(step), 3),
    unit: "",
  });
  return {
    title: "A site of 1,000 files of 10 KB on steppe/static, built and pushed to a registry on this machine; medians.",
    columns: ["tool", "compression", "first ms", "1 % changed ms", "layers MB"],
    rows,
    remarks,
    targets:
      others.length === 0 || !measured.has("steppe build") ? [] : [target("first", 0.333), target("1 % changed", 0.2)],
  };
}

function writePage(site: string, index: number, content: string): void {
  const path = join(site, index === 0 ? "index.html" : `section-${index % 20}/page-${index}.html`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** Of the lengths that words have, the short ones oftener. */
function makeWords(numbers: Numbers): string[] {
  const letters = "etaoinshrdlucmfwypvbgkjqxz";
  return Array.from({ length: 5000 }, () =>
    Array.from({ length: 1 + Math.min(numbers.below(12), numbers.below(12)) }, () => {
      return letters[Math.min(numbers.below(letters.length), numbers.below(letters.length))];
    }).join(""),
  );
}

/** HTML of just 10 KB, whose words are as unevenly frequent as those of a language. */
function makePage(numbers: Numbers, words: readonly string[]): string {
  let text = '<!doctype html><html lang="en"><head><link rel="stylesheet" href="/style.css"></head><body>\n';
  while (text.length < FILE_BYTES) {
    const paragraph = Array.from({ length: 60 }, () => words[Math.floor(numbers.below(5000) ** 2 / 5000)]);
    text += `<p class="text">${paragraph.join(" ")}.</p>\n`;
  }
  return text.slice(0, FILE_BYTES);
}

function choose(numbers: Numbers, count: number): Set<number> {
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(numbers.below(FILES));
  return chosen;
}

/** Bytes that do not compress, as those of a program do little. */
function noise(bytes: number): Buffer {
  const numbers = new Numbers();
  return Buffer.from(Array.from({ length: bytes }, () => numbers.below(256)));
}
