/** How a command ends: one line of what failed, one of what to do, and an exit code that tells the truth. */
import { messageOf, RejectedError, TransientError } from '../errors.ts';

/** Exit codes besides those of a verdict (0, 10, 20, 30); 64, 69 and 77 as in sysexits.h. */
/** `held`: people have to rule first. */
export const EXIT_CODES = { usage: 64, unavailable: 69, refused: 77, defect: 70, held: 75 } as const;

/** A command line that cannot be meant. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT_CODES.usage;
  if (error instanceof TransientError) return EXIT_CODES.unavailable;
  if (error instanceof RejectedError) return EXIT_CODES.refused;
  return EXIT_CODES.defect;
}

/** The lines for people: what failed with its causes, the code, the hint. */
export function describeFailure(program: string, error: unknown): string {
  const code = error instanceof RejectedError ? ` [${error.code}]` : '';
  const lines = [`${program}: ${withCauses(error)}${code}`];
  const hint = hintOf(error);
  if (hint !== undefined) lines.push(`hint: ${hint}`);
  if (exitCodeOf(error) === EXIT_CODES.defect && error instanceof Error && error.stack) lines.push(error.stack);
  return `${lines.join('\n')}\n`;
}

/** The same for `--json`: one object. */
export function failureJson(error: unknown): string {
  const code = error instanceof RejectedError ? error.code : undefined;
  return `${JSON.stringify({ error: { code, message: withCauses(error), hint: hintOf(error) } })}\n`;
}

function hintOf(error: unknown): string | undefined {
  if (error instanceof RejectedError || error instanceof TransientError || error instanceof UsageError)
    return error.hint;
  return undefined;
}

/** A cause that only says the same again, as a gRPC status does, is left out. */
function withCauses(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause === undefined) return messageOf(error);
  const why = withCauses(cause);
  const isRepeated = messageOf(error).includes(why.replace(/^\d+ [A-Z_]+: |\.? *Resolution note: .*$/gs, ''));
  return isRepeated ? messageOf(error) : `${messageOf(error)}: ${why}`;
}
