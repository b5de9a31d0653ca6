import type { Api } from "../api/index.ts";
import type { SnapshotPublisher } from "../ingress/snapshot/index.ts";

interface Dependencies {
  api: Pick<Api, "listenOnSocket">;
  /** Where the API listens for the ingress. */
  socket: string;
  publisher: SnapshotPublisher;
}

/** Makes the ingress pass requests for `host` on to the API, by HTTPS alone, and for no other host. */
export async function routeControlHost(host: string | null, { api, socket, publisher }: Dependencies): Promise<void> {
  if (host !== null) await api.listenOnSocket(socket);
  await publisher.update((draft) => {
    for (const [known, { kind }] of draft.routes) if (kind === "control" && known !== host) draft.routes.delete(known);
    if (host !== null)
      draft.routes.set(host, { kind: "control", target: { socketPath: socket }, redirectToHttps: true });
  });
}
