import type { Command } from "commander";
import type { Context } from "./context.ts";

/** What a command's file exports: its arguments, options and action, put onto a commander Command. */
export interface CommandModule {
  define(command: Command, context: Context): void;
}

export interface CommandEntry {
  /** `deploy`, `app add`. */
  name: string;
  summary: string;
  examples: readonly string[];
  load(): Promise<CommandModule>;
}

/** Every command, in the order of the help. A command's file is loaded only when it runs. */
export const commands: readonly CommandEntry[] = [
  {
    name: "up",
    summary: "run the platform",
    examples: ["steppe up", "steppe up --data /srv/steppe --http :80 --https :443"],
    load: () => import("./commands/up.ts"),
  },
  {
    name: "serve",
    summary: "serve a folder, without the platform",
    examples: ["steppe serve ./public", "steppe serve --port 8000 --clean-urls"],
    load: () => import("./commands/serve.ts"),
  },
  {
    name: "apply",
    summary: "make the apps be as steppe.yaml declares them",
    examples: ["steppe apply --dry-run", "steppe apply -f sites/steppe.yaml --prune"],
    load: () => import("./commands/apply.ts"),
  },
  {
    name: "validate",
    summary: "check a steppe.yaml, and change nothing",
    examples: ["steppe validate", "steppe validate -f sites/steppe.yaml"],
    load: () => import("./commands/validate.ts"),
  },
  {
    name: "app add",
    summary: "add an app",
    examples: [
      "steppe app add blog --domain blog.localhost",
      'steppe app add notes --domain notes.example.com --build "jekyll build" --output _site',
    ],
    load: () => import("./commands/app-add.ts"),
  },
  {
    name: "app list",
    summary: "list the apps",
    examples: ["steppe app list"],
    load: () => import("./commands/app-list.ts"),
  },
  {
    name: "app show",
    summary: "show an app: its definition, addresses and state",
    examples: ["steppe app show blog", 'git remote add steppe "$(steppe app show blog --push-url)"'],
    load: () => import("./commands/app-show.ts"),
  },
  {
    name: "app remove",
    summary: "remove an app with its repository, releases and logs",
    examples: ["steppe app remove blog"],
    load: () => import("./commands/app-remove.ts"),
  },
  {
    name: "app purge",
    summary: "forget the files of earlier releases that are still reachable",
    examples: ["steppe app purge blog"],
    load: () => import("./commands/app-purge.ts"),
  },
  {
    name: "deploy",
    summary: "deploy a tag, a branch, an image or a folder, and follow it",
    examples: ["steppe deploy blog --tag v2", "steppe deploy blog --dir ./public --no-grace"],
    load: () => import("./commands/deploy.ts"),
  },
  {
    name: "status",
    summary: "show what runs, or how an app is",
    examples: ["steppe status", "steppe status blog"],
    load: () => import("./commands/status.ts"),
  },
  {
    name: "releases",
    summary: "list the releases of an app that are kept",
    examples: ["steppe releases blog"],
    load: () => import("./commands/releases.ts"),
  },
  {
    name: "rollback",
    summary: "go back to the release before, or to any that is kept",
    examples: ["steppe rollback blog", "steppe rollback blog 12"],
    load: () => import("./commands/rollback.ts"),
  },
  {
    name: "approve",
    summary: "let a deployment go live that waits for approval, or reject it",
    examples: ["steppe approve blog", "steppe approve blog 12 --reject"],
    load: () => import("./commands/approve.ts"),
  },
  {
    name: "pause",
    summary: "let nothing of an app go live by itself, until it is resumed",
    examples: ['steppe pause blog --reason "the sale is on"'],
    load: () => import("./commands/pause.ts"),
  },
  {
    name: "resume",
    summary: "end a pause",
    examples: ["steppe resume blog"],
    load: () => import("./commands/resume.ts"),
  },
  {
    name: "plan",
    summary: "show what a deployment would change in an app's job on Nomad",
    examples: ["steppe plan blog", "steppe plan blog --release 12", "steppe plan blog --exit-code"],
    load: () => import("./commands/plan.ts"),
  },
  {
    name: "promote",
    summary: "let canaries take over that are healthy and wait for it, or reject them",
    examples: ["steppe promote blog", "steppe promote blog --reject"],
    load: () => import("./commands/promote.ts"),
  },
  {
    name: "drift",
    summary: "show what somebody else changed in the jobs of apps on Nomad",
    examples: ["steppe drift", "steppe drift blog --overwrite"],
    load: () => import("./commands/drift.ts"),
  },
  {
    name: "nomad adopt",
    summary: "make an app of a job that runs on Nomad",
    examples: [
      "steppe nomad adopt blog",
      "steppe nomad adopt blog --write steppe.yaml",
      "steppe nomad adopt blog --apply",
    ],
    load: () => import("./commands/nomad-adopt.ts"),
  },
  {
    name: "cluster doctor",
    summary: "check Nomad, Consul, Fabio and the registry, and say what to mend",
    examples: ["steppe cluster doctor", "NOMAD_ADDR=http://10.0.0.1:4646 steppe cluster doctor --local"],
    load: () => import("./commands/cluster-doctor.ts"),
  },
  {
    name: "build",
    summary: "make an image of a folder, and push it; no Docker, no server",
    examples: [
      "steppe build ./public --tag registry.example.com/team/site:v2 --push",
      "steppe build ./public --tag site:v2 --output site.tar && docker load --input site.tar",
    ],
    load: () => import("./commands/build.ts"),
  },
  {
    name: "image ls",
    summary: "list the images that are kept, and which releases need them",
    examples: ["steppe image ls"],
    load: () => import("./commands/image-ls.ts"),
  },
  {
    name: "image inspect",
    summary: "show what an image is, of this server or of a registry",
    examples: ["steppe image inspect blog", "steppe image inspect registry.example.com/team/site:v2 --json"],
    load: () => import("./commands/image-inspect.ts"),
  },
  {
    name: "image pull",
    summary: "fetch an image of a registry",
    examples: ["steppe image pull registry.example.com/team/site:v2"],
    load: () => import("./commands/image-pull.ts"),
  },
  {
    name: "image push",
    summary: "send an image to a registry",
    examples: [
      "steppe image push blog registry.example.com/team/blog:v2",
      "steppe image push blog:12 registry.example.com/team/blog:v1",
    ],
    load: () => import("./commands/image-push.ts"),
  },
  {
    name: "image export",
    summary: "write the image of a release, as an OCI archive or layout",
    examples: ["steppe image export blog", "steppe image export blog 12 --output ./layout/"],
    load: () => import("./commands/image-export.ts"),
  },
  {
    name: "image gc",
    summary: "the same as `steppe gc`",
    examples: ["steppe image gc"],
    load: () => import("./commands/gc.ts"),
  },
  {
    name: "webhook add",
    summary: "let a sender tell of pushes, and print what to give it",
    examples: [
      "steppe webhook add hub --sender docker-hub",
      "steppe webhook add registry --sender distribution --json",
    ],
    load: () => import("./commands/webhook-add.ts"),
  },
  {
    name: "webhook list",
    summary: "list the webhooks",
    examples: ["steppe webhook list"],
    load: () => import("./commands/webhook-list.ts"),
  },
  {
    name: "webhook rotate",
    summary: "give a webhook a new secret; for a while both hold",
    examples: ["steppe webhook rotate hub", "steppe webhook rotate hub --finish"],
    load: () => import("./commands/webhook-rotate.ts"),
  },
  {
    name: "webhook test",
    summary: "send a delivery as the sender would, and show what comes of it",
    examples: ["steppe webhook test hub"],
    load: () => import("./commands/webhook-test.ts"),
  },
  {
    name: "webhook deliveries",
    summary: "list what came, how it was answered, and what came of it",
    examples: ["steppe webhook deliveries", "steppe webhook deliveries hub --limit 100"],
    load: () => import("./commands/webhook-deliveries.ts"),
  },
  {
    name: "webhook redeliver",
    summary: "read a delivery once again, and act on it",
    examples: ["steppe webhook redeliver 17"],
    load: () => import("./commands/webhook-redeliver.ts"),
  },
  {
    name: "webhook remove",
    summary: "remove a webhook",
    examples: ["steppe webhook remove hub"],
    load: () => import("./commands/webhook-remove.ts"),
  },
  {
    name: "logs",
    summary: "show the access log of an app, or the log of its build",
    examples: ["steppe logs blog --follow", "steppe logs blog --build"],
    load: () => import("./commands/logs.ts"),
  },
  {
    name: "open",
    summary: "print the address of an app, and open it in a browser",
    examples: ["steppe open blog"],
    load: () => import("./commands/open.ts"),
  },
  {
    name: "ca install",
    summary: "make this machine trust the local CA",
    examples: ["sudo steppe ca install --data ./.steppe"],
    load: () => import("./commands/ca-install.ts"),
  },
  {
    name: "ca show",
    summary: "print the local CA's certificate",
    examples: ["steppe ca show > steppe-ca.pem"],
    load: () => import("./commands/ca-show.ts"),
  },
  {
    name: "install",
    summary: "install Steppe on this machine as a service of systemd",
    examples: ["sudo steppe install --host steppe.example.com", "steppe install --dry-run"],
    load: () => import("./commands/install.ts"),
  },
  {
    name: "login",
    summary: "remember the address and the token of a server",
    examples: ["steppe login https://steppe.example.com", "steppe login https://steppe.example.com < token"],
    load: () => import("./commands/login.ts"),
  },
  {
    name: "backup",
    summary: "write a backup of everything",
    examples: ["steppe backup", "steppe backup /srv/backups/steppe.tar"],
    load: () => import("./commands/backup.ts"),
  },
  {
    name: "restore",
    summary: "restore a backup into a data folder that nothing runs on",
    examples: ["steppe restore steppe-backup.tar --data ./.steppe"],
    load: () => import("./commands/restore.ts"),
  },
  {
    name: "gc",
    summary: "free what no kept release needs",
    examples: ["steppe gc"],
    load: () => import("./commands/gc.ts"),
  },
];

/** The groups, whose commands have two words. */
export const groups: ReadonlySet<string> = new Set(
  commands.flatMap(({ name }) => (name.includes(" ") ? [name.slice(0, name.indexOf(" "))] : [])),
);
