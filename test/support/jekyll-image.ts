import { chmodSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { TestContext } from "vitest";
import { type CommandResult, runCommand } from "../../src/shared/run-command.ts";
import type { DockerDaemon } from "./docker-daemon.ts";
import { peer } from "./peers.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const ENV = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" };
/** What a Dockerfile runs besides. */
const PROGRAMS = ["/bin/sh", "/bin/cp"];
/** Writes down, at its end, which files a program in Ruby has loaded, and where Gem looks for descriptions of gems. */
const TRACE = `at_exit do
  maps = File.readlines("/proc/self/maps").filter_map { |line| line[%r{ (/[^\\n(]+)$}, 1] }
  specs = Gem::Specification.dirs.flat_map { |dir| Dir["#{dir}/*.gemspec"] + Dir["#{dir}/default/*.gemspec"] }
  own = Gem.loaded_specs.values.flat_map { |spec| Dir["{#{spec.full_gem_path},#{spec.extension_dir}}/**/*"] }
  files = ($LOADED_FEATURES + maps + specs + own).uniq.select { |path| path.start_with?("/") && File.file?(path) }
  File.write(ENV.fetch("LOADED"), files.join("\\n"))
end
`;

/**
 * A stand-in for the image jekyll/jekyll:stable, in a Docker: this machine's jekyll, with what it loads to build a site, some 20 MB; a shell;
 * the zone Europe/London; and an `apk` that installs nothing.
 */
export async function importJekyllImage(context: TestContext, docker: DockerDaemon, tag: string): Promise<void> {
  using folder = temporaryFolder("jekyll");
  const zone = `${peer(context, "time zones")}/London`;
  const files = [...(await filesOfJekyll(peer(context, "jekyll"), folder.path)), zone];
  writeFileSync(folder.file("list"), files.map((path) => path.slice(1)).join("\n"));
  mkdirSync(folder.file("root/sbin"), { recursive: true });
  for (const path of ["root/srv/jekyll", "root/etc", "root/tmp", "root/dev"])
    mkdirSync(folder.file(path), { recursive: true });
  writeFileSync(folder.file("root/sbin/apk"), '#!/bin/sh\necho "OK: tzdata is there"\n');
  chmodSync(folder.file("root/sbin/apk"), 0o755);
  const archive = folder.file("root.tar");
  const deref = ["--dereference", "--hard-dereference"];
  await run("tar", [...deref, "-cf", archive, "-C", "/", "-T", folder.file("list"), "-C", folder.file("root"), "."]);
  const changes = ["WORKDIR /srv/jekyll", `ENV PATH=${ENV.PATH}`, "ENV LC_ALL=C.UTF-8"];
  await docker.docker("import", ...changes.flatMap((change) => ["--change", change]), archive, tag);
}

/** Has jekyll build a site, and tells what it took for that. */
async function filesOfJekyll(jekyll: string, folder: string): Promise<string[]> {
  const site = `${folder}/site`;
  mkdirSync(site);
  writeFileSync(`${folder}/trace.rb`, TRACE);
  writeFileSync(`${site}/_config.yml`, "title: Site\n");
  writeFileSync(`${site}/index.md`, '---\n---\n# {{ site.title }}\n\n{{ site.time | date: "%Z" }}\n');
  const loaded = `${folder}/loaded`;
  const trace = { RUBYOPT: `-r${folder}/trace.rb`, LOADED: loaded, TZ: "Europe/London" };
  await run(jekyll, ["build", "--source", site, "--destination", `${site}/_site`], trace);
  const files = readFileSync(loaded, "utf8").split("\n");
  const ruby = files.find((path) => /\/bin\/ruby[\d.]*$/.test(path)) ?? "/usr/bin/ruby";
  const binaries = [ruby, ...PROGRAMS, ...files.filter((path) => path.endsWith(".so"))];
  const { stdout } = await run("ldd", binaries);
  const libraries = [...stdout.toString().matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
  const opened = files.filter((path) => /\.so\.[\d.]+$/.test(path)).flatMap(namesOf);
  const rest = files.filter((path) => !path.startsWith(folder));
  return [...new Set([...rest, ...opened, ...libraries, ...PROGRAMS, jekyll, "/usr/bin/ruby"])];
}

/** A library is opened by a link: `libsass.so` for `libsass.so.1.0.0`. */
function namesOf(library: string): string[] {
  const folder = dirname(library);
  const [stem = ""] = basename(library).split(".so");
  const names = readdirSync(folder).filter((name) => name.startsWith(`${stem}.so`));
  return names.map((name) => join(folder, name)).filter((path) => realpathSync(path) === library);
}

async function run(file: string, args: readonly string[], more: Record<string, string> = {}): Promise<CommandResult> {
  const result = await runCommand({ file, args: [...args], env: { ...ENV, ...more } });
  if (result.code !== 0) throw new Error(`${file} ended with ${result.code}: ${result.stderr}`);
  return result;
}
