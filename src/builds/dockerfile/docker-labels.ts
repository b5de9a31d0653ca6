import { createHash } from "node:crypto";

/** The label with the app's name. */
export const APP_LABEL = "steppe.app";
/** The label that says which Steppe made it: there may be several on one Docker. */
const DATA_LABEL = "steppe.data";
/** The label of what the classic builder makes on the way; the image that comes out has another value. */
const STEP_LABEL = "steppe.build";

/** The labels of what one Steppe builds. */
export class DockerLabels {
  readonly #data: string;

  /** @param dataFolder the real path of the data folder */
  constructor(dataFolder: string) {
    this.#data = createHash("sha256").update(dataFolder).digest("hex").slice(0, 16);
  }

  /** Of the image that comes out. */
  image(app: string): Record<string, string> {
    return { [APP_LABEL]: app, [DATA_LABEL]: this.#data, [STEP_LABEL]: "image" };
  }

  /** Of what is made on the way. */
  step(app: string): Record<string, string> {
    return { ...this.image(app), [STEP_LABEL]: "step" };
  }

  /** Options that list what is of this Steppe, or of one app of it. */
  filter(app?: string): string[] {
    const labels = [`${DATA_LABEL}=${this.#data}`, ...(app === undefined ? [] : [`${APP_LABEL}=${app}`])];
    return labels.flatMap((label) => ["--filter", `label=${label}`]);
  }

  /** Options that list what is on the way. */
  stepFilter(app?: string): string[] {
    return [...this.filter(app), "--filter", `label=${STEP_LABEL}=step`];
  }
}
