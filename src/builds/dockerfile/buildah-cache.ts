import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../shared/clock.ts";
import { SteppeError } from "../../shared/errors.ts";
import { type Command, runCommand } from "../../shared/run-command.ts";
import { SerialQueue } from "../../shared/serial-queue.ts";
import { removeFolder } from "../remove-folder.ts";
import { buildah, type BuildahStorage } from "./buildah-build.ts";
import { buildahFailure } from "./buildah-failure.ts";
import { BUILDAH_PREFIX, buildahName } from "./buildah-name.ts";
import { type CacheLedger, LARGEST_CACHE, OLDEST_CACHE } from "./cache-ledger.ts";

interface StoredImage {
  /** Its first twelve digits. */
  id: string;
  names: string[] | null;
}

/**
 * What builds leave in buildah's storage, which is Steppe's alone: of each app the images that its newest build made and used, those of the
 * newest that succeeded, and the base images that were fetched. All else goes when a build ends and no other runs; when all of it is larger
 * than it may be, or the disk is full, everything does.
 */
export class BuildahCache {
  readonly #storage: BuildahStorage;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #ledger: CacheLedger;
  readonly #clock: Clock;
  readonly #bounds: { bytes: number; age: number };
  readonly #queue = new SerialQueue();
  #running = 0;

  constructor(options: {
    storage: BuildahStorage;
    environment: NodeJS.ProcessEnv;
    ledger: CacheLedger;
    clock: Clock;
    bounds?: { bytes: number; age: number };
  }) {
    this.#storage = options.storage;
    this.#environment = options.environment;
    this.#ledger = options.ledger;
    this.#clock = options.clock;
    this.#bounds = options.bounds ?? { bytes: LARGEST_CACHE, age: OLDEST_CACHE };
  }

  /** To be called before a build, and `end` after it, whatever came of it. */
  async begin(): Promise<void> {
    await this.#queue.run(async () => void this.#running++);
  }

  /** @param ids the beginnings of ids of images that the build made or used */
  async end(app: string, { isBuilt, ids }: { isBuilt: boolean; ids: ReadonlySet<string> }): Promise<void> {
    await this.#queue.run(async () => {
      this.#running--;
      try {
        await this.#note(app, isBuilt, [...ids]);
      } finally {
        await this.#tidy(); // on a full disk nothing can be noted, and all the more is to go
      }
    });
  }

  /** Removes all that builds of an app left. */
  async forget(app: string): Promise<void> {
    await this.#queue.run(async () => {
      if ((await this.#ledger.get(app)) === undefined) return;
      await this.#ledger.delete(app);
      await this.#tidy();
    });
  }

  /** Removes what nobody wants any more, and what builds left that were ended. */
  async tidy(): Promise<void> {
    await this.#queue.run(() => this.#tidy());
  }

  async #note(app: string, isBuilt: boolean, images: string[]): Promise<void> {
    const last = await this.#ledger.get(app);
    await this.#ledger.set(app, {
      builtAt: this.#clock.now(),
      images,
      goodImages: isBuilt ? images : (last?.goodImages ?? []),
      records: [],
      newest: "",
      good: { from: "", to: "" },
      begun: null,
    });
  }

  async #tidy(): Promise<void> {
    if (this.#running > 0 || !existsSync(this.#storage.root)) return;
    try {
      await this.#removeUnwanted();
    } catch (error) {
      if (!(error instanceof SteppeError) || error.code !== "DISK_FULL") throw error;
      // It finds no room to write down what it removes, so the disk would stay full. All of it can be made or fetched again.
      await this.#unmount();
      for (const folder of [this.#storage.root, this.#storage.runRoot]) await removeFolder(folder);
    }
  }

  /** A command of buildah's that fails may leave the folder of its layers mounted onto itself, and then it cannot be removed. */
  async #unmount(): Promise<void> {
    const env = buildah(this.#storage, [], this.#environment).env ?? {};
    const args = ["--lazy", "--", join(this.#storage.root, "overlay")];
    await runCommand({ file: "umount", args, env, cwd: "/" }); // which fails if it is not mounted
  }

  async #removeUnwanted(): Promise<void> {
    await this.#run(["rm", "--all"]);
    const oldest = this.#clock.now() - this.#bounds.age;
    const kept = (await this.#ledger.all()).filter(([, { builtAt }]) => builtAt >= oldest);
    const wanted = kept.flatMap(([, { images, goodImages }]) => [...images, ...goodImages]);
    const names = new Set(kept.map(([app]) => buildahName(app)));
    const isWanted = ({ id, names: own }: StoredImage): boolean => {
      if (own !== null && own.some((name) => names.has(name) || !name.startsWith(BUILDAH_PREFIX))) return true;
      return wanted.some((begin) => begin.startsWith(id) || id.startsWith(begin));
    };
    const listed = await this.#run(["images", "--all", "--json"]);
    const images = (JSON.parse(listed === "" ? "[]" : listed) ?? []) as StoredImage[];
    const unwanted = images.filter((image) => !isWanted(image)).map(({ id }) => id);
    if (unwanted.length > 0) await this.#run(["rmi", "--force", ...unwanted]);
    if ((await this.#size()) > this.#bounds.bytes) await this.#run(["rmi", "--all", "--force"]);
  }

  async #size(): Promise<number> {
    const env = buildah(this.#storage, [], this.#environment).env ?? {};
    const { stdout } = await runCommand({ file: "du", args: ["-s", "-B1", "--", this.#storage.root], env, cwd: "/" });
    return Number.parseInt(stdout.toString(), 10) || 0;
  }

  async #run(args: readonly string[]): Promise<string> {
    const command: Command = { ...buildah(this.#storage, args, this.#environment), cwd: "/" };
    const { code, stdout, stderr } = await runCommand(command);
    if (code === 0) return stdout.toString("utf8").trim();
    throw buildahFailure(args, stderr);
  }
}
