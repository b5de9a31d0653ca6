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

/** What a server or a site sent, without what would move the cursor or colour a terminal. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd");
}

/** As `printable`, for text that a Style has painted: colours stay, and nothing else that a terminal would obey. */
export function printablePainted(text: string): string {
  return text.replace(/\u001b(?!\[\d{1,2}m)|[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f]/g, "\ufffd");
}
