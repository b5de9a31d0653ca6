export type {
  AnswerBody,
  FileAnswer,
  FileAnswerer,
  FileRequest,
  PackRange,
  SiteFile,
  SiteLookup,
  SiteView,
} from "./file-answerer.ts";
export { StaticAnswerer } from "./static-answerer.ts";
export { PackBodies, type PackBodiesOptions } from "./pack-bodies.ts";
export { sendAnswer } from "./send-answer.ts";
