import { SteppeError } from "../shared/errors.ts";

/** The address of an API as we keep it: without a path, and without a slash at its end. Throws USAGE. */
export function parseServerUrl(text: string, where: string): string {
  const problem = (cause: string): SteppeError =>
    new SteppeError("USAGE", {
      operation: "read",
      subject: where,
      cause: `${JSON.stringify(text)} ${cause}`,
      hint: "Give the API's address, such as https://steppe.example.com.",
    });
  if (!URL.canParse(text)) throw problem("is no URL");
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") throw problem("does not begin with https:// or http://");
  if (url.username !== "" || url.password !== "") throw problem("has a user or a password in it");
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "")
    throw problem("has a path; give only scheme and host");
  return url.origin;
}
