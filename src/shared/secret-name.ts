/** Whether the name of a field, a variable or an option says that what it holds is a credential, and not the file that it is in. */
export function isSecretName(name: string): boolean {
  return (
    /passw|passphrase|secret|token|credential|auth(?!or(?!i))|(private|ssh|api|access)[-_]?key/i.test(name) &&
    !/[-_](file|path)$/i.test(name)
  );
}
