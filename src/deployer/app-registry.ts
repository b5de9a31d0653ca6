import { isDeepStrictEqual } from "node:util";
import { type AppDefinition, diffDefinitions } from "../config/index.ts";
import { SteppeError } from "../shared/errors.ts";
import { type AppRow, AppTable } from "../store/index.ts";
import { assertKeysFree } from "./compatible-keys.ts";
import { assertDomainsFree, claimDomains, redistributeDomains } from "./domains.ts";
import type { DeployerDependencies } from "./dependencies.ts";
import type { Change } from "./types.ts";

/** What an `apply` would do, worked out before anything is changed. */
export interface ApplyPlan {
  add: AppDefinition[];
  change: Array<{ before: AppRow; after: AppDefinition }>;
  remove: string[];
  changes: Change[];
}

/** Which apps there are and what they are declared to be. */
export class AppRegistry {
  readonly #dependencies: DeployerDependencies;
  readonly #apps: AppTable;

  constructor(dependencies: DeployerDependencies) {
    this.#dependencies = dependencies;
    this.#apps = new AppTable(dependencies.store);
  }

  all(): AppRow[] {
    return this.#apps.all();
  }

  /** Throws APP_NOT_FOUND. */
  get(name: string): AppRow {
    const row = this.#apps.get(name);
    if (row === undefined) {
      throw new SteppeError("APP_NOT_FOUND", {
        operation: "find",
        subject: `app ${name}`,
        cause: "there is no such app",
      });
    }
    return row;
  }

  /** Throws APP_EXISTS, DOMAIN_TAKEN, CONFIG_INVALID if another app writes its key in Consul, and what the engine refuses. */
  add(definition: AppDefinition, paused: AppRow["paused"] = null): void {
    const { store, engine, clock } = this.#dependencies;
    if (this.#apps.get(definition.name) !== undefined) {
      throw new SteppeError("APP_EXISTS", {
        operation: "add",
        subject: `app ${definition.name}`,
        cause: "there is an app of that name",
        hint: `\`steppe app show ${definition.name}\` shows it; \`steppe apply\` changes it.`,
      });
    }
    engine.validate(definition);
    assertKeysFree(store, [definition], []);
    store.transaction(() => {
      this.#insert(definition, clock.now());
      if (paused !== null) this.#apps.setPaused(definition.name, paused);
      claimDomains(store, definition.name, definition.domains);
    });
  }

  /** Compares what is declared with what is. Throws DOMAIN_TAKEN, CONFIG_INVALID if two apps write one key in Consul, and what the engine refuses. */
  plan(definitions: readonly AppDefinition[], prune: boolean): ApplyPlan {
    const plan: ApplyPlan = { add: [], change: [], remove: [], changes: [] };
    for (const definition of definitions) {
      const before = this.#apps.get(definition.name);
      if (before !== undefined && isDeepStrictEqual(before.definition, definition)) {
        plan.changes.push({ app: definition.name, action: "none", fields: [] }); // it was taken once
        continue;
      }
      this.#dependencies.engine.validate(definition);
      if (before === undefined) {
        plan.add.push(definition);
        plan.changes.push({ app: definition.name, action: "add", fields: [] });
      } else {
        plan.change.push({ before, after: definition });
        plan.changes.push({
          app: definition.name,
          action: "change",
          fields: diffDefinitions(before.definition, definition),
        });
      }
    }
    if (prune) {
      const declared = new Set(definitions.map((definition) => definition.name));
      plan.remove = this.all().flatMap((app) => (declared.has(app.name) ? [] : [app.name]));
      plan.changes.push(...plan.remove.map((app): Change => ({ app, action: "remove", fields: [] })));
    }
    assertDomainsFree(this.#dependencies.store, definitions, plan.remove);
    const asked = [...plan.add, ...plan.change.map(({ after }) => after)];
    assertKeysFree(this.#dependencies.store, asked, plan.remove);
    return plan;
  }

  /** Writes what is to be added and changed, in one transaction. Throws as `plan` does, having changed nothing. */
  planAndWrite(definitions: readonly AppDefinition[]): ApplyPlan {
    const { store, clock } = this.#dependencies;
    return store.transaction(() => {
      const plan = this.plan(definitions, false);
      const now = clock.now();
      for (const definition of plan.add) this.#insert(definition, now);
      for (const { after } of plan.change) this.#apps.updateDefinition(after, now);
      redistributeDomains(store);
      return plan;
    });
  }

  #insert(definition: AppDefinition, now: number): void {
    this.#apps.insert(definition, this.#dependencies.newPushToken(), now);
  }
}
