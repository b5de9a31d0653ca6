type Paint = (text: string) => string;

/** Colours, where they are wanted; else the text itself. */
export interface Style {
  dim: Paint;
  bold: Paint;
  red: Paint;
  green: Paint;
  yellow: Paint;
}

/** Colours on a terminal, unless NO_COLOR (https://no-color.org) or TERM=dumb says otherwise. */
export function styleFor(stream: { isTTY?: boolean }, env: Readonly<Record<string, string | undefined>>): Style {
  const wanted = stream.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
  const paint = (open: number, close: number): Paint =>
    wanted ? (text) => `\u001b[${open}m${text}\u001b[${close}m` : (text) => text;
  return { dim: paint(2, 22), bold: paint(1, 22), red: paint(31, 39), green: paint(32, 39), yellow: paint(33, 39) };
}

/**
 * What a terminal obeys (C0, DEL, C1) and what turns text around on it, so that it reads as other than it is
 * (https://trojansource.codes): the one list for all that others wrote and people see.
 */
export const terminalControls = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** What a server or a site sent, without what a terminal would obey; line ends and tabs stay. */
export function printable(text: string): string {
  return text.replace(terminalControls, (control) => (control === "\n" || control === "\t" ? control : "\ufffd"));
}

/** As `printable`, for text that a Style has painted: its colours stay. */
export function printablePainted(text: string): string {
  return text
    .split(/(\u001b\[(?:1|2|22|31|32|33|39)m)/)
    .map((part, index) => (index % 2 === 1 ? part : printable(part)))
    .join("");
}
