import { isSecretName } from "./secret-name.ts";

/** Whether a text seems to hold a credential: a URL with a password, or a name that says so before an equals sign or a colon, as in `--token=abc`. */
export function holdsSecret(text: string): boolean {
  const hasPassword = /[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:[^\s/@{$][^\s/@]*@/i.test(text);
  const said = [...text.matchAll(/([A-Za-z_][\w-]*)["']?[ \t]*[=:][ \t]*["']?[^\s"'{$]/g)];
  return hasPassword || said.some(([, word = ""]) => isSecretName(word));
}
