export { input, request, answer } from "./buffers";
export { date, setTime } from "./http-date";
export { parse } from "./parse";
export { begin, field, target } from "./request-parts";
export { respond, respondKept, respondStatus } from "./respond";
export { siteCheck } from "./site-check";
export { sourceName, setTag } from "./site-parts";
export { siteFree, siteRoom } from "./site-room";
