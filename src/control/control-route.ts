import type { Route, SnapshotPublisher } from "../ingress/snapshot/index.ts";

interface Sockets {
  /** Where the API listens for the ingress. */
  api: string;
  /** Where the listener for webhooks does; null if there is no webhook. */
  webhooks: string | null;
}

/** Makes the ingress pass requests for `host` on to control, by HTTPS alone, and for no other host. */
export async function routeControlHost(
  host: string | null,
  { api, webhooks }: Sockets,
  publisher: SnapshotPublisher,
): Promise<void> {
  await publisher.update((draft) => {
    for (const [known, { kind }] of draft.routes) if (kind === "control" && known !== host) draft.routes.delete(known);
    if (host === null) return;
    const route: Route = { kind: "control", target: { socketPath: api }, redirectToHttps: true };
    draft.routes.set(host, webhooks === null ? route : { ...route, webhooks: { socketPath: webhooks } });
  });
}
