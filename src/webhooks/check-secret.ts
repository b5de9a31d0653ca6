import { SteppeError } from "../shared/errors.ts";
import { LEAST_KEY_BYTES, signingKeyOf, STANDARD_PREFIX } from "./signing-token.ts";
import type { Sender } from "./types.ts";

const LEAST = 16;
const MOST = 256;
/** What can be typed into a field or a header, and be the end of an address. */
const FORM = /^[A-Za-z0-9._~-]+$/;

/** Refuses a secret that somebody else made if it is short, or cannot be given to the sender. Throws USAGE, which does not tell it. */
export function checkSecret(secret: string, sender: Sender, name: string): void {
  const problem = problemOf(secret, sender);
  if (problem === undefined) return;
  throw new SteppeError("USAGE", {
    operation: "take the secret of",
    subject: `webhook ${name}`,
    cause: problem,
    hint: "Leave it out, and one is made.",
  });
}

function problemOf(secret: string, sender: Sender): string | undefined {
  if (secret.startsWith(STANDARD_PREFIX)) {
    if (sender !== "gitlab") return "a signing token (whsec_…) is of GitLab only";
    const bytes = signingKeyOf(secret).length;
    return bytes < LEAST_KEY_BYTES ? `a signing token has at least ${LEAST_KEY_BYTES} bytes` : undefined;
  }
  if (secret.length < LEAST || secret.length > MOST) return `it has ${LEAST} to ${MOST} characters`;
  return FORM.test(secret) ? undefined : "it has other characters than letters, digits and `.` `_` `~` `-`";
}
