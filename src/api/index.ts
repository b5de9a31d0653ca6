export { Api } from "./api.ts";
export {
  type ApiLimits,
  type ApiOptions,
  type ClusterService,
  type GitService,
  type LogRequest,
  type LogService,
  type ReceivedUpload,
  type UploadService,
} from "./api-options.ts";
export { LogFiles } from "./log-files.ts";
export { PlatformInspector, type InspectorOptions } from "./platform-inspector.ts";
export { pushUrl, siteUrls } from "./site-urls.ts";
export { loadToken, newToken } from "./token.ts";
