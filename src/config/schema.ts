import * as z from "zod"; // as a namespace: only then does the bundle leave out what is not used, 9 MB of memory
import { compatibleSchema } from "./compatible-schema.ts";
import { defaults, limits } from "./defaults.ts";
import { parseDomain } from "./domain.ts";
import { formatDuration } from "./duration.ts";
import { parseGlob } from "./glob.ts";
import { parseImageFolder, parseImageRepository } from "./image-repository.ts";
import type { Parsed } from "./parsed.ts";
import { parseInnerPath, parseRelativePath } from "./relative-path.ts";
import { parseRepositoryAddress } from "./repository-address.ts";
import { parseJobspec } from "./job-file.ts";
import { nomadSchema, runSchema } from "./run-schema.ts";
import { parseSemverRange } from "./semver-range.ts";
import { duration, environment, textField, variableName } from "./text-field.ts";
import { formatWindow, parseWindow, WINDOW_PATTERN } from "./window.ts";

/**
 * The one schema of `steppe.yaml`. What it reads becomes an AppDefinition (`read-apps.ts`); the JSON Schema for editors
 * is made from it (`json-schema.ts`). The fields' own rules are in the files beside this one; `definition-schema.ts` uses the
 * same for the form that goes over the wire.
 */

export const APP_NAME_PATTERN = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";

export const appName = z.string().regex(new RegExp(APP_NAME_PATTERN), {
  error: "is no name of an app: lower-case letters, digits and hyphens, at most 63, no hyphen first or last",
});
/** There may be many domains, so a mistake says which one it is in. */
export const domain = textField((text): Parsed<string> => {
  const parsed = parseDomain(text);
  if ("value" in parsed || text === "") return parsed;
  return { problem: `\`${text.length > 80 ? `${text.slice(0, 80)}…` : text}\` ${parsed.problem}` };
});
export const domainList = z
  .array(domain)
  .min(1, { error: "is empty; an app wants a domain" })
  .max(limits.domains, { error: `has more than ${limits.domains} domains` });
export const repository = textField(parseRepositoryAddress);
export const patternList = z
  .array(textField(parseGlob))
  .max(limits.patterns, { error: `has more than ${limits.patterns} patterns` });
export const folder = textField(parseRelativePath);
export const innerPath = textField(parseInnerPath);
export const cacheList = z
  .array(innerPath)
  .max(limits.cacheFolders, { error: `has more than ${limits.cacheFolders} folders` });
export const command = textField((text): Parsed<string> => {
  if (text.trim() === "") return { problem: "is empty; leave `build` out if nothing is to be built" };
  if (text.includes("\0")) return { problem: "has a NUL character in it" };
  return text.length > limits.commandLength ? { problem: "is longer than 64 KiB" } : { value: text };
});
export const checkPath = textField(
  (text): Parsed<string> => {
    if (!text.startsWith("/")) return { problem: "does not begin with `/`" };
    if (text.length > limits.textLength) return { problem: "is longer than 4,096 characters" };
    if (/[\s\u0000-\u001f\u007f#]/.test(text)) return { problem: "has a space, a `#` or a control character in it" };
    return { value: text };
  },
  { pattern: "^/" },
);
export const containsText = textField((text) => {
  if (text === "") return { problem: "is empty; leave it out" };
  return text.length > limits.textLength ? { problem: "is longer than 4,096 characters" } : { value: text };
});
/** A value of `Cache-Control` (RFC 9111, section 5.2): text that stands in a head as it is. */
export const cacheControl = textField((text): Parsed<string> => {
  if (text.trim() === "") return { problem: "is empty; leave it out" };
  if (!/^[\x20-\x7e]*$/.test(text)) return { problem: "has a character in it that no HTTP field can have" };
  return text.length > limits.cacheControlLength
    ? { problem: "is longer than 256 characters" }
    : { value: text.trim() };
});
const STAGE_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$";
const SECRET_PATTERN = "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$";
const PLATFORM_PATTERN = "^[a-z0-9]+/[a-z0-9_]+(/[a-z0-9.]+)?$";

export const target = z.string().regex(new RegExp(STAGE_PATTERN), {
  error: "is no name of a stage: letters, digits, `_`, `.` and `-`, no sign first",
});
export const platform = z.string().regex(new RegExp(PLATFORM_PATTERN), {
  error: "is no platform; write `linux/amd64` or `linux/arm/v7`",
});
const secretFile = textField((text): Parsed<string> => {
  if (!text.startsWith("/")) return { problem: "is not absolute; it is a file of the server" };
  if (Buffer.byteLength(text) > limits.pathBytes) return { problem: "is longer than 1,024 bytes" };
  // docker and buildah read `id=…,src=…` as a line of CSV.
  if (/[\u0000-\u001f\u007f,"]/.test(text)) return { problem: 'has a comma, a `"` or a control character in it' };
  return text.endsWith("/") ? { problem: "is a folder; name a file" } : { value: text };
});
const secretId = z.string().regex(new RegExp(SECRET_PATTERN), {
  error: "is no id of a secret: letters, digits, `_`, `.` and `-`, none of the last two first",
});
const secretSource = z
  .strictObject({
    file: secretFile.optional().meta({ description: "A file of the server." }),
    env: variableName.optional().meta({ description: "A variable of the server's environment." }),
  })
  .meta({ minProperties: 1, maxProperties: 1 })
  .transform(({ file, env }, context): { file: string } | { env: string } => {
    if (file !== undefined && env === undefined) return { file };
    if (env !== undefined && file === undefined) return { env };
    const message = "wants one of the two: `{ file: /path/on/the/server }` or `{ env: VARIABLE }`";
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });
/** Where secrets of a build are, by id; what they are is never written down. */
export const secretSources = z
  .record(secretId, secretSource)
  .refine((secrets) => Object.keys(secrets).length <= limits.secrets, {
    error: `has more than ${limits.secrets} secrets`,
  });
export const imageRepository = textField(parseImageRepository);
export const imageFolder = textField(parseImageFolder, { pattern: "^/" });
export const semverRange = textField(parseSemverRange);
const window = textField(
  (text): Parsed<string> => {
    const parsed = parseWindow(text);
    return "value" in parsed ? { value: formatWindow(parsed.value) } : parsed;
  },
  { pattern: WINDOW_PATTERN },
);
export const windowList = z.array(window).max(limits.windows, { error: `has more than ${limits.windows} windows` });
export const keepReleases = z
  .int()
  .min(limits.keepReleases[0], { error: "is less than 1" })
  .max(limits.keepReleases[1], { error: `is more than ${limits.keepReleases[1]}` });

/** `200` or `"200-399"`, as a range. */
const status = z.union([
  z
    .int()
    .min(100, { error: "is no HTTP status" })
    .max(599, { error: "is no HTTP status" })
    .transform((code): [number, number] => [code, code]),
  textField(parseStatusRange, { pattern: "^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$" }),
]);

function parseStatusRange(text: string): Parsed<[number, number]> {
  const [, first, last] = /^([1-5][0-9][0-9])(?:-([1-5][0-9][0-9]))?$/.exec(text) ?? [];
  if (first === undefined) return { problem: "is no status; write 200 or `200-399`" };
  const range: [number, number] = [Number(first), Number(last ?? first)];
  return range[0] > range[1] ? { problem: "runs backwards" } : { value: range };
}

/** One, or a list of them. */
function oneOrMore<List extends typeof patternList>(list: List) {
  return z.union([
    z
      .string()
      .transform((text) => [text])
      .pipe(list),
    list,
  ]);
}

const statusDefault = defaults.check.status.join("-");

const buildSchema = z.strictObject({
  command: command.meta({ description: "Run by /bin/sh in a clean checkout of the tag." }),
  output: folder
    .prefault(defaults.build.output)
    .meta({ description: "The folder that the command leaves the site in." }),
  env: environment.prefault({}).meta({ description: "The variables of the build. It sees no others." }),
  cache: cacheList.prefault([]).meta({ description: "Folders that are kept from build to build." }),
  timeout: duration(limits.buildTimeoutMs)
    .prefault(formatDuration(defaults.build.timeoutMs))
    .meta({ description: "When a build that still runs is stopped." }),
});

const dockerfileSchema = z.strictObject({
  file: innerPath.prefault(defaults.dockerfile.file).meta({ description: "The Dockerfile." }),
  context: folder.prefault(defaults.dockerfile.context).meta({ description: "The folder that is its context." }),
  target: target.optional().meta({ description: "The stage that is built; if it is not said, the last." }),
  args: environment.prefault({}).meta({ description: "Build arguments. They stand in the image: no secrets." }),
  secrets: secretSources
    .prefault({})
    .meta({ description: "Where the secrets of the build are, by id: `{ file: PATH }` or `{ env: VARIABLE }`." }),
  platform: platform.optional().meta({ description: "The platform, if it is not that of the server." }),
  timeout: duration(limits.buildTimeoutMs)
    .prefault(formatDuration(defaults.dockerfile.timeoutMs))
    .meta({ description: "When a build that still runs is stopped." }),
});

const imageSchema = z.strictObject({
  repository: imageRepository.meta({ description: "Registry and repository." }),
  site: imageFolder
    .optional()
    .meta({ description: "The folder that is the site, of images that are not made on steppe/static." }),
});

const checkSchema = z.strictObject({
  path: checkPath.prefault(defaults.check.path).meta({ description: "The path that is asked for." }),
  status: status.prefault(statusDefault).meta({ description: "The status, or the range of them, that passes." }),
  contains: containsText.optional().meta({ description: "A text that the answer must contain." }),
  timeout: duration(limits.checkTimeoutMs)
    .prefault(formatDuration(defaults.check.timeoutMs))
    .meta({ description: "How long the answer may take." }),
});

const cacheControlSchema = z.strictObject({
  changing: cacheControl
    .prefault(defaults.cacheControl.changing)
    .meta({ description: "Of pages, and of whatever may change under its name." }),
  hashed: cacheControl
    .prefault(defaults.cacheControl.hashed)
    .meta({ description: "Of files whose names carry a hash of their content." }),
});

/** One app of `steppe.yaml`. That there is either `domain` or `domains` is checked by `read-apps.ts`. */
export const appSchema = z.strictObject({
  domain: domain.optional().meta({ description: "The one host name of the app.", examples: ["blog.example.com"] }),
  domains: domainList.optional().meta({
    description: "The host names: exact, `*.example.com` (one label), or `*` (any host not otherwise known).",
    examples: [["blog.example.com", "*.blog.example.com"]],
  }),
  repository: repository.optional().meta({
    description: "Where the repository lives, if it is not pushed to Steppe: an address that git fetches.",
    examples: ["https://git.example.com/blog.git"],
  }),
  poll: duration(limits.pollMs)
    .prefault(formatDuration(defaults.pollMs))
    .meta({ description: "How often the tags of a repository that lives elsewhere, or of a registry, are looked at." }),
  tags: oneOrMore(patternList)
    .prefault([...defaults.tags])
    .meta({ description: "Patterns of the tags that deploy. `latest` never does.", examples: ["v*"] }),
  branches: oneOrMore(patternList)
    .prefault([...defaults.branches])
    .meta({ description: "Patterns of the branches that deploy when they move.", examples: ["main"] }),
  folder: folder
    .prefault(defaults.folder)
    .meta({ description: "The folder of the repository that is the site, when nothing is built." }),
  build: z
    .union([command.transform((text) => ({ command: text })).pipe(buildSchema), buildSchema])
    .optional()
    .meta({ description: "The command that makes the site.", examples: ["hugo"] }),
  dockerfile: z
    .union([
      z.literal(["auto", false]),
      innerPath.transform((file): z.input<typeof dockerfileSchema> => ({ file })).pipe(dockerfileSchema),
      dockerfileSchema,
    ])
    .prefault("auto")
    .meta({
      description: "The Dockerfile that makes the image; `auto` is that of the root, if there is one; `false` is none.",
      examples: ["auto", "docker/Dockerfile"],
    }),
  image: z
    .union([imageRepository.transform((repository) => ({ repository })).pipe(imageSchema), imageSchema])
    .optional()
    .meta({
      description:
        "Where the app's images are in a registry: what is built is pushed there, what appears there deploys.",
      examples: ["registry.example.com/team/blog"],
    }),
  semver: semverRange
    .optional()
    .meta({ description: "The versions that deploy, as npm writes ranges.", examples: ["^1.2", "2.x"] }),
  approve: z
    .boolean()
    .prefault(defaults.policy.approve)
    .meta({ description: "Whether what came by itself waits until a person approves it." }),
  windows: oneOrMore(windowList)
    .prefault([...defaults.policy.windows])
    .meta({
      description: "When what came by itself may go live.",
      examples: ["Mon-Fri 09:00-17:00 Europe/London"],
    }),
  check: checkSchema.prefault({}).meta({ description: "What must hold before a release goes live." }),
  run: runSchema.prefault({}).meta({ description: "How its instances are run on a cluster." }),
  nomad: nomadSchema
    .prefault({})
    .meta({ description: "What is put over the app's job on Nomad, in Nomad's own words." }),
  job: textField(parseJobspec)
    .optional()
    .meta({ description: "A jobspec of your own, in HCL, or the path of one.", examples: ["blog.nomad.hcl"] }),
  compatible: compatibleSchema.optional().meta({
    description: "That a job of your own takes the image's tag from a key in Consul, which Steppe writes.",
  }),
  redirectToHttps: z
    .boolean()
    .prefault(defaults.redirectToHttps)
    .meta({ description: "Whether plain HTTP is answered with a redirect to HTTPS." }),
  notFoundPage: innerPath
    .prefault(defaults.notFoundPage)
    .meta({ description: "The page of the site for paths that do not exist." }),
  cleanUrls: z
    .boolean()
    .prefault(defaults.cleanUrls)
    .meta({ description: "Whether `/about` is answered with `about.html`." }),
  fallback: innerPath.optional().meta({
    description: "The file for paths that do not exist and name no file: for single-page applications.",
    examples: ["index.html"],
  }),
  cacheControl: cacheControlSchema.prefault({}).meta({ description: "How caches may keep what is served." }),
  grace: duration(limits.graceMs)
    .prefault(formatDuration(defaults.graceMs))
    .meta({ description: "How long files whose names carry a hash stay reachable after a switch." }),
  keepReleases: keepReleases
    .prefault(defaults.keepReleases)
    .meta({ description: "How many releases are kept, the newest ones. The one that serves always is." }),
});

/** A whole `steppe.yaml`. Keys that begin with `x-` are free, as places for YAML anchors. */
export const fileSchema = z.strictObject({
  apps: z.record(appName, appSchema).meta({ description: "The apps, by name." }),
});
