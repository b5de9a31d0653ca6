/** Stands for the image of a release where none is known. */
export const SOME_DIGEST = `sha256:${"0".repeat(64)}`;
