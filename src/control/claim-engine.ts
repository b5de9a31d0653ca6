import type { EngineName } from "../config/index.ts";
import { SteppeError } from "../shared/errors.ts";
import { AppTable, SettingTable, type Store } from "../store/index.ts";

/** Setting key: the engine that the releases in this store were made for. */
const ENGINE = "engine";

/**
 * A store with apps is one engine's: images and releases of another would run nowhere. Throws DATA_FOLDER_UNUSABLE.
 *
 * @param root of the data folder
 */
export function claimEngine(store: Store, engine: EngineName, root: string): void {
  const settings = new SettingTable(store);
  const before = settings.get(ENGINE) ?? "local";
  if (before !== engine && new AppTable(store).all().length > 0) {
    throw new SteppeError("DATA_FOLDER_UNUSABLE", {
      operation: "open data folder",
      subject: root,
      cause: `what is in it was deployed with --engine ${before}`,
      hint: `Start it with that; or begin with another folder (\`--data\`), and \`steppe apply\` the same steppe.yaml there.`,
    });
  }
  settings.set(ENGINE, engine);
}
