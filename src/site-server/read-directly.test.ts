import { Socket } from "node:net";
import { expect, test } from "vitest";
import { readDirectly } from "./read-directly.ts";

test("what comes is given in order, however often the socket is paused and goes on, and the end after it", async () => {
  const socket = new Socket();
  const got: string[] = [];
  readDirectly(socket, (chunk) => {
    got.push(chunk.toString());
    if (chunk.toString().endsWith("!")) socket.pause();
  });
  await new Promise(setImmediate);
  socket.push(Buffer.from("a"));
  expect(got).toEqual(["a"]);
  socket.push(Buffer.from("b!"));
  socket.push(Buffer.from("c"));
  socket.resume();
  socket.push(Buffer.from("d"));
  expect(got).toEqual(["a", "b!"]);
  await new Promise(setImmediate);
  expect(got.join("")).toBe("ab!cd");
  const ended = new Promise((resolve) => socket.on("end", resolve));
  socket.push(Buffer.from("e"));
  socket.push(null);
  await ended;
  expect(got.join("")).toBe("ab!cde");
});
