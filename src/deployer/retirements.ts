import { SettingTable, type Store } from "../store/index.ts";

/** Setting key: of an app a release is live, and what served before may still be there. */
const RETIRING = "retiring:";

/** The last step of deployments that are live, which a crash must not make us forget: until it is taken, two releases of an app may run. */
export class Retirements {
  readonly #settings: SettingTable;

  constructor(store: Store) {
    this.#settings = new SettingTable(store);
  }

  /** To be called within the transaction that makes a deployment live. */
  begin(app: string, deployment: number): void {
    this.#settings.set(RETIRING + app, String(deployment));
  }

  /** Nothing is left to retire. */
  end(app: string): void {
    this.#settings.delete(RETIRING + app);
  }

  /** The deployment of an app whose last step may not have been taken. */
  of(app: string): number | undefined {
    const deployment = this.#settings.get(RETIRING + app);
    return deployment === undefined ? undefined : Number(deployment);
  }

  /** The apps of which it may not have been taken. */
  left(): string[] {
    return this.#settings.keysAfter(RETIRING);
  }
}
