/**
 * Paths at which Docker Hub's webhooks are received though nothing proves who sent them: senders were told `https://…/blog` before there was Steppe. What comes there is believed so little that
 * only the repositories of the apps that name the path are looked at.
 */
export interface OpenPaths {
  /** The repositories of the apps that name it, `registry.example.com/team/blog`; none: nobody does. */
  repositories(path: string): readonly string[];
  /** Whether there is one. */
  has(): boolean;
}

/** Whether what deliveries came by is such a path, and not the name of a webhook. */
export function isOpenPath(webhook: string): boolean {
  return webhook.startsWith("/");
}

/** The paths that apps name; several may name the same. */
export class OpenPathTable implements OpenPaths {
  readonly #ofApps = new Map<string, { path: string; repository: string }>();

  repositories(path: string): string[] {
    const all = [...this.#ofApps.values()].filter((open) => open.path === path).map(({ repository }) => repository);
    return [...new Set(all)];
  }

  has(): boolean {
    return this.#ofApps.size > 0;
  }

  /** What an app says now; null for nothing. */
  set(app: string, open: { path: string; repository: string } | null): void {
    if (open === null) this.#ofApps.delete(app);
    else this.#ofApps.set(app, open);
  }
}
