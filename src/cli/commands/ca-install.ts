import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { writeFileAtomic } from "../../shared/atomic-file.ts";
import { errno, SteppeError } from "../../shared/errors.ts";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";

interface Options extends CommonOptions {
  root: string;
}

/** Where Debian's update-ca-certificates(8) looks for certificates of this machine. */
const TRUST_FOLDER = "usr/local/share/ca-certificates";
const NAME = "steppe-local-ca.crt";

/** With `--json`, `{"installed": BOOLEAN, "file"}`. */
export function define(command: Command, context: Context): void {
  command.option("--root <dir>", "the root of the system whose trust store it is", "/");
  withServer(command).action(async (options: Options) => {
    const certificate = await (await context.client(options)).ca();
    if (!certificate.includes("-----BEGIN CERTIFICATE-----")) {
      throw new SteppeError("CERTIFICATE_FAILED", {
        operation: "install",
        subject: "the local CA",
        cause: "the server sent no certificate",
      });
    }
    const folder = join(options.root, TRUST_FOLDER);
    const file = join(folder, NAME);
    const installed =
      context.io.uid === 0 && existsSync(folder) && (await install(context, options.root, file, certificate));
    if (options.json === true) return await context.printJson({ installed, file: installed ? file : null });
    await context.print(`${installed ? `This system trusts the local CA now: ${file}` : howTo(file)}\n\n${BROWSERS}`);
  });
}

async function install({ io }: Context, root: string, file: string, certificate: string): Promise<boolean> {
  const before = existsSync(file);
  writeFileAtomic(file, certificate, 0o644);
  const args =
    root === "/"
      ? []
      : ["--certsdir", join(root, "usr/share/ca-certificates"), "--etccertsdir", join(root, "etc/ssl/certs")];
  try {
    const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
    const { code, stderr } = await io.run({
      file: "update-ca-certificates",
      args: before ? ["--fresh", ...args] : args,
      env: { PATH },
    });
    if (code === 0) return true;
    throw new SteppeError("CERTIFICATE_FAILED", {
      operation: "install",
      subject: file,
      cause: `update-ca-certificates ended with ${code}`,
      detail: stderr,
    });
  } catch (error) {
    if (errno(error) === "ENOENT") return false;
    throw error;
  }
}

function howTo(file: string): string {
  return `The local CA is not trusted by this system yet. As root, on Debian or Ubuntu:
  steppe ca show > ${file}
  update-ca-certificates
On Fedora: steppe ca show > /etc/pki/ca-trust/source/anchors/${NAME}; update-ca-trust`;
}

const BROWSERS = `Browsers that keep certificates of their own:
  Firefox:  Settings, Privacy & Security, View Certificates, Authorities, Import (the output of \`steppe ca show\`)
  Chromium: certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n steppe -i FILE   (certutil: apt-get install libnss3-tools)`;
