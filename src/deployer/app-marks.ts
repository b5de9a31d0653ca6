import { SettingTable, type Store } from "../store/index.ts";

/**
 * What can be left to do: `encode`, the compressed forms of the release that is live; `retiring`, the last step of the deployment that is live, without which two releases of an app may
 * run.
 */
type Task = "encode" | "retiring";

/** Of which apps something is left to do that neither a crash nor a full disk must make us forget: a setting for each, with the number of what it is about. */
export class AppMarks {
  readonly #settings: SettingTable;
  readonly #prefix: string;

  constructor(store: Store, task: Task) {
    this.#settings = new SettingTable(store);
    this.#prefix = `${task}:`;
  }

  /**
   * To be called in the transaction that makes it necessary.
   *
   * @param about the number of a release, or of a deployment
   */
  set(app: string, about: number): void {
    this.#settings.set(this.#prefix + app, String(about));
  }

  /** What of an app it is left to do for; undefined if nothing is. */
  of(app: string): number | undefined {
    const about = this.#settings.get(this.#prefix + app);
    return about === undefined ? undefined : Number(about);
  }

  /** It is done for this one; for another that came meanwhile it still is to be. */
  done(app: string, about: number): void {
    if (this.of(app) === about) this.forget(app);
  }

  forget(app: string): void {
    this.#settings.delete(this.#prefix + app);
  }

  apps(): string[] {
    return this.#settings.keysAfter(this.#prefix);
  }
}
