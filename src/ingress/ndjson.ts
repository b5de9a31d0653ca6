import type { Duplex } from "node:stream";

/** No message between control and ingress is longer; a longer line ends the connection. */
const MOST_BYTES = 1 << 20;

/**
 * Calls `onMessage` with each line of JSON that comes. A line that is no JSON, or is too long, destroys the stream with
 * an error: the other side is no Steppe.
 */
export function readMessages(stream: Duplex, onMessage: (message: unknown) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MOST_BYTES) stream.destroy(new Error("a line is too long"));
    for (const line of lines) {
      try {
        onMessage(JSON.parse(line));
      } catch (error) {
        stream.destroy(error instanceof Error ? error : new Error(String(error)));
        return;
      }
    }
  });
}

export function sendMessage(stream: Duplex, message: object): void {
  stream.write(`${JSON.stringify(message)}\n`);
}
