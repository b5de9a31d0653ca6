import { SYSTEM_DATA_FOLDER } from "../find-server.ts";

export interface UnitOptions {
  /** The host name of the API and git, or null: then they are reachable on the machine itself only. */
  host: string | null;
}

export const SERVICE = "steppe.service";
export const SERVICE_USER = "steppe";
export const PROGRAM = "/usr/local/bin/steppe";
/** Where the API is on the machine itself. */
export const API_ADDRESS = "127.0.0.1:7070";

/**
 * The unit of systemd. Hardened as far as builds in a sandbox allow: bubblewrap wants user and mount namespaces and to mount a
 * `/proc` of its own, which the kernel refuses where parts of ours are hidden. So there is no RestrictNamespaces=,
 * ProtectKernelTunables=, ProtectKernelLogs=, ProtectProc=, ProcSubset= or ProtectHostname=; and MemoryDenyWriteExecute= would stop
 * Node's compiler. See systemd.exec(5).
 */
export function unitFile({ host }: UnitOptions): string {
  const options = [
    `--data ${SYSTEM_DATA_FOLDER}`,
    "--http :80",
    "--https :443",
    `--api ${API_ADDRESS}`,
    ...(host === null ? [] : [`--host ${host}`]),
  ];
  return `# Written by \`steppe install\`, and again by the next one. Changes of your own: systemctl edit steppe
[Unit]
Description=Steppe: from a git tag to a live site
After=network-online.target
Wants=network-online.target
# Never given up: the launcher waits longer and longer by itself.
StartLimitIntervalSec=0

[Service]
Type=exec
User=${SERVICE_USER}
Group=${SERVICE_USER}
ExecStart=${PROGRAM} up ${options.join(" ")}
# Restarts the control process alone; visitors notice nothing.
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=2
KillMode=mixed
TimeoutStopSec=60
# A build that eats all memory is killed alone.
OOMPolicy=continue
LimitNOFILE=1048576
UMask=0077
StateDirectory=steppe
StateDirectoryMode=0700
WorkingDirectory=${SYSTEM_DATA_FOLDER}
Environment=HOME=${SYSTEM_DATA_FOLDER}
# Whatever keeps the control process from starting, the ingress goes on serving.
Environment=STEPPE_SERVICE=1

# Ports 80 and 443 without root.
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
ProtectClock=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
`;
}

/** The `--host` of a unit that an earlier install wrote, or null. */
export function hostOfUnit(unit: string): string | null {
  return /^ExecStart=.* --host (\S+)/m.exec(unit)?.[1] ?? null;
}
