import { version } from "../shared/version.ts";
import { commands } from "./command-table.ts";
import { formatTable } from "./table.ts";

/** What `steppe help` says, or of a group (`steppe help app`) only its commands. */
export function generalHelp(group?: string): string {
  const shown = commands.filter(({ name }) => group === undefined || name.startsWith(`${group} `));
  const table = formatTable(shown.map(({ name, summary }) => [`  ${name}`, summary]));
  if (group !== undefined)
    return `Usage: steppe ${group} COMMAND …\n\n${table}\n\n\`steppe ${group} COMMAND --help\` tells more.\n`;
  return `Steppe ${version}: from a git tag to a live site.

Usage: steppe COMMAND …

${table}

\`steppe COMMAND --help\` tells more. Every command takes --json.

Which server: --data DIR, or STEPPE_URL and STEPPE_TOKEN, or the one that runs on the data folder (STEPPE_DATA, ./.steppe,
/var/lib/steppe), or the last \`steppe login\`.

Exit codes:
${formatTable(exitCodes.map(([code, meaning]) => [`  ${code}`, meaning]))}
`;
}

const exitCodes = [
  ["0", "it was done"],
  ["1", "with --exit-code: there is a difference"],
  ["2", "the command, its options or steppe.yaml are not right"],
  ["3", "something does not fit what is there: no such app, a domain that is taken"],
  ["4", "the token is missing or wrong, or the server refuses"],
  ["5", "something around is missing or in the way: the server, git, a port"],
  ["6", "the build, the site or its check failed; the last good release serves"],
  ["7", "the disk is full, or what is stored is damaged"],
  ["70", "a defect of Steppe"],
  ["130", "it was interrupted"],
] as const;
