import { argv } from "node:process";
import { openReleasedImages, releaseNext } from "./image-releases.ts";

/** A process of the soak `images`, to be killed: `node release-images.ts FOLDER COUNT` goes on until there are so many releases. */
const [folder = "", count = "0"] = argv.slice(2);
using released = openReleasedImages(folder);
while (released.releases.length < Number(count)) await releaseNext(folder, released);
