/**
 * The configuration of a bare repository of an app; it is written whole, so that an upgrade changes it for all.
 * https://git-scm.com/docs/git-config
 */
export function repositoryConfig(maxPushBytes: number): string {
  return `[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\tlogAllRefUpdates = false
\t; what a push was answered "ok" for is there after a power cut: objects and refs
\tfsync = committed,reference
\tfsyncMethod = fsync
\thooksPath = /dev/null
\t; larger files are streamed, never held in memory
\tbigFileThreshold = 16m
[http]
\treceivepack = true
[transfer]
\t; a push is one pack, so one fsync, instead of a file per object
\tunpackLimit = 1
[receive]
\tautogc = false
\tdenyDeletes = false
\tdenyDeleteCurrent = ignore
\tmaxInputSize = ${maxPushBytes}
[gc]
\tauto = 0
[maintenance]
\tauto = false
[pack]
\twindowMemory = 64m
\tthreads = 1
`;
}
