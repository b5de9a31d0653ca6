/** Names of the forms a file may have; `identity` is the file as it is. */
export type FormName = "identity" | "br" | "zstd" | "gzip";

const FORMS: readonly FormName[] = ["br", "zstd", "gzip", "identity"];

/** A quality for each form, 0 to 1; undefined is "not named". */
type Qualities = Partial<Record<FormName | "*", number>>;

/**
 * Chooses the form to send (RFC 9110, section 12.5.3): the highest quality, and of equal ones the smallest. A client that
 * refuses everything there is gets the file as it is, which the RFC allows and which serves it best.
 *
 * @param header the value of `Accept-Encoding`; undefined when it was not sent
 * @param sizeOf the size of a form in bytes, or undefined if the file has no such form
 */
export function chooseForm(header: string | undefined, sizeOf: (form: FormName) => number | undefined): FormName {
  if (header === undefined || header === "") return "identity";
  const qualities = parseQualities(header);
  let best: FormName = "identity";
  let bestQuality = 0;
  let bestSize = Infinity;
  for (const form of FORMS) {
    const size = sizeOf(form);
    if (size === undefined) continue;
    const quality = qualityOf(qualities, form);
    if (quality > bestQuality || (quality === bestQuality && quality > 0 && size < bestSize)) {
      best = form;
      bestQuality = quality;
      bestSize = size;
    }
  }
  return best;
}

/** `identity` that is not named is acceptable, but less than whatever is named. */
function qualityOf(qualities: Qualities, form: FormName): number {
  const named = qualities[form];
  if (named !== undefined) return named;
  if (form === "identity") return qualities["*"] === 0 ? 0 : 0.0001;
  return qualities["*"] ?? 0;
}

function parseQualities(header: string): Qualities {
  const qualities: Qualities = {};
  for (const part of header.split(",")) {
    const [name = "", ...parameters] = part.split(";");
    const form = formName(name.trim().toLowerCase());
    if (form !== undefined) qualities[form] = quality(parameters);
  }
  return qualities;
}

function formName(name: string): FormName | "*" | undefined {
  if (name === "x-gzip") return "gzip";
  if (name === "br" || name === "zstd" || name === "gzip" || name === "identity" || name === "*") return name;
  return undefined;
}

/** A quality that cannot be read counts as a refusal: sending what was not clearly asked for is the worse mistake. */
function quality(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const match = /^\s*q\s*=\s*(.*?)\s*$/i.exec(parameter);
    if (match === null) continue;
    return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(match[1] ?? "") ? Number(match[1]) : 0;
  }
  return 1;
}
