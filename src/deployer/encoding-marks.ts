import { SettingTable, type Store } from "../store/index.ts";

const PREFIX = "encode:";

/** The apps of whose live release the compressed forms are still to be made: neither a crash nor a full disk makes us forget it. */
export class EncodingMarks {
  readonly #settings: SettingTable;

  constructor(store: Store) {
    this.#settings = new SettingTable(store);
  }

  /** To be called in the transaction that makes the release live. */
  set(app: string, release: number): void {
    this.#settings.set(PREFIX + app, String(release));
  }

  /** All of the release's forms are made; if another one is live by now, that is still to be done. */
  done(app: string, release: number): void {
    if (this.#settings.get(PREFIX + app) === String(release)) this.forget(app);
  }

  forget(app: string): void {
    this.#settings.delete(PREFIX + app);
  }

  apps(): string[] {
    return this.#settings.keysAfter(PREFIX);
  }
}
