import { writeFileSync } from "node:fs";
import { runCommand } from "../../src/shared/run-command.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** What a base image of tests has: a shell and what Dockerfiles of tests run. */
const PROGRAMS = ["sh", "cat", "cp", "echo", "env", "head", "ls", "mkdir", "rm", "sleep", "touch"].map(
  (name) => `/bin/${name}`,
);
const environment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

/**
 * A tar archive of a small file system made of this machine's own programs with the libraries that they need, some 5 MB: no registry is asked. For
 * `docker import`, or `ADD` to `FROM scratch`. Disposing of it removes it.
 */
export async function baseTarball(): Promise<{ path: string } & Disposable> {
  const folder = temporaryFolder("base");
  const { stdout } = await runCommand({ file: "ldd", args: PROGRAMS, env: environment });
  const libraries = [...stdout.toString().matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
  const files = [...new Set([...PROGRAMS, ...libraries])].map((path) => path.slice(1));
  const list = folder.file("list");
  const path = folder.file("base.tar");
  writeFileSync(list, files.join("\n"));
  const args = [
    "--create",
    "--dereference",
    "--hard-dereference",
    "--file",
    path,
    "--directory",
    "/",
    "--files-from",
    list,
  ];
  const { code, stderr } = await runCommand({ file: "tar", args, env: environment });
  if (code !== 0) throw new Error(`tar ended with ${code}: ${stderr}`);
  return { path, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}
