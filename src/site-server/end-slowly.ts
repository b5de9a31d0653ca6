import type { Socket } from "node:net";

/**
 * Ends a connection after its last answer. What the client still sends is taken and dropped, until the caller destroys the socket: to close at once
 * would reset the connection, and the client might lose the answer; to read on for ever would let it send gigabytes to nobody.
 *
 * @param stalledMs so long, milliseconds, the client may take nothing of the answer
 * @param onSent the client's system has all of the answer: the time begins in which it may still send
 */
export function endSlowly(socket: Socket, stalledMs: number, onSent: () => void): void {
  if (socket.writableLength > 0) {
    // The client is still to take the answer: as long as it does so, it has the time.
    socket.setTimeout(stalledMs);
    socket.pause();
  }
  socket.end(() => {
    onSent();
    socket.resume();
  });
}
