/** What reading a part of a head comes to: READ, INCOMPLETE, or a status, negated, with which the head is refused. */
export const READ: i32 = 1;
export const INCOMPLETE: i32 = 0;

/** The outcome of a head that is answered with `status`, after which the connection ends. */
export function refuse(status: i32): i32 {
  return -status;
}
