/** In the folder of caches: what is kept for builds by Docker, and by buildah. No app has such a name. */
export const DOCKER_FOLDER = "@docker";
export const BUILDAH_FOLDER = "@buildah";
/** There, too: the file that remembers which layers sites were made of. */
export const LAYER_CACHE = "@layers.json";
/** In a workspace: the file that names the tool that builds there. */
export const TOOL_FILE = "tool";
