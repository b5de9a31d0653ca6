import type { RemotesPort } from "../deployer/index.ts";
import { parseRegistry } from "../images/index.ts";
import type { Clock } from "../shared/clock.ts";
import type { Logger } from "../shared/log.ts";
import { parseRemote, Poller } from "../sources/index.ts";

interface Dependencies {
  clock: Clock;
  log: Logger;
  /** Looks at the refs of an app's repository. */
  lookAtRefs(app: string): Promise<unknown>;
  /** Looks at the tags of an app's images. */
  lookAtImages(app: string): Promise<unknown>;
  /** 0 to 1; for tests. */
  random?: () => number;
}

/** What is polled of an app. */
type Kind = "repository" | "image";

/** One poller for what lives elsewhere: repositories of git, and of images. To be stopped. */
export function remotesPort(options: Dependencies): RemotesPort & { stop(): Promise<void> } {
  const { clock, log, random } = options;
  const look = { repository: options.lookAtRefs, image: options.lookAtImages } as const;
  const poller = new Poller({
    clock,
    log,
    ...(random && { random }),
    poll: (subject) => {
      const [kind, app] = subject.split(" ") as [Kind, string];
      return look[kind](app);
    },
  });
  const nameOf = (kind: Kind, app: string): string => `${kind} ${app}`; // the names of apps hold no space
  return {
    watch({ name, repository, image, pollMs }) {
      const ofGit = nameOf("repository", name);
      if (repository === null) void poller.delete(ofGit);
      else poller.set(ofGit, { address: repository, host: parseRemote(repository, name).host, pollMs });
      const ofImages = nameOf("image", name);
      if (image === null) void poller.delete(ofImages);
      else poller.set(ofImages, { address: image.repository, host: hostOf(image.repository), pollMs });
    },
    async forget(app) {
      await Promise.all([poller.delete(nameOf("repository", app)), poller.delete(nameOf("image", app))]);
    },
    trouble: (app) => poller.trouble(nameOf("repository", app)) ?? poller.trouble(nameOf("image", app)),
    stop: () => poller.stop(),
  };
}

function hostOf(repository: string): string {
  return parseRegistry(repository.slice(0, repository.indexOf("/")));
}
