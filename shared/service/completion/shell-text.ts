/** Text that goes into the source of a shell script. */

/** Between single quotes, where bash and zsh take every other character as it is. */
export function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A name for a function of the script. */
export function functionName(program: string): string {
  return `_${program.replaceAll(/[^a-zA-Z0-9]/g, '_')}`;
}
